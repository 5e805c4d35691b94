//! Pipelines: what one command hands to the next, and what the whole says.

use super::super::syntax::{Body, Command, Part, Pipeline, Word};
use super::super::vocabulary::{Kind, Sign};
use super::{tables, Input, Walker};

/// What a command prints, where its words say so.
pub(super) fn output_of(command: &Command, input: &Input) -> Option<String> {
    let Body::Simple { assigns, words } = &command.body else {
        return None;
    };
    if !assigns.is_empty() || command.redirects.iter().any(|redirect| !redirect.operator.starts_with('2')) {
        return match command.redirects.as_slice() {
            [redirect] if redirect.operator.starts_with("<<") => document(command),
            _ => None,
        };
    }
    let values: Option<Vec<String>> = words.iter().map(Word::literal).collect();
    let values = values?;
    let (program, rest) = values.split_first()?;
    match program.as_str() {
        "echo" => {
            let escapes = rest.first().is_some_and(|word| word.starts_with('-') && word.contains('e'));
            let rest: Vec<&str> = rest
                .iter()
                .map(String::as_str)
                .skip_while(|word| matches!(*word, "-n" | "-e" | "-ne" | "-en"))
                .collect();
            let text = rest.join(" ");
            (!escapes || !text.contains('\\')).then(|| text + "\n")
        }
        "printf" => match rest {
            [format] if !format.contains(['%', '\\']) => Some(format.clone()),
            [format, value] if format == "%s" || format == "%s\\n" => Some(format!("{value}\n")),
            _ => None,
        },
        "cat" if rest.is_empty() => match input {
            Input::Document(text) | Input::Pipe(text) => text.clone(),
            _ => None,
        },
        "base64" if rest.iter().any(|word| matches!(word.as_str(), "-d" | "-D" | "--decode")) => match input {
            Input::Document(Some(text)) | Input::Pipe(Some(text)) => decode_base64(text),
            _ => None,
        },
        "rev" if rest.is_empty() => match input {
            Input::Document(Some(text)) | Input::Pipe(Some(text)) => {
                Some(text.lines().map(|line| line.chars().rev().collect::<String>() + "\n").collect())
            }
            _ => None,
        },
        _ => None,
    }
}

fn document(command: &Command) -> Option<String> {
    let Body::Simple { words, .. } = &command.body else {
        return None;
    };
    let redirect = command.redirects.first()?;
    if words.len() != 1 || words.first()?.bare() != Some("cat") {
        return None;
    }
    let parts = redirect.document.as_ref()?.get()?;
    parts.iter().all(|part| matches!(part, Part::Text(_) | Part::Quoted(_))).then(|| super::args::shown(parts))
}

/// The text of base64, when it is text.
pub(super) fn decode_base64(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) & 0x00ff_ffff | u32::from(value);
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The names in the first words of a command, wrappers before them included.
fn names(command: &Command, into: &mut Vec<String>) {
    match &command.body {
        Body::Simple { words, .. } => {
            into.extend(words.iter().take(4).filter_map(Word::literal).flat_map(|word| super::names::of(&word)));
        }
        Body::Group(script) | Body::Subshell(script) => {
            for inner in script.iter().flat_map(|item| &item.pipelines).flat_map(|pipeline| &pipeline.commands).take(8)
            {
                names(inner, into);
            }
        }
        _ => {}
    }
}

impl Walker<'_> {
    /// What the commands of a pipeline are together; `from`: the first of its operations.
    pub(super) fn pipeline_signs(&mut self, pipeline: &Pipeline, from: usize) {
        if pipeline.commands.len() < 2 {
            return;
        }
        let stages: Vec<Vec<String>> = pipeline
            .commands
            .iter()
            .map(|command| {
                let mut found = Vec::new();
                names(command, &mut found);
                found
            })
            .collect();
        let first_where = |test: fn(&str) -> bool| stages.iter().position(|stage| stage.iter().any(|name| test(name)));
        let last_where = |test: fn(&str) -> bool| stages.iter().rposition(|stage| stage.iter().any(|name| test(name)));
        let fetches = first_where(|name| {
            matches!(name, "curl" | "wget" | "fetch" | "aria2c" | "nc" | "ncat" | "GET" | "lwp-download")
        });
        let after = fetches.and_then(|fetch| pipeline.commands.get(fetch.saturating_add(1)..)).unwrap_or_default();
        if after.iter().any(|command| self.takes_code(command)) {
            self.sign_last(from, Sign::DownloadAndRun);
        }
        let connects = first_where(|name| matches!(name, "nc" | "ncat" | "netcat" | "telnet" | "socat" | "openssl"));
        if let (Some(_), Some(_)) = (connects, last_where(tables::is_shell)) {
            self.sign_last(from, Sign::ReverseShell);
        }
        self.secrets_leave(from);
    }

    fn sign_last(&mut self, from: usize, sign: Sign) {
        let last = self.tree.operations.len().saturating_sub(1);
        if last >= from {
            self.sign(last, sign);
        }
    }

    /// Credentials or facts of the system that are read and sent in one pipeline.
    fn secrets_leave(&mut self, from: usize) {
        let operations = self.tree.operations.get(from..).unwrap_or_default();
        let reads = operations.iter().position(|operation| {
            operation.facts.signs.contains(&Sign::CredentialRead)
                || operation.facts.signs.contains(&Sign::SystemDiscovery)
        });
        let sends = operations.iter().rposition(|operation| {
            matches!(operation.kind, Kind::Fetch | Kind::Send | Kind::Connect | Kind::RemoteShell | Kind::RemoteCopy)
        });
        if let (Some(read), Some(send)) = (reads, sends) {
            if read < send {
                self.sign(from.saturating_add(send), Sign::Exfiltration);
            }
        }
    }
}
