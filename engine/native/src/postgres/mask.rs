//! Rewrites DataRow messages by a plan fixed for one result.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::failure::Failure;
use crate::postgres::plan::{self, Column, Method, Shape};
use crate::postgres::rows::split_message;

const DATA_ROW: u8 = b'D';
const NULL: i32 = -1;
const REDACTED: &[u8] = b"[redacted]";
const REDACTED_JSON: &[u8] = b"\"[redacted]\"";
const JSONB_VERSION: u8 = 1;
const TOKEN: &[u8] = b"tok_";
const TOKEN_HEX: usize = 32;

/// The masker of one result.
pub struct RowMasker {
    columns: Vec<Option<Column>>,
    cells: AtomicU64,
}

impl RowMasker {
    /// Reads a plan (see `plan::decode`).
    pub fn new(encoded: &[u8]) -> Result<Self, Failure> {
        Ok(Self { columns: plan::decode(encoded)?, cells: AtomicU64::new(0) })
    }

    /// How many cells were rewritten so far.
    pub fn cells(&self) -> u64 {
        self.cells.load(Ordering::Relaxed)
    }

    /// Rewrites a buffer of whole DataRow messages. Anything else is MALFORMED: nothing of it may go on.
    pub fn mask(&self, rows: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::with_capacity(rows.len().saturating_add(256));
        let mut rest = rows;
        let mut cells = 0_u64;
        while !rest.is_empty() {
            let Some((DATA_ROW, body, after)) = split_message(rest) else {
                return Err(malformed("a message is not a whole row"));
            };
            cells = cells.saturating_add(self.row(body, &mut out)?);
            rest = after;
        }
        self.cells.fetch_add(cells, Ordering::Relaxed);
        Ok(out)
    }

    fn row(&self, body: &[u8], out: &mut Vec<u8>) -> Result<u64, Failure> {
        let start = out.len();
        out.extend_from_slice(&[DATA_ROW, 0, 0, 0, 0]);
        let (count, mut rest) = body.split_at_checked(2).ok_or_else(|| malformed("a row is too short"))?;
        // INVARIANT: a row with another number of columns than the plan is not the result the plan was made for.
        if count != u16::try_from(self.columns.len()).map_err(|_| malformed("too many columns"))?.to_be_bytes() {
            return Err(malformed("a row has another number of columns than its description"));
        }
        out.extend_from_slice(count);
        let mut cells = 0_u64;
        for column in &self.columns {
            let (value, after) = split_cell(rest)?;
            rest = after;
            match (column, value) {
                (_, None) => out.extend_from_slice(&NULL.to_be_bytes()),
                (None, Some(value)) => put(out, &[value])?,
                (Some(column), Some(value)) => {
                    cells = cells.saturating_add(1);
                    rewrite(column, value, out)?;
                }
            }
        }
        if !rest.is_empty() {
            return Err(malformed("something follows the last cell of a row"));
        }
        let length = out.len().saturating_sub(start).saturating_sub(1);
        let length = u32::try_from(length).map_err(|_| malformed("a row grew too long"))?.to_be_bytes();
        if let Some(place) = out.get_mut(start.saturating_add(1)..start.saturating_add(5)) {
            place.copy_from_slice(&length);
        }
        Ok(cells)
    }
}

fn malformed(message: &str) -> Failure {
    Failure::new("MALFORMED", message)
}

fn split_cell(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Failure> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| malformed("a row ends inside a cell"))?;
    let length = i32::from_be_bytes(*length);
    if length == NULL {
        return Ok((None, rest));
    }
    let length = usize::try_from(length).map_err(|_| malformed("a cell has a negative length"))?;
    let (value, rest) = rest.split_at_checked(length).ok_or_else(|| malformed("a row ends inside a cell"))?;
    Ok((Some(value), rest))
}

/// Writes one cell made of `parts`.
fn put(out: &mut Vec<u8>, parts: &[&[u8]]) -> Result<(), Failure> {
    let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    let length = i32::try_from(length).map_err(|_| malformed("a cell grew too long"))?;
    out.extend_from_slice(&length.to_be_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
    Ok(())
}

fn rewrite(column: &Column, value: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
    let null = |out: &mut Vec<u8>| {
        out.extend_from_slice(&NULL.to_be_bytes());
        Ok(())
    };
    match (&column.method, column.shape) {
        // WHY: characters are not a valid value of most types; NULL is valid for every type in both formats.
        (Method::Null, _) | (_, Shape::Opaque) => null(out),
        (Method::Redact, Shape::Text) => put(out, &[REDACTED]),
        (Method::Redact, Shape::Json) => put(out, &[REDACTED_JSON]),
        (Method::Redact, Shape::JsonbBinary) => put(out, &[&[JSONB_VERSION], REDACTED_JSON]),
        (Method::Hash(key), shape) => keyed(shape, value, out, |value| key.hex(value).to_vec()),
        (Method::Tokenize(key), shape) => keyed(shape, value, out, |value| {
            let mut token = TOKEN.to_vec();
            token.extend(key.hex(value).into_iter().take(TOKEN_HEX));
            token
        }),
        (Method::Partial { first, last }, Shape::Text) => match std::str::from_utf8(value) {
            Ok(text) => put(out, &[partial(text, *first, *last).as_bytes()]),
            Err(_) => null(out),
        },
        (Method::Partial { .. }, _) => null(out),
    }
}

fn keyed(shape: Shape, value: &[u8], out: &mut Vec<u8>, code: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), Failure> {
    match shape {
        Shape::Json => put(out, &[b"\"", &code(value), b"\""]),
        // WHY: the version byte is no part of the value; without it text and binary give the same code.
        Shape::JsonbBinary => put(out, &[&[JSONB_VERSION], b"\"", &code(value.get(1..).unwrap_or_default()), b"\""]),
        Shape::Text | Shape::Opaque => put(out, &[&code(value)]),
    }
}

/// Keeps characters at both ends. A value no longer than what may be kept is starred whole.
fn partial(text: &str, first: usize, last: usize) -> String {
    let length = text.chars().count();
    let all = first.saturating_add(last) >= length;
    let tail = length.saturating_sub(last);
    text.chars().enumerate().map(|(at, c)| if !all && (at < first || at >= tail) { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests;
