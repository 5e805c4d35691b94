//! What of an encoded command a set of policies can read: bytes that are equal only where no rule can tell two commands
//! apart.
//!
//! Commands mostly differ in what no rule asks for (names of columns, aliases), so a decision on one holds for the others.
//! The paths are those of `describe`. INVARIANT: where a value is not of the kind that a path expects, all of it counts;
//! the places of operations in the text count nowhere, because no policy is shown them (`decode`).

use regorus::Value;

use super::scope::{Path, Step};

/// Longer commands have no part: near the limits of an input it counts what stands in it, read or not.
const MAX_BYTES: usize = 64 << 10;
const MAX_DEPTH: usize = 32;

/// Marks in the bytes of a part; each is followed by something that tells its own length.
const WHOLE: u8 = 0;
const FIELDS: u8 = 1;
const ITEMS: u8 = 2;
const OTHER: u8 = 3;
const END: u8 = 4;

/// What is read of the values at one place.
#[derive(Debug, Default)]
struct Reads {
    is_whole: bool,
    fields: Vec<(String, Reads)>,
    items: Option<Box<Reads>>,
}

/// What a set of policies reads of commands.
#[derive(Debug, Default)]
pub struct Part(Reads);

/// Where a value stands, as far as hiding the places of operations needs to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Command,
    Operations,
    Operation,
    Elsewhere,
}

impl Part {
    /// From the paths below `input` that the rules read.
    pub fn new<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        let mut reads = Reads::default();
        for path in paths {
            match path.split_first() {
                None | Some((Step::Any, _)) => reads.is_whole = true,
                Some((Step::Key(Value::String(key)), rest)) if &**key == "command" => reads.add(rest),
                Some((Step::Key(_), _)) => {}
            }
        }
        Self(reads)
    }

    /// The part of an encoded command. `None` where there is none: it is too long, too deep, or no msgpack of ours.
    pub fn of(&self, command: &[u8]) -> Option<Vec<u8>> {
        if self.0.is_whole || command.len() > MAX_BYTES {
            return None;
        }
        let mut writer = Writer { rest: command, out: Vec::with_capacity(256) };
        writer.value(Some(&self.0), Place::Command, 0)?;
        writer.rest.is_empty().then_some(writer.out)
    }
}

impl Reads {
    fn add(&mut self, path: &[Step]) {
        let Some((step, rest)) = path.split_first() else {
            self.is_whole = true;
            return;
        };
        match step {
            Step::Any => self.items.get_or_insert_with(Box::default).add(rest),
            Step::Key(Value::String(key)) => {
                if let Some((_, reads)) = self.fields.iter_mut().find(|(name, _)| **name == **key) {
                    reads.add(rest);
                } else {
                    let mut reads = Self::default();
                    reads.add(rest);
                    self.fields.push((key.to_string(), reads));
                }
            }
            // By number, or by what no field is called: nobody looks closer.
            Step::Key(_) => self.is_whole = true,
        }
    }
}

/// Copies what is read from one buffer to the other; what is not read it only steps over (`reads` is None there).
struct Writer<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
}

/// The head of a msgpack value.
enum Head {
    /// A value that ends after so many more bytes.
    Scalar(usize),
    Array(usize),
    Map(usize),
}

