//! The folder where the shell is: what `cd` and its kin, and options like `-C`, make of names that are relative.
//!
//! What is relative is spelt as from where the whole began. A `cd` may fail: what comes behind it, and not by `&&`, may still be where
//! it was. That is followed where it says something; else it is kept in mind for what removes whole folders.

use super::args::{Arg, Line};
use super::held::{Texts, BEFORE, FAILED, FOLDER, PUSHED, STRICT, UNSURE};
use super::{paths, Walker};

/// Options that name the folder where a program works.
const WORKS_IN: &[(&str, &[&str])] = &[
    ("tar", &["-C", "--directory"]),
    ("bsdtar", &["-C", "--directory"]),
    ("gtar", &["-C", "--directory"]),
    ("patch", &["-d", "--directory"]),
    ("git", &["-C"]),
    ("make", &["-C", "--directory"]),
    ("gmake", &["-C", "--directory"]),
    ("ninja", &["-C"]),
    ("pnpm", &["-C", "--dir"]),
    ("yarn", &["--cwd"]),
    ("cpio", &["-D", "--directory"]),
];

/// Options of wrappers that do so for what they run.
const RUNS_IN: &[(&str, &[&str])] =
    &[("env", &["-C", "--chdir"]), ("sudo", &["-D", "--chdir"]), ("systemd-run", &["--working-directory"])];

/// More folders than this where the shell may be are not told apart where nothing is known below them.
const MAX_FOLDERS: usize = 8;

