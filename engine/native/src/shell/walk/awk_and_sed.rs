//! The two little languages that are often only filters: understood where they run nothing and write nothing.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::simple::Around;
use super::{tables, Walker};
use crate::sql::tree::Access;

/// What makes an awk program more than a filter. Nothing is taken out of the text first: a pattern may hide a quote.
fn awk_filters(code: &str) -> bool {
    let bytes = code.as_bytes();
    let lone_bar = bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'|'
            && bytes.get(at.wrapping_add(1)) != Some(&b'|')
            && (at == 0 || bytes.get(at.wrapping_sub(1)) != Some(&b'|'))
    });
    let bars_are_patterns = lone_bar && !code.contains('"') && !code.contains("|&") && !code.contains("print");
    let runs = ["system", "getline", "@load", "@include", "/inet", "|&"].iter().any(|word| code.contains(word));
    !runs && (!lone_bar || bars_are_patterns) && !prints_to_file(code)
}

/// Whether a `>` may stand after a `print` in the same statement.
fn prints_to_file(code: &str) -> bool {
    let mut rest = code;
    while let Some(at) = rest.find("print") {
        let after = rest.get(at.saturating_add(5)..).unwrap_or_default();
        let end = after.find(['}', ';', '\n']).unwrap_or(after.len());
        if after.get(..end).unwrap_or_default().contains('>') {
            return true;
        }
        rest = after;
    }
    false
}

impl Walker<'_> {
    pub(super) fn awk(&mut self, args: &[Arg], around: Around) {
        let line = Line::of(args.get(1..).unwrap_or_default(), tables::known("awk"));
        let values = |options: &[&str]| options.iter().flat_map(|option| line.values(option)).collect::<Vec<Arg>>();
        let mut codes = values(&["-e", "--source"]);
        let libraries = values(&["-i", "--include", "-l", "--load"]);
        let programs = values(&["-f", "--file", "-E", "--exec"]);
        let in_place = libraries.iter().any(|library| library.is("inplace"));
        let mut files = line.positionals.clone();
        if codes.is_empty() && programs.is_empty() && !files.is_empty() {
            codes.push(files.remove(0).clone());
        }
        let understood = |code: &Arg| match code.literal.as_deref() {
            Some(text) => awk_filters(text),
            None => !code.substitution && awk_filters(&code.shown) && code.shown.contains("${"),
        };
        let first = self.tree.operations.len();
        if !codes.iter().all(understood) {
            self.inline_code(&codes, args, around);
        } else {
            let runs = !programs.is_empty() || libraries.iter().any(|library| !library.is("inplace"));
            let kind = match (runs, in_place) {
                (true, _) => Kind::RunFile,
                (false, true) => Kind::WriteFile,
                (false, false) => Kind::Inspect,
            };
            self.described(kind, args, around);
        }
        if codes.iter().any(|code| super::secrets::awk_reads_secrets(&code.shown)) {
            self.sign(first, Sign::SystemDiscovery);
        }
        for file in files.iter().filter(|file| !file.shown.contains('=')) {
            if in_place {
                self.writes(first, file, Access::Write);
            } else {
                self.reads(first, file);
            }
        }
        for code in libraries.iter().filter(|library| !library.is("inplace")).chain(&programs) {
            self.runs_file(first, code);
        }
        for written in values(&["-o", "-d", "-p", "--pretty-print", "--dump-variables", "--profile"]) {
            self.writes(first, &written, Access::Write);
        }
    }

    pub(super) fn sed(&mut self, args: &[Arg], around: Around) {
        let rest = args.get(1..).unwrap_or_default();
        let line = Line::of(rest, tables::known("sed"));
        let values = |options: &[&str]| options.iter().flat_map(|option| line.values(option)).collect::<Vec<Arg>>();
        let mut scripts = values(&["-e", "--expression"]);
        let programs = values(&["-f", "--file"]);
        let in_place = line.saw_any(&["-i", "-I", "--in-place"]);
        let from_file = !programs.is_empty();
        let mut files = line.positionals.clone();
        if scripts.is_empty() && !from_file {
            if files.is_empty() {
                self.described(Kind::Inspect, args, around);
                return;
            }
            scripts.push(files.remove(0).clone());
        }
        let understood = scripts.iter().all(|script| !script.substitution && sed_filters(&script.shown));
        if !understood {
            self.inline_code(&scripts, args, around);
            return;
        }
        let kind = if in_place && !from_file {
            Kind::WriteFile
        } else if from_file {
            Kind::RunFile
        } else {
            Kind::Inspect
        };
        let index = self.described(kind, args, around);
        for file in files {
            if in_place {
                self.writes(index, file, Access::Write);
            } else {
                self.reads(index, file);
            }
        }
        for program in &programs {
            self.runs_file(index, program);
        }
        if in_place && line.positionals.is_empty() {
            self.sign(index, Sign::BulkDelete);
        }
    }
}

