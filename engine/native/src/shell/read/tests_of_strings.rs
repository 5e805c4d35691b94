//! `[[ ... ]]`: words and operators up to the closing brackets.

use super::super::syntax::Word;
use super::words::Parts;
use super::{ends_word, Read, Reader};

impl Reader<'_> {
    /// After `[[`.
    pub(super) fn string_test(&mut self) -> Read<Vec<Word>> {
        let mut words: Vec<Word> = Vec::new();
        let mut open = 0_usize;
        loop {
            self.skip_lines()?;
            if self.keyword_is_closing_brackets() {
                if words.is_empty() || open > 0 {
                    return Err(self.fault("syntax", "an expression is missing"));
                }
                return Ok(words);
            }
            let operator = words.last().and_then(Word::bare);
            let pattern = operator == Some("=~")
                || matches!(operator, Some("==" | "=" | "!=")) && self.peek() == Some(b'(') && words.len() > 1;
            if pattern {
                let word = self.regular_expression()?;
                words.push(word);
                continue;
            }
            match self.peek() {
                None => return Err(self.fault("syntax", "`]]` is missing")),
                Some(b'(') => {
                    open = open.saturating_add(1);
                    self.bump();
                }
                Some(b')') if open > 0 => {
                    open = open.saturating_sub(1);
                    self.bump();
                }
                Some(b'<' | b'>') if !self.process_begins() => self.bump(),
                Some(b'&') if self.peek_second() == Some(b'&') => self.two(),
                Some(b'|') if self.peek_second() == Some(b'|') => self.two(),
                Some(byte) if ends_word(byte) && !self.process_begins() => {
                    return Err(self.fault("syntax", &format!("`{}` is not expected here", self.next_token())));
                }
                Some(_) => {
                    let word = self.word()?;
                    words.push(word);
                }
            }
        }
    }

    fn two(&mut self) {
        self.bump();
        self.peek();
        self.bump();
    }

    fn keyword_is_closing_brackets(&mut self) -> bool {
        let start = self.pos;
        if self.eat_all("]]") && self.peek().is_none_or(ends_word) {
            return true;
        }
        self.pos = start;
        false
    }

    /// After `=~`: parentheses and bars belong to the word, blanks inside parentheses too.
    fn regular_expression(&mut self) -> Read<Word> {
        self.peek();
        let start = self.pos;
        let mut parts = Parts::default();
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => {
                    open = open.saturating_add(1);
                    self.take_char(parts.text());
                }
                b')' if open > 0 => {
                    open = open.saturating_sub(1);
                    self.take_char(parts.text());
                }
                b'|' | b'<' | b'>' | b'&' | b';' if open > 0 || byte == b'|' && self.peek_second() != Some(b'|') => {
                    self.take_char(parts.text());
                }
                b' ' | b'\t' if open > 0 => self.take_char(parts.text()),
                _ if ends_word(byte) => break,
                b'?' | b'*' | b'+' | b'@' | b'!' => self.take_char(parts.text()),
                _ => self.piece(byte, &mut parts)?,
            }
        }
        if self.pos == start {
            return Err(self.fault("syntax", "a pattern is missing"));
        }
        Ok(Word { parts: parts.done(), span: self.span(start) })
    }
}
