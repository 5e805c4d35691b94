//! The text with findings hidden.

use crate::scan::Span;

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
