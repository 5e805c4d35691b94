//! Settings of git, and what each makes git run, read or talk to: `git config KEY VALUE`, `git -c KEY=VALUE`.

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::simple::Around;
use super::Walker;

/// What the value of a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// A command that a shell gets.
    Command,
    /// A command where it begins with `!`; else words of git.
    Marked,
    /// A file or a folder whose contents are settings or programs.
    Place,
    /// A server that sees or answers what is asked.
    Server,
}

/// Section and last part of a key (`diff.pdf.textconv` is `diff`, `textconv`), in small letters; `*` is any.
const SETTINGS: &[(&str, &str, Value)] = &[
    ("core", "pager", Value::Command),
    ("core", "sshcommand", Value::Command),
    ("core", "editor", Value::Command),
    ("core", "fsmonitor", Value::Command),
    ("core", "askpass", Value::Command),
    ("core", "gitproxy", Value::Command),
    ("core", "alternaterefscommand", Value::Command),
    ("core", "hookspath", Value::Place),
    ("core", "attributesfile", Value::Place),
    ("core", "worktree", Value::Place),
    ("sequence", "editor", Value::Command),
    ("diff", "external", Value::Command),
    ("diff", "textconv", Value::Command),
    ("diff", "command", Value::Command),
    ("merge", "driver", Value::Command),
    ("filter", "clean", Value::Command),
    ("filter", "smudge", Value::Command),
    ("filter", "process", Value::Command),
    ("difftool", "cmd", Value::Command),
    ("difftool", "path", Value::Command),
    ("mergetool", "cmd", Value::Command),
    ("mergetool", "path", Value::Command),
    ("guitool", "cmd", Value::Command),
    ("credential", "helper", Value::Command),
    ("gpg", "program", Value::Command),
    ("gpg", "defaultkeycommand", Value::Command),
    ("pager", "*", Value::Command),
    ("alias", "*", Value::Marked),
    ("submodule", "update", Value::Marked),
    ("tar", "command", Value::Command),
    ("trailer", "command", Value::Command),
    ("trailer", "cmd", Value::Command),
    ("man", "cmd", Value::Command),
    ("man", "path", Value::Command),
    ("browser", "cmd", Value::Command),
    ("browser", "path", Value::Command),
    ("instaweb", "httpd", Value::Command),
    ("interactive", "difffilter", Value::Command),
    ("uploadpack", "packobjectshook", Value::Command),
    ("remote", "uploadpack", Value::Command),
    ("remote", "receivepack", Value::Command),
    ("remote", "vcs", Value::Command),
    ("hook", "command", Value::Command),
    ("sendemail", "tocmd", Value::Command),
    ("sendemail", "cccmd", Value::Command),
    ("sendemail", "headercmd", Value::Command),
    ("sendemail", "sendmailcmd", Value::Command),
    ("sendemail", "smtpserver", Value::Command),
    ("gc", "recentobjectshook", Value::Command),
    ("lfs", "path", Value::Command),
    ("lfs", "clean", Value::Command),
    ("lfs", "smudge", Value::Command),
    ("include", "path", Value::Place),
    ("includeif", "path", Value::Place),
    ("init", "templatedir", Value::Place),
    ("protocol", "allow", Value::Server),
    ("http", "proxy", Value::Server),
    ("http", "proxyauthmethod", Value::Server),
    ("https", "proxy", Value::Server),
    ("remote", "proxy", Value::Server),
    ("remote", "url", Value::Server),
    ("remote", "pushurl", Value::Server),
    ("ssh", "variant", Value::Server),
];

/// Programs that show and ask, and those of git itself: as a pager, an editor or a helper they do what everybody expects.
const PLAIN: &[&str] = &[
    "cat",
    "less",
    "more",
    "delta",
    "bat",
    "batcat",
    "diff-so-fancy",
    "difft",
    "vim",
    "vi",
    "nvim",
    "nano",
    "emacs",
    "emacsclient",
    "code",
    "subl",
    "mate",
    "hx",
    "micro",
    "true",
    ":",
    "gpg",
    "gpg2",
    "vimdiff",
    "nvimdiff",
    "meld",
    "kdiff3",
    "git-lfs",
    "cache",
    "store",
    "osxkeychain",
    "manager",
    "manager-core",
    "libsecret",
    "wincred",
    "gnome-keyring",
    "ssh",
    "ssh-keygen",
    "op-ssh-sign",
];

