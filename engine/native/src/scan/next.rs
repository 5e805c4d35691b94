//! Where a literal stands next, asked from place after place: each byte is come by about once.

use crate::scan::automaton::{Automaton, DEAD};
use crate::scan::checks::random::escaped;

/// Literals to be found anywhere.
pub struct Literals {
    shape: Automaton,
    lengths: Vec<usize>,
    longest: usize,
}

impl Literals {
    /// Each with whether it counts in any case.
    pub fn new<'a>(literals: impl Iterator<Item = (&'a [u8], bool)>) -> Option<Self> {
        let (mut patterns, mut lengths) = (Vec::new(), Vec::new());
        for (literal, in_any_case) in literals {
            let flags = if in_any_case { "(?i-u:" } else { "(?-u:" };
            patterns.push(format!("{flags}{})", escaped(literal)));
            lengths.push(literal.len());
        }
        let shape = Automaton::searching(&patterns.iter().map(String::as_str).collect::<Vec<_>>()).ok()?;
        let longest = lengths.iter().copied().max()?;
        Some(Self { shape, lengths, longest })
    }

    /// How long the shortest literal is that ends in this state.
    fn length(&self, state: u32) -> Option<usize> {
        let ends = self.shape.ends(state).iter();
        ends.filter_map(|number| self.lengths.get(usize::from(*number)).copied()).min()
    }
}

/// Where, of the literals that begin at `from` or later, the one stands that ends first.
#[derive(Default)]
pub struct Next {
    from: usize,
    /// So far was looked, and the state there; none of a literal that was found.
    to: usize,
    state: u32,
    found: Option<(usize, usize)>,
}

impl Next {
    /// Whether one of the literals stands in `from..to`. Without literals one does: then nothing is let through unseen.
    pub fn is_in(&mut self, literals: Option<&Literals>, text: &[u8], from: usize, to: usize) -> bool {
        let Some(literals) = literals else {
            return true;
        };
        let begin = self.found.map_or(self.to, |(begin, _)| begin);
        let known = self.from..=begin;
        if self.state == DEAD || !known.contains(&from) {
            // A little before what is known: what ends there begins before it, or is known.
            let near = self.from.saturating_add(literals.longest);
            let is_near = self.state != DEAD && from < self.from && near <= self.to;
            let mut fresh = Self { from, to: from, state: literals.shape.start(), found: None };
            if is_near {
                fresh.look(literals, text, near);
                if fresh.found.is_none() {
                    fresh = Self { from, ..*self };
                }
            }
            *self = fresh;
        }
        if self.found.is_none() {
            self.look(literals, text, to);
        }
        self.found.is_some_and(|(_, end)| end <= to)
    }

    /// Looks on up to `to`.
    fn look(&mut self, literals: &Literals, text: &[u8], to: usize) {
        for byte in text.get(self.to..to.min(text.len())).unwrap_or_default() {
            self.state = literals.shape.step(self.state, *byte);
            self.to = self.to.saturating_add(1);
            if !literals.shape.is_ending(self.state) {
                continue;
            }
            if let Some(length) = literals.length(self.state) {
                self.found = Some((self.to.saturating_sub(length), self.to));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn a_literal_is_in_a_stretch_where_it_is_whole_in_it() {
        let literals = Literals::new([(b"://".as_slice(), false), (b"your_".as_slice(), true)].into_iter());
        let text = b"a:/b YOUR_x://y your ://";
        let plainly = |from: usize, to: usize| {
            let part = text.get(from..to).unwrap_or_default().to_ascii_lowercase();
            part.windows(3).any(|three| three == b"://") || part.windows(5).any(|five| five == b"your_")
        };
        // On, back a little, and far back.
        for back in [0, 1, 2, 7] {
            let mut next = Next::default();
            for from in 0..text.len() {
                for (from, to) in [(from, text.len().min(from + 9)), (from.saturating_sub(back), text.len())] {
                    assert_eq!(next.is_in(literals.as_ref(), text, from, to), plainly(from, to), "{from}..{to}");
                }
            }
        }
        assert!(Next::default().is_in(None, text, 0, 1));
    }
}
