//! The body of a decision's line in the audit, where all but the question's own parts is known already: `gateway.forms`
//! in one step. INVARIANT: a filled form reads back as the entry it stands for (tests/property/gateway/test_remembering.py).

use sha2::{Digest, Sha256};

use crate::scan;

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
        line.extend_from_slice(b"\"kind\":\"decision\",\"time\":");
        line.extend_from_slice(now.to_string().as_bytes());
        line.extend_from_slice(b",\"decision_id\":");
        line.extend_from_slice(&json(id.as_bytes()));
        line.extend_from_slice(&self.before);
        line.extend_from_slice(b",\"digest\":\"");
        match &self.own {
            Some((digest, _)) => line.extend_from_slice(digest.as_bytes()),
            None => line.extend_from_slice(digest(&[&self.protocol, text]).as_bytes()),
        }
        line.push(b'"');
        if let Some(values) = values {
            line.extend_from_slice(b",\"parameters\":\"");
            line.extend_from_slice(digest_of(values).as_bytes());
            line.push(b'"');
        }
        line.extend_from_slice(b",\"text\":");
        match &self.own {
            Some((_, text)) => line.extend_from_slice(text),
            None => {
                let shown = shown(text);
                // INVARIANT: where nobody can say whether a text has a secret, there is no line, and so no answer.
                let hidden = if self.hides { scan::mask::without_secrets(scan::engine().ok()?, &shown) } else { None };
                quote(hidden.as_ref().unwrap_or(&shown), &mut line);
                if hidden.is_some() {
                    line.extend_from_slice(b",\"redacted\":true");
                }
            }
        }
        line.extend_from_slice(&self.after);
        line.push(b'}');
        (line.len() <= MAX_LINE).then_some(line)
    }
}

/// The body of the line for what became of a granted command: `counts` are rows, bytes, and values hidden in what it showed.
/// A duration that is no number is `null`.
pub fn outcome(id: &str, now: i64, counts: (u64, u64, u64), duration: f64, error: Option<&str>) -> Vec<u8> {
    let (rows, bytes, masked) = counts;
    let mut line = Vec::with_capacity(160);
    line.extend_from_slice(b"\"kind\":\"outcome\",\"time\":");
    line.extend_from_slice(now.to_string().as_bytes());
    line.extend_from_slice(b",\"decision_id\":");
    line.extend_from_slice(&json(id.as_bytes()));
    let duration = if duration.is_finite() { duration.to_string() } else { "null".to_owned() };
    line.extend_from_slice(format!(",\"rows\":{rows},\"bytes\":{bytes},\"duration\":{duration}").as_bytes());
    if masked > 0 {
        line.extend_from_slice(format!(",\"masked\":{masked}").as_bytes());
    }
    if let Some(error) = error {
        line.extend_from_slice(b",\"error\":");
        line.extend_from_slice(&json(error.as_bytes()));
    }
    line.push(b'}');
    line
}

/// Of bound values: each with its length before it, so that no two lists share one.
fn digest_of(values: &[Option<String>]) -> String {
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
    hex(&hash.finalize())
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    let nibble = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [nibble(byte >> 4), nibble(byte & 15)]).collect()
}

/// A text as the log shows it: bytes that are not UTF-8 as `\xNN`, as Python's `backslashreplace` does.
fn shown(mut text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    loop {
        match std::str::from_utf8(text) {
            Ok(whole) => {
                out.extend_from_slice(whole.as_bytes());
                return out;
            }
            Err(error) => {
                let (valid, rest) = text.split_at(error.valid_up_to());
                out.extend_from_slice(valid);
                let (broken, rest) = rest.split_at(error.error_len().unwrap_or(rest.len()));
                for byte in broken {
                    out.extend_from_slice(b"\\x");
                    out.extend_from_slice(hex(&[*byte]).as_bytes());
                }
                text = rest;
            }
        }
    }
}

/// A text as a JSON string.
fn json(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().saturating_add(8));
    quote(&shown(text), &mut out);
    out
}

fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text, out);
    out.push(b'"');
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(hex(&[*byte]).as_bytes());
            }
            _ => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_json_whatever_its_bytes() {
        assert_eq!(json(b"a\"\\\n\x01\xff\xc3\xa9\xc3"), b"\"a\\\"\\\\\\n\\u0001\\\\xff\xc3\xa9\\\\xc3\"".to_vec());
    }

    #[test]
    fn a_form_of_a_shape_has_each_text() {
        let form = Form::new(b",\"a\":1", b",\"z\":2", "postgres", None, true);
        let digest = digest(&[b"postgres\0x"]);
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
