//! The text with findings hidden.

use crate::scan::{scan, Engine, Span};

/// What stands in the place of a secret in a text that is kept.
const REDACTED: &[u8] = b"[redacted]";

/// The text with every secret (not personal data) replaced; `None` when it has none.
pub fn without_secrets(engine: &Engine, text: &[u8]) -> Option<Vec<u8>> {
    let is_secret = |kind: u16| engine.types.get(usize::from(kind)).is_none_or(|name| name.starts_with("secret."));
    let (mut out, mut from, mut found) = (Vec::new(), 0_usize, false);
    for span in scan(engine, text).iter().filter(|span| is_secret(span.kind)) {
        found = true;
        out.extend_from_slice(text.get(from..span.start).unwrap_or_default());
        out.extend_from_slice(REDACTED);
        from = span.end;
    }
    if !found {
        return None;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    Some(out)
}

/// What stands in the place of a finding: its type, in brackets that no detector reads.
pub fn mask(types: &[&str], text: &[u8], spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for span in spans {
        out.extend_from_slice(text.get(from..span.start).unwrap_or_default());
        out.push(b'[');
        out.extend_from_slice(types.get(usize::from(span.kind)).map_or(b"secret".as_slice(), |name| name.as_bytes()));
        out.push(b']');
        from = span.end;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out
}