/// Those of them that only show, and take options in clusters.
const PAGERS: &[&str] = &["less", "more", "delta", "bat", "batcat", "diff-so-fancy", "difft"];

/// Words behind the others that tell them nothing to run.
const PLAIN_WORDS: &[&str] =
    &["--wait", "-w", "--nofork", "-n", "--new-window", "clean", "smudge", "filter-process", "--skip", "--", "%f"];

/// Whether a word behind a program of `PLAIN` tells it nothing to run.
fn is_plain_word(program: &str, word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let letters = |text: &str| !text.is_empty() && text.bytes().all(|byte| b"FRXSKMiNQ".contains(&byte));
    let shows = PAGERS.contains(&program)
        && (matches!(
            word,
            "--plain"
                | "-p"
                | "--dark"
                | "--light"
                | "--side-by-side"
                | "--color-only"
                | "--RAW-CONTROL-CHARS"
                | "--quit-if-one-screen"
                | "--no-init"
        ) || word.strip_prefix('-').is_some_and(letters)
            || word.strip_prefix("-x").is_some_and(is_number));
    shows || PLAIN_WORDS.contains(&word) || word.strip_prefix("--timeout=").is_some_and(is_number)
}

/// How much a setting means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Nothing,
    /// A person may look: a known helper of another name, a folder of the project, a server.
    Noteworthy,
    Runs,
}

fn kind_of(key: &str) -> Option<Value> {
    let lower = key.to_ascii_lowercase();
    let (section, rest) = lower.split_once('.')?;
    let last = rest.rsplit('.').next().unwrap_or_default();
    let found = SETTINGS.iter().find(|(known, part, _)| *known == section && (*part == "*" || *part == last));
    found.map(|(_, _, value)| *value)
}

/// What a setting means. `value`: None where only the run tells it.
fn weigh(key: &str, value: Option<&str>) -> Weight {
    let Some(kind) = kind_of(key) else {
        return Weight::Nothing;
    };
    let Some(value) = value.map(str::trim) else {
        return if kind == Value::Server { Weight::Noteworthy } else { Weight::Runs };
    };
    let is_switch = matches!(
        value.to_ascii_lowercase().as_str(),
        "" | "true" | "false" | "yes" | "no" | "on" | "off" | "0" | "1" | "never"
    );
    match kind {
        Value::Marked if value.starts_with('!') => Weight::Runs,
        Value::Marked => Weight::Nothing,
        _ if is_switch => Weight::Nothing,
        Value::Server if value.contains("::") || key.to_ascii_lowercase().starts_with("protocol.ext") => Weight::Runs,
        Value::Server => Weight::Noteworthy,
        Value::Command => {
            let mut words = value.split_whitespace();
            let first = words.next().unwrap_or_default();
            if PLAIN.contains(&first) && words.all(|word| is_plain_word(first, word)) {
                Weight::Nothing
            } else {
                Weight::Runs
            }
        }
        Value::Place => {
            let is_below = !value.starts_with(['/', '~', '$', '%']) && !value.split('/').any(|part| part == ".git");
            let climbs = value.split('/').filter(|part| *part == "..").count();
            if is_below && climbs <= 1 {
                Weight::Noteworthy
            } else {
                Weight::Runs
            }
        }
    }
}

/// Whether an option is one of git's with a setting for its value: `-c`, `--config`, or a beginning of it.
fn carries_setting(option: &str) -> bool {
    option == "-c" || option == "--config-env" || option.len() >= 5 && "--config".starts_with(option)
}

