//! Programs that run what people write or type: compilers and their outputs, sources that are run at once, editors.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::simple::Around;
use super::{paths, tables, Input, Walker};
use crate::sql::tree::Access;

/// Programs in which somebody types: each of them starts a shell when it is told to.
const EDITORS: &[&str] = &[
    "vi", "vim", "nvim", "nano", "pico", "emacs-nw", "micro", "kak", "hx", "helix", "joe", "mcedit", "ed", "ex",
    "view", "vimdiff", "less", "more", "most", "man", "info", "tig", "gitk", "vidir", "fzf", "broot",
];

/// Programs that read commands from their standard input, besides shells, interpreters and clients of databases.
pub(super) const TAKES_COMMANDS: &[&str] = &[
    "cpan",
    "ftp",
    "lftp",
    "ncftp",
    "tftp",
    "sftp",
    "ed",
    "ex",
    "vi",
    "vim",
    "nvim",
    "gdb",
    "lldb",
    "gnuplot",
    "octave",
    "maxima",
    "scilab",
    "telnet",
    "mail",
    "mailx",
    "dc",
    "m4",
    "sqlplus",
    "msfconsole",
];

/// Options of compilers, bundlers and linters that say where their output goes.
const OUTPUTS: &[&str] = &[
    "-o",
    "--out",
    "--output",
    "--outfile",
    "--outFile",
    "--out-file",
    "--output-file",
    "--outdir",
    "--outDir",
    "--out-dir",
    "--output-dir",
    "--output-path",
    "--dest",
    "--report-file",
];

