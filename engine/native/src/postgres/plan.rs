//! What to do to each column of one result, decoded from msgpack once.

use crate::failure::Failure;
use crate::postgres::keyed::Keyed;

/// A result has at most 1,664 columns (PostgreSQL's own limit).
const MAX_COLUMNS: u32 = 1_664;
const HASH_DOMAIN: &[u8] = b"sallyport hash\0";
const TOKEN_DOMAIN: &[u8] = b"sallyport tokenize\0";

/// What the bytes of a cell are, as far as rewriting them goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Characters in both formats: text, varchar, bpchar, name, unknown.
    Text,
    /// A JSON document: json in both formats, jsonb in text.
    Json,
    /// jsonb in binary: a version byte, then a JSON document.
    JsonbBinary,
    /// Anything else: only NULL is valid whatever the format.
    Opaque,
}

impl Shape {
    fn of(type_oid: u64, binary: bool) -> Self {
        match (type_oid, binary) {
            (25 | 1043 | 1042 | 19 | 705, _) => Self::Text,
            (114, _) | (3802, false) => Self::Json,
            (3802, true) => Self::JsonbBinary,
            _ => Self::Opaque,
        }
    }
}

/// How a cell is rewritten.
#[derive(Clone)]
pub enum Method {
    Null,
    Redact,
    Hash(Keyed),
    Tokenize(Keyed),
    Partial { first: usize, last: usize },
}

/// One masked column.
#[derive(Clone)]
pub struct Column {
    pub method: Method,
    pub shape: Shape,
}

/// Decodes the list: nil, or {method, params, type_oid, format}, one item for each column.
pub fn decode(encoded: &[u8]) -> Result<Vec<Option<Column>>, Failure> {
    let mut bytes = encoded;
    let count = rmp::decode::read_array_len(&mut bytes).map_err(|_| refused("the plan is not a list"))?;
    if count > MAX_COLUMNS {
        return Err(refused("the plan has more columns than a result may have"));
    }
    let columns = (0..count).map(|_| column(&mut bytes)).collect::<Result<Vec<_>, _>>()?;
    if bytes.is_empty() {
        Ok(columns)
    } else {
        Err(refused("something follows the plan"))
    }
}

fn refused(message: &str) -> Failure {
    Failure::new("PLAN_INVALID", message)
}

#[derive(Default)]
struct Item {
    method: Option<String>,
    type_oid: Option<u64>,
    format: Option<u64>,
    key: Option<Vec<u8>>,
    first: usize,
    last: usize,
}

fn column(bytes: &mut &[u8]) -> Result<Option<Column>, Failure> {
    if bytes.first() == Some(&rmp::Marker::Null.to_u8()) {
        rmp::decode::read_nil(bytes).map_err(|_| refused("a column is neither nil nor a map"))?;
        return Ok(None);
    }
    let mut item = Item::default();
    for _ in 0..map_len(bytes)? {
        match string(bytes)?.as_str() {
            "method" => item.method = Some(string(bytes)?),
            "type_oid" => item.type_oid = Some(number(bytes)?),
            "format" => item.format = Some(number(bytes)?),
            "params" => params(bytes, &mut item)?,
            _ => return Err(refused("a column has a member that is not known")),
        }
    }
    item.build().map(Some)
}

fn params(bytes: &mut &[u8], item: &mut Item) -> Result<(), Failure> {
    for _ in 0..map_len(bytes)? {
        match string(bytes)?.as_str() {
            "key" => item.key = Some(binary(bytes)?),
            "keep_first" => item.first = size(bytes)?,
            "keep_last" => item.last = size(bytes)?,
            _ => return Err(refused("a method has a parameter that is not known")),
        }
    }
    Ok(())
}

