//! What stands in stretches that many values share: where a run of letters ends, how many digits there are, which bytes how often.
//!
//! WHY kept: in hostile text a value begins every few bytes and goes on for two hundred, so each byte would be looked at
//! dozens of times. Values are asked about nearly in order, so each byte is come by about once. Every answer is what
//! `checks::random` finds in the value by itself.

use std::collections::VecDeque;
use std::sync::OnceLock;

use crate::scan::alike::Alike;
use crate::scan::block::{mask, padded, SIZE};
use crate::scan::checks::random::{self, Demand, Facts, Parts};
use crate::scan::checks::tally;
use crate::scan::checks::tokens;
use crate::scan::counts::Counts;
use crate::scan::next::{Literals, Next};

/// A stretch whose bytes are all of one kind.
#[derive(Default)]
pub struct Run {
    from: usize,
    to: usize,
    /// What stands at `to` is of another kind.
    is_over: bool,
}

impl Run {
    /// Where a run ends that begins at `at`, no more than `most` bytes after it.
    #[inline]
    pub fn end(&mut self, text: &[u8], at: usize, most: usize, is_in: impl Fn(u8) -> bool) -> usize {
        /// So much is looked at together.
        const STEP: usize = 32;
        let last = at.saturating_add(most);
        if at < self.from {
            // INVARIANT: what is known farther on is kept, so that nothing is gone through twice by going back a little.
            let before = text.get(at..self.from.min(last)).unwrap_or_default();
            let count = before.iter().take_while(|byte| is_in(**byte)).count();
            let end = at.saturating_add(count);
            if end < self.from {
                return end;
            }
            self.from = at;
        }
        if !(self.from..=self.to).contains(&at) {
            *self = Self { from: at, to: at, is_over: false };
        }
        while !self.is_over && self.to < last {
            let rest = text.get(self.to..).unwrap_or_default();
            let part = rest.get(..STEP.min(rest.len())).unwrap_or_default();
            let count = part.iter().position(|byte| !is_in(*byte)).unwrap_or(part.len());
            self.to = self.to.saturating_add(count);
            self.is_over = count < STEP;
        }
        self.to.min(last)
    }
}

/// Of a block, a bit each: letters of another case than the letter before.
#[derive(Clone, Copy, Default)]
struct Changes {
    /// One more than its number.
    block: usize,
    bits: u64,
}

impl Changes {
    fn of(text: &[u8], block: usize) -> Self {
        let at = block.wrapping_mul(SIZE);
        let made;
        let bytes = match text.get(at..).unwrap_or_default().first_chunk() {
            Some(bytes) => bytes,
            None => {
                made = padded(text, at);
                &made
            }
        };
        let letters = mask(bytes, |byte| byte.is_ascii_alphabetic());
        let capitals = mask(bytes, |byte| byte.is_ascii_uppercase());
        // The case of the last letter up to each place: that of a letter goes on over what is none.
        let before = text.get(at.saturating_sub(LONGEST)..at.min(text.len())).unwrap_or_default();
        let last = before.iter().rev().find(|byte| byte.is_ascii_alphabetic());
        let carried = u64::from(last.is_some_and(u8::is_ascii_uppercase));
        let (mut large, mut over) = (capitals | carried & !letters, !letters);
        for count in [1, 2, 4, 8, 16, 32] {
            large |= over & large.wrapping_shl(count);
            over &= over.wrapping_shl(count);
        }
        Self { block: block.wrapping_add(1), bits: letters & (capitals ^ (large.wrapping_shl(1) | carried)) }
    }
}

/// How many blocks are kept: more than a value can be in.
const KEPT: usize = 8;
/// The longest value of which all facts are kept.
pub const LONGEST: usize = 255;
/// What is known of the stretch under way.
#[derive(Default)]
pub struct Values {
    /// Of letters as names have them, and as keys have them; of what a password without quotes has, and without a sign before it.
    pub names: Run,
    pub keys: Run,
    pub words: Run,
    pub bare: Run,
    changes: [Changes; KEPT],
    counts: Counts,
    /// What was asked lately, and the answers.
    judged: Alike<Demand, bool>,
    schemes: Next,
    places: Next,
    logins: Next,
    parted: Parted,
}

impl Values {
    /// As `random::looks_random` says it of the value at `from..to`, no longer than `LONGEST`.
    pub fn looks_random(&mut self, text: &[u8], from: usize, to: usize, demand: Demand) -> bool {
        if to.saturating_sub(from) < demand.shortest {
            return false;
        }
        // Several words of one name tell of one value.
        if let Some(answer) = self.judged.get(text, from, to, &demand) {
            return answer;
        }
        let answer = random::is_random(&mut self.at(text, from, to), demand);
        self.judged.put(from, to, demand, answer);
        answer
    }

    /// Whether an option of curl with a user stands in `from..to`.
    pub fn has_login(&mut self, text: &[u8], from: usize, to: usize) -> bool {
        static SHAPE: OnceLock<Option<Literals>> = OnceLock::new();
        let shape = SHAPE.get_or_init(|| Literals::new(tokens::OPTIONS.into_iter().map(|option| (option, false))));
        self.logins.is_in(shape.as_ref(), text, from, to)
    }

