//! Interpreters: inline code is opaque, files are files, and what a text of code already shows.

use super::super::vocabulary::{Kind, Sign};
use super::args::Arg;
use super::shells::empty;
use super::simple::Around;
use super::tables::{self, Interpreter};
use super::unwrap::Unwrapped;
use super::{Input, Walker};
use crate::sql::tree::{Access, Effect};

/// Words of code that make connections.
const CONNECTS: &[&str] = &["socket", "Socket", "fsockopen", "TCPClient", "net.Dial", "/inet/tcp", "connect("];

/// Words of code that hand a connection to a shell.
const STARTS_SHELLS: &[&str] = &[
    "/bin/sh",
    "/bin/bash",
    "sh -i",
    "cmd.exe",
    "powershell",
    "pty.spawn",
    "dup2",
    "exec(",
    "shell_exec",
    "passthru",
    "popen",
    "subprocess",
    "child_process",
    "system(",
    "Process.",
    "exec.Command",
    "spawn",
    "bash -i",
    "proc_open",
];

/// Words of code that hold what a visitor of a page sent; between double quotes a shell takes `$_GET` for its own variable.
const ASKED: &[&str] = &[
    "$_GET",
    "$_POST",
    "$_REQUEST",
    "$_COOKIE",
    "$_SERVER[",
    "$_FILES",
    "${_GET}",
    "${_POST}",
    "${_REQUEST}",
    "${_COOKIE}",
    "${_SERVER}",
    "php://input",
    "Request.Form",
    "Request.Item",
    "Request[",
    "request.getParameter",
];

/// Words of code that run a text or a file by its name.
const RUNS_TEXT: &[&str] = &[
    "system(",
    "exec(",
    "eval(",
    "eval ",
    "passthru(",
    "shell_exec",
    "assert(",
    "popen(",
    "proc_open",
    "include(",
    "include ",
    "include_once",
    "require(",
    "require ",
    "require_once",
    "create_function",
    "call_user_func",
    "preg_replace(",
    "getRuntime(",
    "ProcessBuilder",
    "Process.Start",
    "move_uploaded_file",
];

/// What a text of code shows without being understood.
pub(super) fn signs_of(code: &str) -> Vec<Sign> {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let mut signs = Vec::new();
    if has(CONNECTS) && has(STARTS_SHELLS) || code.contains("/dev/tcp/") || code.contains("/dev/udp/") {
        signs.push(Sign::ReverseShell);
    }
    if has(&[
        "curl ",
        "wget ",
        "urllib",
        "requests.get",
        "http.get",
        "LWP::",
        "open-uri",
        "urlopen",
        "file_get_contents(\"http",
        "DownloadString",
    ]) && has(&["exec(", "eval(", "| sh", "|sh", "| bash", "|bash", "system(", "eval ", "IEX"])
    {
        signs.push(Sign::DownloadAndRun);
    }
    if has(&[
        "shutil.rmtree",
        "rmtree(",
        "unlink(",
        "os.remove(",
        "rimraf",
        "fs.rmSync",
        "FileUtils.rm",
        "rm -rf",
        "rm -fr",
        "rmSync",
        "remove_tree",
    ]) {
        signs.push(Sign::BulkDelete);
    }
    if has(&[".ssh/id_", ".aws/credentials", "/etc/shadow", ".netrc", ".git-credentials", ".kube/config"]) {
        signs.push(Sign::CredentialRead);
    }
    if has(ASKED) && has(RUNS_TEXT) {
        signs.push(Sign::ReverseShell);
    }
    if has(&["os.setuid", "setuid(", "SUID"]) {
        signs.push(Sign::PrivilegeChange);
    }
    if has(&["fork while", "os.fork()", "fork()"]) && has(&["while", "loop", "for("]) {
        signs.push(Sign::ResourceExhaustion);
    }
    signs
}