impl<'a> Writer<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self, size: usize) -> Option<usize> {
        let number = self.take(size)?.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        usize::try_from(number).ok()
    }

    fn head(&mut self) -> Option<Head> {
        let tag = *self.take(1)?.first()?;
        Some(match tag {
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => Head::Scalar(0),
            0x80..=0x8f => Head::Map(usize::from(tag & 0x0f)),
            0x90..=0x9f => Head::Array(usize::from(tag & 0x0f)),
            0xa0..=0xbf => Head::Scalar(usize::from(tag & 0x1f)),
            0xca => Head::Scalar(4),
            0xcb => Head::Scalar(8),
            0xcc..=0xd3 => Head::Scalar(1_usize << (tag & 3)),
            0xd9..=0xdb => Head::Scalar(self.number(1_usize << tag.wrapping_sub(0xd9))?),
            0xdc | 0xdd => Head::Array(self.number(if tag == 0xdc { 2 } else { 4 })?),
            0xde | 0xdf => Head::Map(self.number(if tag == 0xde { 2 } else { 4 })?),
            _ => return None,
        })
    }

    /// A key of a map; only strings are.
    fn key(&mut self) -> Option<&'a [u8]> {
        let is_text = matches!(self.rest.first()?, 0xa0..=0xbf | 0xd9..=0xdb);
        match self.head()? {
            Head::Scalar(length) if is_text => self.take(length),
            _ => None,
        }
    }

    fn value(&mut self, reads: Option<&Reads>, place: Place, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let began = self.rest;
        let inner = depth.saturating_add(1);
        match (self.head()?, reads) {
            (Head::Map(count), Some(reads)) if !reads.is_whole && reads.items.is_none() => {
                self.out.push(FIELDS);
                for _ in 0..count {
                    let key = self.key()?;
                    let found = reads.fields.iter().zip(0_u16..).find(|((name, _), _)| name.as_bytes() == key);
                    match found {
                        Some(((_, reads), number)) if !is_hidden(place, key) => {
                            self.out.push(OTHER);
                            self.out.extend(number.to_be_bytes());
                            self.value(Some(reads), place.field(key), inner)?;
                        }
                        _ => self.value(None, place.field(key), inner)?,
                    }
                }
                self.out.push(END);
            }
            (Head::Array(count), Some(reads)) if !reads.is_whole && reads.fields.is_empty() => {
                self.out.push(ITEMS);
                self.out.extend(u32::try_from(count).ok()?.to_be_bytes());
                for _ in 0..count {
                    self.value(reads.items.as_deref(), place.item(), inner)?;
                }
            }
            (head, reads) => {
                self.rest = began;
                let mut whole = Vec::new();
                let into = reads.is_some().then_some(&mut whole);
                self.copy(into, place, depth)?;
                if reads.is_some() {
                    // The kind of thing tells apart what stands whole where some of it was expected.
                    self.out.push(if matches!(head, Head::Scalar(_)) { WHOLE } else { OTHER });
                    self.out.extend(u32::try_from(whole.len()).ok()?.to_be_bytes());
                    self.out.append(&mut whole);
                }
            }
        }
        Some(())
    }

    /// Steps over a value; with `into` copies it but for the places of operations.
    fn copy(&mut self, mut into: Option<&mut Vec<u8>>, place: Place, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let began = self.rest;
        let head = self.head()?;
        let inner = depth.saturating_add(1);
        if let Head::Scalar(length) = head {
            self.take(length)?;
            let size = began.len().checked_sub(self.rest.len())?;
            if let Some(into) = into {
                into.extend(began.get(..size)?);
            }
            return Some(());
        }
        let size = began.len().checked_sub(self.rest.len())?;
        if let Some(into) = into.as_deref_mut() {
            into.extend(began.get(..size)?);
        }
        match head {
            Head::Array(count) => {
                for _ in 0..count {
                    self.copy(into.as_deref_mut(), place.item(), inner)?;
                }
            }
            Head::Map(count) => {
                for _ in 0..count {
                    let before = self.rest;
                    let key = self.key()?;
                    let size = before.len().checked_sub(self.rest.len())?;
                    match into.as_deref_mut().filter(|_| !is_hidden(place, key)) {
                        Some(into) => {
                            into.extend(before.get(..size)?);
                            self.copy(Some(into), place.field(key), inner)?;
                        }
                        None => self.copy(None, place.field(key), inner)?,
                    }
                }
            }
            Head::Scalar(_) => {}
        }
        Some(())
    }
}

fn is_hidden(place: Place, key: &[u8]) -> bool {
    place == Place::Operation && key == b"span"
}