    /// The value at `from..to`, unless it is too long for facts to be kept.
    pub fn of<'a>(&'a mut self, text: &'a [u8], from: usize, to: usize) -> Option<Value<'a>> {
        (to.saturating_sub(from) <= LONGEST).then(|| self.at(text, from, to))
    }

    /// The same of a longer one, of which nothing is asked but how many bytes of which kind it has, and its entropy.
    pub fn counted<'a>(&'a mut self, text: &'a [u8], from: usize, to: usize) -> Option<Value<'a>> {
        (to.saturating_sub(from) <= tally::LONGEST).then(|| self.at(text, from, to))
    }

    fn at<'a>(&'a mut self, text: &'a [u8], from: usize, to: usize) -> Value<'a> {
        Value { values: self, text, from, to }
    }

    /// How many letters of `from..to` are of another case than the letter before.
    fn changes(&mut self, text: &[u8], from: usize, to: usize) -> usize {
        let mut count = 0_u32;
        for block in from / SIZE..to.div_ceil(SIZE) {
            let begin = block.wrapping_mul(SIZE);
            if let Some(slot) = self.changes.get_mut(block % KEPT) {
                if slot.block != block.wrapping_add(1) {
                    *slot = Changes::of(text, block);
                }
                let above = |at: usize| u64::MAX.checked_shl(at.saturating_sub(begin) as u32).unwrap_or(0);
                count = count.wrapping_add((slot.bits & above(from) & !above(to)).count_ones());
            }
        }
        count as usize
    }
}

/// A value whose facts are kept.
pub struct Value<'a> {
    values: &'a mut Values,
    text: &'a [u8],
    from: usize,
    to: usize,
}

impl Value<'_> {
    fn kinds(&mut self) -> u64 {
        self.values.counts.kinds(self.text, self.from, self.to)
    }
}

impl Facts for Value<'_> {
    fn bytes(&self) -> &[u8] {
        self.text.get(self.from..self.to).unwrap_or_default()
    }

    fn digits(&mut self) -> usize {
        (self.kinds() & 0xffff) as usize
    }

    fn letters(&mut self) -> usize {
        (self.kinds() >> 16 & 0xffff) as usize
    }

    fn capitals(&mut self) -> usize {
        (self.kinds() >> 32 & 0xffff) as usize
    }

    fn hexes(&mut self) -> usize {
        (self.kinds() >> 48) as usize
    }

    fn changes(&mut self) -> usize {
        let first = self.bytes().iter().position(u8::is_ascii_alphabetic).map_or(self.to, |at| at.saturating_add(1));
        self.values.changes(self.text, self.from.saturating_add(first).min(self.to), self.to)
    }

    fn has_scheme(&mut self) -> bool {
        static SHAPE: OnceLock<Option<Literals>> = OnceLock::new();
        let shape = SHAPE.get_or_init(|| Literals::new([(b"://".as_slice(), false)].into_iter()));
        self.values.schemes.is_in(shape.as_ref(), self.text, self.from, self.to)
    }

    fn entropy(&mut self) -> u32 {
        self.values.counts.entropy(self.text, self.from, self.to)
    }

    fn parts(&mut self) -> Parts {
        self.values.parted.parts(self.text, self.from, self.to)
    }

    fn has_part(&mut self) -> bool {
        static SHAPE: OnceLock<Option<Literals>> = OnceLock::new();
        let shape = SHAPE.get_or_init(|| {
            let parts = random::PARTS.iter().map(|part| (*part, true));
            Literals::new(parts.chain(random::OPENINGS.iter().map(|part| (*part, false))))
        });
        self.values.places.is_in(shape.as_ref(), self.text, self.from, self.to)
    }
}

/// The parts of a stretch, and what all up to each are together.
#[derive(Default)]
struct Parted {
    /// Every part that begins at `from` or later and ends before `to` is in the list: where it stands, and what all up to it are.
    from: usize,
    to: usize,
    list: VecDeque<(usize, usize, Parts)>,
    /// What those are that were in the list before.
    before: Parts,
    /// The first part of the value that was asked about last.
    first: usize,
}