impl Walker<'_> {
    /// Editors and pagers somebody types into, and programs whose input is commands.
    pub(super) fn typed_into(&mut self, index: usize, name: &str, line: &Line, around: &Around) {
        let shows = line.args.iter().any(|arg| matches!(arg.shown.as_str(), "--version" | "--help"));
        let fed = matches!(around.input, Input::Pipe(_) | Input::Document(_));
        let from_input = name == "make" && line.value("-f").is_some_and(|file| file.is("-"));
        // `man -k` lists and `man -w` names: no pager.
        let lists = name == "man"
            && ["-k", "-f", "-w", "-K", "--apropos", "--whatis", "--where"].iter().any(|option| line.has(option));
        let types = EDITORS.contains(&name) && !fed && !shows && !lists;
        // What is in a file that is mailed is no command.
        let read = fed || !matches!(around.input, Input::Inherited) && !name.starts_with("mail");
        let commands = read && TAKES_COMMANDS.contains(&name) || fed && from_input;
        if types || commands {
            self.sign(index, Sign::OpaqueCode);
        }
    }

    /// The file a compiler makes when nobody names it.
    pub(super) fn compiles(&mut self, name: &str, line: &Line) {
        if ["-o", "-c", "-S", "-E"].iter().any(|option| line.args.iter().any(|arg| arg.is(option))) {
            return;
        }
        if name == "rustc" {
            for source in line.positionals.iter().filter(|file| file.shown.ends_with(".rs")) {
                let stem = paths::file_name(&source.shown).trim_end_matches(".rs").to_owned();
                self.made.insert(stem);
            }
        } else {
            self.made.insert("a.out".to_owned());
        }
    }

    /// `go run x.go`, `swift x.swift`: the source is run, so it is a file that runs.
    pub(super) fn runs_source(&mut self, index: usize, name: &str, line: &Line) {
        let words = line.positionals.as_slice();
        let source = match (name, words) {
            ("swift", [file, ..]) if file.shown.ends_with(".swift") => file,
            (_, [verb, file, ..]) if verb.is("run") || verb.is("r") && name == "nim" => file,
            _ => return,
        };
        if source.shown.starts_with(['/', '~', '$'])
            || source.shown.starts_with("..")
            || paths::is_temporary(&source.shown)
        {
            self.becomes(index, Kind::RunFile);
        }
        self.runs_file(index, source);
    }

    /// Files that options name (`--rcfile=/etc/shadow`), whatever the option is for: they are read, and shown in complaints.
    pub(super) fn named_files(&mut self, index: usize, kind: Kind, line: &Line) {
        let all = matches!(kind, Kind::Build | Kind::VersionControl | Kind::Package);
        for arg in line.args {
            let shown = arg.shown.as_str();
            let value = if shown.starts_with('-') {
                shown.split_once('=').map(|(_, value)| value)
            } else {
                all.then(|| shown.trim_start_matches('@'))
            };
            for sign in value.filter(|value| value.starts_with(['/', '~'])).into_iter().flat_map(read_signs) {
                self.sign(index, sign);
            }
        }
    }

    /// `ldd` starts what it is given, unless it is a program of the system.
    pub(super) fn loaded(&mut self, index: usize, line: &Line) {
        if line
            .positionals
            .iter()
            .any(|file| !["/bin/", "/sbin/", "/usr/", "/lib"].iter().any(|at| file.shown.starts_with(at)))
        {
            self.sign(index, Sign::OpaqueCode);
        }
    }

    /// Where a build puts what it makes: a file that starts something, or that other programs are, is more than an output.
    fn puts_output(&mut self, index: usize, line: &Line) {
        for file in OUTPUTS.iter().flat_map(|option| line.values(option)) {
            let inside = file.shown.ends_with('/').then(|| format!("{}x", file.shown));
            for sign in paths::signs(inside.as_deref().unwrap_or(&file.shown), Access::Write) {
                self.sign(index, sign);
            }
        }
    }

    /// A build of what lies in a folder for temporary files runs what anybody may have put there.
    pub(super) fn builds(&mut self, index: usize, name: &str, line: &Line) {
        self.puts_output(index, line);
        if name == "cmake" {
            // Its folders are where it writes.
            return;
        }
        let named = [
            "-f",
            "-C",
            "-c",
            "--directory",
            "--file",
            "--makefile",
            "--config",
            "--config-file",
            "--rootdir",
            "--project",
            "--prefix",
            "--cwd",
            "--manifest-path",
            "--gemfile",
        ];
        let values: Vec<Arg> = named.iter().filter_map(|option| line.value(option)).collect();
        if values.iter().any(|file| file.substitution) {
            self.sign(index, Sign::OpaqueCode);
            self.problem("opaque_code", "what a build does is made as it runs", (0, 0));
        }
        let named = values.iter().any(|folder| paths::is_temporary_folder(&folder.shown));
        if named || line.positionals.iter().any(|file| paths::is_temporary(&file.shown)) {
            self.sign(index, Sign::OddPath);
        }
    }

    /// A tool that is run by its file is that tool: `python sqlmap.py`, `./LinEnum.sh`.
    pub(super) fn known_tool(&mut self, index: usize, file: &Arg) {
        let name = paths::file_name(&file.shown);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        for spelt in [name.to_owned(), stem.to_owned(), stem.to_ascii_lowercase()] {
            let entries = tables::entries(&spelt);
            if entries.iter().any(|entry| entry.kind == Some(Kind::Connect) && entry.when.is_empty()) {
                self.becomes(index, Kind::Connect);
                for sign in entries.iter().filter(|entry| entry.when.is_empty()).flat_map(|entry| &entry.signs) {
                    self.sign(index, *sign);
                }
                return;
            }
        }
    }

    /// Whether letters of a word are escaped for no reason a shell has (`\n/bin/ls`): the reader is to see another word.
    pub(super) fn is_escaped(&self, file: &Arg) -> bool {
        let written = self.text.get(file.span.0..file.span.1).unwrap_or_default();
        self.place.is_none()
            && !written.contains(['\'', '"'])
            && written.as_bytes().windows(2).any(|pair| matches!(pair, [b'\\', next] if next.is_ascii_alphanumeric()))
    }

    fn becomes(&mut self, index: usize, kind: Kind) {
        if let Some(operation) = self.at(index) {
            operation.kind = kind;
            operation.effect = operation.effect.max(kind.effect());
        }
    }
}

/// The signs of reading a file.
fn read_signs(name: &str) -> Vec<Sign> {
    paths::signs(name, Access::Read)
}
