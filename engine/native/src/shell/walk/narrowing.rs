//! Whether the expression of a `find` limits what it removes, by its `-delete` or by a command that it runs.

use super::args::Arg;
use super::carriers::FIND_RUNS;

/// Tests that take a word and leave files out of what a command is run for.
const ASK: &[&str] = &[
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-newer",
    "-anewer",
    "-cnewer",
    "-size",
    "-user",
    "-perm",
    "-path",
    "-ipath",
    "-wholename",
    "-iwholename",
    "-regex",
    "-iregex",
];

/// Other tests and actions that take a word.
const TAKE_ONE: &[&str] = &[
    "-type",
    "-xtype",
    "-group",
    "-uid",
    "-gid",
    "-maxdepth",
    "-mindepth",
    "-regextype",
    "-links",
    "-inum",
    "-samefile",
    "-fstype",
    "-lname",
    "-ilname",
    "-printf",
];

/// Tests and actions that take none.
const TAKE_NONE: &[&str] = &[
    "-print",
    "-print0",
    "-ls",
    "-xdev",
    "-mount",
    "-depth",
    "-d",
    "-daystart",
    "-follow",
    "-nouser",
    "-nogroup",
    "-readable",
    "-writable",
    "-executable",
    "-noleaf",
    "-prune",
    "-true",
    "-false",
    "-quit",
];

/// Parentheses deeper than this are not followed.
const MAX_DEPTH: usize = 20;

/// What removes files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Delete,
    /// A command that is run for them. WHY other tests count: somebody wrote it out, and is asked about each `rm` anyway.
    Command,
}

/// Whether what removes files stands behind a test everywhere: for `-delete` one that leaves all but files of some name, or empty ones,
/// where they are. `words`: what follows the places where the search begins. Anything that is not understood limits nothing.
pub(super) fn is_limited(words: &[Arg], by: By) -> bool {
    let mut reading = Reading { words, by, at: 0, is_held: true };
    reading.list(false, 0).is_some() && reading.at == words.len() && reading.is_held
}

struct Reading<'a> {
    words: &'a [Arg],
    by: By,
    at: usize,
    /// Nothing that removes was met that nothing limits.
    is_held: bool,
}

impl Reading<'_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).and_then(|arg| arg.literal.as_deref())
    }

    fn accepts(&mut self, spelt: &[&str]) -> bool {
        let found = self.peek().is_some_and(|word| spelt.contains(&word));
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    /// `A , B`: each by itself. Whether what comes out of it is limited; `outer`: whether what leads here is.
    fn list(&mut self, outer: bool, depth: usize) -> Option<bool> {
        let mut limits = self.alternatives(outer, depth)?;
        while self.accepts(&[","]) {
            limits = self.alternatives(outer, depth)?;
        }
        Some(limits)
    }

    /// `A -o B`: limited where both are.
    fn alternatives(&mut self, outer: bool, depth: usize) -> Option<bool> {
        let mut limits = self.sequence(outer, depth)?;
        while self.accepts(&["-o", "-or"]) {
            limits &= self.sequence(outer, depth)?;
        }
        Some(limits)
    }

    /// `A B`: limited where one is; what stands behind it is led there by it.
    fn sequence(&mut self, outer: bool, depth: usize) -> Option<bool> {
        let mut limits = false;
        while !matches!(self.peek(), Some("-o" | "-or" | "," | ")")) && self.at < self.words.len() {
            if !self.accepts(&["-a", "-and"]) {
                limits |= self.one(outer || limits, depth)?;
            }
        }
        Some(limits)
    }

    fn one(&mut self, outer: bool, depth: usize) -> Option<bool> {
        let word = self.words.get(self.at)?.literal.as_deref()?;
        self.at = self.at.saturating_add(1);
        match word {
            "!" | "-not" => {
                self.one(outer, depth)?;
                Some(false)
            }
            "(" if depth < MAX_DEPTH => {
                let limits = self.list(outer, depth.saturating_add(1))?;
                self.accepts(&[")"]).then_some(limits)
            }
            "-delete" => {
                self.is_held &= outer || self.by != By::Delete;
                Some(false)
            }
            _ if self.by == By::Command && FIND_RUNS.contains(&word) => {
                self.is_held &= outer;
                self.command()
            }
            "-empty" => Some(true),
            "-name" | "-iname" if self.by == By::Command => {
                let pattern = self.words.get(self.at)?;
                self.at = self.at.saturating_add(1);
                Some(
                    pattern
                        .literal
                        .as_deref()
                        .is_none_or(|pattern| pattern.bytes().any(|byte| !b"*?.".contains(&byte))),
                )
            }
            "-name" | "-iname" => {
                let pattern = self.words.get(self.at)?.literal.as_deref()?;
                self.at = self.at.saturating_add(1);
                Some(names_some(pattern))
            }
            _ if ASK.contains(&word) || TAKE_ONE.contains(&word) => {
                self.at = self.at.saturating_add(1);
                let asks = self.by == By::Command && ASK.contains(&word);
                (self.at <= self.words.len()).then_some(asks)
            }
            _ => TAKE_NONE.contains(&word).then_some(false),
        }
    }

    /// Past the words of a command: to a `;`, or a `+` behind `{}`.
    fn command(&mut self) -> Option<bool> {
        let rest = self.words.get(self.at..)?;
        let ends = |at: usize, arg: &Arg| {
            let is_behind = at.checked_sub(1).and_then(|before| rest.get(before)).is_some_and(|before| before.is("{}"));
            arg.is(";") || (arg.is("+") && is_behind)
        };
        let end = rest.iter().enumerate().position(|(at, arg)| ends(at, arg))?;
        self.at = self.at.saturating_add(end).saturating_add(1);
        Some(false)
    }
}

