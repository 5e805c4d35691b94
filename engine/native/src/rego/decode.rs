//! msgpack to a Rego value, by hand: bounded in bytes, values and depth, duplicate keys refused.

use regorus::value::Object;
use regorus::Value;

use super::limits::Limits;
use crate::failure::Failure;

/// Decodes one document that fills `bytes` to its end.
pub fn document(bytes: &[u8], limits: &Limits) -> Result<Value, Failure> {
    decode(bytes, limits, Place::Elsewhere)
}

/// Decodes a request, without the places of operations in the text (`command.operations[_].span`).
///
/// Policies do not see them, so that two commands which differ in literals alone look the same to every rule that reads
/// neither text nor digest: what the decision cache relies on.
pub fn request(bytes: &[u8], limits: &Limits) -> Result<Value, Failure> {
    decode(bytes, limits, Place::Request)
}

/// Where in a request a value stands, as far as hiding spans needs to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Request,
    Command,
    Operations,
    Operation,
    Elsewhere,
}

impl Place {
    fn field(self, key: &str) -> Self {
        match (self, key) {
            (Self::Request, "command") => Self::Command,
            (Self::Command, "operations") => Self::Operations,
            _ => Self::Elsewhere,
        }
    }

    fn item(self) -> Self {
        if self == Self::Operations {
            Self::Operation
        } else {
            Self::Elsewhere
        }
    }
}

fn decode(bytes: &[u8], limits: &Limits, place: Place) -> Result<Value, Failure> {
    if bytes.len() > limits.input_bytes {
        return Err(invalid(format!("{} bytes, more than the limit of {}", bytes.len(), limits.input_bytes)));
    }
    let mut reader = Reader { rest: bytes, values: 0, limits };
    let value = reader.value(0, place)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(invalid("bytes after the end of the document"))
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("INPUT_INVALID", message)
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
    limits: &'a Limits,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| invalid("the document is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A big-endian unsigned number of up to eight bytes.
    fn number(&mut self, size: usize) -> Result<u64, Failure> {
        Ok(self.take(size)?.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)))
    }

    fn length(&mut self, size: usize) -> Result<usize, Failure> {
        usize::try_from(self.number(size)?).map_err(|_| invalid("a length is out of range"))
    }

    fn text(&mut self, size: usize) -> Result<&'a str, Failure> {
        std::str::from_utf8(self.take(size)?).map_err(|_| invalid("a string is not UTF-8"))
    }

    fn key(&mut self) -> Result<&'a str, Failure> {
        let tag = self.tag()?;
        let size = match tag {
            0xa0..=0xbf => usize::from(tag & 0x1f),
            0xd9 => self.length(1)?,
            0xda => self.length(2)?,
            0xdb => self.length(4)?,
            _ => return Err(invalid("a key is not a string")),
        };
        self.text(size)
    }

    fn tag(&mut self) -> Result<u8, Failure> {
        self.take(1)?.first().copied().ok_or_else(|| invalid("the document is cut off"))
    }

    fn array(&mut self, count: usize, depth: usize, place: Place) -> Result<Value, Failure> {
        let mut items = Vec::with_capacity(count.min(self.rest.len()));
        for _ in 0..count {
            items.push(self.value(depth.saturating_add(1), place.item())?);
        }
        Ok(Value::from(items))
    }

    fn map(&mut self, count: usize, depth: usize, place: Place) -> Result<Value, Failure> {
        let mut fields = Vec::with_capacity(count.min(self.rest.len()));
        let mut hidden = 0_usize;
        for _ in 0..count {
            let key = self.key()?;
            let value = self.value(depth.saturating_add(1), place.field(key))?;
            if place == Place::Operation && key == "span" {
                hidden = hidden.saturating_add(1);
            } else {
                fields.push((Value::from(key), value));
            }
        }
        let object: Object = fields.into_iter().collect();
        // INVARIANT: a key stands once. Which of two would win is a question an attacker may ask for us.
        if hidden <= 1 && object.len().saturating_add(hidden) == count {
            Ok(object.into_value())
        } else {
            Err(invalid("a key stands twice in one object"))
        }
    }

    fn value(&mut self, depth: usize, place: Place) -> Result<Value, Failure> {
        self.values = self.values.saturating_add(1);
        if depth > self.limits.depth {
            return Err(invalid(format!("nested deeper than {}", self.limits.depth)));
        }
        if self.values > self.limits.input_values {
            return Err(invalid(format!("more than {} values", self.limits.input_values)));
        }
        let tag = self.tag()?;
        match tag {
            0x00..=0x7f => Ok(Value::from(u64::from(tag))),
            0x80..=0x8f => self.map(usize::from(tag & 0x0f), depth, place),
            0x90..=0x9f => self.array(usize::from(tag & 0x0f), depth, place),
            0xa0..=0xbf => Ok(Value::from(self.text(usize::from(tag & 0x1f))?)),
            0xc0 => Ok(Value::Null),
            0xc2 => Ok(Value::Bool(false)),
            0xc3 => Ok(Value::Bool(true)),
            0xca => {
                let bits = u32::try_from(self.number(4)?).map_err(|_| invalid("a number is out of range"))?;
                float(f64::from(f32::from_bits(bits)))
            }
            0xcb => float(f64::from_bits(self.number(8)?)),
            0xcc..=0xcf => Ok(Value::from(self.number(1_usize << (tag & 3))?)),
            0xd0..=0xd3 => self.signed(1_usize << (tag & 3)),
            0xe0..=0xff => Ok(Value::from(i64::from(i8::from_be_bytes([tag])))),
            0xd9..=0xdb => {
                let size = self.length(1_usize << (tag.wrapping_sub(0xd9)))?;
                Ok(Value::from(self.text(size)?))
            }
            0xdc | 0xdd => {
                let count = self.length(if tag == 0xdc { 2 } else { 4 })?;
                self.array(count, depth, place)
            }
            0xde | 0xdf => {
                let count = self.length(if tag == 0xde { 2 } else { 4 })?;
                self.map(count, depth, place)
            }
            _ => Err(invalid(format!("msgpack type 0x{tag:02x} has no place in a document"))),
        }
    }

    fn signed(&mut self, size: usize) -> Result<Value, Failure> {
        let raw = self.number(size)?;
        let shift = 64_u32.saturating_sub(u32::try_from(size).unwrap_or(8).saturating_mul(8));
        let wide = raw.wrapping_shl(shift).to_be_bytes();
        Ok(Value::from(i64::from_be_bytes(wide).wrapping_shr(shift)))
    }
}

