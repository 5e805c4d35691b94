//! Programs that talk to others: what they send, where to, and what they run on the way.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::carriers::target;
use super::simple::Around;
use super::tables::{self, RunForm};
use super::{paths, Walker};
use crate::sql::tree::{Access, Effect};

/// Options of `ssh -o` whose values are run.
const SSH_RUNS: &[&str] =
    &["proxycommand", "localcommand", "knownhostscommand", "pkcs11provider", "securitykeyprovider", "match"];

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
        let sends = line.args.iter().any(|arg| {
            [
                "-d",
                "--data",
                "--data-binary",
                "--data-raw",
                "--data-urlencode",
                "-F",
                "--form",
                "-T",
                "--upload-file",
                "--post-data",
                "--post-file",
                "--body-data",
                "--body-file",
                "--json",
            ]
            .iter()
            .any(|option| {
                arg.is(option)
                    || arg.shown.starts_with(&format!("{option}="))
                    || option.len() == 2 && arg.shown.starts_with(option) && name == "curl"
            })
        });
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
        for arg in line.args {
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
            if value.contains("169.254.169.254") || value.contains("metadata.google.internal") {
                self.sign(index, Sign::CredentialRead);
            }
        }
        let folder = ["--output-dir", "--directory-prefix", "-P", "--dir"].iter().find_map(|option| line.value(option));
        if let Some(folder) = folder {
            // The name may come from an option or from the address.
            let given = ["-o", "--output", "-O"].iter().find_map(|option| line.value(option));
            for name in given.iter().chain(line.positionals.iter().copied()) {
                let plain = name.shown.split(['?', '#']).next().unwrap_or_default();
                let shown = format!("{}/{}", folder.shown, paths::file_name(plain));
                self.writes(index, &Arg { shown, literal: None, ..folder.clone() }, Access::Write);
            }
        }
        let remote_name =
            line.has("-O") || line.has("--remote-name") || name == "wget" || name == "aria2c" || name == "fetch";
        if remote_name {
            for url in line.positionals.iter().filter(|arg| arg.shown.contains('/')) {
                let plain = url.shown.split(['?', '#']).next().unwrap_or_default();
                self.fetched.insert(paths::file_name(plain).to_owned());
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

    pub(super) fn database(&mut self, name: &str, line: &Line, around: &Around) {
        let given =
            tables::options(name).iter().any(|runs| runs.form == RunForm::Sql && line.value(&runs.option).is_some());
        if matches!(name, "sqlite3" | "sqlite" | "duckdb") {
            for text in line.positionals.iter().skip(1) {
                self.sql_text(name, text);
            }
        }
        if !given {
            self.sql_input(name, around);
        }
    }
}
