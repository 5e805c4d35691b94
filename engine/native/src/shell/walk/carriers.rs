//! Commands that carry others in their arguments: `find`, `xargs`; and SQL in the arguments of database clients.

use super::super::tree::{Carried, Target};
use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::narrowing::{self, By};
use super::paths;
use super::shells::empty;
use super::simple::Around;
use super::unwrap::{take, Unwrapped};
use super::{tables, Input, Walker};
use crate::sql::tree::{Access, Effect};

/// Actions of `find` that run a command up to `;` or `+`.
pub(super) const FIND_RUNS: &[&str] = &["-exec", "-execdir", "-ok", "-okdir"];

/// What it takes to read a byte of SQL, as bytes of shell.
const SQL: usize = 8;

/// Actions of `find` that write a file.
const FIND_WRITES: &[&str] = &["-fprint", "-fprint0", "-fprintf", "-fls"];

impl Walker<'_> {
    pub(super) fn find(&mut self, name: &str, args: &[Arg], around: &Around) -> Unwrapped {
        let index = self.described(Kind::Inspect, args, around.clone_plain());
        let starts: Vec<&Arg> = args
            .iter()
            .skip(1)
            .skip_while(|arg| is_global(arg))
            .take_while(|arg| !arg.shown.starts_with(['-', '(', '!']))
            .collect();
        for start in &starts {
            self.reads(index, start);
        }
        // Once for all of its actions.
        let expression = expression(args);
        let runs = args.iter().any(|arg| FIND_RUNS.contains(&arg.shown.as_str()));
        let names = if runs { self.found_names(args) } else { Vec::new() };
        let is_limited =
            (narrowing::is_limited(&expression, By::Command), narrowing::is_limited(&expression, By::Delete));
        let mut at = 1_usize;
        while let Some(arg) = args.get(at) {
            at = at.saturating_add(1);
            if FIND_RUNS.contains(&arg.shown.as_str()) {
                let before = self.tree.operations.len();
                at = self.find_command(name, &names, args, at, around);
                if !is_limited.0 {
                    self.find_removes(&starts, before);
                }
            } else if arg.is("-delete") {
                self.find_deletes(args, &starts, is_limited.1, around);
            } else if FIND_WRITES.contains(&arg.shown.as_str()) {
                if let Some(file) = args.get(at) {
                    self.writes(index, file, Access::Write);
                }
            } else if matches!(
                arg.shown.as_str(),
                "-name"
                    | "-iname"
                    | "-path"
                    | "-ipath"
                    | "-wholename"
                    | "-iwholename"
                    | "-regex"
                    | "-iregex"
                    | "-lname"
            ) {
                if let Some(name) = args.get(at) {
                    self.searched_name(index, &name.shown);
                }
            } else if arg.is("-perm") {
                if let Some(mode) = args.get(at) {
                    self.searched_mode(index, &mode.shown);
                }
            } else if matches!(arg.shown.as_str(), "-writable" | "-nouser" | "-nogroup") {
                self.sign(index, Sign::SystemDiscovery);
            } else if arg.dynamic && arg.shown.starts_with("${") && !arg.single {
                // An unquoted value may be an action.
                self.unquoted_value(index, arg);
            }
        }
        empty()
    }

    fn unquoted_value(&mut self, index: usize, arg: &Arg) {
        let after_paths = arg.shown.len() > 3;
        if after_paths {
            self.touch(index, target("file", arg, Access::Read));
        }
    }

    fn find_command(&mut self, name: &str, names: &[String], args: &[Arg], from: usize, around: &Around) -> usize {
        let rest = args.get(from..).unwrap_or_default();
        let length = rest.iter().position(|arg| arg.is(";") || arg.is("+")).unwrap_or(rest.len());
        let inner: Vec<Arg> = rest.iter().take(length).map(|arg| placeholder(arg, "{}")).collect();
        if !inner.is_empty() {
            let span = around.span;
            self.getting(names.to_vec(), |walker| {
                walker.inside(name, false, &[], |walker| walker.run(&inner, Around { span, ..Around::default() }));
            });
        }
        from.saturating_add(length).saturating_add(1)
    }

    /// What a command that removes what is found removes when nothing is asked of what is found.
    fn find_removes(&mut self, starts: &[&Arg], before: usize) {
        let whole = starts.is_empty()
            || starts
                .iter()
                .any(|start| paths::delete_signs(&self.placed(&start.shown), true, false).contains(&Sign::WholeTree));
        let removes = |operation: &super::Operation| {
            operation.kind == Kind::DeleteFile && operation.targets.iter().any(|target| target.name.contains("${ARG}"))
        };
        for index in before..self.tree.operations.len() {
            if whole && self.tree.operations.get(index).is_some_and(removes) {
                self.sign(index, Sign::WholeTree);
            }
        }
    }

    fn find_deletes(&mut self, args: &[Arg], starts: &[&Arg], is_limited: bool, around: &Around) {
        let span = around.span;
        let here = Arg::text(".", span);
        let starts = if starts.is_empty() && self.is_elsewhere() { vec![&here] } else { starts.to_vec() };
        let may_be_part = |start: &Arg| paths::is_own_or_plain(&self.placed(&start.shown));
        let parts: Vec<bool> = starts.iter().map(|start| is_limited && may_be_part(start)).collect();
        let here_whole = !is_limited && (starts.is_empty() || self.is_unsure());
        self.inside("find", false, &[], |walker| {
            let index = walker.described(Kind::DeleteFile, args, Around { span, ..Around::default() });
            for (start, is_part) in starts.iter().zip(parts) {
                walker.deletes(index, start, !is_part);
            }
            walker.sign(index, Sign::BulkDelete);
            if here_whole {
                walker.sign(index, Sign::WholeTree);
            }
        });
    }

    pub(super) fn xargs(&mut self, name: &str, args: &[Arg], around: &Around) -> Unwrapped {
        let Some(wrapper) = tables::wrapper(name) else {
            return Unwrapped::Program;
        };
        let taken = match take(wrapper, args) {
            Ok(taken) => taken,
            Err(option) => {
                return Unwrapped::Unknown {
                    code: "unknown_option",
                    message: format!("`{name}` has an option nobody knows, `{option}`"),
                };
            }
        };
        let (own, rest) = args.split_at_checked(taken.rest).unwrap_or_default();
        let length = rest.iter().position(|arg| arg.shown.starts_with(":::")).unwrap_or(rest.len());
        let (rest, given) = rest.split_at_checked(length).unwrap_or_default();
        self.argument_files(name, own, given, around);
        let replaced = replacement(name, own);
        if rest.is_empty() {
            return if name == "parallel" {
                Unwrapped::Texts {
                    wrapper: name.to_owned(),
                    texts: vec![Arg::unknown(around.span)],
                    signs: Vec::new(),
                    remote: false,
                }
            } else {
                Unwrapped::Program
            };
        }
        let mut inner: Vec<Arg> = rest
            .iter()
            .map(|arg| replaced.as_deref().map_or_else(|| arg.clone(), |mark| placeholder(arg, mark)))
            .collect();
        let marked = inner.iter().zip(rest).any(|(new, old)| new.literal != old.literal);
        if !marked {
            // Nothing is put in where a mark is given and not used, nor where no input comes: then the last word is where a copy goes.
            let is_named = name != "parallel" && replaced.is_some();
            if is_named || rest.iter().any(|arg| copies(&arg.shown)) {
                // Each reads what stands within twice: one in another would take time without end.
                if self.wrappers.iter().any(|one| one == name) {
                    return Unwrapped::Unknown {
                        code: "too_deep",
                        message: format!("`{name}` stands in another and may put in nothing"),
                    };
                }
                self.inside(name, false, &[], |walker| walker.run(rest, around.clone_plain()));
            }
            inner.push(Arg::unknown(around.span));
        }
        let text = match &around.input {
            Input::Document(Some(text)) | Input::Pipe(Some(text)) => Some(text),
            Input::Inherited | Input::Process | Input::Pipe(None) => self.piped.as_ref(),
            Input::Document(None) | Input::File(_) => None,
        };
        let names = text.map(|text| super::said::names_in(text)).unwrap_or_default();
        self.getting(names, |walker| {
            walker.inside(name, false, &[], |walker| walker.run(&inner, around.clone_plain()));
        });
        empty()
    }

    /// `xargs -a FILE`, `parallel x :::: FILE`: files whose words become arguments are read, beside what gets them.
    fn argument_files(&mut self, name: &str, own: &[Arg], given: &[Arg], around: &Around) {
        let line = Line::of(own.get(1..).unwrap_or_default(), tables::known(name));
        let mut files: Vec<Arg> = ["-a", "--arg-file"].iter().filter_map(|option| line.value(option)).collect();
        let mut is_file = false;
        for word in given {
            match word.shown.trim_end_matches('+') {
                ":::" => is_file = false,
                "::::" => is_file = true,
                _ if is_file => files.push(word.clone()),
                _ => {}
            }
        }
        if files.is_empty() {
            return;
        }
        let index = self.described(Kind::Inspect, own, Around { span: around.span, ..Around::default() });
        files.iter().for_each(|file| self.reads(index, file));
    }

    /// The text of SQL that a client runs, as operations of SQL.
    pub(super) fn sql_text(&mut self, name: &str, text: &Arg) {
        let span = self.place.unwrap_or(text.span);
        let Some(literal) = &text.literal else {
            self.problem("dynamic_sql", "a text of SQL is only known when it runs", span);
            let index = self.operation(Kind::Unknown, span);
            self.sign(index, Sign::OpaqueCode);
            return;
        };
        let plain: String = literal.lines().filter(|line| !is_meta_command(line)).collect::<Vec<_>>().join("\n");
        if plain.len() != literal.trim_end().len() {
            self.meta_commands(name, literal, span);
        }
        if plain.trim().is_empty() || !self.affords(plain.len().saturating_mul(SQL)) {
            return;
        }
        let tree = crate::sql::tree_of(&plain, None);
        let mut via = self.via.clone();
        via.push(format!("wrapper:{name}").into());
        if !tree.complete {
            // What a catalog would have told does not make the line opaque; what did not parse does.
            let unread = tree.operations.iter().any(|operation| operation.effect == Effect::Unknown);
            if unread {
                self.problem("unread_sql", "a text of SQL could not be read", span);
            }
        }
        for operation in tree.operations {
            if self.tree.carried.len() < 1_000 && self.affords(SQL.saturating_mul(32)) {
                self.tree.carried.push(Carried { operation, via: via.clone(), span });
            } else {
                self.tree.incomplete = true;
            }
        }
    }

    /// `\!`, `\copy ... program`, `.shell`: what a client does beside SQL.
    fn meta_commands(&mut self, name: &str, text: &str, span: (usize, usize)) {
        for line in text.lines().filter(|line| is_meta_command(line)) {
            let line = line.trim();
            let word = line.split_whitespace().next().unwrap_or_default();
            let shell = match word {
                r"\!" | ".shell" | ".system" | r"\system" => line.strip_prefix(word),
                _ if line.starts_with(r"\!") => line.strip_prefix(r"\!"),
                _ => None,
            };
            match shell {
                Some(command) => {
                    self.inside(name, false, &[], |walker| walker.embedded(command.trim(), span, "argument"))
                }
                None if is_quiet_meta(word) => {}
                None => {
                    self.problem(
                        "client_command",
                        &format!("a command of `{name}` itself, `{word}`, is not followed"),
                        span,
                    );
                    let index = self.operation(Kind::RunCode, span);
                    self.sign(index, Sign::OpaqueCode);
                }
            }
        }
    }

    /// SQL on the standard input of a client.
    pub(super) fn sql_input(&mut self, index: usize, name: &str, around: &Around) {
        match &around.input {
            Input::Pipe(Some(text)) | Input::Document(Some(text)) => {
                let arg = Arg { literal: Some(text.clone()), shown: text.clone(), span: around.span, ..Arg::default() };
                self.sql_text(name, &arg);
            }
            Input::Pipe(None) | Input::Document(None) | Input::Process => {
                self.sql_text(name, &Arg::unknown(around.span))
            }
            Input::File(file) => {
                let file = Arg { shown: file.clone(), span: around.span, ..Arg::default() };
                self.problem("opaque_code", "a file of SQL is run that nobody reads here", around.span);
                self.sign(index, Sign::OpaqueCode);
                self.touch(index, target("file", &file, Access::Execute));
            }
            Input::Inherited => {}
        }
    }

    /// A file that is written or made.
    pub(super) fn writes(&mut self, index: usize, file: &Arg, access: Access) {
        for other in self.names_of(file) {
            self.touch(index, target("file", &other, access));
            for sign in paths::signs(&other.shown, access) {
                self.sign(index, sign);
            }
        }
        if paths::is_nothing(&file.shown) {
            return;
        }
        let file = &self.here(file);
        self.touch(index, target("file", file, access));
        self.made.insert(paths::file_name(&file.shown).to_owned());
        for sign in paths::signs(&file.shown, access) {
            self.sign(index, sign);
        }
        if let Some(operation) = self.at(index) {
            operation.effect =
                operation.effect.max(if access == Access::Create { Effect::Create } else { Effect::Write });
        }
    }

    pub(super) fn reads(&mut self, index: usize, file: &Arg) {
        for other in self.names_of(file) {
            self.touch(index, target("file", &other, Access::Read));
            for sign in paths::signs(&other.shown, Access::Read) {
                self.sign(index, sign);
            }
        }
        if paths::is_nothing(&file.shown) {
            return;
        }
        let file = &self.here(file);
        self.touch(index, target("file", file, Access::Read));
        for sign in paths::signs(&file.shown, Access::Read) {
            self.sign(index, sign);
        }
    }

    /// A file or tree that is removed.
    pub(super) fn deletes(&mut self, index: usize, file: &Arg, whole: bool) {
        if self.is_unsure() {
            for sign in paths::delete_signs(&file.shown, whole, file.dynamic) {
                self.sign(index, sign);
            }
        }
        // What was listed is a part of what is there.
        for other in self.names_of(file).into_iter().filter(|other| !other.shown.ends_with('*')) {
            self.touch(index, target("file", &other, Access::Delete));
            for sign in paths::delete_signs(&other.shown, whole, true) {
                self.sign(index, sign);
            }
        }
        let file = &self.here(file);
        self.touch(index, target("file", file, Access::Delete));
        for sign in paths::delete_signs(&file.shown, whole, file.dynamic) {
            self.sign(index, sign);
        }
    }

    pub(super) fn runs_file(&mut self, index: usize, file: &Arg) {
        self.touch(index, target("file", file, Access::Execute));
        let name = paths::file_name(&file.shown);
        if self.fetched.contains(name) || file.substitution {
            self.sign(index, Sign::DownloadAndRun);
            self.problem("opaque_code", "what was fetched or written just before is run", file.span);
        }
        if self.made.contains(name) {
            self.sign(index, Sign::OpaqueCode);
            self.problem("opaque_code", "a file that was written just before is run", file.span);
        }
        if self.cloned || file.shown.contains("://") {
            self.sign(index, Sign::InstallsPackages);
        }
        self.known_tool(index, file);
        let elsewhere = self.is_away() && !file.shown.starts_with(['/', '~']);
        let odd = file.shown.contains(['%', '|', '\'', '"', '\\', '\n'])
            || ["#{", "{{", "<%"].iter().any(|mark| file.shown.contains(mark))
            || self.is_escaped(file);
        if paths::is_temporary(&file.shown) || elsewhere || odd {
            self.sign(index, Sign::OddPath);
        }
        for sign in paths::signs(&self.placed(&file.shown), Access::Execute) {
            self.sign(index, sign);
        }
    }
}

