//! Programs whose values need more than a table: git, containers, tar, chmod and others.

use super::super::tree::Target;
use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::simple::Around;
use super::{names, paths, tables, Walker};
use crate::sql::tree::{Access, Effect};

/// A file of more bytes than this fills a disk.
const MOST_MADE: u64 = 64 << 30;

impl Walker<'_> {
    /// A device without an end, or `yes`, into a file: nothing stops before the disk is full, unless a number of bytes does.
    pub(super) fn fills(&mut self, index: usize, name: &str, line: &Line, around: &Around) {
        let into_file =
            around.redirected.targets.iter().any(|to| to.access != Access::Read && !paths::is_nothing(&to.name));
        let from_device = line.args.iter().any(|arg| paths::is_endless(&arg.shown))
            || matches!(&around.input, super::Input::File(file) if paths::is_endless(file));
        let limit =
            ["-c", "--bytes", "-N", "--read-bytes", "-n", "--lines", "-l"].iter().find_map(|option| line.value(option));
        let limited = limit.is_some_and(|value| bytes_of(value.shown.trim_start_matches('-')) <= MOST_MADE);
        if into_file && (name == "yes" || from_device && !limited) {
            self.sign(index, Sign::ResourceExhaustion);
        }
    }

    pub(super) fn git(&mut self, index: usize, line: &Line, around: &Around) {
        self.git_settings(index, line, around);
        let words: Vec<&str> = line.positionals.iter().map(|arg| arg.shown.as_str()).collect();
        match words.as_slice() {
            ["clone", ..] => self.cloned = true,
            ["checkout", _, _, ..] if !line.has("-b") && !line.has("--orphan") => {
                self.sign(index, Sign::RewritesHistory)
            }
            ["push", rest @ ..] => {
                let protected = ["main", "master", "production", "prod", "release"];
                if rest
                    .iter()
                    .any(|word| protected.contains(word) || word.starts_with("refs/heads/ma") || word.contains(":"))
                {
                    self.sign(index, Sign::Publishes);
                }
                if rest.first().is_some_and(|remote| !matches!(*remote, "origin" | "upstream" | "fork")) {
                    self.sign(index, Sign::SendsData);
                }
                if line.args.iter().any(|arg| arg.shown.starts_with("--force") || arg.shown.starts_with(':')) {
                    self.sign(index, Sign::RewritesHistory);
                }
            }
            _ => {}
        }
        if words.first() == Some(&"config") {
            self.git_config(index, line);
            let unchecked = words.iter().any(|word| word.to_ascii_lowercase().ends_with("sslverify"));
            if unchecked && words.iter().any(|word| matches!(*word, "false" | "0" | "no" | "off")) {
                self.sign(index, Sign::UnverifiedServer);
            }
        }
        for address in line.args.iter().filter(|arg| arg.shown.contains("://") && super::secrets::names_secret(arg)) {
            let sign = match super::secrets::asks_with_secret(address) {
                true => Sign::Exfiltration,
                false => Sign::CredentialShown,
            };
            self.sign(index, sign);
        }
        // What a repository says is run by whoever looks at it.
        if line.value("--git-dir").is_some_and(|folder| is_elsewhere(&folder.shown)) {
            self.sign(index, Sign::OpaqueCode);
        }
        if line.args.iter().any(|arg| {
            arg.shown.starts_with("ext::")
                || arg.shown.contains("--upload-pack")
                || arg.shown.contains("--receive-pack")
        }) {
            self.sign(index, Sign::OpaqueCode);
        }
        match words.as_slice() {
            ["rebase", ..] => {
                if let Some(text) = line.value("-x") {
                    self.carried_text("git", &text, around);
                }
            }
            ["submodule", "foreach", text, ..] => self.carried_text("git", &Arg::text(text, around.span), around),
            ["bisect", "run", _, ..] => {
                let own = line.args.iter().skip_while(|arg| !arg.is("run")).skip(1);
                let args: Vec<Arg> = own.skip_while(|arg| arg.is("--")).cloned().collect();
                let span = around.span;
                self.inside("git", false, &[], |walker| walker.run(&args, Around { span, ..Around::default() }));
            }
            ["clone", rest @ ..] => {
                // What is cloned stays where it lands: a folder that is read at a start is started from.
                for folder in rest.iter().skip(1) {
                    let tree = paths::tree_signs(folder, false);
                    for sign in paths::signs(folder, Access::Create).into_iter().chain(tree) {
                        self.sign(index, sign);
                    }
                }
                // Elsewhere `-u` names a branch.
                for text in line.values("-u") {
                    self.sign(index, Sign::OpaqueCode);
                    self.carried_text("git", &text, around);
                }
            }
            _ => {}
        }
    }

    pub(super) fn dd(&mut self, index: usize, line: &Line) {
        for arg in line.args {
            if let Some(file) = arg.shown.strip_prefix("of=") {
                self.writes(index, &Arg { shown: file.to_owned(), ..arg.clone() }, Access::Write);
            } else if let Some(file) = arg.shown.strip_prefix("if=") {
                self.reads(index, &Arg { shown: file.to_owned(), ..arg.clone() });
                let whole = |key: &str| line.args.iter().find_map(|arg| arg.shown.strip_prefix(key).map(bytes_of));
                let many =
                    whole("count=").is_none_or(|count| count.saturating_mul(whole("bs=").unwrap_or(512)) > MOST_MADE);
                if paths::is_endless(file) && many {
                    self.sign(index, Sign::ResourceExhaustion);
                }
            }
        }
    }

    pub(super) fn chmod(&mut self, index: usize, line: &Line) {
        let Some(mode) = line.positionals.first().map(|arg| arg.shown.as_str()) else {
            return;
        };
        let opened = mode.ends_with("777")
            || mode.ends_with("666")
            || mode.contains("o+w")
            || mode.contains("a+w")
            || mode.contains("a+rwx")
            || mode.contains("o+rwx");
        if opened {
            self.sign(index, Sign::PermissionsOpened);
        }
        if sets_user(mode) {
            self.sign(index, Sign::PrivilegeChange);
        }
        if mode.starts_with('-') && line.args.iter().any(|arg| arg.shown.contains("-x")) {
            self.sign(index, Sign::PermissionsOpened);
        }
    }

    /// Expressions of Miller whose output goes into files.
    pub(super) fn redirects_in(&mut self, index: usize, line: &Line) {
        let redirects =
            |text: &str| text.contains('>') && ["tee", "emit", "print", "dump"].iter().any(|verb| text.contains(verb));
        if line.args.iter().any(|arg| redirects(&arg.shown)) {
            if let Some(operation) = self.at(index) {
                operation.effect = operation.effect.max(Effect::Write);
            }
        }
    }

    /// `date` with a word that is no form to show it in.
    pub(super) fn sets_the_time(&mut self, index: usize, line: &Line) {
        if !line.has("-j") && line.positionals.iter().any(|word| !word.shown.starts_with('+')) {
            self.sign(index, Sign::TraceRemoval);
            if let Some(operation) = self.at(index) {
                operation.effect = operation.effect.max(Effect::Execute);
            }
        }
    }

    pub(super) fn kills(&mut self, index: usize, line: &Line) {
        let all = line.positionals.iter().any(|arg| matches!(arg.shown.as_str(), "1" | "-1"))
            || line.args.last().is_some_and(|arg| arg.is("-1")) && line.args.len() > 1;
        if all {
            self.sign(index, Sign::PowerChange);
        }
    }

    /// `fallocate` of more than fits, or of nobody knows how much.
    pub(super) fn allocates(&mut self, index: usize, line: &Line) {
        let length = line.value("-l").or_else(|| line.value("--length"));
        let frees = ["-d", "--dig-holes"].iter().any(|option| line.has(option));
        if !frees && length.is_none_or(|value| bytes_of(&value.shown) > MOST_MADE) {
            self.sign(index, Sign::ResourceExhaustion);
        }
    }

    /// A mode that lets a program run as its owner.
    pub(super) fn installs(&mut self, index: usize, line: &Line) {
        for mode in line.values("-m").into_iter().chain(line.values("--mode")) {
            if sets_user(&mode.shown) {
                self.sign(index, Sign::PrivilegeChange);
            }
        }
    }

    /// Programs that the command line gives a build: `make SHELL=./x`, `make CC='rm -rf x'`.
    pub(super) fn overrides(&mut self, index: usize, name: &str, line: &Line, around: &Around) {
        for arg in &line.positionals {
            let Some((variable, value)) = arg.shown.split_once('=') else {
                continue;
            };
            let first = value.split_whitespace().next().unwrap_or_default();
            let is_name = variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if is_name && value.trim().contains(' ') && names::known(first).is_some() {
                self.sign(index, Sign::OpaqueCode);
                self.carried_text(name, &arg.part(value), around);
            }
        }
        if line.args.iter().any(|arg| {
            arg.shown.starts_with("SHELL=")
                || arg.shown.starts_with("MAKEFLAGS=")
                || arg.shown.starts_with(".SHELLFLAGS=")
        }) {
            self.sign(index, Sign::ExecutionVariable);
        }
    }

    pub(super) fn pager(&mut self, index: usize, line: &Line) {
        let runs = line.args.iter().any(|arg| {
            let word = arg.shown.trim_start_matches(['+', '-']);
            arg.shown.starts_with("+!")
                || word.starts_with("c!")
                || word.starts_with(":!")
                || arg.shown.contains(":!")
                || arg.shown.contains("system(")
                || arg.shown.contains("+:py")
        });
        if runs {
            self.sign(index, Sign::OpaqueCode);
            self.problem("opaque_code", "an editor or pager is told to run something", (0, 0));
        }
    }

    pub(super) fn crontab(&mut self, index: usize, line: &Line) {
        if line.has("-r") {
            self.sign(index, Sign::Persistence);
            self.sign(index, Sign::DestructiveVerb);
        } else if !line.has("-l") {
            self.sign(index, Sign::Persistence);
        }
    }

    pub(super) fn variables(&mut self, index: usize, line: &Line) {
        let (is_reference, is_exported) = (line.has("-n"), line.has("-x"));
        for arg in &line.positionals {
            let name = arg.shown.split(['=', '+']).next().unwrap_or_default();
            if let Some((_, value)) = arg.shown.split_once('=') {
                let value = value.to_owned();
                self.shell_variable(name, &value, arg.literal.is_some(), arg.span);
                self.remember(name, &value);
            }
            self.touch(index, Target { class: "variable", name: name.to_owned(), access: Access::Set, literal: true });
            let assigns = arg.shown.contains('=');
            let extends_path = name == "PATH" && extends_path(&arg.shown);
            let value = arg.shown.split_once('=').map(|(_, value)| value).unwrap_or_default();
            let literal = value_of(arg);
            if assigns && name.starts_with("HIST") && tables::is_execution_variable(name) {
                if !keeps_history(name, value) {
                    self.sign(index, Sign::TraceRemoval);
                }
            } else if assigns && tables::is_changed_by(name, literal) && !extends_path {
                self.sign(index, Sign::ExecutionVariable);
            }
            // `declare -n r=PATH`: the name stands for the other from here on.
            let refers = is_reference.then(|| arg.shown.split_once('=')).flatten();
            if refers.is_some_and(|(_, meant)| tables::is_execution_variable(meant)) {
                self.sign(index, Sign::ExecutionVariable);
            }
        }
        if is_reference && !is_exported {
            self.subscripts(line);
        }
    }

    /// INVARIANT: an alias can stand for anything, and changes how what follows it is read; so where one is used, or may be
    /// used for a program, nobody sees what runs.
    pub(super) fn aliases(&mut self, index: usize, line: &Line) {
        for arg in line.args.iter().filter(|arg| arg.shown.contains('=')) {
            self.feature("alias_defined");
            let name = arg.shown.split('=').next().unwrap_or_default();
            if tables::knows(name) {
                self.feature("shadowed_program");
                self.sign(index, Sign::ExecutionVariable);
                self.problem("shadowed_program", &format!("an alias takes the name of the program `{name}`"), arg.span);
            }
            self.aliases.insert(name.to_owned());
        }
    }

    /// `hash -p FILE NAME`: the name is another program from here on.
    pub(super) fn hashed(&mut self, line: &Line) {
        if line.args.iter().any(|arg| arg.is_option() && arg.shown.contains('p')) {
            self.problem("shadowed_program", "a name is given to another program", (0, 0));
        }
    }

    /// A variable whose value a shell runs, or runs a file of: nobody reads that as commands here.
    pub(super) fn shell_variable(&mut self, name: &str, shown: &str, literal: bool, span: (usize, usize)) {
        let octal = shown.as_bytes().windows(2).any(|two| matches!(two, [b'\\', b'0'..=b'9']));
        let runs = match name {
            "PS0" | "PS1" | "PS2" | "PS3" | "PS4" => {
                !literal || octal || ["$(", "${", "$[", "`"].iter().any(|mark| shown.contains(mark))
            }
            "PROMPT_COMMAND" | "BASH_ENV" => !shown.is_empty(),
            // WHY not any: a variable of this name says in many places which environment is meant.
            "ENV" => shown.contains("<()") || shown.contains('/'),
            _ => false,
        };
        if runs {
            self.problem("opaque_code", &format!("a shell runs what `{name}` holds"), span);
        }
    }

    pub(super) fn links(&mut self, index: usize, line: &Line) {
        let Some((last, targets)) = line.positionals.split_last() else {
            return;
        };
        let into = line.value("-t").or_else(|| line.value("--target-directory"));
        let targets = if into.is_some() || targets.is_empty() { line.positionals.as_slice() } else { targets };
        targets.iter().for_each(|file| self.reads(index, file));
        match into {
            Some(folder) => self.puts(index, targets, &folder, true),
            None if line.positionals.len() > 1 => self.puts(index, targets, last, true),
            None => {}
        }
    }

    pub(super) fn subscripts(&mut self, line: &Line) {
        for arg in line.args {
            if arg.shown.contains("[$()") {
                self.problem("hidden_subscript", "a subscript runs a command", arg.span);
            }
        }
    }
}