impl Parted {
    fn parts(&mut self, text: &[u8], from: usize, to: usize) -> Parts {
        let is_part = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
        if from.checked_sub(1).is_some_and(is_part) && is_part(from) {
            return Parts::of(text.get(from..to).unwrap_or_default());
        }
        if !(self.from..=self.to).contains(&from) {
            *self = Self { from, to: from, ..Self::default() };
        }
        self.forget(from.saturating_sub(LONGEST));
        let mut cut = None;
        while self.to < to {
            let rest = text.get(self.to..to).unwrap_or_default();
            let gap = rest.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
            let begin = self.to.saturating_add(gap);
            let length = rest.iter().skip(gap).take_while(|byte| byte.is_ascii_alphanumeric()).count();
            let end = begin.saturating_add(length);
            if length > 0 && end == to && is_part(end) {
                cut = text.get(begin..end);
                self.to = begin;
                break;
            }
            if length > 0 {
                let all = self.all(self.list.len()).and(text.get(begin..end).unwrap_or_default());
                self.list.push_back((begin, end, all));
            }
            self.to = end;
        }
        let begins = |at: usize| self.list.get(at).map(|(begin, _, _)| *begin);
        // Nearly where it was the last time, and nearly the last of all.
        let (mut first, mut last) = (self.first, self.list.len());
        while begins(first).is_some_and(|begin| begin < from) {
            first = first.saturating_add(1);
        }
        while first.checked_sub(1).and_then(begins).is_some_and(|begin| begin >= from) {
            first = first.saturating_sub(1);
        }
        while last.checked_sub(1).and_then(|one| self.list.get(one)).is_some_and(|(_, end, _)| *end > to) {
            last = last.saturating_sub(1);
        }
        self.first = first;
        if cut.is_none() && is_part(to) {
            // One that is in the list whole goes on behind the value.
            cut =
                self.list.get(last).filter(|(begin, _, _)| *begin < to).and_then(|(begin, _, _)| text.get(*begin..to));
        }
        let whole = self.all(last).without(self.all(first.min(last)));
        cut.map_or(whole, |part| whole.and(part))
    }

    /// What so many parts of the list are, with those before it.
    fn all(&self, count: usize) -> Parts {
        count.checked_sub(1).and_then(|last| self.list.get(last)).map_or(self.before, |(_, _, all)| *all)
    }

    /// Forgets the parts before a place.
    fn forget(&mut self, at: usize) {
        while let Some((_, end, all)) = self.list.front().filter(|(_, end, _)| *end < at).copied() {
            (self.before, self.from) = (all, end);
            self.first = self.first.saturating_sub(1);
            self.list.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;
    use crate::scan::checks::random::{Alone, KEY};

    /// Texts by chance, of a few signs each.
    fn texts() -> Vec<Vec<u8>> {
        let mut seed = 88_172_645_463_325_252_u64;
        let mut below = move |bound: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) as usize % bound
        };
        let pieces = [
            "a1", "Key", "-", "://", "=", "example", "your_", "${", "0f", "Zk3vN9", ".", "/", "getUser", "7", "ABC",
            "x",
        ];
        let mut text = || -> Vec<u8> {
            let some: Vec<&str> = (0..1 + below(6)).filter_map(|_| pieces.get(below(pieces.len())).copied()).collect();
            (0..20 + below(200))
                .flat_map(|_| some.get(below(some.len())).copied().unwrap_or_default().bytes())
                .collect()
        };
        (0..300).map(|_| text()).collect()
    }

    #[test]
    fn what_is_kept_is_what_is_found_in_a_value_by_itself() {
        for text in texts() {
            let (mut values, mut step) = (Values::default(), 0_usize);
            let mut from = 0_usize;
            while from < text.len() {
                step = step.wrapping_mul(31).wrapping_add(from) % 1_009;
                let to = (from + step % 201).min(text.len());
                let bytes = text.get(from..to).unwrap_or_default();
                let (mut kept, mut alone) = (values.at(&text, from, to), Alone(bytes));
                let shown = String::from_utf8_lossy(bytes);
                assert_eq!(kept.digits(), alone.digits(), "{shown}");
                assert_eq!(kept.letters(), alone.letters(), "{shown}");
                assert_eq!(kept.capitals(), alone.capitals(), "{shown}");
                assert_eq!(kept.hexes(), alone.hexes(), "{shown}");
                assert_eq!(kept.changes(), alone.changes(), "{shown}");
                assert_eq!(kept.has_scheme(), alone.has_scheme(), "{shown}");
                assert_eq!(kept.entropy(), alone.entropy(), "{shown}");
                assert_eq!(kept.parts(), alone.parts(), "{shown}");
                assert_eq!(kept.has_part(), alone.has_part(), "{shown}");
                assert_eq!(random::is_random(&mut kept, KEY), random::looks_random(bytes, KEY), "{shown}");
                // Mostly on, now and then a little back.
                from = if step % 7 == 0 {
                    from.saturating_sub(step % 12) + usize::from(step % 12 == 0)
                } else {
                    from + step % 5
                };
                if step % 97 == 0 {
                    from += 300;
                }
            }
        }
    }

    #[test]
    fn a_run_ends_where_another_kind_of_byte_stands_or_too_far_away() {
        let (text, mut run) = ([b"ab.".as_slice(), &[b'x'; 300], b"."].concat(), Run::default());
        let mut end = |at, most| run.end(&text, at, most, |byte| byte != b'.');
        assert_eq!(
            [end(0, 200), end(1, 200), end(2, 200), end(3, 200), end(3, 250), end(150, 200)],
            [2, 2, 2, 203, 253, 303]
        );
        assert_eq!([end(100, 500), end(0, 9), end(303, 9), end(304, 9)], [303, 2, 303, 304]);
        // Back a little, over what is known and up to it.
        assert_eq!([end(200, 300), end(190, 5), end(180, 300), end(2, 9), end(1, 9)], [303, 195, 303, 2, 2]);
    }
}
