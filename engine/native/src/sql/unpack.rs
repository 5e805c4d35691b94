//! Reads msgpack into plain values, for what callers hand in (the catalog). Bounded depth, no trust in announced sizes.

use std::io::Read;

use rmp::Marker;

use crate::failure::Failure;

const MAX_DEPTH: usize = 16;

/// A decoded value. Numbers other than integers and extension types do not occur in what we read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Value {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(pairs) => pairs.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Decodes one value which must fill the whole input.
pub fn decode(bytes: &[u8]) -> Result<Value, Failure> {
    let mut rest = bytes;
    let value = read(&mut rest, 0)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(malformed("trailing bytes"))
    }
}

fn malformed(what: &str) -> Failure {
    Failure::new("MALFORMED", format!("not the msgpack that was expected: {what}"))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Failure> {
    let mut buffer = [0_u8; N];
    rest.read_exact(&mut buffer).map_err(|_| malformed("it ends too early"))?;
    Ok(buffer)
}

fn text(rest: &mut &[u8], length: usize) -> Result<Value, Failure> {
    let (head, tail) = rest.split_at_checked(length).ok_or_else(|| malformed("a text ends too early"))?;
    *rest = tail;
    let text = std::str::from_utf8(head).map_err(|_| malformed("a text is not UTF-8"))?;
    Ok(Value::Text(text.to_owned()))
}

fn list(rest: &mut &[u8], length: usize, depth: usize) -> Result<Value, Failure> {
    let mut items = Vec::new();
    for _ in 0..length {
        items.push(read(rest, depth)?);
    }
    Ok(Value::List(items))
}

fn map(rest: &mut &[u8], length: usize, depth: usize) -> Result<Value, Failure> {
    let mut pairs = Vec::new();
    for _ in 0..length {
        let key = read(rest, depth)?;
        pairs.push((key, read(rest, depth)?));
    }
    Ok(Value::Map(pairs))
}

fn read(rest: &mut &[u8], depth: usize) -> Result<Value, Failure> {
    if depth > MAX_DEPTH {
        return Err(malformed("it is nested too deeply"));
    }
    let depth = depth.saturating_add(1);
    let [first] = take::<1>(rest)?;
    match Marker::from_u8(first) {
        Marker::Null => Ok(Value::Nil),
        Marker::True => Ok(Value::Bool(true)),
        Marker::False => Ok(Value::Bool(false)),
        Marker::FixPos(value) => Ok(Value::Int(i64::from(value))),
        Marker::FixNeg(value) => Ok(Value::Int(i64::from(value))),
        Marker::U8 => Ok(Value::Int(i64::from(take::<1>(rest)?[0]))),
        Marker::U16 => Ok(Value::Int(i64::from(u16::from_be_bytes(take(rest)?)))),
        Marker::U32 => Ok(Value::Int(i64::from(u32::from_be_bytes(take(rest)?)))),
        Marker::U64 => i64::try_from(u64::from_be_bytes(take(rest)?))
            .map(Value::Int)
            .map_err(|_| malformed("a number is too large")),
        Marker::I8 => Ok(Value::Int(i64::from(i8::from_be_bytes(take(rest)?)))),
        Marker::I16 => Ok(Value::Int(i64::from(i16::from_be_bytes(take(rest)?)))),
        Marker::I32 => Ok(Value::Int(i64::from(i32::from_be_bytes(take(rest)?)))),
        Marker::I64 => Ok(Value::Int(i64::from_be_bytes(take(rest)?))),
        Marker::FixStr(length) => text(rest, usize::from(length)),
        Marker::Str8 => {
            let [length] = take(rest)?;
            text(rest, usize::from(length))
        }
        Marker::Str16 => {
            let length = u16::from_be_bytes(take(rest)?);
            text(rest, usize::from(length))
        }
        Marker::Str32 => {
            let length = u32::from_be_bytes(take(rest)?);
            text(rest, usize::try_from(length).unwrap_or(usize::MAX))
        }
        Marker::FixArray(length) => list(rest, usize::from(length), depth),
        Marker::Array16 => {
            let length = u16::from_be_bytes(take(rest)?);
            list(rest, usize::from(length), depth)
        }
        Marker::Array32 => {
            let length = u32::from_be_bytes(take(rest)?);
            list(rest, usize::try_from(length).unwrap_or(usize::MAX), depth)
        }
        Marker::FixMap(length) => map(rest, usize::from(length), depth),
        Marker::Map16 => {
            let length = u16::from_be_bytes(take(rest)?);
            map(rest, usize::from(length), depth)
        }
        Marker::Map32 => {
            let length = u32::from_be_bytes(take(rest)?);
            map(rest, usize::try_from(length).unwrap_or(usize::MAX), depth)
        }
        _ => Err(malformed("it holds a type that does not belong here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_lists_is_read() {
        let bytes = [0x81, 0xa1, b'a', 0x92, 0x01, 0xc0];
        let value = decode(&bytes);
        assert_eq!(
            value,
            Ok(Value::Map(vec![(Value::Text("a".into()), Value::List(vec![Value::Int(1), Value::Nil]))]))
        );
    }

    #[test]
    fn an_announced_size_is_not_believed() {
        for bytes in [
            &[0xdd, 0xff, 0xff, 0xff, 0xff][..],
            &[0xdb, 0xff, 0xff, 0xff, 0xff, b'a'],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(decode(bytes).map_err(|failure| failure.code), Err("MALFORMED"));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let bytes = [0x91_u8; 100_000];
        assert_eq!(decode(&bytes).map_err(|failure| failure.code), Err("MALFORMED"));
    }
}