impl Walker<'_> {
    /// A program that runs code: from an option, a file, or its input.
    pub(super) fn interpreter(&mut self, name: &str, kind: &Interpreter, args: &[Arg], around: Around) -> Unwrapped {
        let rest = args.get(1..).unwrap_or_default();
        let mut at = 0_usize;
        let mut doubted: Option<usize> = None;
        let mut codes: Vec<Arg> = Vec::new();
        let first = self.tree.operations.len();
        let loads: Vec<Arg> = loaded(kind, rest);
        if super::power_shell::is_power_shell(name) {
            self.power_shell(name, args, around);
            return empty();
        }
        if name == "deno" {
            // Options of its own, and their values, may stand before the word.
            let eval = rest.iter().take(6).position(|word| word.is("eval"));
            let run = rest.iter().position(|word| word.is("run") || word.is("task") || word.is("test"));
            if let Some(eval) = eval.filter(|eval| run.is_none_or(|run| run > *eval)) {
                let words = rest.iter().skip(eval.saturating_add(1));
                let codes: Vec<Arg> = words.filter(|arg| !arg.is_option()).cloned().collect();
                self.inline_code(&codes, args, around);
                return empty();
            }
            if rest.iter().any(|arg| arg.shown.contains("://")) {
                self.problem("opaque_code", "code that lies on a server is run", around.span);
            }
        }
        while let Some(arg) = rest.get(at) {
            let word = arg.shown.as_str();
            if !arg.is_option() || word == "--" {
                break;
            }
            at = at.saturating_add(1);
            if kind.shows.iter().any(|option| option == word) && rest.len() == 1 {
                self.described(Kind::Inspect, args, around);
                return empty();
            }
            if let Some(module) = module_of(kind, arg, rest.get(at)) {
                self.module(name, module, rest.get(at..).unwrap_or_default(), args, around);
                return empty();
            }
            if let Some(code) = code_of(kind, word, rest.get(at)) {
                codes.push(code.clone());
                if kind.ends {
                    break;
                }
                at = at.saturating_add(1);
            } else if kind.valued.iter().any(|option| option == word) {
                at = at.saturating_add(1);
            } else if word.starts_with("--") && !word.contains('=') && !kind.is_flag(word) {
                // Nobody knows the option: the next word may be its value, and the code or the file come after it.
                let next = rest.get(at).filter(|next| !next.is_option());
                doubted = doubted.or(next.map(|_| at.saturating_add(1)));
            }
        }
        let others = doubted.and_then(|from| rest.get(from..)).map(|rest| kind.begins_in(rest)).unwrap_or_default();
        codes.extend(others.codes);
        if !codes.is_empty() {
            self.inline_code(&codes, args, around);
            self.loads(first, &loads);
            return empty();
        }
        let rest = rest.get(at..).unwrap_or_default();
        let rest = if rest.first().is_some_and(|arg| arg.is("--")) { rest.get(1..).unwrap_or_default() } else { rest };
        match rest.first() {
            Some(file) if !file.is("-") && !file.is("/dev/stdin") => {
                self.script_file(file, args, &around);
            }
            _ => self.code_input(args, around),
        }
        self.loads(first, &loads);
        if let Some(file) = others.file {
            self.runs_file(first, &file);
        }
        empty()
    }

    /// Files and folders of code that are loaded besides.
    fn loads(&mut self, index: usize, files: &[Arg]) {
        for file in files {
            if file.shown.contains("://") || file.shown.starts_with("data:") {
                self.sign(index, Sign::OpaqueCode);
                self.problem("opaque_code", "code in an address is loaded", file.span);
            }
            self.runs_file(index, file);
            if super::paths::is_temporary_folder(&file.shown) {
                self.sign(index, Sign::OddPath);
            }
        }
    }

    pub(super) fn code_input(&mut self, args: &[Arg], around: Around) {
        match around.input.clone() {
            Input::File(file) => {
                let arg = Arg { shown: file, span: around.span, ..Arg::default() };
                self.script_file(&arg, args, &around);
            }
            Input::Process => self.script_file(&Arg::process(around.span), args, &around),
            Input::Inherited => {
                let index =
                    self.unknown(args, around, "interactive_code", "an interpreter reads code that nobody sees");
                self.sign(index, Sign::OpaqueCode);
            }
            Input::Pipe(text) | Input::Document(text) => {
                let code = match text {
                    Some(literal) => {
                        Arg { literal: Some(literal.clone()), shown: literal, span: around.span, ..Arg::default() }
                    }
                    None => Arg::unknown(around.span),
                };
                self.inline_code(&[code], args, around);
            }
        }
    }

    /// Code in an argument: opaque, with the signs that its text shows.
    pub(super) fn inline_code(&mut self, codes: &[Arg], args: &[Arg], around: Around) {
        self.feature("opaque_code");
        self.problem("opaque_code", "code in an argument is not understood", around.span);
        let index = self.described(Kind::RunCode, args, around);
        self.sign(index, Sign::OpaqueCode);
        if let Some(operation) = self.at(index) {
            operation.effect = Effect::Unknown;
        }
        for code in codes {
            for sign in signs_of(&code.shown) {
                self.sign(index, sign);
            }
        }
    }

    /// `rest`: what stands behind the option, the module's own name among it unless it is attached.
    fn module(&mut self, name: &str, module: Option<Arg>, rest: &[Arg], args: &[Arg], around: Around) {
        let word = module.as_ref().and_then(|arg| arg.literal.clone());
        let own = match rest.split_first() {
            Some((first, own)) if module.as_ref().is_some_and(|module| module.shown == first.shown) => own,
            _ => rest,
        };
        let (kind, sign) = match word.as_deref() {
            Some(module) => tables::module(module),
            None => {
                let index = self.unknown(args, around, "opaque_code", "which module runs is only known when it runs");
                self.sign(index, Sign::OpaqueCode);
                return;
            }
        };
        if let Some(tool) = module.filter(|_| word.as_deref().is_some_and(|module| module.starts_with("pip"))) {
            let inner: Vec<Arg> = std::iter::once(&tool).chain(own).cloned().collect();
            self.run(&inner, around);
            return;
        }
        if let (Some("coverage"), Some((verb, measured))) = (word.as_deref(), own.split_first()) {
            if verb.is("run") {
                // What is measured is run: a module or a file.
                let options = measured.iter().position(|arg| arg.shown.starts_with("-m") || !arg.is_option());
                let from = measured.get(options.unwrap_or_default()..).unwrap_or_default();
                let inner: Vec<Arg> = std::iter::once(&Arg::text(name, around.span)).chain(from).cloned().collect();
                let span = around.span;
                self.inside("coverage", false, &[], |walker| walker.run(&inner, Around { span, ..Around::default() }));
            }
        }
        let span = around.span;
        let index = self.described(kind, args, around);
        self.module_files(index, kind, word.as_deref().unwrap_or_default(), own);
        if let Some(sign) = sign {
            self.sign(index, sign);
        }
        if sign == Some(Sign::OpaqueCode) {
            self.problem("opaque_code", "a module runs code that is not understood", span);
        }
    }

    /// The files that a module of Python is given.
    fn module_files(&mut self, index: usize, kind: Kind, module: &str, rest: &[Arg]) {
        let files: Vec<&Arg> = rest.iter().filter(|arg| !arg.is_option()).collect();
        let has = |options: &[&str]| rest.iter().any(|arg| options.iter().any(|option| arg.is(option)));
        match (module, files.as_slice()) {
            ("json.tool", files) => {
                // The second file is made.
                files.iter().take(1).for_each(|file| self.reads(index, file));
                files.iter().skip(1).for_each(|file| self.writes(index, file, Access::Create));
            }
            ("tarfile" | "zipfile", [archive, files @ ..]) if has(&["-c", "--create"]) => {
                self.writes(index, archive, Access::Create);
                for file in files {
                    self.reads(index, file);
                    if super::secrets::is_above_keys(&file.shown) {
                        self.sign(index, Sign::CredentialRead);
                    }
                }
            }
            ("tarfile" | "zipfile", [archive, into, ..]) if has(&["-e", "--extract"]) => {
                self.reads(index, archive);
                self.writes(index, into, Access::Create);
                self.takes_tree(index, into, true);
            }
            (_, files) if matches!(kind, Kind::Inspect | Kind::Archive) => {
                files.iter().for_each(|file| self.reads(index, file));
            }
            _ => {}
        }
    }
}

