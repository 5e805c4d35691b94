//! Arithmetic: where it ends, and the expansions in it. Its operators do nothing by themselves.

use super::super::syntax::Part;
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
            b'$' | b'`' | b'"' | b'\'' | b'\\' => self.piece(byte, parts),
            _ => {
                self.take_char(parts.text());
                Ok(())
            }
        }
    }
}
