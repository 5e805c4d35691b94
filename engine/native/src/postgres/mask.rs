//! Rewrites DataRow messages by a plan fixed for one result.

mod cell;
pub mod copied;
mod nested;
pub mod values;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::failure::Failure;
use crate::masking::method::Method;
use crate::postgres::plan::{self, Column};
use crate::postgres::rows::split_message;

const DATA_ROW: u8 = b'D';
const NULL: i32 = -1;

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
        let (cells, rest) = row_cells(self.columns.iter().map(Option::as_ref), body, out)?;
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

/// Rewrites the cells of one row, of which their number comes first. Gives how many are others now, and what follows the last one.
fn row_cells<'a, 'c>(
    columns: impl ExactSizeIterator<Item = Option<&'c Column>>,
    body: &'a [u8],
    out: &mut Vec<u8>,
) -> Result<(u64, &'a [u8]), Failure> {
    let (count, mut rest) = body.split_at_checked(2).ok_or_else(|| malformed("a row is too short"))?;
    // INVARIANT: a row with another number of columns than the plan is not the result the plan was made for.
    if count != u16::try_from(columns.len()).map_err(|_| malformed("too many columns"))?.to_be_bytes() {
        return Err(malformed("a row has another number of columns than its description"));
    }
    out.extend_from_slice(count);
    let mut cells = 0_u64;
    for column in columns {
        let (value, after) = split_cell(rest)?;
        rest = after;
        match (column, value) {
            (_, None) => out.extend_from_slice(&NULL.to_be_bytes()),
            (None, Some(value)) => put(out, value)?,
            (Some(column), Some(value)) => {
                cells = cells.saturating_add(u64::from(rewrite(column, value, out)?));
            }
        }
    }
    Ok((cells, rest))
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

/// Writes one cell.
fn put(out: &mut Vec<u8>, value: &[u8]) -> Result<(), Failure> {
    out.extend_from_slice(&length_of(value)?);
    out.extend_from_slice(value);
    Ok(())
}

fn length_of(value: &[u8]) -> Result<[u8; 4], Failure> {
    i32::try_from(value.len()).map(i32::to_be_bytes).map_err(|_| malformed("a cell grew too long"))
}

/// Writes what stands in the place of a value, or NULL; whether it is another than before.
fn rewrite(column: &Column, value: &[u8], out: &mut Vec<u8>) -> Result<bool, Failure> {
    let start = out.len();
    out.extend_from_slice(&NULL.to_be_bytes());
    let begins = out.len();
    let (method, kind, binary) = (&column.method, &column.kind, column.binary);
    let made = match &column.values {
        Some(values) => values::rewrite(values, method, kind, binary, value, out),
        None if matches!(method, Method::Null) => None,
        None => cell::rewrite(method, kind, binary, value, out).map(|()| true),
    };
    let Some(is_changed) = made else {
        out.truncate(begins);
        return Ok(true);
    };
    let length = length_of(out.get(begins..).unwrap_or_default())?;
    if let Some(place) = out.get_mut(start..begins) {
        place.copy_from_slice(&length);
    }
    Ok(is_changed)
}

#[cfg(test)]
mod tests;
