//! Values that do not stand right behind `name =`: in a member beside the name, behind a type, between tags, in a call, as an
//! option of a command.

use crate::scan::limits::VALUE;
use crate::scan::place::{Operator, Place};

/// How far behind a name the member with its value may begin, and how long a name is before the word.
const REACH: usize = 300;
const NAME: usize = 64;

/// Where the value stands of which the name is told in a member (`{"name": "DB_PASSWORD", "value": ...}`, of YAML too), when a
/// word of that name begins at `start`; `tail` is what is behind the word of the name.
#[inline(always)]
pub fn beside(text: &[u8], start: usize, tail: (usize, usize)) -> Option<Place> {
    let (_, end) = tail;
    let after = text.get(end..)?;
    match after {
        [b'\n', b' ' | b'\t', ..]
        | [b'\r', b'\n', ..]
        | [b'"' | b'\'', b',' | b' ' | b'\n' | b'\r', ..]
        | [b'\\', b'"', ..] => member(text, start, tail),
        _ => None,
    }
}

/// The value of the member that follows the name.
#[inline(never)]
fn member(text: &[u8], start: usize, tail: (usize, usize)) -> Option<Place> {
    let (_, end) = tail;
    let last = text.len().min(end.saturating_add(REACH));
    let mut reader = Reader { text: text.get(..last)?, at: end };
    reader.skip(|byte| byte == b'\\');
    reader.take(|byte| matches!(byte, b'"' | b'\''));
    for _ in 0..MEMBERS {
        reader.skip(|byte| byte.is_ascii_whitespace());
        reader.take(|byte| byte == b',');
        reader.skip(|byte| byte.is_ascii_whitespace() || matches!(byte, b'\\' | b'"' | b'\''));
        let name = reader.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        reader.skip(|byte| matches!(byte, b'\\' | b'"' | b'\''));
        reader.skip(|byte| matches!(byte, b' ' | b'\t'));
        if name.is_empty() || reader.take(|byte| matches!(byte, b':' | b'=')).is_none() {
            return None;
        }
        reader.skip(|byte| matches!(byte, b' ' | b'\t' | b'\\'));
        let quote = reader.take(|byte| matches!(byte, b'"' | b'\''));
        if name.eq_ignore_ascii_case(b"value") {
            let is_there = reader.text.get(reader.at).is_some_and(|byte| !byte.is_ascii_whitespace());
            return (is_there && is_told(text, start)).then_some(Place {
                at: reader.at,
                tail,
                operator: Operator::Colon,
                quote,
            });
        }
        // Another member of one line: it may be a string or a number.
        reader.run(|byte| match quote {
            Some(quote) => byte != quote && byte != b'\\' && byte != b'\n',
            None => byte.is_ascii_alphanumeric() || byte == b'.',
        });
        reader.skip(|byte| byte == b'\\');
        if quote.is_some() && reader.take(|byte| Some(byte) == quote).is_none() {
            return None;
        }
    }
    None
}

/// How many members a value may be away.
const MEMBERS: usize = 5;

/// Whether the name of which a word begins at `start` is itself a value: `name: DB_PASSWORD`, `"Name": "/db/password"`.
fn is_told(text: &[u8], start: usize) -> bool {
    let name = name_start(text, start, |byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte));
    let before = name_start(text, name, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b' ' | b'\t'));
    before.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|byte| matches!(byte, b':' | b'='))
}

/// Where the value stands behind the type of a name: `apiKey: string = "..."`, `password: &str = "..."`.
#[inline(always)]
pub fn typed(text: &[u8], place: &Place) -> Option<Place> {
    if place.operator != Operator::Colon || place.quote.is_some() {
        return None;
    }
    behind_type(text, place)
}

#[inline(never)]
fn behind_type(text: &[u8], place: &Place) -> Option<Place> {
    const LONGEST: usize = 40;
    let rest = text.get(place.at..)?;
    if !rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'&') {
        return None;
    }
    let is_of_type = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'&' | b'<' | b'>' | b'[' | b']' | b'.' | b'|' | b',' | b'?' | b'*' | b'\'' | b' ')
    };
    let length = rest.iter().take(LONGEST).take_while(|byte| is_of_type(byte)).count();
    let mut reader = Reader {
        text: text.get(..text.len().min(place.at.saturating_add(REACH)))?,
        at: place.at.saturating_add(length),
    };
    reader.take(|byte| byte == b'=')?;
    reader.skip(|byte| byte == b' ');
    let quote = reader.take(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
    Some(Place { at: reader.at, tail: place.tail, operator: Operator::Equals, quote: Some(quote) })
}

