//! Where the value stands that is assigned to a name: right behind it, behind a type, or in a member beside it.

use std::ops::Range;

use crate::scan::limits::VALUE;
use crate::scan::pairs;
use crate::scan::values::Run;

/// Where a value begins, and how it came there.
#[derive(Clone, Copy)]
pub struct Place {
    pub at: usize,
    /// The rest of the name after the word.
    pub tail: (usize, usize),
    pub operator: Operator,
    /// The byte that closes the value, when one opened it.
    pub quote: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=` and its kin.
    Equals,
    Colon,
    /// A comma, a closing bracket, an arrow; what stands between arguments.
    Comma,
    /// Space, a dash or nothing but quotes.
    None,
}

/// What of a name stands behind the word of it that ends at `end`.
#[inline(always)]
pub fn tail(text: &[u8], end: usize, names: &mut Run) -> (usize, usize) {
    const TAIL: usize = 24;
    if !text.get(end).is_some_and(|byte| is_of_names(*byte)) {
        return (end, end);
    }
    (end, names.end(text, end, TAIL, is_of_names))
}

impl Place {
    /// Reads the rest of the name, an operator and an opening quote.
    #[inline(always)]
    pub fn after(text: &[u8], end: usize, names: &mut Run) -> Option<Self> {
        const BETWEEN: usize = 12;
        let (_, tail) = tail(text, end, names);
        let mut at = tail;
        let (mut operator, mut quote) = (Operator::None, None);
        let between = text.get(at..)?.iter().take(BETWEEN);
        for byte in between {
            match byte {
                b'=' => operator = Operator::Equals,
                b':' if operator != Operator::Equals => operator = Operator::Colon,
                b',' | b'|' if operator == Operator::None => operator = Operator::Comma,
                // WHY: `password = '', next = ''`: what is assigned is nothing.
                b'"' | b'\'' | b'`' if quote == Some(*byte) && operator == Operator::Equals => return None,
                b',' if quote.is_some() && matches!(operator, Operator::Equals | Operator::Colon) => return None,
                b'"' | b'\'' | b'`' => quote = Some(*byte),
                // INVARIANT: behind the quote that opens it all is of the value.
                b'(' | b'[' | b'!' | b'?' | b'|' | b'>' | b'\\'
                    if quote.is_some() && matches!(operator, Operator::Equals | Operator::Colon) =>
                {
                    break
                }
                b' ' | b'\t' | b']' | b')' | b'>' | b'(' | b'[' | b'\\' | b'!' | b'?' | b':' | b',' | b'|' => {
                    if operator != Operator::None && matches!(byte, b' ' | b'\t') {
                        quote = None;
                    }
                }
                b'-' | b'.' if operator == Operator::None => {}
                _ => break,
            }
            if matches!(byte, b'=' | b':' | b',' | b')' | b']') {
                quote = None;
            }
            at = at.saturating_add(1);
        }
        if at == tail {
            return None;
        }
        Some(Self { at, tail: (end, tail), operator, quote })
    }

    /// Whether the name of which the word is a part ends with it, is longer than it, and has a value assigned.
    pub fn names(&self, text: &[u8], start: usize) -> bool {
        let before = start.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
        let is_part = before == b'_' || before == b'-' || before.is_ascii_lowercase();
        is_part && self.tail.0 == self.tail.1 && matches!(self.operator, Operator::Equals | Operator::Colon)
    }

    pub fn tail<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.tail.0..self.tail.1).unwrap_or_default()
    }
}

/// What stands behind the words that end at one place: of `api_key` and of the `key` in it the value is the same.
#[derive(Default)]
pub struct Behind {
    /// One more than where they end.
    end: usize,
    pub own: Option<Place>,
    /// What of the name stands behind the word.
    pub tail: (usize, usize),
    /// Where the value stands if it is behind a type.
    pub typed: Option<Place>,
    /// What `assign` found as a key at the first of these places, or nothing, once it has looked.
    pub key: Option<Range<usize>>,
}

impl Behind {
    /// Moves on to the words that end at `end`.
    #[inline]
    pub fn look(&mut self, text: &[u8], end: usize, names: &mut Run) {
        if self.end == end.saturating_add(1) {
            return;
        }
        // WHY field by field: what is put together elsewhere and then moved here is waited for.
        self.end = end.saturating_add(1);
        self.own = Place::after(text, end, names);
        self.tail = self.own.as_ref().map_or_else(|| tail(text, end, names), |place| place.tail);
        self.typed = self.own.as_ref().and_then(|place| pairs::typed(text, place));
        self.key = None;
    }
}

/// The end of a run of bytes from `at` for which `is_in` holds, no longer than a value.
pub fn run(text: &[u8], at: usize, is_in: impl Fn(u8) -> bool) -> usize {
    let length = text.get(at..).unwrap_or_default().iter().take(VALUE).take_while(|byte| is_in(**byte)).count();
    at.saturating_add(length)
}

/// Whether names are made of such letters.
#[inline(always)]
pub fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<&str> {
        let place = Place::after(text.as_bytes(), text.find("key")?.saturating_add(3), &mut Run::default())?;
        text.get(place.at..)
    }

    #[test]
    fn a_value_begins_behind_an_operator_and_a_quote() {
        assert_eq!(value("key = 'x'"), Some("x'"));
        assert_eq!(value("\"key\": \"(x\""), Some("(x\""));
        assert_eq!(value("key=\"\\\"x\""), Some("\\\"x\""));
        assert_eq!(value("key = ''"), None);
        assert_eq!(value("key\n"), None);
    }
}
