//! Which program a word names. Outside the folders of programs a file may be anything: it is run as the file it is, and what its words would
//! do to the program that it is called like counts as well. INVARIANT: whoever asks what program a word is asks here; what `alike` says comes
//! beside what the name itself says, never in its place.

use super::tables;

/// Folders whose programs are what their names say.
const PROGRAM_FOLDERS: &[&str] = &[
    "/bin/",
    "/sbin/",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/local/bin/",
    "/usr/local/sbin/",
    "/opt/homebrew/bin/",
    "/snap/bin/",
    "/usr/libexec/",
    "/usr/lib/",
    "/lib/",
    "/lib64/",
    "/system/bin/",
];

/// A program's name without the folder it always is in; of any other file the path.
pub(super) fn program_name(word: &str) -> &str {
    let plain = word.strip_prefix('\\').unwrap_or(word);
    // WHY: where a folder is a link, what is above it is not what stands before it.
    if plain.split('/').any(|part| part == "..") {
        return plain;
    }
    let inside = PROGRAM_FOLDERS.iter().find_map(|folder| plain.strip_prefix(folder));
    inside.map_or(plain, |rest| rest.rsplit('/').next().unwrap_or(rest))
}

/// Whether a word is a file and no builtin of the shell: what it runs changes nothing of that.
pub(super) fn is_file(word: &str) -> bool {
    word.contains('/')
}

/// The program that a word is called like, where the tables know that one and none of the word's own name: `sh` of `./sh`, `bash` of
/// `bash-5.2`, `python` of `/x/Python.exe`.
pub(super) fn alike(word: &str) -> Option<String> {
    let own = program_name(word);
    if tables::knows(own) {
        return None;
    }
    let base = own.trim_end_matches('/').rsplit(['/', '\\']).next().unwrap_or(own);
    // zsh finds the file of `=rm` itself.
    let base = base.strip_prefix('=').unwrap_or(base);
    let lower = base.to_ascii_lowercase();
    let mut spelt = [base, lower.as_str()].into_iter().flat_map(shorter);
    spelt.find(|name| tables::knows(name)).map(str::to_owned)
}

/// The programs that a word may be: by its own name, and by the one it is called like.
pub(super) fn of(word: &str) -> impl Iterator<Item = String> {
    std::iter::once(program_name(word).to_owned()).chain(alike(word))
}

/// The known program that a word is or is called like.
pub(super) fn known(word: &str) -> Option<String> {
    let own = program_name(word);
    if tables::knows(own) {
        Some(own.to_owned())
    } else {
        alike(word)
    }
}

/// Whether a word is a program that the tables know, by its name or as a file that is called like one.
pub(super) fn is_program(word: &str) -> bool {
    tables::knows(word) || is_file(word) && known(word).is_some()
}

/// A name, and what is left of it without the ending of programs, a version, and what builds of shells are told apart by.
fn shorter(name: &str) -> impl Iterator<Item = &str> {
    let whole = name.strip_suffix(".exe").unwrap_or(name);
    let joints = ['-', '.'];
    let number = whole.find(|char: char| char.is_ascii_digit());
    let unnumbered = number.and_then(|at| whole.get(..at)).map(|head| head.trim_end_matches(joints));
    let is_shell = |head: &&str| tables::is_shell(head) || matches!(*head, "busybox" | "toybox");
    let shell = whole.split(joints).next().filter(is_shell);
    [Some(name), Some(whole), unnumbered, shell].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_its_name_in_the_folders_of_programs_only() {
        assert_eq!(program_name("/usr/bin/rm"), "rm");
        assert_eq!(program_name("\\rm"), "rm");
        for path in ["/tmp/rm", "./rm", "/bin/../tmp/rm", "/usr/lib/../../tmp/rm", "/proc/self/root/bin/rm"] {
            assert_eq!(program_name(path), path);
        }
    }

    #[test]
    fn a_file_is_called_like_the_program_of_its_name() {
        for (word, name) in [
            ("/tmp/rm", "rm"),
            ("./bash", "bash"),
            ("/bin/../tmp/python3", "python3"),
            ("//bin//sh", "sh"),
            ("bash-5.2", "bash"),
            ("/usr/bin/bash5", "bash"),
            ("sh.distrib", "sh"),
            ("/x/Python.exe", "python"),
            ("C:\\x\\node.exe", "node"),
            ("/usr/bin/perl5.36-x86_64-linux-gnu", "perl"),
            ("pip3.11", "pip"),
            ("RM", "rm"),
            ("=rm", "rm"),
            ("/x/busybox.static", "busybox"),
        ] {
            assert_eq!(alike(word).as_deref(), Some(name), "{word}");
            assert_eq!(known(word).as_deref(), Some(name), "{word}");
            assert_eq!(of(word).last().as_deref(), Some(name), "{word}");
        }
    }

    #[test]
    fn what_is_known_by_its_own_name_is_called_like_nothing_else() {
        for word in ["rm", "/bin/rm", "python3.11", "./gradlew", "ksh93", "R"] {
            assert_eq!(alike(word), None, "{word}");
            assert_eq!(known(word).as_deref(), Some(program_name(word)));
        }
        for word in
            ["./x.sh", "./bash_setup.sh", "frobnicate", "bin/setup", "./install.sh", "a.out", "", "/", "./", "2048"]
        {
            assert_eq!(known(word), None, "{word}");
        }
    }
}
