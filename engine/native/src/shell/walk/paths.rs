//! What names of files say about what is in them. `paths.tsv` is the knowledge: a pattern, a class, a line each.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::super::vocabulary::Sign;
use super::globs;
use super::reaching;
use crate::sql::tree::Access;

/// What kind of file a pattern names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Credential,
    Persistence,
    System,
    Device,
    Trace,
    Accounts,
    Kernel,
    Escape,
}

struct Pattern {
    text: &'static str,
    class: Class,
    /// What stands behind `*/` in another pattern: the same file where a command begins.
    is_part: bool,
}

fn patterns() -> &'static [Pattern] {
    static PATTERNS: OnceLock<Vec<Pattern>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let rows = include_str!("paths.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let patterns = rows.filter_map(|line| {
            let (class, text) = line.split_once('\t')?;
            let class = match class {
                "credential" => Class::Credential,
                "persistence" => Class::Persistence,
                "system" => Class::System,
                "device" => Class::Device,
                "trace" => Class::Trace,
                "accounts" => Class::Accounts,
                "kernel" => Class::Kernel,
                "escape" => Class::Escape,
                _ => return None,
            };
            Some(Pattern { text, class, is_part: false })
        });
        let below = |pattern: &Pattern| {
            pattern.text.strip_prefix("*/").map(|text| Pattern { text, class: pattern.class, is_part: true })
        };
        patterns.flat_map(|pattern| [below(&pattern), Some(pattern)]).flatten().collect()
    })
}

type Folders = (HashMap<&'static str, Vec<Sign>>, Vec<(&'static str, Sign)>);

/// The folders that stand before a slash in a pattern, with what it says that a tree comes to lie there: those with a name of
/// their own, and globs.
fn folders() -> &'static Folders {
    static FOLDERS: OnceLock<Folders> = OnceLock::new();
    FOLDERS.get_or_init(|| {
        let (mut known, mut globs) = (HashMap::<&str, Vec<Sign>>::new(), Vec::new());
        for pattern in patterns().iter().filter(|pattern| !pattern.is_part) {
            let sign = match pattern.class {
                Class::Persistence => Sign::Persistence,
                Class::Credential => Sign::CredentialWrite,
                Class::System => Sign::SystemWrite,
                _ => continue,
            };
            let heads = pattern.text.match_indices('/').filter_map(|(at, _)| pattern.text.get(..at.max(1)));
            // Into `/usr/local` and the like programs are installed; what that says it says as a folder of the system.
            let is_told = |head: &&str| match head.strip_prefix('*') {
                // What begins anywhere is told by a part that listings leave out; others have folders of any name.
                Some(rest) => rest.contains("/."),
                None => !head.starts_with('/') || sign == Sign::SystemWrite,
            };
            for head in heads.filter(is_told) {
                if head.contains('*') {
                    globs.push((head, sign));
                } else if !known.get(head).is_some_and(|signs| signs.contains(&sign)) {
                    known.entry(head).or_default().push(sign);
                }
            }
        }
        globs.sort_unstable();
        globs.dedup();
        (known, globs)
    })
}

/// A name with homes spelt `~`, doubled slashes and dots taken out.
pub(super) fn normal(name: &str) -> String {
    let name = name.strip_prefix("file://").unwrap_or(name);
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.is_empty() && name.starts_with('/') => {}
            ".." if parts.last().is_some_and(|last| *last != ".." && *last != "~") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let home = match parts.as_slice() {
        ["home" | "Users", _, ..] if name.starts_with('/') => 2,
        ["root" | "~root", ..] if name.starts_with(['/', '~']) => 1,
        [first, ..] if first.starts_with('~') || *first == "${HOME}" => 1,
        ["var", "root", ..] if name.starts_with('/') => 2,
        _ => 0,
    };
    if home > 0 {
        let rest = parts.get(home..).unwrap_or_default().join("/");
        return if rest.is_empty() { "~".to_owned() } else { format!("~/{rest}") };
    }
    let joined = parts.join("/");
    if name.starts_with('/') {
        format!("/{joined}")
    } else {
        joined
    }
}

/// Each pattern of a known name.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    patterns().iter().map(|pattern| pattern.text)
}