/// The value that a word assigns, where it is known.
fn value_of(arg: &Arg) -> Option<&str> {
    arg.literal.as_deref().and_then(|word| word.split_once('=')).map(|(_, value)| value)
}

/// Whether a setting of the shell's history still remembers what is typed.
fn keeps_history(name: &str, value: &str) -> bool {
    match name {
        "HISTSIZE" | "HISTFILESIZE" => value.parse::<i64>().is_ok_and(|lines| !(0..100).contains(&lines)),
        "HISTCONTROL" => value.split(':').all(|word| matches!(word, "ignoredups" | "erasedups" | "")),
        "HISTTIMEFORMAT" => true,
        _ => false,
    }
}

/// A number of bytes as `dd` and `head` take it, `4K`, `1GB`; what is no number is more than any.
pub(super) fn bytes_of(text: &str) -> u64 {
    let digits = text.trim_start_matches('+').bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.trim_start_matches('+').split_at_checked(digits).unwrap_or(("", ""));
    let power = match unit.chars().next().map(|char| char.to_ascii_uppercase()) {
        None | Some('C' | 'B' | 'W') => 0,
        Some('K') => 10,
        Some('M') => 20,
        Some('G') => 30,
        _ => 63,
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(1_u64.checked_shl(power)?)).unwrap_or(u64::MAX)
}

/// Whether a mode lets a program run as its owner or its group.
fn sets_user(mode: &str) -> bool {
    mode.contains("+s")
        || mode.contains("=s")
        || mode.len() == 4 && mode.starts_with(['4', '6', '2', '7']) && mode.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a setting of `PATH` only adds folders, none of them one where anybody may put a program.
fn extends_path(setting: &str) -> bool {
    let Some((_, value)) = setting.split_once('=') else {
        return false;
    };
    let old = |folder: &str| matches!(folder, "${PATH}" | "$PATH");
    value.split(':').any(old)
        && value.split(':').all(|folder| {
            old(folder)
                || !(folder.is_empty() || folder == "." || folder == "${PWD}" || paths::is_temporary_folder(folder))
        })
}

/// Whether a folder is none of the project's: it is outside, or only the run tells which.
fn is_elsewhere(folder: &str) -> bool {
    folder.starts_with(['/', '~', '$']) || folder.split('/').any(|part| part == "..")
}