/// The value between the tags that its name stands in: `<password>...</password>`.
pub fn tagged(text: &[u8], start: usize, place: &Place) -> Option<(usize, usize)> {
    let (_, name_end) = place.tail;
    if text.get(name_end) != Some(&b'>') {
        return None;
    }
    let name = name_start(text, start, |byte| byte.is_ascii_alphanumeric() || b"_.-:".contains(&byte));
    if name.checked_sub(1).and_then(|before| text.get(before)) != Some(&b'<') {
        return None;
    }
    let at = name_end.saturating_add(1);
    let rest = text.get(at..)?;
    let length = rest.iter().take(VALUE).take_while(|byte| **byte != b'<' && !byte.is_ascii_whitespace()).count();
    let end = at.saturating_add(length);
    text.get(end..)?.starts_with(b"</").then_some((at, end))
}

/// Whether the value in quotes that ends at `end` is given all the same: the only thing in a call of its name
/// (`setPassword("...")`), what a name in quotes is set to (`define('DB_PASSWORD', '...')`), or what stands for a lack of it
/// (`process.env.PASSWORD || "..."`).
pub fn is_given(text: &[u8], start: usize, end: usize, place: &Place) -> bool {
    let (_, name_end) = place.tail;
    let Some((between, quote)) = text.get(name_end..place.at).zip(place.quote) else {
        return false;
    };
    let value = text.get(place.at..end).unwrap_or_default();
    let is_secret = value.iter().any(|byte| !byte.is_ascii_alphabetic() && !b"-_.:".contains(byte))
        && value.iter().all(u8::is_ascii_graphic);
    if !is_secret || text.get(end) != Some(&quote) {
        return false;
    }
    if between.windows(2).any(|two| two == b"||" || two == b"??") {
        return true;
    }
    if text.get(end.saturating_add(1)) != Some(&b')') {
        return false;
    }
    match between {
        [b'(', _] => true,
        [b'"' | b'\'', rest @ ..] if rest.contains(&b',') => {
            let name = name_start(text, start, |byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte));
            let opened = |back: usize| name.checked_sub(back).and_then(|at| text.get(at)).copied();
            matches!(opened(1), Some(b'"' | b'\'')) && opened(2) == Some(b'(')
        }
        _ => false,
    }
}

/// The value of an option of a command: `--password hunter2`. It must have letters and digits: others are words about it.
pub fn option(text: &[u8], start: usize, place: &Place) -> Option<(usize, usize)> {
    const SHORTEST: usize = 6;
    const LONGEST: usize = 128;
    let (_, name_end) = place.tail;
    if text.get(name_end) != Some(&b' ') || place.operator != Operator::None {
        return None;
    }
    let name = name_start(text, start, |byte| byte.is_ascii_lowercase() || byte == b'-');
    if !text.get(name..start.saturating_add(1))?.starts_with(b"--") {
        return None;
    }
    let mut reader = Reader { text, at: name_end };
    reader.skip(|byte| byte == b' ');
    let quote = reader.take(|byte| matches!(byte, b'"' | b'\''));
    let at = reader.at;
    let value = reader.run(|byte| byte.is_ascii_graphic() && Some(byte) != quote && !b"\"'`".contains(&byte));
    let is_mixed = value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic);
    let begins = value.first().is_some_and(|byte| !b"-$<[{(/.%*".contains(byte));
    let holds = is_mixed
        && begins
        && (SHORTEST..=LONGEST).contains(&value.len())
        && !value.windows(3).any(|part| part == b"://");
    holds.then_some((at, reader.at))
}

/// Where the name begins of which a word stands at `start`.
fn name_start(text: &[u8], start: usize, is_of_name: impl Fn(u8) -> bool) -> usize {
    let head = text.get(start.saturating_sub(NAME)..start).unwrap_or_default();
    start.saturating_sub(head.iter().rev().take_while(|byte| is_of_name(**byte)).count())
}

