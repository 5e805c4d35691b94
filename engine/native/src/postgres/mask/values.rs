//! One cell of which only the values of some types of the scanner are hidden: the rest of it stays.
//!
//! INVARIANT: what cannot be looked through is NULL, never shown.

use std::borrow::Cow;
use std::cell::Cell;

use crate::masking::documents::{self, Part, Scalar};
use crate::masking::method::Method;
use crate::masking::{addresses, fixed, moments, numeric};
use crate::postgres::kind::Kind;
use crate::postgres::mask::cell;
use crate::postgres::mask::nested;
use crate::scan::{self, Engine, Span};

const JSONB_VERSION: u8 = 1;

/// The types that are hidden.
#[derive(Clone)]
pub struct Values {
    engine: &'static Engine,
    /// By the number of a type, whether it is meant.
    wanted: Vec<bool>,
}

impl Values {
    /// Of types by name; None where one is not known, or none is named.
    pub fn new(names: &[String]) -> Option<Self> {
        let engine = scan::engine().ok()?;
        let mut wanted = vec![false; engine.types.len()];
        for name in names {
            let number = engine.types.iter().position(|known| known == name)?;
            *wanted.get_mut(number)? = true;
        }
        (!names.is_empty()).then_some(Self { engine, wanted })
    }

    fn found(&self, text: &[u8]) -> Vec<Span> {
        let mut spans = scan::scan(self.engine, text);
        spans.retain(|span| self.wanted.get(usize::from(span.kind)).copied().unwrap_or(true));
        spans
    }
}

/// Writes a cell without the values; whether there were any. None is NULL.
pub fn rewrite(
    values: &Values,
    method: &Method,
    kind: &Kind,
    binary: bool,
    value: &[u8],
    out: &mut Vec<u8>,
) -> Option<bool> {
    let any = Cell::new(false);
    let inner = |kind: &Kind, value: &[u8], out: &mut Vec<u8>| {
        let begins = out.len();
        let hidden = rewrite(values, method, kind, binary, value, out);
        any.set(any.get() || hidden != Some(false));
        if hidden.is_none() {
            out.truncate(begins);
        }
        hidden.map(|_| ())
    };
    match kind {
        Kind::Array(of) => nested::array(binary, value, out, |value, out| inner(of, value, out))?,
        Kind::Row(fields) => {
            nested::row(binary, value, out, |at, value, out| fields.get(at).and_then(|field| inner(field, value, out)))?
        }
        Kind::Jsonb if binary => {
            out.push(JSONB_VERSION);
            any.set(document(values, method, value.strip_prefix(&[JSONB_VERSION])?, out)?);
        }
        Kind::Json | Kind::Jsonb => any.set(document(values, method, value, out)?),
        Kind::Text => any.set(characters(values, method, value, out)),
        _ => {
            if values.found(&readable(kind, binary, value)?).is_empty() {
                out.extend_from_slice(value);
            } else {
                any.set(true);
                cell::rewrite(method, kind, binary, value, out)?;
            }
        }
    }
    Some(any.get())
}

fn characters(values: &Values, method: &Method, text: &[u8], out: &mut Vec<u8>) -> bool {
    let spans = values.found(text);
    let mut from = 0;
    for span in &spans {
        out.extend_from_slice(text.get(from..span.start).unwrap_or_default());
        let begins = out.len();
        if cell::characters(method, text.get(span.start..span.end).unwrap_or_default(), out).is_none() {
            out.truncate(begins);
        }
        from = span.end;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    !spans.is_empty()
}

/// A document, names of members too. What is found in a text of it is hidden there; what is a value only because of what stands
/// beside it (`"password": "..."`) is hidden whole.
fn document(values: &Values, method: &Method, value: &[u8], out: &mut Vec<u8>) -> Option<bool> {
    let text = std::str::from_utf8(value).ok()?;
    let beside = values.found(value);
    let mut any = false;
    let made = documents::rewritten_with_names(text, |part: Part<'_>| {
        let plain: Cow<'_, str> = match &part.scalar {
            Scalar::Text(text) => Cow::Borrowed(text),
            Scalar::Word(word) => Cow::Borrowed(word),
        };
        let mut hidden = Vec::new();
        let is_found = characters(values, method, plain.as_bytes(), &mut hidden);
        let (start, end) = (part.start, part.start.saturating_add(part.length));
        let is_beside = beside.iter().any(|span| span.start < end && start < span.end);
        if !is_found && !is_beside {
            return Some(None);
        }
        any = true;
        if !is_found {
            hidden.clear();
            cell::characters(method, plain.as_bytes(), &mut hidden).unwrap_or_else(|| hidden.clear());
        }
        Some(Some(documents::quoted(std::str::from_utf8(&hidden).ok()?)))
    })?;
    out.extend_from_slice(made.as_bytes());
    Some(any)
}

/// A value as people read it.
fn readable<'a>(kind: &Kind, binary: bool, value: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let text = match kind {
        Kind::Bytes if binary => return Some(Cow::Borrowed(value)),
        Kind::Bytes => return fixed::parse_bytes(value).map(Cow::Owned),
        // WHY: the server writes 4111111111111111 as 4.111111111111111e+15.
        Kind::Float(_) if !binary => std::str::from_utf8(value).ok()?.parse::<f64>().ok()?.to_string(),
        _ if !binary => return Some(Cow::Borrowed(value)),
        Kind::Truth if value.len() == 1 => String::new(),
        Kind::Integer(2) => i16::from_be_bytes(value.try_into().ok()?).to_string(),
        Kind::Integer(4) => i32::from_be_bytes(value.try_into().ok()?).to_string(),
        Kind::Integer(8) => i64::from_be_bytes(value.try_into().ok()?).to_string(),
        Kind::Float(4) => f32::from_be_bytes(value.try_into().ok()?).to_string(),
        Kind::Float(8) => f64::from_be_bytes(value.try_into().ok()?).to_string(),
        Kind::Numeric => numeric::spelling(value)?,
        Kind::Uuid => fixed::print_uuid(u128::from_be_bytes(value.try_into().ok()?)),
        Kind::Date => day(value)?,
        Kind::Moment { is_zoned } => moment(value, *is_zoned)?,
        Kind::Address { .. } => addresses::Address::decode(value)?.print(),
        Kind::Mac => addresses::print_mac(value),
        _ => return None,
    };
    Some(Cow::Owned(text.into_bytes()))
}

/// WHY none for what no calendar has (infinite, before the year 1): it holds no value either, and its cell stays.
fn day(value: &[u8]) -> Option<String> {
    let days = i64::from(i32::from_be_bytes(value.try_into().ok()?));
    Some(moments::print_day(days).unwrap_or_default())
}

fn moment(value: &[u8], is_zoned: bool) -> Option<String> {
    Some(moments::print_moment(i64::from_be_bytes(value.try_into().ok()?), is_zoned).unwrap_or_default())
}
