//! Wrappers that are more than their options: shells, builtins that run text, `find`, `xargs`, containers, remote shells.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::simple::Around;
use super::unwrap::{joined, Unwrapped};
use super::{tables, Input, Walker};

/// Options of shells that take a value.
const SHELL_VALUED: &[&str] = &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"];

impl Walker<'_> {
    /// What a table cannot say; None when the table is to be asked.
    pub(super) fn special(&mut self, name: &str, args: &[Arg], around: &Around) -> Option<Unwrapped> {
        let rest = args.get(1..).unwrap_or_default();
        match name {
            _ if tables::is_shell(name) => Some(self.shell(name, args, around)),
            "eval" => Some(text_of(name, rest)),
            "source" | "." => self.source(name, args, around),
            "trap" => Some(trap(rest)),
            "tmux" | "screen" | "byobu" | "zellij" | "dtach" | "abduco" => self.multiplexer(name, args, around),
            "run-parts" if !rest.iter().any(|arg| arg.is("--list") || arg.is("--test")) => {
                Some(Unwrapped::Unknown { code: "opaque_code", message: "every file of a folder is run".to_owned() })
            }
            "busybox" | "toybox" => Some(applet(name, rest)),
            "env" => env_split(rest),
            "command" if rest.first().is_some_and(|arg| arg.is("-v") || arg.is("-V")) => Some(Unwrapped::Program),
            "find" | "gfind" | "bfs" => Some(self.find(name, args, around)),
            "fd" | "fdfind" => self.fd(name, args, around),
            "xargs" | "gxargs" | "parallel" => Some(self.xargs(name, args, around)),
            "coproc" => Some(Unwrapped::Inner {
                wrapper: name.to_owned(),
                args: rest.to_vec(),
                signs: Vec::new(),
                remote: false,
            }),
            "su" | "runuser"
                if !rest.iter().any(|arg| arg.is("-c") || arg.shown.starts_with("--command") || arg.is("-u")) =>
            {
                None
            }
            "at" | "batch" | "crontab" | "ssh" | "sftp" => self.stdin_texts(name, args, around),
            _ if tables::has_subcommands(name) => self.subcommand(name, args, around),
            _ => None,
        }
    }

    /// `docker exec`, `kubectl exec`, `bundle exec`: the program is an operation, and so is what it runs.
    pub(super) fn subcommand(&mut self, name: &str, args: &[Arg], around: &Around) -> Option<Unwrapped> {
        let rest = args.get(1..).unwrap_or_default();
        let line = super::args::Line::of(rest, tables::known(name));
        let words: Vec<&str> = line.positionals.iter().take(4).map(|arg| arg.shown.as_str()).collect();
        let (word, key) = words.iter().find_map(|word| {
            let compose = matches!(words.first(), Some(&"compose")) && *word != "compose";
            let key = if compose { format!("{name}-compose_{word}") } else { format!("{name}_{word}") };
            tables::wrapper(&key).map(|_| (*word, key))
        })?;
        let wrapper = tables::wrapper(&key)?;
        self.program(name, args, around.clone_plain());
        let at = args.iter().skip(1).position(|arg| arg.is(word))?.saturating_add(1);
        let own = args.get(at..).unwrap_or_default();
        let taken = super::unwrap::take(wrapper, own).ok()?;
        if let Some(unknown) = self.doubts_too_often(name, taken.others.len()) {
            return Some(unknown);
        }
        let (wrapper_name, signs, remote) = (name.to_owned(), wrapper.signs.clone(), wrapper.remote);
        let span = around.span;
        let from = |at: usize| {
            let rest = own.get(at..).unwrap_or_default();
            let rest =
                if rest.first().is_some_and(|arg| arg.is("--")) { rest.get(1..).unwrap_or_default() } else { rest };
            taken.entrypoint.iter().chain(rest).cloned().collect::<Vec<Arg>>()
        };
        if wrapper.form == tables::Form::Argv {
            for inner in taken.others.iter().map(|other| from(*other)) {
                self.inside(name, remote, &signs, |walker| {
                    walker.run(&inner, Around { span, input: around.input.clone(), ..Around::default() })
                });
            }
        }
        let rest = from(taken.rest);
        let rest = rest.as_slice();
        if !taken.texts.is_empty() {
            let mut texts = taken.texts;
            if wrapper.form == tables::Form::Argv && !rest.is_empty() {
                texts.push(joined(rest));
            }
            return Some(Unwrapped::Texts { wrapper: wrapper_name, texts, signs, remote });
        }
        if rest.is_empty() {
            return Some(empty());
        }
        match wrapper.form {
            tables::Form::Argv => {
                let inner = rest.to_vec();
                let input = around.input.clone();
                self.inside(&wrapper_name, remote, &signs, |walker| {
                    walker.run(&inner, Around { span, input, ..Around::default() })
                });
                Some(empty())
            }
            tables::Form::Each => Some(Unwrapped::Texts { wrapper: wrapper_name, texts: rest.to_vec(), signs, remote }),
            tables::Form::None => Some(empty()),
            tables::Form::Words | tables::Form::First => {
                Some(Unwrapped::Texts { wrapper: wrapper_name, texts: vec![joined(rest)], signs, remote })
            }
        }
    }

    fn shell(&mut self, name: &str, args: &[Arg], around: &Around) -> Unwrapped {
        if name == "fish" {
            for text in begun_with(args) {
                self.carried_text(name, &text, around);
            }
        }
        let mut at = 1_usize;
        let (mut carries, mut stdin) = (false, false);
        while let Some(arg) = args.get(at) {
            let word = arg.shown.as_str();
            if !(word.starts_with('-') || word.starts_with('+')) || word.len() < 2 || arg.literal.is_none() {
                break;
            }
            at = at.saturating_add(1);
            if word == "--" || word == "-" {
                break;
            }
            if SHELL_VALUED.contains(&word) || name == "fish" && matches!(word, "-C" | "--init-command") {
                at = at.saturating_add(1);
            } else if let Some(text) = word.strip_prefix("--command=") {
                let texts = vec![arg.part(text)];
                return Unwrapped::Texts { wrapper: name.to_owned(), texts, signs: Vec::new(), remote: false };
            } else if !word.starts_with("--") {
                carries |= word.starts_with('-') && word.contains('c');
                stdin |= word.contains('s');
                if word.ends_with('o') && word.len() > 2 {
                    at = at.saturating_add(1);
                }
            } else if matches!(word, "--command") {
                carries = true;
            } else if matches!(word, "--version" | "--help") {
                return Unwrapped::Program;
            }
        }
        let operand = args.get(at);
        if carries {
            let text = operand.cloned().unwrap_or_else(|| Arg::unknown(around.span));
            return Unwrapped::Texts { wrapper: name.to_owned(), texts: vec![text], signs: Vec::new(), remote: false };
        }
        match operand {
            Some(file) if !stdin && !file.is("-") && !is_input(file) => {
                self.script_file(file, args, around);
                empty()
            }
            _ => self.code_from_input(name, args, around),
        }
    }

    /// A shell that reads its commands from standard input.
    pub(super) fn code_from_input(&mut self, name: &str, args: &[Arg], around: &Around) -> Unwrapped {
        match &around.input {
            Input::Pipe(Some(text)) | Input::Document(Some(text)) => {
                let span = around.span;
                let text = text.clone();
                if !around.redirected.targets.is_empty() || !around.redirected.signs.is_empty() {
                    self.described(Kind::RunCode, args, around.clone_plain());
                }
                self.inside(name, false, &[], |walker| walker.embedded(&text, span, "argument"));
                empty()
            }
            Input::Inherited => {
                // A shell of its own: what is typed into it nobody sees.
                let index = self.unknown(
                    args,
                    around.clone_plain(),
                    "interactive_shell",
                    "a shell reads commands that nobody sees",
                );
                self.sign(index, Sign::OpaqueCode);
                empty()
            }
            Input::File(file) => {
                let arg = Arg { literal: None, shown: file.clone(), span: around.span, ..Arg::default() };
                self.script_file(&arg, args, around);
                empty()
            }
            Input::Process => {
                self.script_file(&Arg::process(around.span), args, around);
                empty()
            }
            _ => {
                self.feature("opaque_code");
                let index = self.unknown(
                    args,
                    around.clone_plain(),
                    "opaque_code",
                    "a shell reads commands that only the run will tell",
                );
                self.sign(index, Sign::OpaqueCode);
                empty()
            }
        }
    }

    /// A file of commands is run: nobody sees what is in it.
    pub(super) fn script_file(&mut self, file: &Arg, args: &[Arg], around: &Around) {
        let index = self.described(Kind::RunFile, args, around.clone_plain());
        self.runs_file(index, file);
        let rest = args.iter().skip_while(|arg| arg.shown != file.shown).skip(1).cloned().collect::<Vec<Arg>>();
        self.script_words(index, file, &rest);
        self.named_script(index, file, &Line::of(&rest, None));
    }

    fn source(&mut self, name: &str, args: &[Arg], around: &Around) -> Option<Unwrapped> {
        let file = args.get(1)?;
        if is_input(file) {
            return Some(self.code_from_input(name, args, around));
        }
        self.script_file(file, args, around);
        self.sets_anything();
        Some(empty())
    }

    /// Commands that read shell text from standard input when they have no command of their own.
    fn stdin_texts(&mut self, name: &str, args: &[Arg], around: &Around) -> Option<Unwrapped> {
        let text = match &around.input {
            Input::Pipe(text) | Input::Document(text) => text.clone(),
            Input::File(_) | Input::Process => None,
            Input::Inherited => return None,
        };
        let reads = match name {
            "at" | "batch" => true,
            "ssh" => {
                !matches!(around.input, Input::Pipe(_))
                    && args.iter().skip(1).filter(|arg| !arg.is_option()).count() == 1
            }
            _ => false,
        };
        if !reads {
            return None;
        }
        self.program(name, args, around.clone_plain());
        let remote = name == "ssh";
        let text = match text {
            Some(literal) => {
                Arg { literal: Some(literal.clone()), shown: literal, span: around.span, ..Arg::default() }
            }
            None => Arg::unknown(around.span),
        };
        let signs = if remote { vec![Sign::RemoteRun] } else { vec![Sign::Persistence] };
        Some(Unwrapped::Texts { wrapper: name.to_owned(), texts: vec![text], signs, remote })
    }
}

