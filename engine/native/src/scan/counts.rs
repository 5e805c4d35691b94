//! What is counted of a value, moved on from the value before it: how many bytes of which kind, which bytes how often.

use crate::scan::checks::tally::Tally;
use crate::scan::values::LONGEST;

/// How many stretches longer than that are kept counted, of detectors whose values lie in one another.
const LONG: usize = 8;

/// What is counted of the stretch under way, and of some long ones.
///
/// WHY some: values of two detectors that end in different places would otherwise take turns, each counted from its beginning.
#[derive(Default)]
pub struct Counts {
    short: Count,
    long: Vec<Count>,
    /// The one that is given up next.
    oldest: usize,
}

#[derive(Default)]
struct Count {
    /// Of a long stretch: where it is.
    from: usize,
    to: usize,
    kinds: Kinds,
    counted: Counted,
}

impl Counts {
    /// How many bytes are of which kind, as `KINDS` adds them up.
    pub fn kinds(&mut self, text: &[u8], from: usize, to: usize) -> u64 {
        self.of(from, to).kinds.move_to(text, from, to)
    }

    /// As `random::entropy` says it.
    pub fn entropy(&mut self, text: &[u8], from: usize, to: usize) -> u32 {
        self.of(from, to).counted.entropy(text, from, to)
    }

    /// What is nearest to a stretch.
    #[inline]
    fn of(&mut self, from: usize, to: usize) -> &mut Count {
        if to.saturating_sub(from) <= LONGEST {
            return &mut self.short;
        }
        self.nearest(from, to)
    }

    fn nearest(&mut self, from: usize, to: usize) -> &mut Count {
        let far = |one: &Count| one.from.abs_diff(from).saturating_add(one.to.abs_diff(to));
        let nearest = (0..).zip(&self.long).map(|(place, one)| (far(one), place)).min();
        let place = match nearest {
            Some((far, place)) if far < to.saturating_sub(from) / 2 => place,
            _ => {
                self.long.resize_with(LONG, Count::default);
                self.oldest = self.oldest.wrapping_add(1) % LONG;
                self.oldest
            }
        };
        let short = &mut self.short;
        self.long.get_mut(place).map_or(short, |one| {
            (one.from, one.to) = (from, to);
            one
        })
    }
}

/// How many bytes of a stretch are of which kind.
#[derive(Clone, Copy, Default)]
struct Kinds {
    from: usize,
    to: usize,
    /// Sixteen bits each: digits, letters, capitals, and what is a digit or a letter up to `f`.
    counts: u64,
}

/// What a byte adds to the counts.
const KINDS: [u64; 256] = {
    let (mut all, mut byte) = ([0_u64; 256], 0_u8);
    let mut rest: &mut [u64] = &mut all;
    while let Some((one, more)) = rest.split_first_mut() {
        let (digit, letter) = (byte.is_ascii_digit() as u64, byte.is_ascii_alphabetic() as u64);
        *one =
            digit | letter << 16 | (byte.is_ascii_uppercase() as u64) << 32 | (byte.is_ascii_hexdigit() as u64) << 48;
        (rest, byte) = (more, byte.wrapping_add(1));
    }
    all
};

fn counts(text: &[u8], from: usize, to: usize) -> u64 {
    let kinds = text.get(from..to).unwrap_or_default().iter().map(|byte| KINDS.get(usize::from(*byte)).copied());
    kinds.fold(0, |sum, kinds| sum.wrapping_add(kinds.unwrap_or(0)))
}

impl Kinds {
    /// Of another stretch.
    #[inline]
    fn move_to(&mut self, text: &[u8], from: usize, to: usize) -> u64 {
        if (self.from, self.to) != (from, to) {
            let moved = self.from.abs_diff(from).saturating_add(self.to.abs_diff(to));
            self.counts = if moved >= to.saturating_sub(from) || self.from > to || from > self.to {
                counts(text, from, to)
            } else {
                let more = counts(text, from, self.from).wrapping_add(counts(text, self.to, to));
                let less = counts(text, self.from, from).wrapping_add(counts(text, to, self.to));
                self.counts.wrapping_add(more).wrapping_sub(less)
            };
            (self.from, self.to) = (from, to);
        }
        self.counts
    }
}

/// The bytes of a stretch, counted.
#[derive(Default)]
struct Counted {
    from: usize,
    to: usize,
    tally: Tally,
}

impl Counted {
    fn entropy(&mut self, text: &[u8], from: usize, to: usize) -> u32 {
        let between = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        // What was counted is of use where most of it is still in the value.
        let moved = self.from.abs_diff(from).saturating_add(self.to.abs_diff(to));
        if moved >= to.saturating_sub(from) || self.from > to || from > self.to {
            *self = Self { from, to, tally: Tally::of(between(from, to)) };
            return self.tally.hundredths();
        }
        self.tally.remove(between(self.from, from));
        self.tally.remove(between(to, self.to));
        self.tally.add(between(from, self.from));
        self.tally.add(between(self.to, to));
        (self.from, self.to) = (from, to);
        self.tally.hundredths()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;
    use crate::scan::checks::random::{entropy, Alone, Facts};

    #[test]
    fn values_that_take_turns_are_counted_as_each_is_by_itself() {
        let text: Vec<u8> = (0_u32..9_000)
            .map(|at| b"aB3+zK9-x0fQ".get((at.wrapping_mul(at) >> 7) as usize % 12).map_or(b'a', |one| *one))
            .collect();
        let mut counts = Counts::default();
        for step in 0..400_usize {
            // Ends of more detectors than stretches are kept, and short ones among them.
            let from = step * 9;
            for to in [8_990, from + 600, from + 90, 7_000 + step, from + 257]
                .into_iter()
                .chain((0..8).map(|one| 4_000 + one * 400))
            {
                let (from, to) = (from.min(to), to.min(text.len()));
                let value = text.get(from..to).unwrap_or_default();
                let kinds = counts.kinds(&text, from, to);
                let alone =
                    [Alone(value).digits(), Alone(value).letters(), Alone(value).capitals(), Alone(value).hexes()];
                assert_eq!([0, 16, 32, 48].map(|bits| (kinds >> bits & 0xffff) as usize), alone, "{from}..{to}");
                assert_eq!(counts.entropy(&text, from, to), entropy(value), "{from}..{to}");
            }
        }
    }
}
