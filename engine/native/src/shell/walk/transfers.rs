//! Programs that talk to others: what they send, where to, and what they run on the way.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::carriers::target;
use super::simple::Around;
use super::tables::{self, RunForm};
use super::{addresses, paths, Walker};
use crate::sql::tree::{Access, Effect};

/// Options of `ssh -o` whose values are run.
const SSH_RUNS: &[&str] =
    &["proxycommand", "localcommand", "knownhostscommand", "pkcs11provider", "securitykeyprovider", "match"];

/// Options whose values are sent.
const SENDS: &[&str] = &[
    "-d",
    "--data",
    "--data-ascii",
    "--data-binary",
    "--data-raw",
    "--data-urlencode",
    "-F",
    "--form",
    "--form-string",
    "-T",
    "--upload-file",
    "--post-data",
    "--post-file",
    "--body-data",
    "--body-file",
    "--json",
];

/// Those of a program: its short ones are curl's.
fn sending(name: &str) -> impl Iterator<Item = &'static str> + '_ {
    SENDS.iter().copied().filter(move |option| name == "curl" || option.starts_with("--"))
}

/// Whether HTTPie takes a word for something to send: `name=value`, `name:=1`, `name@file`; not `name==value`, which asks.
fn is_item(word: &str) -> bool {
    let Some(at) = word.find(['=', '@', ':']) else {
        return false;
    };
    let rest = word.get(at..).unwrap_or_default();
    rest.starts_with(":=") || rest.starts_with('@') || rest.starts_with('=') && !rest.starts_with("==")
}