/// The texts that `fish` runs before it begins.
fn begun_with(args: &[Arg]) -> Vec<Arg> {
    let mut found = Vec::new();
    for (at, arg) in args.iter().enumerate().skip(1) {
        let attached = arg.shown.strip_prefix("--init-command=").or_else(|| arg.shown.strip_prefix("-C"));
        match attached.filter(|text| !text.is_empty()) {
            Some(text) => found.push(arg.part(text)),
            None if arg.is("-C") || arg.is("--init-command") => found.extend(args.get(at.saturating_add(1)).cloned()),
            None => {}
        }
    }
    found
}

/// Whether a file is the standard input of whoever opens it.
fn is_input(file: &Arg) -> bool {
    ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].iter().any(|name| file.is(name))
}

/// Nothing is left to do.
pub(super) fn empty() -> Unwrapped {
    Unwrapped::Texts { wrapper: String::new(), texts: Vec::new(), signs: Vec::new(), remote: false }
}

fn inner(name: &str, args: Vec<Arg>) -> Unwrapped {
    Unwrapped::Inner { wrapper: name.to_owned(), args, signs: Vec::new(), remote: false }
}

fn text_of(name: &str, rest: &[Arg]) -> Unwrapped {
    let rest = if rest.first().is_some_and(|arg| arg.is("--")) { rest.get(1..).unwrap_or_default() } else { rest };
    if rest.is_empty() {
        return Unwrapped::Program;
    }
    Unwrapped::Texts { wrapper: name.to_owned(), texts: vec![joined(rest)], signs: Vec::new(), remote: false }
}

