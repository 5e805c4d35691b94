//! The body of a decision's line in the audit, where all but the question's own parts is known already: `gateway.forms`
//! in one step. INVARIANT: a filled form reads back as the entry it stands for (tests/property/gateway/test_remembering.py).

use std::borrow::Cow;
use std::io::Write;

use sha2::{Digest, Sha256};

use crate::scan;

pub mod pause;
pub mod unwritten;

/// The longest line's body, as `gateway.audit.entry` has it.
pub const MAX_LINE: usize = 4 << 20;

/// What the entry of one verdict says that stays the same.
pub struct Form {
    before: Vec<u8>,
    after: Vec<u8>,
    protocol: Vec<u8>,
    /// Digest and text in JSON, when the form stands for one text alone.
    own: Option<(String, Vec<u8>)>,
    /// Secrets in each question's text are replaced.
    hides: bool,
}

impl Form {
    /// `before`, `after`: fields as they stand in the line, behind a comma each. `own`: digest and text (in JSON) of the one
    /// question it stands for; without it they are made of each question's text, with its secrets hidden if `hides`.
    pub fn new(before: &[u8], after: &[u8], protocol: &str, own: Option<(String, Vec<u8>)>, hides: bool) -> Self {
        let mut marked = protocol.as_bytes().to_vec();
        marked.push(0);
        Self { before: before.to_vec(), after: after.to_vec(), protocol: marked, own, hides }
    }

    /// Bytes it keeps.
    pub fn size(&self) -> usize {
        let own = self.own.as_ref().map_or(0, |(digest, text)| digest.len().saturating_add(text.len()));
        self.before.len().saturating_add(self.after.len()).saturating_add(own)
    }

    /// The body for one more question; `None` when it is longer than a line may be.
    pub fn fill(&self, id: &str, now: i64, text: &[u8], values: Option<&[Option<String>]>) -> Option<Vec<u8>> {
        let mut line = Vec::with_capacity(self.size().saturating_add(text.len()).saturating_add(256));
        self.fill_into(&mut line, id, now, text, values).then_some(line)
    }

    /// The same behind what stands in `line` already; no when it cannot be, and then part of it may stand there.
    pub fn fill_into(
        &self,
        line: &mut Vec<u8>,
        id: &str,
        now: i64,
        text: &[u8],
        values: Option<&[Option<String>]>,
    ) -> bool {
        let start = line.len();
        // To a vector nothing fails.
        let _ = write!(line, "\"kind\":\"decision\",\"time\":{now},\"decision_id\":");
        json(id.as_bytes(), line);
        line.extend_from_slice(&self.before);
        line.extend_from_slice(b",\"digest\":\"");
        match &self.own {
            Some((digest, _)) => line.extend_from_slice(digest.as_bytes()),
            None => hex(&Sha256::new().chain_update(&self.protocol).chain_update(text).finalize(), line),
        }
        line.push(b'"');
        if let Some(values) = values {
            line.extend_from_slice(b",\"parameters\":\"");
            digest_of(values, line);
            line.push(b'"');
        }
        line.extend_from_slice(b",\"text\":");
        match &self.own {
            Some((_, text)) => line.extend_from_slice(text),
            None => {
                let shown = shown(text);
                // INVARIANT: where nobody can say whether a text has a secret, there is no line, and so no answer.
                let hidden = match self.hides.then(scan::engine) {
                    Some(Ok(engine)) => scan::mask::without_secrets(engine, &shown),
                    Some(Err(_)) => return false,
                    None => None,
                };
                quote(hidden.as_deref().unwrap_or(&shown), line);
                if hidden.is_some() {
                    line.extend_from_slice(b",\"redacted\":true");
                }
            }
        }
        line.extend_from_slice(&self.after);
        line.push(b'}');
        line.len().saturating_sub(start) <= MAX_LINE
    }
}

/// The body of the line for what became of a granted command: `counts` are rows, bytes, and values hidden in what it showed.
/// A duration that is no number is `null`.
pub fn outcome(id: &str, now: i64, counts: (u64, u64, u64), duration: f64, error: Option<&str>) -> Vec<u8> {
    let mut line = Vec::with_capacity(160);
    outcome_into(&mut line, id, now, counts, duration, error);
    line
}

