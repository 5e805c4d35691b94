//! Recognises the two things that come with nearly every command, whole and with nothing out of the ordinary in them: one
//! execution of one statement up to its Sync, and the server's answer to it.
//!
//! INVARIANT: what is recognised here, the session's own decoders would read the same (tests/property/test_postgres_short.py).
//! `None` says nothing: then the session reads the bytes itself, message by message.

use super::rows::{skip_rows, split_message};

/// A run of the extended protocol: a Parse perhaps, a Bind, a Describe perhaps, an Execute without a limit, a Sync.
/// The portal is the unnamed one throughout.
#[derive(Debug, PartialEq, Eq)]
pub struct Run<'t> {
    pub statement: &'t [u8],
    /// What the Parse in it says the statement is.
    pub text: Option<&'t [u8]>,
    /// The bound values, as the gate is told them.
    pub parameters: Vec<Option<String>>,
    pub described: bool,
}

/// The least OID of a type that people made.
const FIRST_MADE: [u8; 4] = 16_384_u32.to_be_bytes();

/// The run that is all of `data`.
pub fn run(data: &[u8]) -> Option<Run<'_>> {
    let (mut kind, mut body, mut rest) = split_message(data)?;
    let mut text = None;
    let mut parsed = None;
    if kind == b'P' {
        let (name, after) = zero_terminated(body)?;
        let (sql, types) = zero_terminated(after)?;
        let (count, oids) = count(types)?;
        // A value of a type that people made may run something when it is read.
        if oids.len() != count.checked_mul(4)? || oids.chunks(4).any(|oid| oid >= FIRST_MADE.as_slice()) {
            return None;
        }
        (parsed, text) = (Some(name), Some(sql));
        (kind, body, rest) = split_message(rest)?;
    }
    if kind != b'B' {
        return None;
    }
    let (portal, after) = zero_terminated(body)?;
    let (statement, values) = zero_terminated(after)?;
    if !portal.is_empty() || parsed.is_some_and(|name| name != statement) {
        return None;
    }
    let parameters = parameters(values)?;
    (kind, body, rest) = split_message(rest)?;
    let described = kind == b'D';
    if described {
        if body != b"P\0" {
            return None;
        }
        (kind, body, rest) = split_message(rest)?;
    }
    if kind != b'E' || body != b"\0\0\0\0\0" || rest != b"S\0\0\0\x04" {
        return None;
    }
    Some(Run { statement, text, parameters, described })
}

/// What runs a simple query as one statement of the extended protocol: a Parse of `text`, then this.
const RUN: &[u8] = b"B\0\0\0\x0c\0\0\0\0\0\0\0\0D\0\0\0\x06P\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04";

/// A simple query.
#[derive(Debug, PartialEq, Eq)]
pub struct Query<'t> {
    pub text: &'t [u8],
    /// The messages that run it as one statement.
    pub run: Vec<u8>,
}

/// The simple query that is all of `data`, when it can hold one statement alone, and no word of those that need more
/// than the tree to be carried: EXECUTE, FETCH at the beginning (name another text) and COPY (talks back).
pub fn query(data: &[u8]) -> Option<Query<'_>> {
    let (kind, body, rest) = split_message(data)?;
    let (text, after) = zero_terminated(body)?;
    if kind != b'Q' || !rest.is_empty() || !after.is_empty() || text.is_empty() {
        return None;
    }
    let last = text.iter().rposition(|byte| !matches!(byte, b';' | b' ' | b'\t' | b'\r' | b'\n'))?;
    if text.get(..last)?.contains(&b';') || may_need_more(text) {
        return None;
    }
    let length = u32::try_from(text.len()).ok()?.checked_add(8)?;
    let mut run = Vec::with_capacity(text.len().checked_add(9)?.checked_add(RUN.len())?);
    run.push(b'P');
    run.extend_from_slice(&length.to_be_bytes());
    run.push(0);
    run.extend_from_slice(text);
    run.extend_from_slice(b"\0\0\0");
    run.extend_from_slice(RUN);
    Some(Query { text, run })
}

/// Whether a text may hold a word of those that need more than the tree to be carried.
pub fn may_need_more(text: &[u8]) -> bool {
    has_word(text, b"execute") || has_word(text, b"copy") || is_fetch(text)
}

/// WHY only at the beginning: `FETCH FIRST` is a part of many a query.
fn is_fetch(text: &[u8]) -> bool {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    let start = text.iter().position(|byte| !blank(byte)).unwrap_or_default();
    text.get(start..).is_some_and(|text| text.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"fetch")))
}

fn has_word(text: &[u8], word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else {
        return true;
    };
    // WHY the first letter alone before anything is compared: most bytes are another.
    let begins = |byte: &u8| byte | 0x20 == *first;
    let mut left = text;
    while let Some(place) = left.iter().position(begins) {
        left = left.get(place.saturating_add(1)..).unwrap_or_default();
        if left.get(..rest.len()).is_some_and(|part| part.eq_ignore_ascii_case(rest)) {
            return true;
        }
    }
    false
}

fn zero_terminated(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    Some((text, rest.get(1..)?))
}

