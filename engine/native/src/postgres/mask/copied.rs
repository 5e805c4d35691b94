//! Rewrites what COPY TO STDOUT sends, by the same plan as rows: text, CSV and binary.
//!
//! The server sends a row in a message of its own (`CopySendEndOfRow` of PostgreSQL's `copyto.c`); in binary the header stands before the first one. INVARIANT: what
//! is not written as that server writes it does not pass, and nothing of how a hidden value was written (its quotes, its escapes) is kept.

use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};

use crate::failure::Failure;
use crate::postgres::copy::{Forced, Form, Layout};
use crate::postgres::mask::{malformed, rewrite, row_cells, split_cell};
use crate::postgres::plan::{self, Column};
use crate::postgres::rows::split_message;

const COPY_DATA: u8 = b'd';
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Where a row's number of cells would stand, behind the last one.
const NO_MORE: [u8; 2] = (-1_i16).to_be_bytes();

const BEFORE: u8 = 0;
const BETWEEN: u8 = 1;
const BEHIND: u8 = 2;

/// One column: what is done to it, and whether CSV always quotes it.
struct Copied {
    column: Option<Column>,
    name: String,
    is_forced: bool,
}

/// The masker of one COPY.
pub struct CopyMasker {
    columns: Vec<Copied>,
    layout: Layout,
    /// How far what is sent has come.
    place: AtomicU8,
    cells: AtomicU64,
}

impl CopyMasker {
    /// Reads a plan (see `plan::decode`), one item for each of `names`, the columns as the server calls them.
    pub fn new(layout: Layout, encoded: &[u8], names: Vec<String>) -> Result<Self, Failure> {
        let columns = plan::decode(encoded)?;
        if columns.len() != names.len() {
            return Err(Failure::new("PLAN_INVALID", "the plan has another number of columns than what is copied"));
        }
        if let Form::Text { null, .. } = &layout.form {
            // WHY: whoever chooses what stands for NULL would learn which hidden values are just that.
            if !null.is_empty() && unescaped(null, &layout.form).is_some() {
                return Err(Failure::new("NULL_UNCLEAR", "what stands for NULL could be a value"));
            }
        }
        let is_forced = |name: &String| match &layout.form {
            Form::Csv { forced: Forced::All, .. } => true,
            Form::Csv { forced: Forced::Some(forced), .. } => forced.contains(name),
            _ => false,
        };
        let columns = columns.into_iter().zip(names);
        let columns = columns.map(|(column, name)| Copied { column, is_forced: is_forced(&name), name }).collect();
        Ok(Self { columns, layout, place: AtomicU8::new(BEFORE), cells: AtomicU64::new(0) })
    }

    /// How many cells were rewritten so far.
    pub fn cells(&self) -> u64 {
        self.cells.load(Ordering::Relaxed)
    }

    /// Whether the server announces (the body of CopyOutResponse) what the plan was made for.
    pub fn fits(&self, announced: &[u8]) -> bool {
        let format = u8::from(matches!(self.layout.form, Form::Binary));
        let Ok(count) = u16::try_from(self.columns.len()) else {
            return false;
        };
        let mut expected = vec![format];
        expected.extend_from_slice(&count.to_be_bytes());
        for _ in 0..count {
            expected.extend_from_slice(&[0, format]);
        }
        announced == expected
    }

    /// Rewrites a buffer of whole CopyData messages. Anything else is MALFORMED: nothing of it may go on.
    pub fn mask(&self, messages: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::with_capacity(messages.len().saturating_add(256));
        let mut rest = messages;
        while !rest.is_empty() {
            let Some((COPY_DATA, body, after)) = split_message(rest) else {
                return Err(malformed("a message is not a whole one of COPY"));
            };
            let start = out.len();
            out.extend_from_slice(&[COPY_DATA, 0, 0, 0, 0]);
            let cells = self.message(body, &mut out)?;
            self.cells.fetch_add(cells, Ordering::Relaxed);
            let length = out.len().saturating_sub(start).saturating_sub(1);
            let length = u32::try_from(length).map_err(|_| malformed("a row grew too long"))?.to_be_bytes();
            if let Some(place) = out.get_mut(start.saturating_add(1)..start.saturating_add(5)) {
                place.copy_from_slice(&length);
            }
            rest = after;
        }
        Ok(out)
    }