impl Item {
    fn build(self) -> Result<Column, Failure> {
        let type_oid = self.type_oid.ok_or_else(|| refused("a column has no type"))?;
        let binary = match self.format {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(refused("a column's format is neither text nor binary")),
        };
        let keyed = |domain: &[u8]| match &self.key {
            Some(key) if !key.is_empty() => Ok(Keyed::new(key, domain)),
            _ => Err(refused("a method that needs a key has none")),
        };
        let method = match self.method.as_deref() {
            Some("drop" | "null") => Method::Null,
            Some("redact") => Method::Redact,
            Some("hash") => Method::Hash(keyed(HASH_DOMAIN)?),
            Some("tokenize") => Method::Tokenize(keyed(TOKEN_DOMAIN)?),
            Some("partial") => Method::Partial { first: self.first, last: self.last },
            _ => return Err(refused("a method is not known")),
        };
        Ok(Column { method, shape: Shape::of(type_oid, binary) })
    }
}

fn map_len(bytes: &mut &[u8]) -> Result<u32, Failure> {
    rmp::decode::read_map_len(bytes).map_err(|_| refused("a column is neither nil nor a map"))
}

fn number(bytes: &mut &[u8]) -> Result<u64, Failure> {
    rmp::decode::read_int(bytes).map_err(|_| refused("a number was expected"))
}

fn size(bytes: &mut &[u8]) -> Result<usize, Failure> {
    usize::try_from(number(bytes)?).map_err(|_| refused("a number is too large"))
}

fn string(bytes: &mut &[u8]) -> Result<String, Failure> {
    let length = rmp::decode::read_str_len(bytes).map_err(|_| refused("a string was expected"))?;
    String::from_utf8(take(bytes, length)?).map_err(|_| refused("a string is not UTF-8"))
}

fn binary(bytes: &mut &[u8]) -> Result<Vec<u8>, Failure> {
    let length = rmp::decode::read_bin_len(bytes).map_err(|_| refused("a key is not bytes"))?;
    take(bytes, length)
}

fn take(bytes: &mut &[u8], length: u32) -> Result<Vec<u8>, Failure> {
    let length = usize::try_from(length).map_err(|_| refused("a length is too large"))?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or_else(|| refused("the plan ends early"))?;
    *bytes = rest;
    Ok(taken.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(fields: &[(&str, u64)], method: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let _ = rmp::encode::write_array_len(&mut out, 1);
        let _ = rmp::encode::write_map_len(&mut out, u32::try_from(fields.len()).unwrap_or(0).saturating_add(1));
        let _ = rmp::encode::write_str(&mut out, "method");
        let _ = rmp::encode::write_str(&mut out, method);
        for (name, value) in fields {
            let _ = rmp::encode::write_str(&mut out, name);
            let _ = rmp::encode::write_uint(&mut out, *value);
        }
        out
    }

    #[test]
    fn a_column_knows_its_shape_by_type_and_format() {
        let shapes = [
            (25, 0, Shape::Text),
            (114, 1, Shape::Json),
            (3802, 0, Shape::Json),
            (3802, 1, Shape::JsonbBinary),
            (23, 0, Shape::Opaque),
        ];
        for (oid, format, shape) in shapes {
            let plan = decode(&one(&[("type_oid", oid), ("format", format)], "redact"));
            assert!(matches!(plan.as_deref(), Ok([Some(column)]) if column.shape == shape), "{oid} {format}");
        }
    }

    #[test]
    fn what_is_not_a_plan_is_refused() {
        let method_unknown = one(&[("type_oid", 25), ("format", 0)], "scramble");
        let format_unknown = one(&[("type_oid", 25), ("format", 2)], "null");
        let no_key = one(&[("type_oid", 25), ("format", 0)], "hash");
        let member_unknown = one(&[("type_oid", 25), ("format", 0), ("colour", 1)], "null");
        let mut followed = one(&[("type_oid", 25), ("format", 0)], "null");
        followed.push(0xc0);
        for bad in [
            method_unknown,
            format_unknown,
            no_key,
            member_unknown,
            followed,
            vec![],
            vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(decode(&bad).err().map(|failure| failure.code), Some("PLAN_INVALID"));
        }
    }
}