/// Whether a pattern leaves most files out: it is a name, or has an ending or three letters in a row. What begins with a dot and
/// a pattern behind it is what homes and projects keep their settings in.
fn names_some(pattern: &str) -> bool {
    let is_glob = pattern.contains(['*', '?', '[', '\\']);
    if !is_glob {
        return !matches!(pattern, "" | "." | "..");
    }
    if pattern.starts_with(['.', '[', '?']) || pattern.contains('\\') {
        return false;
    }
    pattern == "*~"
        || pattern.split(['*', '?', '[']).any(|piece| {
            let piece = piece.split_once(']').map_or(piece, |(_, after)| after);
            let letters = piece.bytes().filter(u8::is_ascii_alphanumeric).count();
            letters >= 3 || letters >= 1 && piece.starts_with('.')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(text: &str) -> bool {
        is_limited(&words(text), By::Delete)
    }

    fn words(text: &str) -> Vec<Arg> {
        text.split(' ').map(|word| Arg::text(word, (0, 0))).collect()
    }

    #[test]
    fn a_name_before_it_limits_what_is_removed() {
        for text in [
            "-name *.pyc -delete",
            "-type f -name *.py[co] -delete",
            "( -name *.pyc -o -name *.pyo ) -delete",
            "-name *.pyc -delete -o -name *.pyo -delete",
            "-name *.orig -not -path ./venv/* -print -delete",
            "-type d -empty -delete",
            "-name *~ -delete",
            "-iname Thumbs.db -mtime +3 -delete",
        ] {
            assert!(limited(text), "{text}");
        }
    }

    #[test]
    fn a_name_that_is_not_asked_of_every_file_limits_nothing() {
        for text in [
            "-delete",
            "-type f -delete",
            "-mtime +1 -delete",
            "-delete -name *.pyc",
            "-name * -delete",
            "-name *.* -delete",
            "-name ?* -delete",
            "-name .* -delete",
            "-name .??* -delete",
            "-name [a-z]* -delete",
            "-name *[abc]* -delete",
            "-name *e* -delete",
            "! -name *.pyc -delete",
            "-not -name *.pyc -delete",
            "! ( -name *.pyc ) -delete",
            "-name *.pyc -o -delete",
            "-name *.pyc -o -type f -delete",
            "-name *.pyc , -delete",
            "( -name *.pyc -o -type f ) -delete",
            "( -name *.pyc , -true ) -delete",
            "-name *.pyc -delete -o -delete",
            "-name *.pyc -exec rm {} ; -delete",
            "-name *.pyc -frob -delete",
            "-name *.pyc ) -delete",
            "( -name *.pyc -delete",
            "-name",
        ] {
            assert!(!limited(text), "{text}");
        }
    }

    #[test]
    fn a_pattern_that_only_the_run_tells_limits_nothing() {
        let words = [Arg::text("-name", (0, 0)), Arg::unknown((0, 0)), Arg::text("-delete", (0, 0))];
        assert!(!is_limited(&words, By::Delete));
    }

    #[test]
    fn a_command_is_limited_where_something_is_asked_of_every_file_before_it() {
        for text in [
            "-name *.pyc -exec rm {} +",
            "-name a* -type f -exec rm -f {} ;",
            "-mtime +30 -exec rm {} ;",
            "( -path ./x/* -o -size +1M ) -exec rm {} + -print",
            "-empty -exec rmdir {} ;",
            "-name a -exec rm {} ; -o -name b -exec rm {} +",
        ] {
            assert!(is_limited(&words(text), By::Command), "{text}");
        }
        for text in [
            "-exec rm {} +",
            "-type f -exec rm {} +",
            "-name * -exec rm {} +",
            "-name *.* -exec rm {} ;",
            "-name zzz -o -exec rm -rf {} +",
            "! -name zzz -exec rm -rf {} +",
            "-not ( -name zzz ) -exec rm {} ;",
            "-name zzz , -exec rm {} +",
            "-exec rm {} + -name x",
            "-exec rm {} ; -o -name x",
            "-name x -frob -exec rm {} +",
            "-name x -exec rm {}",
        ] {
            assert!(!is_limited(&words(text), By::Command), "{text}");
        }
    }
}