impl Walker<'_> {
    /// `git -c KEY=VALUE`, `git clone --config KEY=VALUE`: for this one command.
    pub(super) fn git_settings(&mut self, index: usize, line: &Line, around: &Around) {
        let mut rest = line.args.iter();
        while let Some(arg) = rest.next() {
            let (option, attached) =
                arg.shown.split_once('=').map_or((arg.shown.as_str(), None), |(option, value)| (option, Some(value)));
            let setting = if carries_setting(&arg.shown) {
                rest.next().cloned()
            } else if let Some(value) = attached.filter(|_| option.starts_with("--") && carries_setting(option)) {
                Some(arg.part(value))
            } else {
                arg.shown.strip_prefix("-c").filter(|text| text.contains('=')).map(|text| arg.part(text))
            };
            let Some(setting) = setting else {
                continue;
            };
            let (key, value) = setting.shown.split_once('=').unwrap_or((setting.shown.as_str(), ""));
            // What `--config-env` names is a variable: what it holds is run.
            let is_named = arg.shown.starts_with("--config-env");
            let known = setting.literal.is_some() && !is_named;
            let is_any = key.contains('$') && setting.shown.contains('=');
            let weight = if is_any { Weight::Runs } else { weigh(key, known.then_some(value)) };
            if weight == Weight::Nothing && (known || kind_of(key).is_none() && !is_any) {
                continue;
            }
            self.sign(index, Sign::ExecutionVariable);
            if weight == Weight::Runs {
                self.sign(index, Sign::OpaqueCode);
                let text = value.strip_prefix('!').unwrap_or(value);
                let is_command = matches!(kind_of(key), Some(Value::Command | Value::Marked));
                if is_command && !text.is_empty() && !text.contains("${") && !is_named {
                    self.carried_text("git", &Arg::text(text, around.span), around);
                }
            }
        }
    }

    /// `git config KEY VALUE`: from here on.
    pub(super) fn git_config(&mut self, index: usize, line: &Line) {
        let words = line.positionals.get(1..).unwrap_or_default();
        let asks = words
            .first()
            .is_some_and(|word| ["get", "list", "unset", "remove-section"].iter().any(|verb| word.is(verb)))
            || line.args.iter().any(|arg| {
                let option = arg.shown.split('=').next().unwrap_or_default();
                matches!(option, "-l" | "--list" | "--unset" | "--unset-all") || option.starts_with("--get")
            });
        if asks {
            return;
        }
        let weights =
            words.iter().zip(words.iter().skip(1)).map(|(key, value)| weigh(&key.shown, value.literal.as_deref()));
        match weights.max() {
            Some(Weight::Runs) => self.sign(index, Sign::Persistence),
            Some(Weight::Noteworthy) => self.sign(index, Sign::ExecutionVariable),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_told_by_section_and_last_part() {
        for (key, value) in [
            ("diff.pdf.textconv", "sh x"),
            ("merge.x.driver", "./x %A"),
            ("credential.https://github.com.helper", "!f() { curl c; }; f"),
            ("includeIf.gitdir:~/.path", "/tmp/x"),
            ("submodule.lib.update", "!sh x"),
            ("tar.tar.gz.command", "sh x"),
            ("gpg.x509.program", "/tmp/x"),
            ("pager.log", "sh x"),
            ("core.attributesFile", "/tmp/x"),
            ("core.pager", "less -k x"),
            ("core.editor", "vim -S x"),
            ("alias.st", "!sh x"),
            ("core.hooksPath", ".git/x"),
            ("remote.x.url", "ext::sh -c x"),
            ("credential.helper", "/tmp/x"),
        ] {
            assert_eq!(weigh(key, Some(value)), Weight::Runs, "{key}");
        }
        assert_eq!(weigh("core.pager", None), Weight::Runs);
    }

    #[test]
    fn everyday_settings_mean_nothing() {
        for (key, value) in [
            ("alias.co", "checkout"),
            ("core.editor", "code --wait"),
            ("core.pager", "cat"),
            ("core.pager", "less -FRX"),
            ("core.pager", ""),
            ("core.fsmonitor", "true"),
            ("filter.lfs.required", "true"),
            ("filter.lfs.clean", "git-lfs clean -- %f"),
            ("credential.helper", "cache --timeout=3600"),
            ("user.name", "x"),
            ("difftool.prompt", "false"),
            ("pager.log", "false"),
        ] {
            assert_eq!(weigh(key, Some(value)), Weight::Nothing, "{key}");
        }
        for (key, value) in
            [("core.hooksPath", ".githooks"), ("http.proxy", "http://c:80"), ("include.path", "../.gitconfig")]
        {
            assert_eq!(weigh(key, Some(value)), Weight::Noteworthy, "{key}");
        }
    }
}