/// Reads on in a text.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Goes over a run of bytes, no longer than a value.
    fn run(&mut self, is_in: impl Fn(u8) -> bool) -> &'a [u8] {
        let text = self.text;
        let rest = text.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(VALUE).take_while(|byte| is_in(**byte)).count();
        self.at = self.at.saturating_add(length);
        rest.get(..length).unwrap_or_default()
    }

    fn skip(&mut self, is_in: impl Fn(u8) -> bool) {
        self.run(is_in);
    }

    /// Goes over one byte, if it is such a one.
    fn take(&mut self, is_in: impl Fn(u8) -> bool) -> Option<u8> {
        let byte = self.text.get(self.at).copied().filter(|byte| is_in(*byte))?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::values::Run;

    fn word(text: &str) -> (usize, usize) {
        let start = text.to_ascii_lowercase().find("password").unwrap_or_default();
        (start, start.saturating_add(8))
    }

    fn place(text: &str) -> Option<Place> {
        Place::after(text.as_bytes(), word(text).1, &mut Run::default())
    }

    #[test]
    fn a_value_stands_in_the_member_beside_its_name() {
        for text in [
            "- name: DB_PASSWORD\n  value: >x<",
            "- name: \"DB_PASSWORD\"\n  value: \">x<\"",
            r#"{"name":"DB_PASSWORD","value":">x<"}"#,
            r#"{\"name\":\"DB_PASSWORD\",\"value\":\">x<\"}"#,
            "{\n \"name\": \"DB_PASSWORD\",\n \"value\": \">x<\"\n}",
            r#"{"Name":"/prod/db/password","Type":"SecureString","Version":1,"Value":">x<"}"#,
            r#"<property name="password" value=">x<"/>"#,
        ] {
            let (start, end) = word(text);
            assert_eq!(beside(text.as_bytes(), start, (end, end)).map(|place| place.at), text.find(">x<"), "{text}");
        }
        for text in [
            "- name: DB_PASSWORD\n  valueFrom: x",
            r#"["password","value"]"#,
            "the password\nvalue: 3",
            r#"{"password":"value"}"#,
        ] {
            let (start, end) = word(text);
            assert!(beside(text.as_bytes(), start, (end, end)).is_none(), "{text}");
        }
    }

    #[test]
    fn a_value_stands_behind_a_type() {
        for text in ["password: string = \">x<\"", "password: &str = \">x<\"", "password: Union[str, None] = '>x<'"] {
            let found = place(text).and_then(|place| typed(text.as_bytes(), &place));
            assert_eq!(found.map(|place| place.at), text.find(">x<"), "{text}");
        }
        for text in ["password: string;", "password: str == \"x\"", "password: \"x\"", "password: a => \"x\""] {
            assert!(place(text).and_then(|place| typed(text.as_bytes(), &place)).is_none(), "{text}");
        }
    }

    #[test]
    fn tags_calls_and_options_have_a_value() {
        let value = |text: &str| {
            let (start, place) = (word(text).0, place(text)?);
            let bytes = text.as_bytes();
            let quoted = || {
                let end = place.at.saturating_add(text.get(place.at..)?.find(['"', '\''])?);
                is_given(bytes, start, end, &place).then_some((place.at, end))
            };
            let (from, to) = tagged(bytes, start, &place).or_else(|| option(bytes, start, &place)).or_else(quoted)?;
            text.get(from..to).map(str::to_owned)
        };
        assert_eq!(value("<db:password>a&b</db:password>").as_deref(), Some("a&b"));
        assert_eq!(value("setPassword(\"hunter2\")").as_deref(), Some("hunter2"));
        assert_eq!(value("define('DB_PASSWORD', 'hunter2');").as_deref(), Some("hunter2"));
        assert_eq!(value("process.env.PASSWORD || 'hunter2'").as_deref(), Some("hunter2"));
        assert_eq!(value("x --db-password hunter2Xyz9 y").as_deref(), Some("hunter2Xyz9"));
        for text in [
            "--password <password> --user",
            "<label for=\"password\">Password</label>",
            "getByLabel(\"password\")",
            "['password', 'user1']",
            "t('password', 'Password')",
            "process.env.PASSWORD || 'not-set'",
            "--password FILE",
            "password hunter2Xyz9",
        ] {
            assert!(value(text).is_none(), "{text}: {:?}", value(text));
        }
    }
}