fn float(number: f64) -> Result<Value, Failure> {
    if number.is_finite() {
        Ok(Value::from(number))
    } else {
        Err(invalid("a number is not finite"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Value, Failure> {
        document(bytes, &Limits::default())
    }

    /// `{"command": {"operations": [{"span": 1, "kind": 2, "targets": [{"span": 3}]}], "span": 4}, "span": 5}`
    const WITH_SPANS: &[u8] = b"\x82\xa7command\x82\xaaoperations\x91\x83\xa4span\x01\xa4kind\x02\xa7targets\x91\x81\xa4span\x03\xa4span\x04\xa4span\x05";

    #[test]
    fn a_request_does_not_show_where_in_the_text_its_operations_stand() {
        let shown = r#"{"command": {"operations": [{"kind": 2, "targets": [{"span": 3}]}], "span": 4}, "span": 5}"#;
        assert_eq!(request(WITH_SPANS, &Limits::default()).unwrap(), Value::from_json_str(shown).unwrap());
        let whole =
            r#"{"command": {"operations": [{"span": 1, "kind": 2, "targets": [{"span": 3}]}], "span": 4}, "span": 5}"#;
        assert_eq!(decode(WITH_SPANS).unwrap(), Value::from_json_str(whole).unwrap());
    }

    #[test]
    fn a_hidden_key_that_stands_twice_is_refused_too() {
        let twice = b"\x81\xa7command\x81\xaaoperations\x91\x82\xa4span\x01\xa4span\x02";
        assert_eq!(request(twice, &Limits::default()).unwrap_err().code, "INPUT_INVALID");
    }

    #[test]
    fn scalars_and_nests_come_out_as_they_went_in() {
        let bytes = b"\x82\xa1a\x93\x01\xff\xcb\x3f\xf8\0\0\0\0\0\0\xa1b\x81\xa1c\xc3";
        let expected = Value::from_json_str(r#"{"a": [1, -1, 1.5], "b": {"c": true}}"#).unwrap();
        assert_eq!(decode(bytes).unwrap(), expected);
    }

    #[test]
    fn signed_numbers_keep_their_sign() {
        for (bytes, number) in [
            (&b"\xd0\x80"[..], -128_i64),
            (b"\xd1\xff\xfe", -2),
            (b"\xd2\x80\0\0\0", -2_147_483_648),
            (b"\xd3\x80\0\0\0\0\0\0\0", i64::MIN),
            (b"\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", i64::MAX),
        ] {
            assert_eq!(decode(bytes).unwrap(), Value::from(number));
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        assert_eq!(decode(b"\x82\xa1a\x01\xa1a\x02").unwrap_err().code, "INPUT_INVALID");
    }

    #[test]
    fn a_cut_off_document_and_trailing_bytes_are_refused() {
        assert!(decode(b"\x82\xa1a\x01").is_err());
        assert!(decode(b"\x01\x01").is_err());
        assert!(decode(b"").is_err());
    }

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        assert!(decode(b"\xdd\xff\xff\xff\xff").is_err());
        assert!(decode(b"\xdf\xff\xff\xff\xff").is_err());
        assert!(decode(b"\xdb\xff\xff\xff\xff").is_err());
    }

    #[test]
    fn nesting_past_the_limit_is_refused_and_does_not_overflow() {
        let bytes = vec![0x91_u8; 1 << 20];
        assert!(decode(&bytes).unwrap_err().message.contains("nested deeper"));
    }

    #[test]
    fn not_a_number_infinity_binary_and_extensions_are_refused() {
        for bytes in
            [&b"\xcb\x7f\xf8\0\0\0\0\0\0"[..], b"\xcb\x7f\xf0\0\0\0\0\0\0", b"\xc4\x01a", b"\xd4\x01a", b"\xc1"]
        {
            assert!(decode(bytes).is_err());
        }
    }

    #[test]
    fn a_key_must_be_a_string() {
        assert!(decode(b"\x81\x01\x01").is_err());
    }
}