    fn message(&self, body: &[u8], out: &mut Vec<u8>) -> Result<u64, Failure> {
        if matches!(self.layout.form, Form::Binary) {
            return self.binary(body, out);
        }
        let line = body.strip_suffix(b"\n").ok_or_else(|| malformed("a row of COPY has no end"))?;
        let fields = fields(line, &self.layout.form).filter(|fields| fields.len() == self.columns.len());
        let fields = fields.ok_or_else(|| malformed("a row of COPY is not written as the statement says"))?;
        let is_header = self.place.swap(BETWEEN, Ordering::Relaxed) == BEFORE && self.layout.has_header;
        if is_header {
            // INVARIANT: a first row that is shown as it is holds the names and nothing else.
            let names = self.columns.iter().map(|column| column.name.as_bytes());
            if !fields
                .iter()
                .zip(names)
                .all(|(field, name)| field.value(&self.layout.form).is_some_and(|said| said == name))
            {
                return Err(malformed("the first row of COPY is not the names of the columns"));
            }
            out.extend_from_slice(body);
            return Ok(0);
        }
        let mut cells = 0_u64;
        for (at, (field, copied)) in fields.iter().zip(&self.columns).enumerate() {
            if at > 0 {
                out.push(self.layout.form.delimiter());
            }
            cells = cells.saturating_add(u64::from(copied.field(field, &self.layout.form, out)?));
        }
        out.push(b'\n');
        Ok(cells)
    }

    fn binary(&self, body: &[u8], out: &mut Vec<u8>) -> Result<u64, Failure> {
        let mut rest = body;
        if self.place.load(Ordering::Relaxed) == BEFORE {
            rest = rest.strip_prefix(SIGNATURE).ok_or_else(|| malformed("COPY does not begin as binary does"))?;
            out.extend_from_slice(SIGNATURE);
            self.place.store(BETWEEN, Ordering::Relaxed);
        }
        let mut cells = 0_u64;
        while !rest.is_empty() {
            if self.place.load(Ordering::Relaxed) == BEHIND {
                return Err(malformed("something follows the end of COPY"));
            }
            if let Some(after) = rest.strip_prefix(&NO_MORE) {
                self.place.store(BEHIND, Ordering::Relaxed);
                out.extend_from_slice(&NO_MORE);
                rest = after;
                continue;
            }
            let columns = self.columns.iter().map(|copied| copied.column.as_ref());
            let (made, after) = row_cells(columns, rest, out)?;
            cells = cells.saturating_add(made);
            rest = after;
        }
        Ok(cells)
    }
}

impl Copied {
    /// Writes one field; whether it is another than before.
    fn field(&self, field: &Field<'_>, form: &Form, out: &mut Vec<u8>) -> Result<bool, Failure> {
        let Some(column) = &self.column else {
            out.extend_from_slice(field.written);
            return Ok(false);
        };
        if field.is_null(form) {
            out.extend_from_slice(field.written);
            return Ok(false);
        }
        let value =
            field.value(form).ok_or_else(|| malformed("a field of COPY is not written as the server writes it"))?;
        let mut cell = Vec::new();
        let is_changed = rewrite(column, &value, &mut cell)?;
        match split_cell(&cell)?.0 {
            None => out.extend_from_slice(form.null()),
            Some(made) => form.write(made, self.is_forced, out),
        }
        Ok(is_changed)
    }
}

/// One field as it is written.
struct Field<'a> {
    written: &'a [u8],
    is_quoted: bool,
}

impl Field<'_> {
    fn is_null(&self, form: &Form) -> bool {
        !self.is_quoted && self.written == form.null()
    }

    /// What it says; None where no server writes it so.
    fn value(&self, form: &Form) -> Option<Vec<u8>> {
        match form {
            Form::Csv { quote, escape, .. } if self.is_quoted => {
                let inner = self.written.strip_prefix(&[*quote])?.strip_suffix(&[*quote])?;
                let mut value = Vec::with_capacity(inner.len());
                let mut bytes = inner.iter();
                while let Some(byte) = bytes.next() {
                    let is_escape = byte == escape || byte == quote;
                    value.push(if is_escape { *bytes.next()? } else { *byte });
                }
                Some(value)
            }
            Form::Csv { .. } => Some(self.written.to_vec()),
            _ => unescaped(self.written, form),
        }
    }
}

