//! Options whose values are run, written, read or connected to: `options.tsv`, and the few that need more than a table.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::carriers::target;
use super::simple::Around;
use super::tables::{self, RunForm, Runs};
use super::{paths, Walker};
use crate::sql::tree::{Access, Effect};

impl Walker<'_> {
    /// Options of `options.tsv`.
    pub(super) fn options_that_run(&mut self, index: usize, name: &str, args: &[Arg], around: &Around) {
        let rest = args.get(1..).unwrap_or_default();
        let line = Line::of(rest, tables::known(name));
        for runs in tables::options(name) {
            for value in line.values(&runs.option) {
                self.option_that_runs(index, name, runs, &value, around);
            }
        }
    }

    fn option_that_runs(&mut self, index: usize, name: &str, runs: &Runs, value: &Arg, around: &Around) {
        match runs.form {
            RunForm::Shell => {
                // What it is given besides nobody sees.
                self.sign(index, Sign::OpaqueCode);
                self.carried_text(name, value, around);
            }
            RunForm::Code => {
                self.sign(index, Sign::OpaqueCode);
                if let Some(operation) = self.at(index) {
                    operation.effect = operation.effect.max(Effect::Execute);
                }
                self.problem("opaque_code", &format!("`{}` of `{name}` runs code", runs.option), around.span);
                for sign in super::code::signs_of(&value.shown) {
                    self.sign(index, sign);
                }
            }
            RunForm::File => {
                self.sign(index, Sign::OpaqueCode);
                self.touch(index, target("file", value, Access::Execute));
            }
            RunForm::Write => match piped(&value.shown) {
                Some(text) => {
                    self.sign(index, Sign::OpaqueCode);
                    self.carried_text(name, &value.part(text), around);
                }
                None => {
                    self.writes(index, value, Access::Write);
                    if tables::reads_code(name) || matches!(name, "curl" | "wget" | "aria2c") {
                        self.fetched.insert(paths::file_name(&value.shown).to_owned());
                    }
                }
            },
            RunForm::Tree => self.takes_tree(index, value, true),
            RunForm::Read => self.reads(index, value),
            RunForm::Sql => self.sql_text(name, value),
            RunForm::Value | RunForm::Alone | RunForm::Attached | RunForm::Flag => {}
        }
    }

    pub(super) fn carried_text(&mut self, name: &str, value: &Arg, around: &Around) {
        let span = around.span;
        match &value.literal {
            Some(text) => self.inside(name, false, &[], |walker| walker.embedded(text, span, "argument")),
            None => {
                let index = self.unknown(
                    &[],
                    Around { span, ..Around::default() },
                    "opaque_code",
                    "an option's value is run and not known",
                );
                self.sign(index, Sign::OpaqueCode);
            }
        }
    }

    /// What needs a look at the values of a known program.
    pub(super) fn known_values(&mut self, index: usize, name: &str, kind: Kind, line: &Line, around: &Around) {
        match name {
            "git" => {
                if line.positionals.first().is_some_and(|verb| verb.is("apply") || verb.is("am")) {
                    self.takes_tree(index, &Arg::text(".", around.span), true);
                }
                self.git(index, line, around);
                self.git_files(index, line);
            }
            "gh" | "glab" => self.sent_files(index, line),
            "kubectl" | "oc" | "helm" => self.other_cluster(index, name, line),
            "ssh" | "scp" | "sftp" | "rsync" | "sshfs" | "autossh" => self.secure_shell(index, name, line, around),
            "docker" | "podman" | "nerdctl" => self.container(index, line),
            "dd" => self.dd(index, line),
            "curl" | "wget" | "aria2c" | "http" | "https" | "httpie" | "xh" | "xhs" | "fetch" => {
                self.transfer(index, name, line)
            }
            "psql" | "mysql" | "mariadb" | "sqlite3" | "sqlite" | "sqlcmd" | "clickhouse-client" | "cockroach"
            | "usql" | "duckdb" => {
                self.database(index, name, line, around);
            }
            "unzip" | "7z" | "7za" | "7zr" if line.value(if name == "unzip" { "-d" } else { "-o" }).is_none() => {
                self.takes_tree(index, &Arg::text(".", around.span), true);
            }
            "chmod" => self.chmod(index, line),
            "tar" | "bsdtar" | "gtar" => self.tar(index, line, around),
            "nc" | "ncat" | "netcat" | "socat" => self.connections(index, line),
            "kill" | "pkill" | "killall" => self.kills(index, line),
            "make" | "gmake" | "just" | "task" => self.overrides(index, name, line, around),
            "install" => self.installs(index, line),
            "less" | "more" | "vim" | "vi" | "nvim" | "ex" | "view" => self.pager(index, line),
            "grep" | "egrep" | "fgrep" | "zgrep" | "bzgrep" | "xzgrep" => self.searched_text(index, name, line),
            "fd" | "fdfind" | "locate" | "mlocate" | "plocate" | "mdfind" => {
                line.positionals.iter().for_each(|arg| self.searched_name(index, &arg.shown));
            }
            "rg" | "ripgrep" | "ag" | "ack" | "ugrep" | "pt" => self.searched_text(index, name, line),
            "ldd" => self.loaded(index, line),
            "jq" | "yq" | "gojq" | "jaq" => self.query(index, name, line),
            "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++" | "rustc" => self.compiles(name, line),
            "go" | "swift" | "dart" | "crystal" | "nim" | "zig" | "v" => self.runs_source(index, name, line),
            "crontab" => self.crontab(index, line),
            "fallocate" => self.allocates(index, line),
            "export" | "declare" | "typeset" | "readonly" | "local" => self.variables(index, line),
            "alias" => self.aliases(index, line),
            "hash" => self.hashed(line),
            "ln" => self.links(index, line),
            "date" => self.sets_the_time(index, line),
            "mlr" | "miller" => self.redirects_in(index, line),
            "cd" | "pushd" | "popd" | "chdir" => self.folder(name, line),
            "set" => {
                if line.args.iter().take_while(|arg| !arg.is("--")).any(|arg| stops_at_failure(&arg.shown)) {
                    self.held.set(super::held::STRICT, vec![Some(String::new())]);
                }
                self.sets_words(line);
            }
            "patch" | "cpio" | "unrar" | "unar" => self.takes_tree(index, &Arg::text(".", around.span), true),
            "ip" | "unset" | "test" | "[" | "printf" | "read" | "let" | "mapfile" | "readarray" | "getopts" => {
                self.subscripts(line);
                self.sets_variables(index, name, line, around);
            }
            _ => {}
        }
        self.secrets_in(index, name, kind, line);
        self.typed_into(index, name, line, around);
        if matches!(kind, Kind::Fetch | Kind::Send | Kind::Connect) {
            for host in line.args.iter().filter(|arg| arg.shown.contains("://")).take(5) {
                self.touch(index, target("host", host, Access::Read));
            }
        }
    }
}

/// Whether a word of `set` ends the shell at the first command that fails.
fn stops_at_failure(word: &str) -> bool {
    word == "errexit" || word.starts_with('-') && word.contains('e')
}

/// A file that is written whose name begins with a bar or a mark is a command for what it takes (`psql -o '|x'`, `strace -o '!x'`).
fn piped(name: &str) -> Option<&str> {
    name.strip_prefix(['|', '!']).map(str::trim_start).filter(|text| !text.is_empty())
}