/// Whether a sed script only filters: no `e`, `w`, `r`, `W`, `R`, and nothing that could not be read.
fn sed_filters(script: &str) -> bool {
    let mut chars = Script { chars: script.chars().collect(), at: 0 };
    chars.commands().is_some()
}

struct Script {
    chars: Vec<char>,
    at: usize,
}

impl Script {
    fn next(&mut self) -> Option<char> {
        let char = self.chars.get(self.at).copied();
        self.at = self.at.saturating_add(1);
        char
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip(&mut self, test: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&test) {
            self.at = self.at.saturating_add(1);
        }
    }

    /// Reads all commands; None when one of them runs, writes, reads a file or is unknown.
    fn commands(&mut self) -> Option<()> {
        loop {
            self.skip(|char| char.is_whitespace() || char == ';' || char == '}');
            if self.peek().is_none() {
                return Some(());
            }
            self.address()?;
            self.skip(|char| char == ' ' || char == ',' || char == '!' || char == '~' || char == '+');
            if self.peek().is_some_and(|char| char.is_ascii_digit() || matches!(char, '$' | '/' | '\\')) {
                self.address()?;
            }
            self.skip(|char| char == ' ' || char == '!' || char == '\t');
            self.command()?;
        }
    }

    fn address(&mut self) -> Option<()> {
        match self.peek()? {
            char if char.is_ascii_digit() => self.skip(|char| char.is_ascii_digit() || char == '~'),
            '$' => {
                self.next();
                if self.peek() == Some('{') {
                    self.skip(|char| char != '}');
                    self.next();
                }
            }
            '/' => {
                self.next();
                self.up_to_delimiter('/')?;
                self.skip(|char| matches!(char, 'I' | 'M'));
            }
            '\\' => {
                self.next();
                let delimiter = self.next()?;
                self.up_to_delimiter(delimiter)?;
                self.skip(|char| matches!(char, 'I' | 'M'));
            }
            _ => {}
        }
        Some(())
    }

    /// Everything up to a delimiter that stands outside escapes; brackets do not hide one.
    fn up_to_delimiter(&mut self, delimiter: char) -> Option<()> {
        loop {
            match self.next()? {
                '\\' => {
                    self.next()?;
                }
                '\n' if delimiter != '\n' => {}
                char if char == delimiter => return Some(()),
                _ => {}
            }
        }
    }

    fn command(&mut self) -> Option<()> {
        match self.next()? {
            '{' | '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' => Some(()),
            '#' | 'a' | 'i' | 'c' => {
                self.skip(|char| char != '\n');
                Some(())
            }
            ':' | 'b' | 't' | 'T' => {
                self.skip(|char| char != ';' && char != '\n' && char != '}');
                Some(())
            }
            'q' | 'Q' | 'l' | 'L' => {
                self.skip(|char| char.is_ascii_digit() || char == ' ');
                Some(())
            }
            's' => {
                let delimiter = self.next()?;
                self.up_to_delimiter(delimiter)?;
                self.up_to_delimiter(delimiter)?;
                self.skip(|char| char.is_ascii_digit() || matches!(char, 'g' | 'p' | 'i' | 'I' | 'm' | 'M'));
                match self.peek() {
                    None | Some(';' | '\n' | '}' | ' ' | '\t' | '#') => Some(()),
                    _ => None,
                }
            }
            'y' => {
                let delimiter = self.next()?;
                self.up_to_delimiter(delimiter)?;
                self.up_to_delimiter(delimiter)
            }
            _ => None,
        }
    }
}
