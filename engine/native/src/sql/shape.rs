//! A key that two texts share only if they differ in literals alone and have the same tree.
//!
//! It is a lexer for a plain subset: one SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES or WITH, names and operators of
//! ASCII, plain strings and numbers. Anything else has no key, and then the text is parsed. Strings become one mark, small
//! whole numbers another, other numbers a third (the grammar tells those two apart); everything else stands in the key.
//! The decision cache calls it, so what it lets through must hold for every tree the builder makes: see `sensitive`.

use std::ops::Range;

use super::functions::{builtin, foreign_feature, Class};

/// Longer texts have no key. WHY so short: the guard's limits must not depend on what is inside a string.
const MAX_TEXT: usize = 4096;

const STRING: u8 = 1;
const WHOLE: u8 = 2;
const NUMBER: u8 = 3;

/// Statements whose trees do not hold values.
const BEGINNINGS: [&[u8]; 7] = [b"delete", b"insert", b"merge", b"select", b"update", b"values", b"with"];

/// The key, or `None` when it cannot be said for certain.
pub fn shape(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MAX_TEXT || std::str::from_utf8(text).is_err() {
        return None;
    }
    let mut reader = Reader {
        rest: text,
        key: Vec::with_capacity(text.len().saturating_add(32)),
        sensitive: vec![false],
        last: Last::Other,
        called: 0..0,
    };
    while reader.token()? {}
    Some(reader.key)
}

/// What the token before was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Name,
    String,
    /// A semicolon: nothing may follow.
    End,
    Other,
}

struct Reader<'t> {
    rest: &'t [u8],
    key: Vec<u8>,
    /// For each open bracket: whether whole numbers may be positions of columns there (ORDER BY 2).
    sensitive: Vec<bool>,
    last: Last,
    /// Where in the key the name just read stands, for `name (`.
    called: Range<usize>,
}