/// Whether a pattern with `*` matches a whole name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            let Some(rest) = name.strip_prefix(head) else {
                return false;
            };
            if tail.is_empty() {
                return true;
            }
            if !tail.contains('*') {
                return rest.ends_with(tail);
            }
            let mut rest = rest;
            loop {
                if matches(tail, rest) {
                    return true;
                }
                let mut chars = rest.chars();
                if chars.next().is_none() {
                    return false;
                }
                rest = chars.as_str();
            }
        }
    }
}

/// The patterns by how they begin: those that begin with a letter, and those that begin with a star. WHY: a name is looked up for each file
/// of each command, and most patterns begin with another letter.
fn beginning_with(first: Option<u8>) -> impl Iterator<Item = &'static Pattern> {
    static BY_FIRST: OnceLock<HashMap<u8, Vec<&Pattern>>> = OnceLock::new();
    let by_first = BY_FIRST.get_or_init(|| {
        let mut by_first = HashMap::<u8, Vec<&Pattern>>::new();
        for pattern in patterns() {
            by_first.entry(pattern.text.bytes().next().unwrap_or_default()).or_default().push(pattern);
        }
        by_first
    });
    let of = |byte: u8| by_first.get(&byte).into_iter().flatten().copied();
    // A set of letters may stand for any.
    let all = matches!(first, Some(b'?' | b'['));
    let some = first.filter(|first| !all && *first != b'*').into_iter().flat_map(of);
    some.chain(of(b'*').filter(move |_| !all)).chain(patterns().iter().filter(move |_| all))
}

fn classes(name: &str) -> Vec<Class> {
    let name = normal(name);
    // A pattern that a shell would expand may name what we look for.
    let mut found: Vec<Class> = Vec::new();
    let names = |pattern: &Pattern, name: &str| matches(pattern.text, name) || globs::may_expand_to(name, pattern.text);
    for pattern in beginning_with(name.bytes().next()) {
        if !found.contains(&pattern.class) && names(pattern, &name) {
            found.push(pattern.class);
        }
    }
    for above in reaching::from_above(&name) {
        for pattern in beginning_with(above.bytes().next()).filter(|pattern| !pattern.text.starts_with('*')) {
            let may_be = pattern.class != Class::System || reaching::is_of_systems_alone(&above);
            if !found.contains(&pattern.class) && may_be && names(pattern, &above) {
                found.push(pattern.class);
            }
        }
    }
    found
}

/// Files that are nothing: what is written there is gone, what is read is not there.
pub(super) fn is_nothing(name: &str) -> bool {
    matches!(
        name,
        "/dev/null"
            | "/dev/stdin"
            | "/dev/stdout"
            | "/dev/stderr"
            | "/dev/tty"
            | "/dev/zero"
            | "/dev/urandom"
            | "/dev/random"
            | "-"
            | "NUL"
    ) || name.starts_with("/dev/fd/")
        || name.starts_with("/proc/self/fd/")
}

/// Devices that never come to an end.
pub(super) fn is_endless(name: &str) -> bool {
    matches!(name, "/dev/zero" | "/dev/urandom" | "/dev/random" | "/dev/full")
}

/// What touching a file in a way says.
pub(super) fn signs(name: &str, access: Access) -> Vec<Sign> {
    let mut signs = Vec::new();
    if name.len() > 4_096 {
        return signs;
    }
    let changes = matches!(access, Access::Write | Access::Create | Access::Delete | Access::Grant);
    if name == "/" && access == Access::Read {
        signs.push(Sign::SystemDiscovery);
    }
    let public = [".pub", ".example", ".sample", ".template", ".dist"].iter().any(|ending| name.ends_with(ending))
        || [".env.example", ".env.sample", ".env.template"].iter().any(|part| name.contains(part));
    if access == Access::Read && is_private(name) {
        signs.push(Sign::SystemDiscovery);
    }
    if changes && is_hidden_in_shared_folder(name) {
        signs.push(Sign::Obfuscated);
    }
    for class in globs::alternatives(name).iter().flat_map(|name| classes(name)) {
        if public && class == Class::Credential {
            continue;
        }
        let sign = match class {
            Class::Credential if changes => Some(Sign::CredentialWrite),
            Class::Credential => Some(Sign::CredentialRead),
            Class::Persistence if changes => Some(Sign::Persistence),
            Class::System if changes => Some(Sign::SystemWrite),
            Class::Device if changes => Some(Sign::RawDevice),
            Class::Device => Some(Sign::RawDevice),
            Class::Trace if changes => Some(Sign::TraceRemoval),
            Class::Trace | Class::Accounts if !changes => Some(Sign::SystemDiscovery),
            Class::Accounts => Some(Sign::AccountChange),
            Class::Kernel if changes => Some(Sign::KernelChange),
            Class::Escape => Some(Sign::ContainerEscape),
            _ => None,
        };
        signs.extend(sign);
    }
    signs
}

