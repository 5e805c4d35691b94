//! Files that git and the command lines of its servers read, show, throw away or send.

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::{paths, Walker};
use crate::sql::tree::Access;

/// Verbs of git that show the contents of files, or keep them in a history that is pushed.
const CARRY: &[&str] =
    &["show", "cat-file", "diff", "difftool", "blame", "annotate", "add", "stage", "commit", "archive", "hash-object"];

/// The same where they are told to show what changed.
const CARRY_PATCHES: &[&str] = &["log", "whatchanged", "reflog", "format-patch", "stash"];

/// What of `gh` and `glab` sends the files it is given.
const SENDS: &[&str] = &["pr", "mr", "issue", "release", "gist", "snippet", "api"];

/// What of these only brings something here.
const BRINGS: &[&str] = &["view", "list", "download", "clone", "checkout", "diff", "status", "checks"];

/// How paths of the API of these servers begin: they name no file here.
const API_PATHS: &[&str] = &["repos/", "orgs/", "projects/", "groups/", "user/", "users/", "search/", "gists/"];

/// Options whose value is a text that somebody reads, or a filter.
const TEXTS: &[&str] = &[
    "-t",
    "--title",
    "-b",
    "--body",
    "-m",
    "--message",
    "-d",
    "--description",
    "-n",
    "--notes",
    "-q",
    "--jq",
    "-S",
    "--search",
    "-l",
    "--label",
];

impl Walker<'_> {
    /// Files in the words of git: secrets that it shows or keeps, changes that `checkout` throws away.
    pub(super) fn git_files(&mut self, index: usize, line: &Line) {
        let words: Vec<&Arg> = line.positionals.clone();
        let Some((verb, rest)) = words.split_first() else {
            return;
        };
        let has = |options: &[&str]| options.iter().any(|option| line.has(option));
        if let ("checkout", [file]) = (verb.shown.as_str(), rest) {
            if is_path(&file.shown) && !has(&["-b", "-B", "--orphan", "--detach", "-t", "--track"]) {
                self.sign(index, Sign::RewritesHistory);
            }
        }
        let patches = CARRY_PATCHES.contains(&verb.shown.as_str()) && has(&["-p", "-u", "--patch", "-L", "-G"]);
        if CARRY.contains(&verb.shown.as_str()) || patches {
            rest.iter()
                .filter_map(|arg| Some(arg.part(path_of(&arg.shown)?)))
                .for_each(|file| _ = self.secret(index, &file));
        }
        if verb.is("grep") {
            rest.iter().skip(1).for_each(|file| _ = self.secret(index, file));
        }
        // What the project leaves out on purpose: keys are among it.
        let everything = rest.iter().any(|arg| matches!(arg.shown.as_str(), "." | "*") || arg.shown.ends_with('/'))
            || has(&["-A", "--all"]);
        if matches!(verb.shown.as_str(), "add" | "stage") && has(&["-f", "--force"]) && everything {
            self.sign(index, Sign::CredentialRead);
        }
    }

    /// Secrets that `gh` and `glab` send to the server.
    pub(super) fn sent_files(&mut self, index: usize, line: &Line) {
        let words: Vec<&str> = line.positionals.iter().take(2).map(|arg| arg.shown.as_str()).collect();
        let sends = words.first().is_some_and(|word| SENDS.contains(word));
        if !sends || words.get(1).is_some_and(|word| BRINGS.contains(word)) {
            return;
        }
        let is_api = words.first() == Some(&"api");
        let mut named = false;
        let mut rest = line.args.iter();
        while let Some(arg) = rest.next() {
            if TEXTS.contains(&arg.shown.as_str()) {
                rest.next();
                continue;
            }
            let value = match arg.shown.rsplit_once("=@").or_else(|| arg.shown.split_once('=')) {
                Some((_, value)) => value,
                None if arg.is_option() && !arg.shown.starts_with("--") => arg.shown.get(2..).unwrap_or_default(),
                None => arg.shown.trim_start_matches('@'),
            };
            let of_server = API_PATHS.iter().any(|start| value.trim_start_matches('/').starts_with(start));
            if of_server && is_api && !arg.shown.contains('@') && !named {
                continue;
            }
            named = arg.is("--input");
            if self.secret(index, &arg.part(value)) {
                self.sign(index, Sign::Exfiltration);
            }
        }
    }

    /// A file that is read, if it is one of secrets.
    fn secret(&mut self, index: usize, file: &Arg) -> bool {
        let is_secret = paths::signs(&file.shown, Access::Read).contains(&Sign::CredentialRead);
        if is_secret {
            self.reads(index, file);
        }
        is_secret
    }
}

/// The path in `REV:PATH`, `:STAGE:PATH`, `:(MAGIC)PATH` or a plain path; none where it leaves the path out.
fn path_of(word: &str) -> Option<&str> {
    if ["https:", "http:", ":!", ":^", ":(exclude"].iter().any(|start| word.starts_with(start)) {
        return None;
    }
    let path = word.rsplit(':').next().unwrap_or(word);
    Some(path.rsplit(')').next().unwrap_or(path))
}

/// Whether the one word of `git checkout` names files: a branch has no ending, glob or `./` in front.
fn is_path(word: &str) -> bool {
    if word.starts_with("./") || word.starts_with("../") || word.starts_with(':') || word.ends_with('/') {
        return true;
    }
    if word.contains(['*', '?']) || word.contains('[') {
        return true;
    }
    let Some((stem, ending)) = paths::file_name(word).rsplit_once('.') else {
        return false;
    };
    // `release-1.2.x`, `v1.2.rc1` are branches and tags.
    let is_version = stem.ends_with(|last: char| last.is_ascii_digit());
    !is_version && (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_checkout_is_a_path_where_no_branch_is_called_so() {
        for word in ["./", "./src", ":/", "src/app.py", "*.py", "src/", "README.md", "../x", ".env", ":(top)src"] {
            assert!(is_path(word), "{word}");
        }
        for word in ["main", "feature/x", "v1.2", "release-1.2.x", "v1.2.rc1", "HEAD~1", "-", "origin/main", "@{-1}"] {
            assert!(!is_path(word), "{word}");
        }
    }

    #[test]
    fn the_path_behind_a_revision() {
        for (word, path) in [
            ("HEAD:.env", Some(".env")),
            (":0:.env", Some(".env")),
            (":(top).env", Some(".env")),
            (".env", Some(".env")),
            (":!.env", None),
            (":(exclude).env", None),
        ] {
            assert_eq!(path_of(word), path, "{word}");
        }
    }
}