fn trap(rest: &[Arg]) -> Unwrapped {
    let rest: &[Arg] =
        if rest.first().is_some_and(|arg| arg.is("--")) { rest.get(1..).unwrap_or_default() } else { rest };
    match rest {
        [] | [_] => Unwrapped::Program,
        [text, ..] if text.is_option() || text.is("") => Unwrapped::Program,
        [text, conditions @ ..] => {
            // A trap on DEBUG sees every command before it runs.
            let watches = conditions.iter().any(|arg| arg.is("DEBUG") || arg.is("SIGDEBUG"));
            let signs = if watches { vec![Sign::CapturesInput] } else { Vec::new() };
            Unwrapped::Texts { wrapper: "trap".to_owned(), texts: vec![text.clone()], signs, remote: false }
        }
    }
}

fn applet(name: &str, rest: &[Arg]) -> Unwrapped {
    if rest.first().is_none_or(|arg| arg.is_option()) {
        return Unwrapped::Program;
    }
    inner(name, rest.to_vec())
}

/// `env -S 'words'`: the words are split as a shell would, nearly.
fn env_split(rest: &[Arg]) -> Option<Unwrapped> {
    let at = rest.iter().position(|arg| {
        arg.shown.starts_with("-S") || arg.shown.starts_with("--split-string") || arg.shown.starts_with("-vS")
    })?;
    if rest.iter().take(at).any(|arg| !arg.is_option() && !arg.shown.contains('=')) {
        return None;
    }
    let arg = rest.get(at)?;
    let attached = ["--split-string=", "-vS", "-S"].iter().find_map(|prefix| arg.shown.strip_prefix(prefix));
    let attached = attached.filter(|value| !value.is_empty());
    let mut words: Vec<Arg> = Vec::new();
    match attached {
        Some(value) => {
            words.push(Arg {
                literal: arg.literal.is_some().then(|| value.to_owned()),
                shown: value.to_owned(),
                ..arg.clone()
            });
            words.extend(rest.get(at.saturating_add(1)..).unwrap_or_default().iter().cloned());
        }
        None => words.extend(rest.get(at.saturating_add(1)..).unwrap_or_default().iter().cloned()),
    }
    Some(Unwrapped::Texts { wrapper: "env".to_owned(), texts: vec![joined(&words)], signs: Vec::new(), remote: false })
}