/// What an interpreter runs where an option nobody knows took the word before.
#[derive(Debug, Default)]
struct Others {
    codes: Vec<Arg>,
    file: Option<Arg>,
}

impl Interpreter {
    /// The module that an option names, where it names one.
    pub(super) fn module_at(&self, arg: &Arg, next: Option<&Arg>) -> Option<Arg> {
        module_of(self, arg, next).map(|module| module.unwrap_or_else(|| Arg::unknown(arg.span)))
    }

    /// Whether an option is known to have no value: by its name, or by how it begins (`--no-*`).
    fn is_flag(&self, word: &str) -> bool {
        self.flags.iter().any(|flag| match flag.strip_suffix('*') {
            Some(head) => word.starts_with(head),
            None => flag == word,
        })
    }

    fn begins_in(&self, rest: &[Arg]) -> Others {
        let mut found = Others::default();
        let mut at = 0_usize;
        while let Some(arg) = rest.get(at) {
            at = at.saturating_add(1);
            if let Some(code) = code_of(self, &arg.shown, rest.get(at)).filter(|_| arg.is_option()) {
                found.codes.push(code);
            } else if !arg.is_option() {
                found.file = found.file.or(Some(arg.clone()));
                break;
            } else if self.valued.contains(&arg.shown) {
                at = at.saturating_add(1);
            }
        }
        found
    }
}