pub(super) fn target(class: &'static str, arg: &Arg, access: Access) -> Target {
    Target { class, name: arg.shown.clone(), access, literal: arg.literal.is_some() }
}

/// What stands behind the places where a `find` begins.
fn expression(args: &[Arg]) -> Vec<Arg> {
    args.iter().skip(1).skip_while(|arg| !arg.shown.starts_with(['-', '(', '!']) || is_global(arg)).cloned().collect()
}

/// Options of `find` that stand before the places where it begins.
fn is_global(arg: &Arg) -> bool {
    matches!(arg.shown.as_str(), "-H" | "-L" | "-P") || arg.shown.starts_with("-O")
}

/// An argument where something is put in at run time.
fn placeholder(arg: &Arg, mark: &str) -> Arg {
    if !arg.shown.contains(mark) {
        return arg.clone();
    }
    Arg { literal: None, shown: arg.shown.replace(mark, "${ARG}"), dynamic: true, single: true, ..arg.clone() }
}

/// Whether a word is a program whose last operand means something else than those before it.
fn copies(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let name = name.strip_prefix('g').unwrap_or(name);
    matches!(name, "cp" | "mv" | "ln" | "install" | "rsync" | "scp" | "link")
}

/// What `xargs` and `parallel` replace, when they do.
fn replacement(name: &str, own: &[Arg]) -> Option<String> {
    let mut found = (name == "parallel").then(|| "{}".to_owned());
    for (at, arg) in own.iter().enumerate() {
        let word = arg.shown.as_str();
        if matches!(word, "-I" | "--replace") {
            found = own.get(at.saturating_add(1)).map(|arg| arg.shown.clone());
        } else if let Some(mark) = word.strip_prefix("-I").or_else(|| word.strip_prefix("--replace=")) {
            found = Some(mark.to_owned());
        } else if word == "-i" || word == "-J" {
            found = Some("{}".to_owned());
        }
    }
    found.filter(|mark| !mark.is_empty())
}

fn is_meta_command(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('\\')
        || line.starts_with('.') && line.chars().nth(1).is_some_and(|char| char.is_ascii_alphabetic())
}

fn is_quiet_meta(word: &str) -> bool {
    let word = word.trim_start_matches(['\\', '.']);
    matches!(
        word,
        "q" | "x"
            | "timing"
            | "pset"
            | "set"
            | "echo"
            | "conninfo"
            | "l"
            | "c"
            | "connect"
            | "tables"
            | "schema"
            | "headers"
            | "mode"
            | "quit"
            | "exit"
            | "databases"
            | "indexes"
            | "help"
            | "h"
            | "a"
            | "t"
            | "G"
            | "g"
    ) || word.starts_with('d') && word.len() <= 4
        || word.starts_with('l') && word.len() <= 2
        || word.starts_with('s') && word.len() <= 2
}