/// What it says that a folder is replaced by a tree that nobody sees into, or has one `mixed` into it: whatever is started or
/// lets people in from below it may be the tree's. Only into the homes and the roots themselves everything may be mixed; they
/// are not replaced.
pub(super) fn tree_signs(name: &str, mixed: bool) -> Vec<Sign> {
    let mut signs = Vec::new();
    if name.len() > 4_096 {
        return signs;
    }
    let name = normal(name);
    if !mixed && name.trim_start_matches('/').split('/').count() == 1 && name.starts_with(['/', '~']) {
        return signs;
    }
    let (known, globs) = folders();
    signs.extend(known.get(name.as_str()).into_iter().flatten());
    for (glob, sign) in globs {
        if !signs.contains(sign) && matches(glob, &name) {
            signs.push(*sign);
        }
    }
    signs
}

/// Whether a name that listings leave out stands in a folder where everybody may write.
fn is_hidden_in_shared_folder(name: &str) -> bool {
    let normal = normal(name);
    ["/tmp/", "/var/tmp/", "/private/tmp/", "/dev/shm/", "/run/shm/", "/var/lock/"]
        .iter()
        .any(|folder| normal.strip_prefix(folder).is_some_and(|rest| rest.split('/').any(|part| part.starts_with('.'))))
}

