//! Arithmetic: where it ends, and the expansions in it. Its operators do nothing by themselves.

use std::rc::Rc;

use super::super::syntax::{Parameter, Part};
use super::words::Parts;
use super::{Read, Reader};

impl Reader<'_> {
    /// After `((`: what is nested up to `))`, with the offset of the `))`. None when a lone `)` ends it.
    pub(super) fn arithmetic_to_parentheses(&mut self) -> Read<Option<(usize, Vec<Part>)>> {
        let mut parts = Parts::default();
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => {
                    open = open.saturating_add(1);
                    self.bump();
                }
                b')' if open > 0 => {
                    open = open.saturating_sub(1);
                    self.bump();
                }
                b')' => {
                    let end = self.pos;
                    self.bump();
                    return Ok(self.eat(b')').then(|| (end, parts.done())));
                }
                _ => self.arithmetic_piece(byte, &mut parts)?,
            }
        }
        Err(self.fault("syntax", "`))` is missing"))
    }

    /// After `[`: what is nested up to `]`.
    pub(super) fn arithmetic_to_bracket(&mut self) -> Read<Vec<Part>> {
        let mut parts = Parts::default();
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'[' => {
                    open = open.saturating_add(1);
                    self.bump();
                }
                b']' if open > 0 => {
                    open = open.saturating_sub(1);
                    self.bump();
                }
                b']' => {
                    self.bump();
                    return Ok(parts.done());
                }
                _ => self.arithmetic_piece(byte, &mut parts)?,
            }
        }
        Err(self.fault("syntax", "`]` is missing"))
    }

    /// The parts of a piece of text that is no word of its own, a subscript.
    pub(super) fn parts_between(&mut self, from: usize, to: usize) -> Read<Vec<Part>> {
        let end = self.end;
        self.pos = from;
        self.end = to.min(end);
        let mut parts = Parts::default();
        let mut result = Ok(());
        while let (Ok(()), Some(byte)) = (&result, self.peek()) {
            result = self.arithmetic_piece(byte, &mut parts);
        }
        self.end = end;
        result.map(|()| parts.done())
    }

    fn arithmetic_piece(&mut self, byte: u8, parts: &mut Parts) -> Read<()> {
        match byte {
            b'$' | b'`' | b'"' | b'\'' | b'\\' => {
                let start = self.pos;
                let quoted = byte == b'\'' || byte == b'$' && self.peek_second() == Some(b'\'');
                self.piece(byte, parts)?;
                if quoted {
                    self.expanded_again(start, parts);
                }
                Ok(())
            }
            _ => {
                self.take_char(parts.text());
                Ok(())
            }
        }
    }

    /// WHY: to bash single quotes are no quotes in arithmetic. It looks for the end as if they were, and then expands what
    /// stands between them: `$((a='$(ls)'))` runs `ls`.
    pub(super) fn expanded_again(&mut self, start: usize, parts: &mut Parts) {
        let text = self.text.get(start..self.pos).unwrap_or_default();
        let inside = text.strip_prefix('$').unwrap_or(text);
        if inside.contains(['$', '`']) || inside.len() < text.len() && inside.contains('\\') {
            let (plain, evaluates, assigns, indirect) = (false, true, false, false);
            let again = Parameter { name: String::new(), plain, evaluates, assigns, indirect, inside: Vec::new() };
            parts.push(Part::Parameter(Rc::new(again)));
        }
    }
}