/// A count of two bytes that is not negative.
fn count(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (count, rest) = bytes.split_at_checked(2)?;
    let count = usize::try_from(i16::from_be_bytes(count.try_into().ok()?)).ok()?;
    Some((count, rest))
}

/// Format codes, each text (0) or binary (1).
fn formats(bytes: &[u8]) -> Option<(Vec<bool>, &[u8])> {
    let (number, rest) = count(bytes)?;
    let (codes, rest) = rest.split_at_checked(number.checked_mul(2)?)?;
    let binary = codes
        .chunks_exact(2)
        .map(|code| match code {
            [0, 0] => Some(false),
            [0, 1] => Some(true),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    Some((binary, rest))
}

fn parameters(bytes: &[u8]) -> Option<Vec<Option<String>>> {
    let (binary, rest) = formats(bytes)?;
    let (number, mut rest) = count(rest)?;
    if binary.len() > 1 && binary.len() != number {
        return None;
    }
    let mut found = Vec::new();
    for index in 0..number {
        let (length, after) = rest.split_at_checked(4)?;
        let length = i32::from_be_bytes(length.try_into().ok()?);
        if length == -1 {
            found.push(None);
            rest = after;
            continue;
        }
        let (value, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        let is_binary = if binary.len() == number { binary.get(index) } else { binary.first() };
        found.push(Some(shown(value, is_binary.copied().unwrap_or(false))));
        rest = after;
    }
    // One format code for no values at all is what the session's own reader decides about.
    if number == 0 && !binary.is_empty() {
        return None;
    }
    let (_, rest) = formats(rest)?;
    rest.is_empty().then_some(found)
}

fn shown(value: &[u8], is_binary: bool) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !is_binary => text.to_owned(),
        _ => value.iter().fold(String::from("\\x"), |mut text, byte| {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
            text
        }),
    }
}

/// The answer to one execution: completions, a description perhaps, rows, a tag, ReadyForQuery.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub parsed: bool,
    /// `T` with a description of rows, `n` where there are none, 0 without either.
    pub described: u8,
    /// Where what is behind the completions of Parse and Bind begins.
    pub shown: usize,
    /// Bytes of the rows.
    pub rows: usize,
    /// The rows that the tag speaks of.
    pub tag: u64,
    pub status: u8,
}

/// The reply that is all of `data`.
pub fn reply(data: &[u8]) -> Option<Reply> {
    let (mut kind, mut body, mut rest) = split_message(data)?;
    let parsed = kind == b'1';
    if parsed {
        if !body.is_empty() {
            return None;
        }
        (kind, body, rest) = split_message(rest)?;
    }
    if kind != b'2' || !body.is_empty() {
        return None;
    }
    let shown = data.len().checked_sub(rest.len())?;
    let mut described = 0;
    let mut before = rest;
    (kind, body, rest) = split_message(rest)?;
    if kind == b'T' || kind == b'n' {
        described = kind;
        before = rest;
        (kind, body, rest) = split_message(rest)?;
    }
    let mut rows = 0;
    if kind == b'D' {
        rows = skip_rows(before, 0);
        // CopyData is no row of a result.
        if holds_copy_data(before.get(..rows)?) {
            return None;
        }
        (kind, body, rest) = split_message(before.get(rows..)?)?;
    }
    if kind != b'C' {
        return None;
    }
    let tag = rows_of(body)?;
    match rest {
        [b'Z', 0, 0, 0, 5, status] => Some(Reply { parsed, described, shown, rows, tag, status: *status }),
        _ => None,
    }
}

fn holds_copy_data(mut rows: &[u8]) -> bool {
    while let Some((kind, _, rest)) = split_message(rows) {
        if kind != b'D' {
            return true;
        }
        rows = rest;
    }
    false
}