/// The fields of a line; None where no server writes it so.
fn fields<'a>(line: &'a [u8], form: &Form) -> Option<Vec<Field<'a>>> {
    let delimiter = form.delimiter();
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        let (size, is_quoted) = match form {
            Form::Csv { quote, escape, .. } if rest.first() == Some(quote) => {
                (quoted_size(rest, *quote, *escape)?, true)
            }
            Form::Csv { quote, .. } => {
                (plain_size(rest, delimiter, |byte| matches!(byte, b'\r' | b'\n') || byte == *quote)?, false)
            }
            _ => (escaped_size(rest, delimiter)?, false),
        };
        let (written, after) = rest.split_at_checked(size)?;
        found.push(Field { written, is_quoted });
        match after.split_first() {
            None => return Some(found),
            Some((next, after)) if *next == delimiter => rest = after,
            Some(_) => return None,
        }
    }
}

/// Where a field in quotes ends.
fn quoted_size(bytes: &[u8], quote: u8, escape: u8) -> Option<usize> {
    let mut at = 1_usize;
    loop {
        let byte = *bytes.get(at)?;
        let next = bytes.get(at.saturating_add(1));
        let is_escape = byte == escape && next.is_some_and(|next| *next == quote || *next == escape);
        if is_escape {
            at = at.saturating_add(2);
        } else if byte == quote {
            return Some(at.saturating_add(1));
        } else if byte == escape {
            return None;
        } else {
            at = at.saturating_add(1);
        }
    }
}

fn plain_size(bytes: &[u8], delimiter: u8, is_strange: impl Fn(u8) -> bool) -> Option<usize> {
    let size = bytes.iter().position(|byte| *byte == delimiter).unwrap_or(bytes.len());
    (!bytes.get(..size)?.iter().any(|byte| is_strange(*byte))).then_some(size)
}

fn escaped_size(bytes: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0_usize;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' {
            at = at.saturating_add(2);
        } else if *byte == delimiter {
            break;
        } else if matches!(byte, b'\r' | b'\n') {
            return None;
        } else {
            at = at.saturating_add(1);
        }
    }
    (at <= bytes.len()).then_some(at)
}

/// The control characters that the text format writes as a letter.
const LETTERS: [(u8, u8); 6] =
    [(b'\x08', b'b'), (b'\x0c', b'f'), (b'\n', b'n'), (b'\r', b'r'), (b'\t', b't'), (b'\x0b', b'v')];

fn unescaped(written: &[u8], form: &Form) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(written.len());
    let mut bytes = written.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'\\' {
            value.push(*byte);
            continue;
        }
        let next = *bytes.next()?;
        let letter = LETTERS.iter().find(|(_, letter)| *letter == next).map(|(control, _)| *control);
        value.push(letter.or_else(|| (next == b'\\' || next == form.delimiter()).then_some(next))?);
    }
    Some(value)
}

impl Form {
    fn delimiter(&self) -> u8 {
        match self {
            Self::Text { delimiter, .. } | Self::Csv { delimiter, .. } => *delimiter,
            Self::Binary => 0,
        }
    }

    fn null(&self) -> &[u8] {
        match self {
            Self::Text { null, .. } | Self::Csv { null, .. } => null,
            Self::Binary => &[],
        }
    }

    /// Writes a value as the server would.
    fn write(&self, value: &[u8], is_forced: bool, out: &mut Vec<u8>) {
        match self {
            Self::Csv { delimiter, quote, escape, null, .. } => {
                let is_special = |byte: &u8| matches!(byte, b'\r' | b'\n') || byte == delimiter || byte == quote;
                if !is_forced && value != null && value != b"\\." && !value.iter().any(is_special) {
                    out.extend_from_slice(value);
                    return;
                }
                out.push(*quote);
                for byte in value {
                    if byte == quote || byte == escape {
                        out.push(*escape);
                    }
                    out.push(*byte);
                }
                out.push(*quote);
            }
            _ => {
                for byte in value {
                    let letter = LETTERS.iter().find(|(control, _)| control == byte).map(|(_, letter)| *letter);
                    if letter.is_some() || *byte == b'\\' || *byte == self.delimiter() {
                        out.push(b'\\');
                    }
                    out.push(letter.unwrap_or(*byte));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
