//! Names that a shell makes of others before a program sees them: braces, and globs that may name a known file.

/// More names than this are not made of braces.
const MOST_NAMES: usize = 64;

/// The names that braces make of one, `~/.{aws,ssh}/x`; the name itself where it has none, or too many.
pub(super) fn alternatives(name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    let mut done: Vec<String> = Vec::new();
    while let Some(name) = names.pop() {
        match braces(&name) {
            Some(made) if names.len().saturating_add(done.len()).saturating_add(made.len()) <= MOST_NAMES => {
                names.extend(made);
            }
            _ => done.push(name),
        }
    }
    done
}

/// The names that the first innermost braces of a name make.
fn braces(name: &str) -> Option<Vec<String>> {
    let mut opened = None;
    for (at, char) in name.char_indices() {
        match char {
            '{' if at == 0 || name.as_bytes().get(at.saturating_sub(1)) != Some(&b'$') => opened = Some(at),
            // The braces of a variable are none.
            '{' => opened = None,
            '}' => {
                let inside = opened.and_then(|open| name.get(open.saturating_add(1)..at));
                if let (Some(open), Some(inside)) = (opened, inside.filter(|inside| inside.contains(','))) {
                    let before = name.get(..open).unwrap_or_default();
                    let after = name.get(at.saturating_add(1)..).unwrap_or_default();
                    return Some(inside.split(',').map(|part| format!("{before}{part}{after}")).collect());
                }
                opened = None;
            }
            _ => {}
        }
    }
    None
}

/// Whether a glob (`/etc/sh*w`, `/etc/?hadow`) matches a known name.
pub(super) fn may_expand_to(glob: &str, known: &str) -> bool {
    if overlap(glob, known) {
        return true;
    }
    // What a known name may be followed by makes it no other file: the glob has to reach its beginning.
    let known = known.strip_suffix('*').unwrap_or(known);
    if !glob.contains(['*', '?', '[']) || known.contains('*') || glob.starts_with('*') {
        return false;
    }
    if glob.matches('*').count() > 4 {
        // Too many ways to try: what stands before the first decides.
        return glob.split(['*', '?', '[']).next().is_some_and(|head| known.starts_with(head));
    }
    glob_matches(glob, known)
}

pub(super) fn glob_matches(glob: &str, name: &str) -> bool {
    let mut glob_chars = glob.chars();
    let mut name_chars = name.chars();
    match glob_chars.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = glob_chars.as_str();
            let mut left = name;
            loop {
                if glob_matches(rest, left) {
                    return true;
                }
                let mut chars = left.chars();
                match chars.next() {
                    None | Some('/') => return false,
                    Some(_) => left = chars.as_str(),
                }
            }
        }
        Some('?') => {
            name_chars.next().is_some_and(|char| char != '/') && glob_matches(glob_chars.as_str(), name_chars.as_str())
        }
        Some('[') => {
            let Some((set, rest)) = glob_chars.as_str().split_once(']') else {
                return false;
            };
            name_chars.next().is_some_and(|char| set.contains(char) || set.contains('-') || set.starts_with(['!', '^']))
                && glob_matches(rest, name_chars.as_str())
        }
        Some(char) => name_chars.next() == Some(char) && glob_matches(glob_chars.as_str(), name_chars.as_str()),
    }
}

/// Whether a glob and a pattern for files of one folder may name the same file, part by part. A pattern that begins anywhere
/// says nothing here: every `*.json` may be somebody's secrets.
pub(super) fn overlap(glob: &str, pattern: &str) -> bool {
    let anchored = |text: &str| text.starts_with(['/', '~']);
    if !pattern.contains('*') || !glob.contains(['*', '?', '[']) || !anchored(glob) || !anchored(pattern) {
        return false;
    }
    let mut globs = glob.split('/');
    let mut parts = pattern.split('/').peekable();
    while let Some(part) = parts.next() {
        let Some(given) = globs.next() else {
            return false;
        };
        // A star alone hides no name that begins with a dot.
        if part.starts_with('.') && !given.starts_with('.') || !may_be_one(given, part) {
            return false;
        }
        if parts.peek().is_none() && part.ends_with('*') {
            return true;
        }
    }
    globs.next().is_none()
}

/// Whether two patterns of one part of a name may match the same; a set in brackets may be any letter.
fn may_be_one(one: &str, other: &str) -> bool {
    let (one, other) = (plain(one), plain(other));
    // The beginnings have to agree up to the first star of either, and the ends from the last.
    let agree = |one: &mut dyn Iterator<Item = char>, other: &mut dyn Iterator<Item = char>| loop {
        match (one.next(), other.next()) {
            (Some('*'), _) | (_, Some('*')) | (None, None) => return true,
            (Some(left), Some(right)) if left == right || left == '?' || right == '?' => {}
            _ => return false,
        }
    };
    agree(&mut one.chars(), &mut other.chars()) && agree(&mut one.chars().rev(), &mut other.chars().rev())
}

fn plain(part: &str) -> String {
    let mut made = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('[') {
        made.push_str(before);
        made.push('?');
        rest = after.split_once(']').map_or("", |(_, rest)| rest);
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_make_names() {
        let mut made = alternatives("~/.{aws,ssh}/{a,b}");
        made.sort();
        assert_eq!(made, ["~/.aws/a", "~/.aws/b", "~/.ssh/a", "~/.ssh/b"]);
        assert_eq!(alternatives("${HOME}/x"), ["${HOME}/x"]);
        assert_eq!(alternatives("a{b}c"), ["a{b}c"]);
        assert!(alternatives(&"{a,b}".repeat(40)).len() <= MOST_NAMES);
    }

    #[test]
    fn a_glob_may_name_what_a_pattern_does() {
        for (glob, pattern) in [
            ("~/.a*/cred*", "~/.aws/*"),
            ("~/.ss*/config", "~/.ssh/*"),
            ("~/.ss?/id_*", "~/.ssh/id_*"),
            ("/proc/[0-9]*/environ", "/proc/*/environ"),
        ] {
            assert!(overlap(glob, pattern), "{glob} {pattern}");
        }
        for (glob, pattern) in [
            ("~/*", "~/.ssh/*"),
            ("~/*/config", "~/.ssh/*"),
            ("src/*.json", "*secrets.json"),
            ("/usr/lib/*.so", "/usr/lib/python*/sitecustomize.py"),
            ("/tmp/*", "/etc/shadow*"),
            ("~/src/*", "~/.aws/*"),
        ] {
            assert!(!overlap(glob, pattern), "{glob} {pattern}");
        }
    }
}