/// Whether a name is a path of Windows, which a POSIX shell reads as something else: `C:\\x`, `%SYSTEMROOT%\\x`.
fn is_foreign(name: &str) -> bool {
    let bytes = name.as_bytes();
    let drive = bytes.first().is_some_and(u8::is_ascii_uppercase) && bytes.get(1) == Some(&b':');
    let variable = name.strip_prefix('%').and_then(|rest| rest.split_once('%')).is_some_and(|(name, _)| {
        name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    drive && bytes.get(2) != Some(&b':') || variable
}

/// Folders of the system whose contents say how it is set up.
fn is_private(name: &str) -> bool {
    let normal = normal(name);
    if is_foreign(name) {
        return true;
    }
    if matches!(
        name,
        "/home"
            | "/home/"
            | "/home/*"
            | "/Users"
            | "/Users/"
            | "/Users/*"
            | "/root"
            | "/root/"
            | "/lib"
            | "/lib/modules"
    ) {
        return true;
    }
    [
        "/etc",
        "/proc",
        "/sys",
        "/boot",
        "/var/lib",
        "/var/spool",
        "/var/www",
        "/var/db",
        "/System",
        "/Library",
        "/Applications",
    ]
    .iter()
    .any(|folder| normal.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// What removing a file or tree says.
pub(super) fn delete_signs(name: &str, whole: bool, dynamic: bool) -> Vec<Sign> {
    let mut signs = signs(name, Access::Delete);
    let normal = normal(name);
    if whole {
        // WHY: whatever the folder is called, nobody sees what is in it before it is gone.
        signs.push(Sign::BulkDelete);
        if is_root_like(&normal, name) {
            signs.push(Sign::WholeTree);
        }
    }
    if is_temporary(name) {
        return signs;
    }
    if dynamic {
        signs.push(Sign::DynamicDelete);
    } else if normal.starts_with('/') || normal.starts_with('~') || normal.starts_with("..") {
        signs.push(Sign::OutsideDelete);
    }
    if normal.contains("/.git/") || normal == ".git" || normal.starts_with(".git/") || normal.ends_with("/.git") {
        signs.push(Sign::RewritesHistory);
    }
    signs
}

/// A tree whose loss is the loss of everything.
fn is_root_like(normal: &str, name: &str) -> bool {
    let trimmed = normal.trim_end_matches(['*', '.', '/', '?']);
    let depth = normal.split('/').filter(|part| !part.is_empty()).count();
    if name.starts_with('/') && (trimmed.is_empty() || depth <= 1) && !normal.starts_with("~/") && !is_temporary(name) {
        return true;
    }
    if matches!(trimmed, "~") && !normal.starts_with("~/.") || matches!(normal, "~" | "~/*" | "~/.*") {
        return true;
    }
    if matches!(normal, "" | "*" | ".*" | ".." | "../*" | "../..") || normal.trim_end_matches("/..").is_empty() {
        return true;
    }
    let systems = [
        "/etc", "/usr", "/bin", "/sbin", "/lib", "/boot", "/var", "/opt", "/home", "/Users", "/System", "/Library",
        "/srv", "/mnt", "/media", "/proc", "/sys", "/dev",
    ];
    systems.iter().any(|system| normal == *system || normal == format!("{system}/*"))
        // `"$X/"*` and `/$X`: with an empty variable it is the root.
        || name.starts_with("/${") && depth <= 1
        || name.starts_with("${") && name.contains("}/") && name.trim_end_matches('*').ends_with("}/")
}

/// Whether a name is of the folder where a command began or below it, or of a folder that no system has at its root: files
/// of some names below it are a part of somebody's work.
pub(super) fn is_own_or_plain(name: &str) -> bool {
    let normal = normal(name);
    let first = normal.trim_start_matches('/').split('/').next().unwrap_or_default();
    if name.contains(['*', '?', '[', '$', '~']) || first == ".." || normal.starts_with('~') {
        return false;
    }
    !name.starts_with('/')
        || matches!(first, "workspace" | "app" | "src" | "code" | "work" | "project" | "build" | "repo")
}

/// Whether a name is below a folder for temporary files.
pub(super) fn is_temporary(name: &str) -> bool {
    let normal = normal(name);
    let below = |folder: &str| {
        normal
            .strip_prefix(folder)
            .is_some_and(|rest| rest.len() > 1 && rest.starts_with('/') && rest != "/*" && !rest.contains(".."))
    };
    ["/tmp", "/var/tmp", "/private/tmp", "/dev/shm", "${TMPDIR}", "${TMP}", "${TEMP}", "${RUNNER_TEMP}"]
        .iter()
        .any(|folder| below(folder))
}

/// Whether it is a folder for temporary files, or in one.
pub(super) fn is_temporary_folder(name: &str) -> bool {
    is_temporary(&format!("{}/x", name.trim_end_matches('/')))
}

/// The last part of a name.
pub(super) fn file_name(name: &str) -> &str {
    name.trim_end_matches('/').rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_one_and_dots_are_followed() {
        assert_eq!(normal("/home/ann/.ssh/../.ssh//id_rsa"), "~/.ssh/id_rsa");
        assert_eq!(normal("~bob/x"), "~/x");
        assert_eq!(normal("./a/../../b"), "../b");
        assert_eq!(normal("/etc/./passwd"), "/etc/passwd");
    }

    #[test]
    fn a_tree_may_bring_what_is_known_below_the_folder_it_becomes() {
        for name in ["~/.config", "/home/ann/.config/", ".git", "repo/.git/hooks", "~/.config/git/.."] {
            assert!(tree_signs(name, false).contains(&Sign::Persistence), "{name}");
        }
        assert!(tree_signs("~/.ssh", false).contains(&Sign::CredentialWrite));
        for name in ["~", "/etc", "/", "src", "~/work", "build/config", ""] {
            assert_eq!(tree_signs(name, false), [], "{name}");
        }
        assert!(tree_signs("~", true).contains(&Sign::Persistence));
        assert!(tree_signs("/", true).contains(&Sign::SystemWrite));
        assert_eq!(tree_signs("src", true), []);
    }

    #[test]
    fn a_glob_may_be_a_known_file() {
        assert!(signs("/etc/sh?dow", Access::Read).contains(&Sign::CredentialRead));
        assert!(signs("/etc/sha*", Access::Read).contains(&Sign::CredentialRead));
    }

    #[test]
    fn temporary_folders_are_not_outside_but_their_roots_are() {
        assert!(delete_signs("/tmp/build", false, false).is_empty());
        assert_eq!(delete_signs("/tmp/build", true, false), [Sign::BulkDelete]);
        assert!(
            delete_signs("/tmp", true, false).contains(&Sign::WholeTree)
                || delete_signs("/tmp", true, false).contains(&Sign::OutsideDelete)
        );
        assert!(delete_signs("/tmp/../etc", true, false).contains(&Sign::WholeTree));
    }
}
