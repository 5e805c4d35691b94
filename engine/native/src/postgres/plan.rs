//! What to do to each column of one result, decoded from msgpack once.

use crate::failure::Failure;
use crate::masking::method::Method;
use crate::masking::texts::Form;
use crate::postgres::kind::Kind;
use crate::postgres::mask::values::Values;

/// A result has at most 1,664 columns (PostgreSQL's own limit).
const MAX_COLUMNS: u32 = 1_664;
/// More types of values than there are.
const MAX_VALUES: u32 = 1_024;
/// How deep arrays and rows may stand in one another.
const MAX_DEPTH: usize = 6;
/// A row has at most 1,600 columns (PostgreSQL's own limit).
const MAX_FIELDS: u32 = 1_600;

/// One masked column.
#[derive(Clone)]
pub struct Column {
    pub method: Method,
    pub kind: Kind,
    pub binary: bool,
    /// What is hidden in its cells, where that is not all of them.
    pub values: Option<Values>,
}

/// Decodes the list: nil, or {method, params, type_oid, format} with or without {values}, one item for each column.
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
    kind: Option<Kind>,
    format: Option<u64>,
    key: Option<Vec<u8>>,
    tweak: String,
    form: Form,
    values: Option<Values>,
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
            "type_oid" => item.kind = Some(kind(bytes, 0)?),
            "format" => item.format = Some(number(bytes)?),
            "params" => params(bytes, &mut item)?,
            "values" => item.values = Some(values(bytes)?),
            _ => return Err(refused("a column has a member that is not known")),
        }
    }
    item.build().map(Some)
}

fn values(bytes: &mut &[u8]) -> Result<Values, Failure> {
    let count = rmp::decode::read_array_len(bytes).map_err(|_| refused("the values are not a list"))?;
    if count > MAX_VALUES {
        return Err(refused("there are too many values"));
    }
    let names = (0..count).map(|_| string(bytes)).collect::<Result<Vec<_>, _>>()?;
    Values::new(&names).ok_or_else(|| refused("the values name none, or a type that is not known"))
}

fn params(bytes: &mut &[u8], item: &mut Item) -> Result<(), Failure> {
    for _ in 0..map_len(bytes)? {
        match string(bytes)?.as_str() {
            "key" => item.key = Some(binary(bytes)?),
            "keep_first" => item.form.first = size(bytes)?,
            "keep_last" => item.form.last = size(bytes)?,
            "tweak" => item.tweak = string(bytes)?,
            "check" if string(bytes)? == "luhn" => item.form.luhn = true,
            _ => return Err(refused("a method has a parameter that is not known")),
        }
    }
    Ok(())
}

impl Item {
    fn build(self) -> Result<Column, Failure> {
        let kind = self.kind.ok_or_else(|| refused("a column has no type"))?;
        let binary = match self.format {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(refused("a column's format is neither text nor binary")),
        };
        let key = || self.key.as_deref().filter(|key| !key.is_empty());
        let method = match self.method.as_deref() {
            Some("drop" | "null") => Some(Method::Null),
            Some("redact") => Some(Method::Redact),
            Some("hash") => key().and_then(Method::hash),
            Some("tokenize") => key().and_then(|key| Method::tokenize(key, self.tweak.as_bytes(), self.form)),
            Some("partial") => Some(Method::Partial { first: self.form.first, last: self.form.last }),
            _ => return Err(refused("a method is not known")),
        };
        let method = method.ok_or_else(|| refused("a method that needs a key has none"))?;
        let method = if kind.holds(&method) { method } else { Method::Null };
        Ok(Column { method, kind, binary, values: self.values })
    }
}

/// A type: the OID of one of PostgreSQL's own, or ["array", type], or ["row", type, ...].
fn kind(bytes: &mut &[u8], depth: usize) -> Result<Kind, Failure> {
    let is_list = matches!(
        bytes.first().map(|byte| rmp::Marker::from_u8(*byte)),
        Some(rmp::Marker::FixArray(_) | rmp::Marker::Array16 | rmp::Marker::Array32)
    );
    if !is_list {
        return number(bytes).map(Kind::of);
    }
    let count = rmp::decode::read_array_len(bytes).map_err(|_| refused("a type is neither a number nor a list"))?;
    if depth >= MAX_DEPTH || count > MAX_FIELDS {
        return Err(refused("a type is too large"));
    }
    let name = string(bytes)?;
    let mut of = (1..count).map(|_| kind(bytes, depth.saturating_add(1))).collect::<Result<Vec<_>, _>>()?;
    match (name.as_str(), of.len()) {
        ("array", 1) => Ok(of.pop().map_or(Kind::Opaque, |of| Kind::Array(Box::new(of)))),
        ("row", _) => Ok(Kind::Row(of)),
        _ => Err(refused("a type is neither an array nor a row")),
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
    fn a_column_knows_its_kind_and_format() {
        for (oid, format) in [(25, 0), (114, 1), (3802, 0), (23, 1)] {
            let plan = decode(&one(&[("type_oid", oid), ("format", format)], "redact"));
            assert!(
                matches!(plan.as_deref(), Ok([Some(column)]) if column.kind == Kind::of(oid) && column.binary == (format == 1)),
                "{oid} {format}"
            );
        }
    }

    #[test]
    fn types_may_stand_in_one_another_and_not_too_deep() {
        let read = |bytes: &[u8]| kind(&mut &bytes[..], 0).map_err(|failure| failure.code);
        let numbers = b"\x93\xa3row\x19\x92\xa5array\x17";
        assert_eq!(read(numbers), Ok(Kind::Row(vec![Kind::Text, Kind::Array(Box::new(Kind::Integer(4)))])));
        let deep = [b"\x92\xa5array".repeat(MAX_DEPTH.saturating_add(1)), vec![0x19]].concat();
        for bad in
            [deep.as_slice(), b"\x92\xa4list\x19", b"\x91\xa5array", b"\x93\xa5array\x19\x19", b"\x90", b"\xa3row"]
        {
            assert_eq!(read(bad), Err("PLAN_INVALID"), "{bad:?}");
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