/// The number at the end of a tag, 0 when it has none.
fn rows_of(body: &[u8]) -> Option<u64> {
    let (zero, tag) = body.split_last()?;
    if *zero != 0 || tag.contains(&0) {
        return None;
    }
    let last = tag.rsplit(|byte| *byte == b' ').next()?;
    if last.is_empty() || !last.iter().all(u8::is_ascii_digit) {
        return Some(0);
    }
    std::str::from_utf8(last).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend_from_slice(&u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(body);
        out
    }

    fn sync() -> Vec<u8> {
        message(b'S', b"")
    }

    fn execute() -> Vec<u8> {
        message(b'E', b"\0\0\0\0\0")
    }

    #[test]
    fn a_simple_query_that_may_be_several_or_needs_more_is_none() {
        let seen = |text: &[u8]| query(&message(b'Q', &[text, b"\0"].concat())).map(|found| found.text.to_vec());
        assert_eq!(seen(b"select 1; \n;"), Some(b"select 1; \n;".to_vec()));
        for text in [&b"select 1; select 2"[..], b"EXECUTE a", b"xCopY", b"", b";;", b"a\0b"] {
            assert_eq!(seen(text), None);
        }
        assert_eq!(query(b"Q\0\0\0\x06a\0b"), None);
    }

    const ONE: &[u8] = b"\0s\0\0\0\0\x01\0\0\0\x02hi\0\0";

    #[test]
    fn one_execution_of_a_prepared_statement_is_recognised() {
        let data = [message(b'B', ONE), message(b'D', b"P\0"), execute(), sync()].concat();
        let found = Run { statement: b"s", text: None, parameters: vec![Some("hi".into())], described: true };
        assert_eq!(run(&data), Some(found));
    }

    #[test]
    fn a_parameter_of_a_type_that_people_made_is_out_of_the_ordinary() {
        let parsed = |oid: u32| message(b'P', &[b"s\0select $1\0\0\x01", oid.to_be_bytes().as_slice()].concat());
        let rest = [message(b'B', ONE), execute(), sync()].concat();
        let is_seen = |oid: u32| run(&[parsed(oid), rest.clone()].concat()).is_some();
        assert!(is_seen(0) && is_seen(25) && is_seen(16_383));
        assert!(!is_seen(16_384) && !is_seen(u32::MAX));
    }

    #[test]
    fn a_parse_must_be_of_the_statement_that_is_bound() {
        let parse = |name: &[u8]| message(b'P', &[name, b"\0select 1\0\0\0"].concat());
        let bound = [message(b'B', ONE), execute(), sync()].concat();
        let found = run(&[parse(b"s"), bound.clone()].concat()).map(|run| run.text.map(<[u8]>::to_vec));
        assert_eq!(found, Some(Some(b"select 1".to_vec())));
        assert_eq!(run(&[parse(b"other"), bound].concat()), None);
    }

    #[test]
    fn values_are_shown_as_the_gate_is_told_them() {
        let values = b"\0\x02\0\0\0\x01\0\x02\xff\xff\xff\xff\0\0\0\x02\x0a\xff\0\0";
        assert_eq!(parameters(values), Some(vec![None, Some("\\x0aff".into())]));
        let not_text = b"\0\0\0\x01\0\0\0\x01\xff\0\0";
        assert_eq!(parameters(not_text), Some(vec![Some("\\xff".into())]));
    }

    #[test]
    fn anything_out_of_the_ordinary_is_left_to_others() {
        let good = [message(b'B', ONE), execute(), sync()].concat();
        let cut: Vec<Vec<u8>> = (0..good.len()).map(|at| good.get(..at).unwrap_or_default().to_vec()).collect();
        assert!(cut.iter().all(|data| run(data).is_none()));
        for data in [
            [good.clone(), sync()].concat(),
            [message(b'B', b"p\0s\0\0\0\0\0\0\0"), execute(), sync()].concat(),
            [message(b'B', ONE), message(b'D', b"Ss\0"), execute(), sync()].concat(),
            [message(b'B', ONE), message(b'E', b"\0\0\0\0\x01"), sync()].concat(),
            [message(b'B', b"\0s\0\0\x01\0\x02\0\0\0\0"), execute(), sync()].concat(),
            [message(b'B', b"\0s\0\0\x01\0\0\0\0\0\0"), execute(), sync()].concat(),
            [message(b'B', b"\0s\0\0\0\0\0\0\0x"), execute(), sync()].concat(),
        ] {
            assert_eq!(run(&data), None, "{data:?}");
        }
    }

    #[test]
    fn a_reply_tells_what_the_audit_needs() {
        let rows = [message(b'D', b"a"), message(b'D', b"bc")].concat();
        let ready = message(b'Z', b"I");
        let described = message(b'T', b"\0\0");
        let data =
            [message(b'1', b""), message(b'2', b""), described, rows.clone(), message(b'C', b"SELECT 2\0"), ready];
        let wanted = Reply { parsed: true, described: b'T', shown: 10, rows: rows.len(), tag: 2, status: b'I' };
        assert_eq!(reply(&data.concat()), Some(wanted));
        let plain = [message(b'2', b""), message(b'C', b"BEGIN\0"), message(b'Z', b"T")].concat();
        let wanted = Reply { parsed: false, described: 0, shown: 5, rows: 0, tag: 0, status: b'T' };
        assert_eq!(reply(&plain), Some(wanted));
    }

    #[test]
    fn a_reply_with_anything_else_in_it_is_left_to_others() {
        let (bound, tag, ready) = (message(b'2', b""), message(b'C', b"SELECT 1\0"), message(b'Z', b"I"));
        for data in [
            [bound.clone(), message(b'N', b"\0"), tag.clone(), ready.clone()].concat(),
            [bound.clone(), message(b'E', b"\0"), ready.clone()].concat(),
            [bound.clone(), message(b'd', b"x"), tag.clone(), ready.clone()].concat(),
            [bound.clone(), message(b'D', b"x"), message(b'd', b"x"), tag.clone(), ready.clone()].concat(),
            [bound.clone(), tag.clone(), ready.clone(), ready.clone()].concat(),
            [bound.clone(), tag.clone(), message(b'S', b"a\0b\0"), ready.clone()].concat(),
            [bound.clone(), message(b'C', b"SELECT 1"), ready.clone()].concat(),
            [tag, ready].concat(),
            bound,
        ] {
            assert_eq!(reply(&data), None, "{data:?}");
        }
    }
}