impl Walker<'_> {
    pub(super) fn secure_shell(&mut self, index: usize, name: &str, line: &Line, around: &Around) {
        for (at, arg) in line.args.iter().enumerate() {
            let value = if arg.is("-o") {
                line.args.get(at.saturating_add(1)).map(|arg| arg.shown.as_str())
            } else {
                arg.shown.strip_prefix("-o")
            };
            let Some(value) = value else {
                continue;
            };
            let lower = value.to_ascii_lowercase();
            if SSH_RUNS.iter().any(|option| lower.trim_start().starts_with(option)) {
                self.sign(index, Sign::OpaqueCode);
                let text = value.split_once(['=', ' ']).map(|(_, text)| text.trim().to_owned()).unwrap_or_default();
                if text != "none" {
                    self.carried_text(name, &Arg::text(&text, around.span), around);
                }
            }
        }
        for host in line.positionals.iter().filter(|arg| arg.shown.contains('@') || arg.shown.contains(':')).take(3) {
            self.touch(index, target("host", host, Access::Execute));
        }
        if matches!(name, "scp" | "rsync" | "sftp") {
            let sources = line.positionals.len().saturating_sub(1).max(1);
            for file in line.positionals.iter().take(sources).filter(|arg| !arg.shown.contains(':')) {
                self.reads(index, file);
            }
            self.puts_from_afar(index, name, line);
        }
    }

    pub(super) fn transfer(&mut self, index: usize, name: &str, line: &Line) {
        let sends = sending(name).any(|option| !line.values(option).is_empty())
            || matches!(name, "http" | "https" | "httpie" | "xh" | "xhs")
                && line.positionals.iter().skip(1).any(|arg| is_item(&arg.shown));
        let spoken = line
            .positionals
            .first()
            .filter(|arg| matches!(arg.shown.as_str(), "PUT" | "POST" | "PATCH" | "DELETE"))
            .map(|arg| arg.shown.clone());
        let method = ["-X", "--request", "--method"]
            .iter()
            .find_map(|option| line.value(option))
            .map(|arg| arg.shown.to_ascii_uppercase())
            .or(spoken);
        let verb = method.as_deref().unwrap_or(if sends { "POST" } else { "GET" });
        let destroys = verb == "DELETE" || line.args.iter().any(|arg| arg.is("DELETE"));
        if destroys {
            self.sign(index, Sign::DestructiveVerb);
        }
        let (kind, effect) = if destroys {
            (Kind::Send, Effect::Delete)
        } else if sends || !matches!(verb, "GET" | "HEAD" | "OPTIONS") {
            (Kind::Send, Effect::Write)
        } else {
            (Kind::Fetch, Effect::Read)
        };
        if let Some(operation) = self.at(index) {
            operation.kind = kind;
            operation.effect = operation.effect.max(effect);
        }
        if kind == Kind::Send {
            self.sign(index, Sign::SendsData);
        }
        self.sent(index, name, line);
        if name == "curl" {
            self.curl(index, line);
        }
        self.fetched_into(index, name, line);
    }

    /// Options of `curl` that say something to a server of files, or take a secret or a file along.
    fn curl(&mut self, index: usize, line: &Line) {
        let quoted: Vec<Arg> = ["-Q", "--quote"].iter().flat_map(|option| line.values(option)).collect();
        if !quoted.is_empty() {
            self.sign(index, Sign::SendsData);
        }
        let removes = |text: &str| {
            let verb = text.trim_start_matches(['-', '+', '*']).split_whitespace().next().unwrap_or_default();
            matches!(verb.to_ascii_uppercase().as_str(), "DELE" | "RMD" | "RM" | "RMDIR" | "RNFR" | "RENAME")
        };
        if quoted.iter().any(|text| removes(&text.shown)) {
            self.sign(index, Sign::DestructiveVerb);
        }
        if line.has("-n") || line.args.iter().any(|arg| arg.is("--netrc") || arg.is("--netrc-optional")) {
            self.sign(index, Sign::CredentialRead);
        }
        // Without `=` it is the name of a file.
        for file in ["-b", "--cookie"].iter().flat_map(|option| line.values(option)) {
            if !file.shown.contains('=') {
                self.reads(index, &file);
            }
        }
        for variable in line.values("--variable") {
            match variable.shown.split_once('@') {
                Some((_, file)) => self.reads(index, &variable.part(file)),
                None if variable.shown.starts_with('%') => self.sign(index, Sign::CredentialShown),
                None => {}
            }
        }
    }

    /// What goes out: files, values of secrets, mutations, requests to where credentials are given out.
    fn sent(&mut self, index: usize, name: &str, line: &Line) {
        let attached = sending(name).flat_map(|option| line.values(option)).filter(|value| value.shown.contains('@'));
        let all: Vec<Arg> = line.args.iter().cloned().chain(attached).collect();
        for arg in &all {
            let value = arg.shown.as_str();
            let file = value
                .strip_prefix('@')
                .or_else(|| value.split_once("=@").map(|(_, file)| file))
                .or_else(|| value.strip_prefix("file://"));
            if let Some(file) = file {
                self.reads(index, &Arg { shown: file.to_owned(), ..arg.clone() });
                if file.starts_with(['/', '~']) || file.starts_with("..") || file.contains("${") {
                    self.sign(index, Sign::Exfiltration);
                }
            }
            let secret = ["${AWS_", "_KEY}", "_TOKEN}", "_SECRET}", "PASSWORD}", "API_KEY", "AKIA"]
                .iter()
                .any(|mark| value.contains(mark));
            if value.contains("://") && (arg.substitution || secret) {
                self.sign(index, Sign::Exfiltration);
            }
            if (value.contains("graphql") || line.args.iter().any(|arg| arg.shown.contains("graphql")))
                && value.contains("mutation")
            {
                self.sign(index, Sign::DestructiveVerb);
            }
            if addresses::gives_credentials(value) {
                self.sign(index, Sign::CredentialRead);
            }
            if addresses::carries_bytes(value) {
                self.sign(index, Sign::SendsData);
            }
        }
    }

    /// Where what is fetched goes, when the program names the file itself or only a folder is given.
    fn fetched_into(&mut self, index: usize, name: &str, line: &Line) {
        let plain = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
        let folder = ["--output-dir", "--directory-prefix", "-P", "--dir"]
            .iter()
            .filter(|option| **option != "-P" || name == "wget")
            .find_map(|option| line.value(option));
        if let Some(folder) = &folder {
            // The name may come from an option or from the address.
            let given = ["-o", "--output", "-O"].iter().find_map(|option| line.value(option));
            for name in given.iter().chain(line.positionals.iter().copied()) {
                let shown = format!("{}/{}", folder.shown, paths::file_name(&plain(&name.shown)));
                self.writes(index, &Arg { shown, literal: None, ..folder.clone() }, Access::Write);
            }
        }
        let remote_name = (name == "curl" && line.has("-O"))
            || line.has("--remote-name")
            || line.has("--remote-name-all")
            || matches!(name, "wget" | "aria2c" | "fetch");
        if remote_name {
            let elsewhere = folder.is_some() || line.has("--spider") || name == "wget" && line.value("-O").is_some();
            for url in line.positionals.iter().filter(|arg| arg.shown.contains('/')) {
                let file = paths::file_name(&plain(&url.shown)).to_owned();
                if !elsewhere && !file.is_empty() {
                    self.writes(index, &Arg { shown: file.clone(), literal: None, ..(*url).clone() }, Access::Create);
                }
                self.fetched.insert(file);
            }
        }
    }

    pub(super) fn connections(&mut self, index: usize, line: &Line) {
        let runs = line.args.iter().any(|arg| {
            let word = arg.shown.as_str();
            matches!(word, "-e" | "-c" | "--exec" | "--sh-exec" | "-lvpe" | "-lpe" | "-nlvpe")
                || word.starts_with('-') && !word.starts_with("--") && word.len() > 2 && word.ends_with(['e', 'c'])
                || word.to_ascii_uppercase().contains("EXEC:")
                || word.to_ascii_uppercase().contains("SYSTEM:")
        });
        if runs {
            self.sign(index, Sign::ReverseShell);
        }
        let listens = line.has("-l")
            || line.has("--listen")
            || line.args.iter().any(|arg| {
                arg.shown.to_ascii_uppercase().contains("-LISTEN") || arg.shown.to_ascii_uppercase().contains("LISTEN:")
            });
        if listens {
            self.sign(index, Sign::Listens);
        }
        for host in line.positionals.iter().take(2) {
            self.touch(index, target("host", host, Access::Execute));
        }
    }

    pub(super) fn database(&mut self, index: usize, name: &str, line: &Line, around: &Around) {
        let given =
            tables::options(name).iter().any(|runs| runs.form == RunForm::Sql && line.value(&runs.option).is_some());
        if matches!(name, "sqlite3" | "sqlite" | "duckdb") {
            for text in line.positionals.iter().skip(1) {
                self.sql_text(name, text);
            }
        }
        if !given {
            self.sql_input(index, name, around);
        }
    }
}