impl Walker<'_> {
    /// A name as it is from where the whole began.
    pub(super) fn placed(&self, name: &str) -> String {
        match self.held.constants().get(FOLDER).map(|folder| folder.trim_end_matches('/')) {
            Some(folder) if self.is_elsewhere() && is_relative(name) => {
                format!("{folder}/{}", name.strip_prefix("./").unwrap_or(name))
            }
            _ => name.to_owned(),
        }
    }

    /// An argument that names a file, as it is from where the whole began.
    pub(super) fn here(&self, file: &Arg) -> Arg {
        let shown = self.placed(&file.shown);
        Arg { literal: file.literal.is_some().then(|| shown.clone()), shown, ..file.clone() }
    }

    /// Whether the shell is known to be in another folder than where it began.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.held.constants().get(FOLDER).is_some_and(|folder| !folder.is_empty())
    }

    /// Whether it left the folder it began in, and what is below it, for none of temporary files.
    pub(super) fn is_away(&self) -> bool {
        let folder = self.held.constants().get(FOLDER);
        folder.is_some_and(|folder| {
            folder.starts_with(['/', '~']) && !paths::is_temporary_folder(folder) || folder.starts_with("..")
        })
    }

    /// Whether a `cd` into a folder below may have failed.
    pub(super) fn is_unsure(&self) -> bool {
        !self.held.texts(UNSURE).is_empty()
    }

    /// From here on the shell is in a folder.
    pub(super) fn enters(&mut self, folder: &Arg) {
        let into = self.below(&folder.shown);
        self.is_in(into);
    }

    /// Besides where it is, the shell may be in these folders.
    pub(super) fn also_in(&mut self, folders: &Texts) {
        let mut texts = self.held.texts(FOLDER);
        texts.extend(folders.iter().cloned());
        self.is_in(texts);
    }

    fn is_in(&mut self, mut folders: Texts) {
        let mut seen = std::collections::HashSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        if folders.len() > MAX_FOLDERS {
            let plain = folders.iter().find(|folder| !is_telling(folder)).cloned();
            folders.retain(is_telling);
            folders.extend(plain);
            self.held.set(UNSURE, vec![Some(String::new())]);
        }
        self.held.set(FOLDER, folders);
    }

    /// Another machine: what is relative there has nothing to do with the folder here.
    pub(super) fn begins_elsewhere(&mut self) {
        self.held.set(FOLDER, vec![Some(String::new())]);
        self.held.set(UNSURE, Vec::new());
    }

    fn below(&self, into: &str) -> Texts {
        self.held.texts(FOLDER).iter().map(|base| joined(base.as_deref(), into)).collect()
    }

    /// `cd`, `pushd`, `popd`.
    pub(super) fn folder(&mut self, name: &str, line: &Line) {
        let now = self.held.texts(FOLDER);
        let word = line.positionals.first().map(|arg| arg.shown.as_str());
        let or_above = |texts: Texts| {
            let unknown = texts.iter().all(Option::is_none);
            if unknown {
                vec![Some("..".to_owned())]
            } else {
                texts
            }
        };
        let folders = match (name, word) {
            ("pushd", Some(word)) if !word.starts_with('+') => self.below(word),
            ("popd" | "pushd", _) => or_above(self.held.texts(PUSHED)),
            (_, Some("-")) => or_above(self.held.texts(BEFORE)),
            (_, word) => self.below(word.unwrap_or("~")),
        };
        if name == "pushd" {
            let mut pushed = self.held.texts(PUSHED);
            pushed.extend(now.iter().cloned());
            self.held.set(PUSHED, pushed);
        }
        let whole = |texts: &Texts| {
            texts.iter().map(|text| text.clone().filter(|text| text.starts_with(['/', '~']))).collect::<Texts>()
        };
        self.held.set("OLDPWD", whole(&now));
        self.held.set("PWD", whole(&folders));
        if folders.iter().all(|folder| folder.as_ref().is_some_and(|folder| folder.starts_with(['/', '~']))) {
            self.held.set(UNSURE, Vec::new());
        }
        self.is_in(folders);
        self.held.set(BEFORE, now.clone());
        // What is above is there, and so are the root and a home.
        let is_sure = word.is_none_or(|word| word == "/" || word == "~" || word.split('/').all(|part| part == ".."));
        if !is_sure {
            self.held.set(FAILED, now);
        }
    }

    /// What comes now comes where the last `cd` did not fail: where the shell would be else.
    pub(super) fn succeeded(&mut self) -> Texts {
        let failed = self.held.texts(FAILED);
        if !failed.is_empty() {
            self.held.set(FAILED, Vec::new());
        }
        failed
    }

    /// What comes now comes whatever became of a list: besides where it is, the shell may be in the folders of which a list did not
    /// come out.
    pub(super) fn may_have_failed(&mut self, mut fallen: Texts) {
        let failed = self.succeeded();
        if self.held.texts(STRICT) != [Some(String::new())] {
            fallen.extend(failed);
        }
        let now = self.held.texts(FOLDER);
        fallen.retain(|folder| !now.contains(folder));
        if fallen.is_empty() {
            return;
        }
        if !fallen.iter().all(is_telling) {
            self.held.set(UNSURE, vec![Some(String::new())]);
        }
        fallen.retain(is_telling);
        if !fallen.is_empty() {
            self.also_in(&fallen);
        }
    }

    /// What a wrapper says of the folder and the variables of what it runs.
    pub(super) fn runs_in(&mut self, name: &str, args: &[Arg]) {
        if !matches!(name, "env" | "sudo" | "doas" | "systemd-run") {
            return;
        }
        let options =
            RUNS_IN.iter().find(|(wrapper, _)| *wrapper == name).map_or(&[] as &[&str], |(_, options)| options);
        let mut args = args.iter().skip(1);
        while let Some(arg) = args.next() {
            let attached = options.iter().find_map(|option| {
                let rest = arg.shown.strip_prefix(option)?;
                if option.starts_with("--") {
                    rest.strip_prefix('=')
                } else {
                    Some(rest)
                }
            });
            if options.contains(&arg.shown.as_str()) {
                if let Some(folder) = args.next() {
                    self.enters(folder);
                }
            } else if let Some(folder) = attached {
                self.enters(&arg.part(folder));
            } else if let Some((variable, value)) = arg.shown.split_once('=').filter(|_| !arg.is_option()) {
                self.remember(variable, value);
            } else if matches!(arg.shown.as_str(), "-u" | "--unset" | "--user" | "-g") {
                args.next();
            } else if !arg.is_option() {
                return;
            }
        }
    }
}