/// Files and folders of code that options name: `node -r ./x.js`, `perl -I/tmp`, `php -d auto_prepend_file=/tmp/x`. A bare name is a
/// module of the installation.
fn loaded(kind: &Interpreter, rest: &[Arg]) -> Vec<Arg> {
    let mut found = Vec::new();
    for (at, arg) in rest.iter().enumerate().take_while(|(_, arg)| !arg.is("--")) {
        for option in &kind.loads {
            let attached = match option.starts_with("--") {
                true => arg.shown.strip_prefix(option.as_str()).and_then(|after| after.strip_prefix('=')),
                false => arg.shown.strip_prefix(option.as_str()).filter(|after| !after.is_empty()),
            };
            let value = match attached {
                Some(value) => Some(arg.part(value)),
                None if arg.shown == *option => rest.get(at.saturating_add(1)).cloned(),
                None => None,
            };
            let named = value.map(|value| match value.shown.split_once('=') {
                Some((_, file)) if !value.shown.starts_with("data:") => value.part(file),
                _ => value.clone(),
            });
            found.extend(named.filter(|file| {
                file.shown.starts_with(['/', '~', '.', '$'])
                    || file.shown.starts_with("data:")
                    || file.shown.contains("://")
            }));
        }
    }
    found
}

/// The module that an option names: the next argument, or what stands after the letter (`-mpip`, `-Im pip`). None where the option
/// names none; the module is unknown where nothing stands there.
fn module_of(kind: &Interpreter, arg: &Arg, next: Option<&Arg>) -> Option<Option<Arg>> {
    let letter = kind.modules.iter().find_map(|option| option.strip_prefix('-'))?;
    let cluster = arg.shown.strip_prefix('-').filter(|cluster| !cluster.starts_with('-'))?;
    let place = cluster.find(letter)?;
    let before = cluster.get(..place)?;
    let ends = |option: &String| option.strip_prefix('-').is_some_and(|letter| before.contains(letter));
    if !before.bytes().all(|byte| byte.is_ascii_alphabetic()) || kind.valued.iter().chain(&kind.codes).any(ends) {
        return None;
    }
    match cluster.get(place.saturating_add(letter.len())..) {
        None | Some("") => Some(next.cloned()),
        Some(attached) => Some(Some(arg.part(attached))),
    }
}

/// The code that an option carries: the next argument, or what stands after the letter.
pub(super) fn code_of(kind: &Interpreter, word: &str, next: Option<&Arg>) -> Option<Arg> {
    for option in &kind.codes {
        if word == option {
            return Some(next.cloned().unwrap_or_default());
        }
        if option.len() == 2 && !word.starts_with("--") {
            let letter = option.trim_start_matches('-');
            let cluster = word.trim_start_matches('-');
            // `-ne CODE`, `-lane CODE`, `-cCODE`.
            if let Some(place) = cluster.find(letter) {
                let before = cluster.get(..place).unwrap_or_default();
                if before.bytes().all(|byte| byte.is_ascii_alphanumeric()) && before.len() <= 8 {
                    let after = cluster.get(place.saturating_add(1)..).unwrap_or_default();
                    let text =
                        if after.is_empty() { next.map(|arg| arg.shown.clone()) } else { Some(after.to_owned()) };
                    return Some(Arg { shown: text.unwrap_or_default(), ..Arg::default() });
                }
            }
        }
        if option.starts_with("--") {
            if let Some(value) = word.strip_prefix(option.as_str()).and_then(|rest| rest.strip_prefix('=')) {
                return Some(Arg { shown: value.to_owned(), ..Arg::default() });
            }
        }
    }
    None
}
