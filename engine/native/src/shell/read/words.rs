//! Words: quotes taken off, escapes resolved, expansions parsed.

use super::super::syntax::{Part, Word};
use super::{ends_word, Read, Reader};

/// Collects the parts of a word, joining neighbours of one kind.
#[derive(Default)]
pub(super) struct Parts {
    list: Vec<Part>,
    current: String,
    /// Whether `current` is quoted; None when nothing is being collected.
    quoted: Option<bool>,
}

impl Parts {
    pub(super) fn push(&mut self, part: Part) {
        self.close();
        self.list.push(part);
    }

    /// Unquoted text to add to.
    pub(super) fn text(&mut self) -> &mut String {
        self.open(false)
    }

    /// Quoted text to add to; an empty one is kept, for `""` is a word.
    pub(super) fn quoted(&mut self) -> &mut String {
        self.open(true)
    }

    fn open(&mut self, quoted: bool) -> &mut String {
        if self.quoted != Some(quoted) {
            self.close();
            self.quoted = Some(quoted);
        }
        &mut self.current
    }

    fn close(&mut self) {
        let text = std::mem::take(&mut self.current);
        match self.quoted.take() {
            Some(true) => self.list.push(Part::Quoted(text)),
            Some(false) => self.list.push(Part::Text(text)),
            None => {}
        }
    }

    pub(super) fn done(mut self) -> Vec<Part> {
        self.close();
        self.list
    }
}