impl<'t> Reader<'t> {
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'t [u8] {
        let end = self.rest.iter().position(|byte| !accept(*byte)).unwrap_or(self.rest.len());
        let (head, tail) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = tail;
        head
    }

    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(b' ')
    }

    /// Reads one token into the key. `Some(false)` at the end, `None` when it is not of the plain subset.
    fn token(&mut self) -> Option<bool> {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        let Some(first) = self.rest.first().copied() else {
            return if self.key.is_empty() { None } else { Some(false) };
        };
        if self.last == Last::End {
            return None;
        }
        if !self.key.is_empty() {
            self.key.push(b' ');
        }
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.name()?,
            b'"' => self.quoted_name()?,
            b'\'' => self.string()?,
            b'0'..=b'9' => self.number()?,
            b'$' => self.parameter()?,
            _ => self.punctuation(first)?,
        }
        Some(true)
    }

    fn name(&mut self) -> Option<()> {
        let name = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // `E'...'`, `B'...'`, `U&"..."`, `a$b` and names beyond ASCII are other tokens than they look.
        if matches!(self.peek(), b'\'' | b'"' | b'$' | b'&') || self.peek() >= 0x80 {
            return None;
        }
        let start = self.key.len();
        self.key.extend(name.iter().map(u8::to_ascii_lowercase));
        let name = self.key.get(start..)?;
        if start == 0 && !BEGINNINGS.contains(&name) {
            return None;
        }
        let is_sensitive = match name {
            b"order" | b"group" | b"distinct" => Some(true),
            b"limit" | b"offset" => Some(false),
            // FLOAT(n) is refused for some n; UESCAPE changes the string before it.
            b"float" | b"uescape" => return None,
            _ => None,
        };
        if let Some(value) = is_sensitive {
            self.set_sensitive(value);
        }
        self.called = start..self.key.len();
        self.last = Last::Name;
        Some(())
    }

    fn quoted_name(&mut self) -> Option<()> {
        self.rest = self.rest.get(1..)?;
        let name = self.take_while(|byte| byte != b'"' && byte < 0x80);
        if name.is_empty() || self.peek() != b'"' {
            return None;
        }
        self.rest = self.rest.get(1..)?;
        if matches!(self.peek(), b'"' | b'\'') {
            return None;
        }
        self.key.push(b'"');
        let start = self.key.len();
        self.key.extend_from_slice(name);
        self.called = start..self.key.len();
        self.key.push(b'"');
        self.last = Last::Name;
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        // Two strings in a row are one string, or an error, depending on what is between them.
        if self.last == Last::String {
            return None;
        }
        loop {
            self.rest = self.rest.get(1..)?;
            self.take_while(|byte| byte != b'\'' && byte != b'\\');
            if self.rest.first() != Some(&b'\'') {
                return None;
            }
            if self.rest.get(1) != Some(&b'\'') {
                break;
            }
            self.rest = self.rest.get(1..)?;
        }
        self.rest = self.rest.get(1..)?;
        self.key.push(STRING);
        self.last = Last::String;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        let mut fraction: &[u8] = &[];
        let is_fraction = self.peek() == b'.' && self.rest.get(1).is_some_and(u8::is_ascii_digit);
        if is_fraction {
            self.rest = self.rest.get(1..)?;
            fraction = self.take_while(|byte| byte.is_ascii_digit());
        }
        if self.peek().is_ascii_alphabetic()
            || matches!(self.peek(), b'_' | b'.' | b'$' | b'\'' | b'"')
            || self.peek() >= 0x80
        {
            return None;
        }
        if is_fraction {
            self.key.push(NUMBER);
            self.key.push(u8::from(fraction.is_empty()));
        } else if self.sensitive.last().copied().unwrap_or(true) {
            self.key.extend_from_slice(whole);
        } else {
            // Ten digits may be too much for a whole number.
            self.key.push(if whole.len() < 10 { WHOLE } else { NUMBER });
        }
        self.last = Last::Other;
        Some(())
    }

    fn parameter(&mut self) -> Option<()> {
        self.rest = self.rest.get(1..)?;
        let number = self.take_while(|byte| byte.is_ascii_digit());
        if number.is_empty()
            || number.len() > 5
            || self.peek().is_ascii_alphabetic()
            || matches!(self.peek(), b'_' | b'$')
            || self.peek() >= 0x80
        {
            return None;
        }
        self.key.push(b'$');
        self.key.extend_from_slice(number);
        self.last = Last::Other;
        Some(())
    }

    fn punctuation(&mut self, first: u8) -> Option<()> {
        let operator = |byte: u8| {
            matches!(
                byte,
                b'+' | b'-'
                    | b'*'
                    | b'/'
                    | b'<'
                    | b'>'
                    | b'='
                    | b'~'
                    | b'!'
                    | b'@'
                    | b'#'
                    | b'%'
                    | b'^'
                    | b'|'
                    | b'?'
                    | b':'
            )
        };
        if operator(first) {
            let run = self.take_while(operator);
            // Comments open inside a run of operator characters.
            if run.windows(2).any(|pair| pair == b"--" || pair == b"/*") || matches!(self.peek(), b'&' | b'`') {
                return None;
            }
            self.key.extend_from_slice(run);
            self.last = Last::Other;
            return Some(());
        }
        self.rest = self.rest.get(1..)?;
        self.last = Last::Other;
        match first {
            b'(' | b'[' => {
                if first == b'(' && self.is_sensitive_call() {
                    return None;
                }
                let now = self.sensitive.last().copied()?;
                self.sensitive.push(now);
            }
            b')' | b']' => {
                self.sensitive.pop();
                if self.sensitive.is_empty() {
                    return None;
                }
            }
            b';' => self.last = Last::End,
            b',' => {}
            b'.' if !self.peek().is_ascii_digit() && self.peek() != b'.' => {}
            _ => return None,
        }
        self.key.push(first);
        self.called = 0..0;
        Some(())
    }

    /// Whether the tree looks into the literals of a call of the name just read.
    fn is_sensitive_call(&self) -> bool {
        let Ok(name) = std::str::from_utf8(self.key.get(self.called.clone()).unwrap_or_default()) else {
            return true;
        };
        // Of what reads at most, these are told in text which setting or type is meant.
        let is_told = name == "current_setting" || name.starts_with("pg_input_");
        is_told || foreign_feature(name).is_some() || builtin(name).is_some_and(|fact| fact.class != Class::Pure)
    }

    fn set_sensitive(&mut self, value: bool) {
        if let Some(last) = self.sensitive.last_mut() {
            *last = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn literals_do_not_show() {
        assert_eq!(
            shape(b"SELECT a FROM t WHERE id = 17 AND n = 'x'"),
            shape(b"select a from t\nwhere id=9 and n='it''s' ")
        );
        assert!(shape(b"SELECT a FROM t WHERE id = 17").is_some());
    }

    #[test]
    fn positions_and_kinds_of_numbers_show() {
        assert_ne!(shape(b"SELECT a, b FROM t ORDER BY 1"), shape(b"SELECT a, b FROM t ORDER BY 2"));
        assert_eq!(shape(b"SELECT a FROM t ORDER BY a LIMIT 1"), shape(b"SELECT a FROM t ORDER BY a LIMIT 2"));
        assert_ne!(
            shape(b"SELECT a FROM t ORDER BY (SELECT 1 LIMIT 5), 1"),
            shape(b"SELECT a FROM t ORDER BY (SELECT 1 LIMIT 5), 2")
        );
        assert_ne!(shape(b"SELECT 1"), shape(b"SELECT 12345678901"));
    }

    #[test]
    fn what_is_not_plain_has_no_key() {
        for text in [
            &b"SELECT E'a'"[..],
            b"SELECT 'a' 'b'",
            b"SELECT 'a\\'",
            b"SELECT $$a$$",
            b"SELECT 1 -- x",
            b"SELECT /* x */ 1",
            b"SELECT U&\"a\"",
            b"SELECT nextval('a')",
            b"SELECT \"nextval\" ('a')",
            b"SET a = 1",
            b"SELECT 1; SELECT 2",
            b"SELECT 1a",
            b"SELECT a$b",
            b"SELECT 1::float(3)",
            b"EXPLAIN SELECT 1",
            b"SELECT )(",
            b"SELECT 'a",
            b"SELECT \xff",
            b"SELECT 1_000",
            b"SELECT .5",
            b"",
            b"SELECT dblink('x', 'y')",
            b"SELECT current_setting('x')",
            b"SELECT pg_input_is_valid('x', 'y')",
            b"SELECT 'a'\xc3\xa9b",
        ] {
            assert_eq!(shape(text), None, "{}", String::from_utf8_lossy(text));
        }
    }
}
