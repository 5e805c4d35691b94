//! Rego values and answers to msgpack: sets as arrays, no undefined, bounded in bytes and depth.

use regorus::Value;

/// Grows an answer; `finish` hands the bytes out.
pub struct Writer {
    bytes: Vec<u8>,
    limit: usize,
    depth: usize,
}

/// Why a value has no place in an answer.
pub type Refusal = String;

impl Writer {
    pub fn new(limit: usize, depth: usize) -> Self {
        Self { bytes: Vec::with_capacity(512), limit, depth }
    }

    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub fn map(&mut self, count: usize) {
        // Writing to a Vec cannot fail.
        let _ = rmp::encode::write_map_len(&mut self.bytes, u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub fn array(&mut self, count: usize) {
        let _ = rmp::encode::write_array_len(&mut self.bytes, u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub fn text(&mut self, text: &str) {
        let _ = rmp::encode::write_str(&mut self.bytes, text);
    }

    pub fn number(&mut self, number: u64) {
        let _ = rmp::encode::write_uint(&mut self.bytes, number);
    }

    pub fn bool(&mut self, value: bool) {
        let _ = rmp::encode::write_bool(&mut self.bytes, value);
    }

    pub fn nil(&mut self) {
        let _ = rmp::encode::write_nil(&mut self.bytes);
    }

    /// Whether more was written than the limit allows.
    pub fn is_full(&self) -> bool {
        self.bytes.len() > self.limit
    }

    /// Appends what another writer holds.
    pub fn append(&mut self, other: Self) {
        self.bytes.extend(other.bytes);
    }

    /// Appends [rule, value].
    pub fn pair(&mut self, rule: u32, value: Self) {
        self.array(2);
        self.number(u64::from(rule));
        self.append(value);
    }

    /// Appends `value`; after a refusal the bytes are back to what they were.
    pub fn value(&mut self, value: &Value) -> Result<(), Refusal> {
        let mark = self.bytes.len();
        let written = self.nested(value, 0);
        if written.is_err() {
            self.bytes.truncate(mark);
        }
        written
    }

    fn nested(&mut self, value: &Value, depth: usize) -> Result<(), Refusal> {
        if depth > self.depth {
            return Err(format!("the result is nested deeper than {}", self.depth));
        }
        if self.bytes.len() > self.limit {
            return Err(format!("the results take more than {} bytes", self.limit));
        }
        let below = depth.saturating_add(1);
        match value {
            Value::Null => self.nil(),
            Value::Bool(flag) => self.bool(*flag),
            Value::String(text) => self.text(text),
            Value::Number(number) => {
                if let Some(whole) = number.as_i64() {
                    let _ = rmp::encode::write_sint(&mut self.bytes, whole);
                } else if let Some(whole) = number.as_u64() {
                    self.number(whole);
                } else if let Some(real) = number.as_f64().filter(|real| real.is_finite()) {
                    let _ = rmp::encode::write_f64(&mut self.bytes, real);
                } else {
                    return Err("a number of the result does not fit 64 bits".to_owned());
                }
            }
            Value::Array(items) => {
                self.array(items.len());
                items.iter().try_for_each(|item| self.nested(item, below))?;
            }
            Value::Set(items) => {
                self.array(items.len());
                items.iter_sorted().try_for_each(|item| self.nested(item, below))?;
            }
            Value::Object(fields) => {
                self.map(fields.len());
                for (key, field) in fields.iter_sorted() {
                    match key {
                        Value::String(name) => self.text(name),
                        _ => return Err("a key of the result is not a string".to_owned()),
                    }
                    self.nested(field, below)?;
                }
            }
            // INVARIANT: undefined never leaves the core; regorus would print it as a string.
            Value::Undefined => return Err("a part of the result is undefined".to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::decode::document;
    use crate::rego::limits::Limits;

    fn round(text: &str) -> Value {
        let mut writer = Writer::new(1 << 20, 64);
        writer.value(&Value::from_json_str(text).unwrap()).unwrap();
        document(&writer.finish(), &Limits::default()).unwrap()
    }

    #[test]
    fn json_comes_back_as_it_went_in() {
        let text = r#"{"a": [1, -5, 2.5, null, true, "x"], "b": {"c": 18446744073709551615}}"#;
        assert_eq!(round(text), Value::from_json_str(text).unwrap());
    }

    #[test]
    fn undefined_is_refused_and_leaves_no_bytes() {
        let mut writer = Writer::new(1 << 20, 64);
        let value = Value::from(vec![Value::from(1_u64), Value::Undefined]);
        assert!(writer.value(&value).unwrap_err().contains("undefined"));
        assert!(writer.finish().is_empty());
    }

    #[test]
    fn too_deep_and_too_big_results_are_refused() {
        let deep = (0..70).fold(Value::Null, |inner, _| Value::from(vec![inner]));
        assert!(Writer::new(1 << 20, 64).value(&deep).is_err());
        let big = Value::from(vec![Value::from("0123456789"); 100]);
        assert!(Writer::new(100, 64).value(&big).is_err());
    }

    #[test]
    fn a_set_is_written_as_a_sorted_array() {
        let mut set = regorus::value::Set::new();
        set.insert(Value::from(2_u64));
        set.insert(Value::from(1_u64));
        let mut writer = Writer::new(100, 8);
        writer.value(&set.into_value()).unwrap();
        assert_eq!(writer.finish(), b"\x92\x01\x02");
    }
}