impl Reader<'_> {
    /// Whether `<(` or `>(` comes next.
    pub(super) fn process_begins(&mut self) -> bool {
        matches!(self.peek(), Some(b'<' | b'>')) && self.peek_second() == Some(b'(')
    }

    /// One word; the caller knows that one begins here.
    pub(super) fn word(&mut self) -> Read<Word> {
        self.peek();
        let start = self.pos;
        let mut parts = Parts::default();
        while let Some(byte) = self.peek() {
            if self.process_begins() {
                self.process(&mut parts)?;
            } else if ends_word(byte) {
                break;
            } else {
                self.piece(byte, &mut parts)?;
            }
        }
        Ok(Word { parts: parts.done(), span: self.span(start) })
    }

    /// `<( )` or `>( )`.
    fn process(&mut self, parts: &mut Parts) -> Read<()> {
        self.bump();
        self.peek();
        self.bump();
        let script = self.script_to_parenthesis()?;
        parts.push(Part::Process(script.into()));
        Ok(())
    }

    /// One piece of an unquoted word.
    pub(super) fn piece(&mut self, byte: u8, parts: &mut Parts) -> Read<()> {
        match byte {
            b'\\' => {
                self.bump();
                if self.byte(self.pos).is_some() {
                    self.take_char(parts.quoted());
                } else {
                    parts.text().push('\\');
                }
                Ok(())
            }
            b'\'' => {
                self.bump();
                self.single_quotes(parts)
            }
            b'"' => {
                self.bump();
                self.double_quotes(parts)
            }
            b'$' => self.dollar(parts, false),
            b'`' => self.backquotes(parts, false),
            b'?' | b'*' | b'+' | b'@' | b'!' if self.peek_second() == Some(b'(') => {
                self.is_bashs = true;
                self.extended_glob(parts)
            }
            _ => {
                self.take_char(parts.text());
                Ok(())
            }
        }
    }

    /// After the first `'`.
    pub(super) fn single_quotes(&mut self, parts: &mut Parts) -> Read<()> {
        let from = self.pos;
        while let Some(byte) = self.byte(self.pos) {
            if byte == b'\'' {
                parts.quoted().push_str(self.text.get(from..self.pos).unwrap_or_default());
                self.bump();
                return Ok(());
            }
            self.bump();
        }
        Err(self.fault("syntax", "a closing `'` is missing"))
    }

    /// After the first `"`.
    pub(super) fn double_quotes(&mut self, parts: &mut Parts) -> Read<()> {
        parts.quoted();
        while let Some(byte) = self.peek() {
            if byte == b'"' {
                self.bump();
                return Ok(());
            }
            self.quoted_piece(byte, parts, b"$`\"\\")?;
        }
        Err(self.fault("syntax", "a closing `\"` is missing"))
    }

    /// One piece of text in double quotes or of a here-document; `escapable`: what a backslash takes the meaning from.
    pub(super) fn quoted_piece(&mut self, byte: u8, parts: &mut Parts, escapable: &[u8]) -> Read<()> {
        match byte {
            b'\\' => {
                self.bump();
                match self.byte(self.pos) {
                    Some(next) if escapable.contains(&next) => self.take_char(parts.quoted()),
                    _ => parts.quoted().push('\\'),
                }
                Ok(())
            }
            b'$' => self.dollar(parts, true),
            b'`' => self.backquotes(parts, true),
            _ => {
                self.take_char(parts.quoted());
                Ok(())
            }
        }
    }

    /// `@(a|b)` and the like: one piece of text, with what is nested in it.
    fn extended_glob(&mut self, parts: &mut Parts) -> Read<()> {
        self.take_char(parts.text());
        self.peek();
        self.take_char(parts.text());
        // A star, so that whoever looks sees a pattern.
        parts.text().push('*');
        self.nested(|reader| {
            while let Some(byte) = reader.peek() {
                match byte {
                    b')' => {
                        reader.take_char(parts.text());
                        return Ok(());
                    }
                    b'(' => {
                        reader.extended_glob_inner(parts)?;
                    }
                    b'\n' => break,
                    _ => reader.piece(byte, parts)?,
                }
            }
            Err(reader.fault("syntax", "`)` of a pattern is missing"))
        })
    }

    /// Parentheses without a sign before them, inside a pattern.
    fn extended_glob_inner(&mut self, parts: &mut Parts) -> Read<()> {
        self.take_char(parts.text());
        self.nested(|reader| {
            while let Some(byte) = reader.peek() {
                match byte {
                    b')' => {
                        reader.take_char(parts.text());
                        return Ok(());
                    }
                    b'(' => reader.extended_glob_inner(parts)?,
                    b'\n' => break,
                    _ => reader.piece(byte, parts)?,
                }
            }
            Err(reader.fault("syntax", "`)` of a pattern is missing"))
        })
    }

    /// After `$'`: ANSI-C quoting.
    pub(super) fn ansi_quotes(&mut self, parts: &mut Parts) -> Read<()> {
        parts.quoted();
        self.is_bashs = true;
        let mut value: Vec<u8> = Vec::new();
        loop {
            match self.byte(self.pos) {
                None => return Err(self.fault("syntax", "a closing `'` is missing")),
                Some(b'\'') => {
                    self.bump();
                    break;
                }
                Some(b'\\') => {
                    self.bump();
                    if !self.ansi_escape(&mut value)? {
                        // A NUL ends the text here; what follows in the quotes is dropped by the shell.
                        self.skip_ansi_rest()?;
                        break;
                    }
                }
                Some(byte) => {
                    value.push(byte);
                    self.bump();
                }
            }
        }
        parts.quoted().push_str(&String::from_utf8_lossy(&value));
        Ok(())
    }

    fn skip_ansi_rest(&mut self) -> Read<()> {
        loop {
            match self.byte(self.pos) {
                None => return Err(self.fault("syntax", "a closing `'` is missing")),
                Some(b'\'') => {
                    self.bump();
                    return Ok(());
                }
                Some(b'\\') => {
                    self.bump();
                    self.bump();
                }
                Some(_) => self.bump(),
            }
        }
    }

    /// One escape of ANSI-C quoting, after the backslash; false when it is a NUL.
    fn ansi_escape(&mut self, value: &mut Vec<u8>) -> Read<bool> {
        let Some(byte) = self.byte(self.pos) else {
            return Err(self.fault("syntax", "a closing `'` is missing"));
        };
        self.bump();
        let single = match byte {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'v' => 11,
            b'\\' | b'\'' | b'"' | b'?' => byte,
            b'0'..=b'7' => {
                let first = u32::from(byte.saturating_sub(b'0'));
                let rest = self.digits(8, 2);
                let number = rest.iter().fold(first, |sum, digit| sum.saturating_mul(8).saturating_add(*digit));
                (number & 255) as u8
            }
            b'x' => {
                let braces = self.byte(self.pos) == Some(b'{');
                if braces {
                    self.bump();
                }
                let digits = self.digits(16, if braces { 8 } else { 2 });
                if braces && self.byte(self.pos) == Some(b'}') {
                    self.bump();
                }
                if digits.is_empty() {
                    value.extend_from_slice(b"\\x");
                    return Ok(true);
                }
                (digits.iter().fold(0_u32, |sum, digit| sum.saturating_mul(16).saturating_add(*digit)) & 255) as u8
            }
            b'u' | b'U' => return Ok(self.unicode_escape(byte, value)),
            b'c' => {
                let Some(next) = self.byte(self.pos) else {
                    return Err(self.fault("syntax", "a closing `'` is missing"));
                };
                self.bump();
                if next == b'\\' && self.byte(self.pos) == Some(b'\\') {
                    self.bump();
                }
                next.to_ascii_uppercase() & 0x1f
            }
            other => {
                value.push(b'\\');
                other
            }
        };
        if single == 0 {
            return Ok(false);
        }
        value.push(single);
        Ok(true)
    }

    fn unicode_escape(&mut self, kind: u8, value: &mut Vec<u8>) -> bool {
        let digits = self.digits(16, if kind == b'u' { 4 } else { 8 });
        if digits.is_empty() {
            value.extend([b'\\', kind]);
            return true;
        }
        let code = digits.iter().fold(0_u32, |sum, digit| sum.saturating_mul(16).saturating_add(*digit));
        if code == 0 {
            return false;
        }
        let mut buffer = [0; 4];
        let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        value.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
        true
    }

    fn digits(&mut self, radix: u32, most: usize) -> Vec<u32> {
        let mut digits = Vec::new();
        while digits.len() < most {
            let digit = self.byte(self.pos).and_then(|byte| char::from(byte).to_digit(radix));
            let Some(digit) = digit else {
                break;
            };
            digits.push(digit);
            self.bump();
        }
        digits
    }
}
