//! What the scanner tells Python, as msgpack.

use crate::failure::Failure;
use crate::scan::engine::Engine;
use crate::scan::output::Shown;
use crate::scan::table::How;
use crate::scan::{mask, Span};

/// Spans as a list of [start, end, type]; the places count characters when the text is UTF-8.
pub fn spans(text: &[u8], spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len().saturating_mul(12).saturating_add(5));
    let _ = rmp::encode::write_array_len(&mut out, length(spans.len()));
    let mut at = Place { byte: 0, character: 0 };
    for span in spans {
        let start = at.to(text, span.start);
        let end = at.to(text, span.end);
        write(&mut out, start, end, span.kind);
    }
    out
}

/// Spans as a list of [start, end, type], in bytes.
pub fn places(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = rmp::encode::write_array_len(&mut out, length(spans.len()));
    for span in spans {
        write(&mut out, span.start, span.end, span.kind);
    }
    out
}

/// [what is shown, [[before which byte, type, value]], whether something was no text, whether something is kept back].
pub fn shown(shown: &Shown) -> Vec<u8> {
    let mut out = Vec::with_capacity(shown.bytes.len().saturating_add(16));
    let _ = rmp::encode::write_array_len(&mut out, 4);
    let _ = rmp::encode::write_bin(&mut out, &shown.bytes);
    let _ = rmp::encode::write_array_len(&mut out, length(shown.marks.len()));
    for mark in &shown.marks {
        let _ = rmp::encode::write_array_len(&mut out, 3);
        let _ = rmp::encode::write_uint(&mut out, mark.at as u64);
        let _ = rmp::encode::write_uint(&mut out, u64::from(mark.kind));
        let _ = rmp::encode::write_bin(&mut out, &mark.value);
    }
    let _ = rmp::encode::write_bool(&mut out, shown.is_broken);
    let _ = rmp::encode::write_bool(&mut out, shown.is_holding);
    out
}

/// [spans in characters, masked text].
pub fn scanned(engine: &Engine, text: &[u8], found: &[Span]) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = rmp::encode::write_array_len(&mut out, 2);
    out.extend(spans(text, found));
    let _ = rmp::encode::write_bin(&mut out, &mask::mask(&engine.types, text, found));
    out
}

/// The numbers of the types that were seen.
pub fn seen(seen: &[bool]) -> Vec<u8> {
    let mut out = Vec::new();
    let count = seen.iter().filter(|is| **is).count();
    let _ = rmp::encode::write_array_len(&mut out, length(count));
    for (number, _) in seen.iter().enumerate().filter(|(_, is)| **is) {
        let _ = rmp::encode::write_uint(&mut out, number as u64);
    }
    out
}

/// {"types": [names], "rows": [[type, how, triggers, shape, checks, context, rank, title]]}.
pub fn described(engine: &Engine) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = rmp::encode::write_map_len(&mut out, 2);
    let _ = rmp::encode::write_str(&mut out, "types");
    let _ = rmp::encode::write_array_len(&mut out, length(engine.types.len()));
    for name in &engine.types {
        let _ = rmp::encode::write_str(&mut out, name);
    }
    let _ = rmp::encode::write_str(&mut out, "rows");
    let _ = rmp::encode::write_array_len(&mut out, length(engine.rows.len()));
    for row in &engine.rows {
        let how = match row.how {
            How::Literal => "literal",
            How::Whole => "whole",
            How::Loose => "loose",
            How::Near => "near",
            How::Figure => "figure",
        };
        let triggers: Vec<&str> = row.triggers.iter().map(|(_, literal)| *literal).collect();
        let _ = rmp::encode::write_array_len(&mut out, 8);
        let _ = rmp::encode::write_str(&mut out, row.kind);
        let _ = rmp::encode::write_str(&mut out, how);
        strings(&mut out, &triggers);
        let _ = rmp::encode::write_str(&mut out, row.shape);
        strings(&mut out, &row.checks);
        strings(&mut out, &row.context);
        let _ = rmp::encode::write_uint(&mut out, u64::from(row.rank));
        let _ = rmp::encode::write_str(&mut out, row.title);
    }
    out
}

/// The numbers of the types named in a msgpack list; a name that is no type is refused.
pub fn chosen(engine: &Engine, encoded: &[u8]) -> Result<Vec<bool>, Failure> {
    let refused = |why: &str| Failure::new("TYPES_INVALID", why);
    let mut bytes = encoded;
    let count = rmp::decode::read_array_len(&mut bytes).map_err(|_| refused("the types are not a list"))?;
    let mut chosen = vec![false; engine.types.len()];
    for _ in 0..count {
        let length = rmp::decode::read_str_len(&mut bytes).map_err(|_| refused("a type is not a string"))?;
        let length = usize::try_from(length).map_err(|_| refused("a type is too long"))?;
        let (name, rest) = bytes.split_at_checked(length).ok_or_else(|| refused("the types end early"))?;
        bytes = rest;
        let place = engine.types.iter().position(|one| one.as_bytes() == name);
        let slot = place.and_then(|place| chosen.get_mut(place)).ok_or_else(|| refused("a type is not known"))?;
        *slot = true;
    }
    Ok(chosen)
}

struct Place {
    byte: usize,
    character: usize,
}

impl Place {
    /// The number of characters before a byte that is not before the last one asked for.
    fn to(&mut self, text: &[u8], byte: usize) -> usize {
        let between = text.get(self.byte..byte).unwrap_or_default();
        let characters = between.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.byte = byte;
        self.character = self.character.saturating_add(characters);
        self.character
    }
}

fn write(out: &mut Vec<u8>, start: usize, end: usize, kind: u16) {
    let _ = rmp::encode::write_array_len(out, 3);
    let _ = rmp::encode::write_uint(out, start as u64);
    let _ = rmp::encode::write_uint(out, end as u64);
    let _ = rmp::encode::write_uint(out, u64::from(kind));
}

fn strings(out: &mut Vec<u8>, items: &[&str]) {
    let _ = rmp::encode::write_array_len(out, length(items.len()));
    for item in items {
        let _ = rmp::encode::write_str(out, item);
    }
}

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