impl Place {
    fn field(self, key: &[u8]) -> Self {
        if self == Self::Command && key == b"operations" {
            Self::Operations
        } else {
            Self::Elsewhere
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::encode::Writer as Encoder;
    use super::*;

    fn packed(json: &str) -> Vec<u8> {
        let mut encoder = Encoder::new(usize::MAX, 128);
        encoder.value(&Value::from_json_str(json).unwrap()).unwrap();
        encoder.finish()
    }

    fn path(text: &str) -> Path {
        text.split('.').map(|step| if step == "_" { Step::Any } else { Step::key(step) }).collect()
    }

    fn part(paths: &[&str]) -> Part {
        let paths: Vec<Path> = paths.iter().map(|text| path(text)).collect();
        Part::new(paths.iter())
    }

    fn same(part: &Part, one: &str, other: &str) -> bool {
        let of = |json: &str| part.of(&packed(json)).unwrap();
        of(one) == of(other)
    }

    #[test]
    fn what_no_rule_reads_makes_no_difference() {
        let part = part(&["command.operations._.kind", "command.complete", "principal.name"]);
        let one =
            r#"{"operations": [{"kind": "select", "span": [0, 1]}], "complete": true, "text": "a", "sql": {"x": [1]}}"#;
        let other =
            r#"{"operations": [{"kind": "select", "span": [2, 3], "more": {}}], "complete": true, "text": "b"}"#;
        assert!(same(&part, one, other));
        assert!(same(&self::part(&[]), one, other));
    }

    #[test]
    fn what_a_rule_reads_makes_one() {
        let part = part(&["command.operations._.kind", "command.sql.relations._", "command.complete"]);
        let base = r#"{"operations": [{"kind": "select"}], "complete": true, "sql": {"relations": ["t"]}}"#;
        for other in [
            r#"{"operations": [{"kind": "delete"}], "complete": true, "sql": {"relations": ["t"]}}"#,
            r#"{"operations": [{}], "complete": true, "sql": {"relations": ["t"]}}"#,
            r#"{"operations": [{"kind": "select"}, {}], "complete": true, "sql": {"relations": ["t"]}}"#,
            r#"{"operations": [], "complete": true, "sql": {"relations": ["t"]}}"#,
            r#"{"operations": {"0": {"kind": "select"}}, "complete": true, "sql": {"relations": ["t"]}}"#,
            r#"{"operations": [{"kind": "select"}], "complete": 1, "sql": {"relations": ["t"]}}"#,
            r#"{"operations": [{"kind": "select"}], "sql": {"relations": ["t"]}}"#,
            r#"{"operations": [{"kind": "select"}], "complete": true, "sql": {"relations": [["t"]]}}"#,
            r#"{"operations": [{"kind": "select"}], "complete": true, "sql": {}}"#,
            r#"{"operations": [{"kind": "select"}], "complete": true, "sql": null}"#,
            r#"{"operations": [{"kind": "select"}], "complete": true}"#,
        ] {
            assert!(!same(&part, base, other), "{other}");
        }
    }

    #[test]
    fn where_a_path_ends_all_below_counts_but_the_places_of_operations() {
        for paths in [
            &["command.operations"][..],
            &["command.operations._"],
            &["command.operations", "command.operations._.kind"],
        ] {
            let part = part(paths);
            let one = r#"{"operations": [{"kind": "select", "span": [0, 1]}]}"#;
            assert!(same(&part, one, r#"{"operations": [{"kind": "select", "span": [7, 9]}]}"#));
            assert!(!same(&part, one, r#"{"operations": [{"kind": "select", "span": [0, 1], "via": ["top"]}]}"#));
            assert!(!same(&part, one, r#"{"operations": [{"kind": "select", "via": [{"span": 1}]}]}"#));
        }
    }

    #[test]
    fn who_reads_everything_has_no_part() {
        let command = packed(r#"{"text": "a"}"#);
        assert!(part(&["command"]).of(&command).is_none());
        assert!(Part::new([Path::new()].iter()).of(&command).is_none());
        assert!(Part::new([vec![Step::Any]].iter()).of(&command).is_none());
    }

    #[test]
    fn no_msgpack_no_part() {
        let part = part(&["command.text"]);
        let whole = packed(r#"{"text": "abc", "sql": {"joins": 1}}"#);
        for end in 0..whole.len() {
            assert!(part.of(whole.get(..end).unwrap()).is_none(), "{end}");
        }
        assert!(part.of(&[whole.as_slice(), b"\xc0"].concat()).is_none());
        assert!(part.of(b"\x81\x01\x01").is_none());
        assert!(part.of(b"\x81\xa4text\xdd\xff\xff\xff\xff").is_none());
        assert!(part.of(&[&[0x91_u8; 100][..], b"\xc0"].concat()).is_none());
        assert!(part.of(&[b"\x81\xa1x\xdb\x00\x01\x00\x00".as_slice(), &[b'x'; 1 << 16]].concat()).is_none());
    }
}