/// The folders where a program works, as its options name them: each from the one before.
pub(super) fn options_of(name: &str, line: &Line) -> Vec<Arg> {
    let options = WORKS_IN.iter().find(|(program, _)| *program == name).map_or(&[] as &[&str], |(_, options)| options);
    options.iter().flat_map(|option| line.values(option)).collect()
}

/// A folder from another; None where only the run tells.
fn joined(base: Option<&str>, into: &str) -> Option<String> {
    if into.contains(['$', '`']) {
        return None;
    }
    if into.starts_with(['/', '~']) {
        return Some(tidy(into));
    }
    match base? {
        "" => Some(tidy(into)),
        base => Some(tidy(&format!("{base}/{into}"))),
    }
}

/// Without dots and doubled slashes; above the folder where all began `..` stays.
fn tidy(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != ".." && !last.starts_with('~')) => {
                parts.pop();
            }
            ".." if parts.is_empty() && name.starts_with('/') => {}
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    if name.starts_with('/') {
        format!("/{joined}")
    } else {
        joined
    }
}

fn is_relative(name: &str) -> bool {
    let host = name.find(':').is_some_and(|at| name.find('/').is_none_or(|slash| at < slash));
    !name.is_empty() && !name.starts_with(['/', '~', '$', '|', '<', '-', '&']) && !host
}

/// Whether names below a folder may say more than those of a project.
fn is_telling(folder: &Option<String>) -> bool {
    folder.as_deref().is_some_and(|folder| {
        let mut parts = folder.split('/');
        let system = folder.starts_with('/')
            && matches!(
                parts.clone().nth(1),
                Some(
                    "" | "etc"
                        | "dev"
                        | "proc"
                        | "sys"
                        | "boot"
                        | "usr"
                        | "var"
                        | "root"
                        | "lib"
                        | "bin"
                        | "sbin"
                        | "run"
                )
            );
        let home = matches!(folder, "~" | "/home" | "/Users")
            || folder.split('/').count() == 3 && (folder.starts_with("/home/") || folder.starts_with("/Users/"));
        system || home || folder.starts_with("..") || parts.any(|part| part.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_joined_and_what_the_run_tells_is_not_known() {
        let told = |base, into| joined(Some(base), into);
        assert_eq!(told("", "src").as_deref(), Some("src"));
        assert_eq!(told("src", "..").as_deref(), Some(""));
        assert_eq!(told("src", "../..").as_deref(), Some(".."));
        assert_eq!(told("/etc", "../..").as_deref(), Some("/"));
        assert_eq!(told("~", "../x").as_deref(), Some("~/../x"));
        assert_eq!(told("/etc", "./cron.d//").as_deref(), Some("/etc/cron.d"));
        assert_eq!(told("src", "~/.ssh").as_deref(), Some("~/.ssh"));
        assert_eq!(told("src", "${X}/y"), None);
        assert_eq!((joined(None, "x"), joined(None, "/x")), (None, Some("/x".to_owned())));
    }

    #[test]
    fn folders_of_systems_homes_and_settings_are_told_apart() {
        let told = |folder: &str| is_telling(&Some(folder.to_owned()));
        for folder in ["/", "/etc", "/etc/cron.d", "~", "/home/ann", "~/.ssh", ".git/hooks", "..", "/dev"] {
            assert!(told(folder), "{folder}");
        }
        for folder in ["", "src", "~/work", "/Users/ann/work", "/srv/app", "/workspace", "/tmp/x"] {
            assert!(!told(folder), "{folder}");
        }
    }

    #[test]
    fn names_of_other_machines_and_whole_names_are_not_relative() {
        assert!(["x", "./x", "../x", "a/b:c"].iter().all(|name| is_relative(name)));
        assert!(!["", "/x", "~/x", "$X", "host:x", "http://x", "-", "<()"].iter().any(|name| is_relative(name)));
    }
}