/// The same behind what stands in `line` already.
pub fn outcome_into(
    line: &mut Vec<u8>,
    id: &str,
    now: i64,
    (rows, bytes, masked): (u64, u64, u64),
    duration: f64,
    error: Option<&str>,
) {
    // To a vector nothing fails.
    let _ = write!(line, "\"kind\":\"outcome\",\"time\":{now},\"decision_id\":");
    json(id.as_bytes(), line);
    let _ = write!(line, ",\"rows\":{rows},\"bytes\":{bytes},\"duration\":");
    let _ = if duration.is_finite() { write!(line, "{duration}") } else { write!(line, "null") };
    if masked > 0 {
        let _ = write!(line, ",\"masked\":{masked}");
    }
    if let Some(error) = error {
        line.extend_from_slice(b",\"error\":");
        json(error.as_bytes(), line);
    }
    line.push(b'}');
}

/// Of bound values: each with its length before it, so that no two lists share one.
fn digest_of(values: &[Option<String>], line: &mut Vec<u8>) {
    let mut hash = Sha256::new();
    for value in values {
        match value {
            None => hash.update(b"-1:"),
            Some(text) => {
                hash.update(text.len().to_string().as_bytes());
                hash.update(b":");
                hash.update(text.as_bytes());
            }
        }
    }
    hex(&hash.finalize(), line);
}

fn hex(bytes: &[u8], line: &mut Vec<u8>) {
    let nibble = |value: u8| value.wrapping_add(if value < 10 { b'0' } else { b'W' });
    for byte in bytes {
        line.extend_from_slice(&[nibble(byte >> 4), nibble(byte & 15)]);
    }
}

/// A text as the log shows it: bytes that are not UTF-8 as `\xNN`, as Python's `backslashreplace` does.
fn shown(mut text: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    loop {
        match std::str::from_utf8(text) {
            Ok(_) if out.is_empty() => return Cow::Borrowed(text),
            Ok(whole) => {
                out.extend_from_slice(whole.as_bytes());
                return Cow::Owned(out);
            }
            Err(error) => {
                let (valid, rest) = text.split_at(error.valid_up_to());
                out.extend_from_slice(valid);
                let (broken, rest) = rest.split_at(error.error_len().unwrap_or(rest.len()));
                for byte in broken {
                    out.extend_from_slice(b"\\x");
                    hex(&[*byte], &mut out);
                }
                text = rest;
            }
        }
    }
}

/// A text as a JSON string.
fn json(text: &[u8], out: &mut Vec<u8>) {
    quote(&shown(text), out);
}

fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    // Runs of what stands for itself at once.
    while let Some(place) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        let (plain, after) = rest.split_at_checked(place).unwrap_or_default();
        out.extend_from_slice(plain);
        let Some((byte, after)) = after.split_first() else {
            break;
        };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                hex(&[*byte], out);
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_json_whatever_its_bytes() {
        let mut out = Vec::new();
        json(b"a\"\\\n\x01\xff\xc3\xa9\xc3", &mut out);
        assert_eq!(out, b"\"a\\\"\\\\\\n\\u0001\\\\xff\xc3\xa9\\\\xc3\"".to_vec());
    }

    #[test]
    fn a_form_of_a_shape_has_each_text() {
        let form = Form::new(b",\"a\":1", b",\"z\":2", "postgres", None, true);
        let mut digest = Vec::new();
        hex(&Sha256::digest(b"postgres\0x"), &mut digest);
        let digest = String::from_utf8_lossy(&digest).into_owned();
        let wanted = format!(
            "\"kind\":\"decision\",\"time\":5,\"decision_id\":\"d-1\",\"a\":1,\"digest\":\"{digest}\",\"text\":\"x\",\"z\":2}}"
        );
        assert_eq!(form.fill("d-1", 5, b"x", None), Some(wanted.into_bytes()));
        assert!(form.fill("d-1", 5, &vec![b'a'; MAX_LINE], None).is_none());
    }

    #[test]
    fn a_secret_in_a_text_is_hidden_and_the_line_says_so() {
        let text = format!("SELECT '{}{}'", "ghp_", "Zk3vN9qLx2TbW8yRm4Jp7Hs1Dc6Fg5Ae0UoB");
        for hides in [true, false] {
            let form = Form::new(b"", b",\"z\":2", "postgres", None, hides);
            let line = form.fill("d-1", 5, text.as_bytes(), None).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            assert_eq!(line.contains("\"text\":\"SELECT '[redacted]'\",\"redacted\":true,\"z\""), hides, "{line}");
            assert_eq!(line.contains("ghp_"), !hides);
        }
    }
}
