//! Sixty-four bytes at a time: which are letters, digits, signs of figures, where literals and figures may begin.
//!
//! Each question is answered for the whole block as bits of one number, so that a text in which nothing is to be found costs
//! a few instructions a byte. The first byte of a block is the lowest bit. `lanes` answers the same faster where it can.

use crate::scan::sieve::Sieve;

pub const SIZE: usize = 64;
/// A block and what is looked at behind it: the rest of four bytes that may begin a literal.
pub const WITH_REST: usize = 96;

/// How many bytes after its beginning a figure has its first digit or colon at the latest: seven, in three doublings.
const DOUBLINGS: [u32; 3] = [1, 2, 4];

pub type Bytes = [u8; WITH_REST];

/// The block at `at` where the text ends in it; behind the text stand ends of lines, which are nothing else.
pub fn padded(text: &[u8], at: usize) -> Bytes {
    let mut made = [b'\n'; WITH_REST];
    for (slot, byte) in made.iter_mut().zip(text.get(at..).unwrap_or_default()) {
        *slot = *byte;
    }
    made
}

/// Looks at as many blocks from `at` on as there are places for what is seen.
pub fn look(sieve: &Sieve, text: &[u8], at: usize, seen: &mut [Signs]) {
    #[cfg(target_arch = "x86_64")]
    if crate::scan::lanes::look(sieve, text, at, seen) {
        return;
    }
    look_plainly(sieve, text, at, seen);
}

/// The same on any machine.
pub fn look_plainly(sieve: &Sieve, text: &[u8], at: usize, seen: &mut [Signs]) {
    for (block, slot) in (at..).step_by(SIZE).zip(seen) {
        *slot = match text.get(block..).unwrap_or_default().first_chunk() {
            Some(bytes) => Signs::of(sieve, bytes),
            None => Signs::of(sieve, &padded(text, block)),
        };
    }
}

/// The bytes for which `is_in` holds.
#[inline(always)]
pub fn mask(block: &Bytes, is_in: impl Fn(u8) -> bool) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const TOGETHER: u64 = 0x0102_0408_1020_4080;
    let mut flags = [0_u8; SIZE];
    for (flag, byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(is_in(*byte));
    }
    let mut bits = 0;
    for eight in flags.as_chunks::<8>().0 {
        bits = bits >> 8 | u64::from_le_bytes(*eight).wrapping_mul(TOGETHER) >> 56 << 56;
    }
    bits
}

/// What there is in a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    pub digits: u64,
    pub letters: u64,
    pub capitals: u64,
    pub underscores: u64,
    pub dots: u64,
    pub colons: u64,
    /// `-` and `/`, which join parts of one figure as `.` and `:` do.
    pub joints: u64,
    pub pluses: u64,
    pub opens: u64,
    pub closes: u64,
    pub spaces: u64,
    /// Space, and what else sets apart.
    pub whites: u64,
    /// `%` and `|`, which may stand in a figure.
    pub fillings: u64,
    pub ats: u64,
    /// Where a literal may begin that may stand inside a word, or that begins with no letter. More bits than that may be set.
    pub heads: u64,
}

impl Signs {
    pub const EMPTY: Self = Self {
        digits: 0,
        letters: 0,
        capitals: 0,
        underscores: 0,
        dots: 0,
        colons: 0,
        joints: 0,
        pluses: 0,
        opens: 0,
        closes: 0,
        spaces: 0,
        whites: 0,
        fillings: 0,
        ats: 0,
        heads: 0,
    };

    fn of(sieve: &Sieve, block: &Bytes) -> Self {
        Self {
            digits: mask(block, |byte| byte.is_ascii_digit()),
            letters: mask(block, |byte| byte.is_ascii_alphabetic()),
            capitals: mask(block, |byte| byte.is_ascii_uppercase()),
            underscores: mask(block, |byte| byte == b'_'),
            dots: mask(block, |byte| byte == b'.'),
            colons: mask(block, |byte| byte == b':'),
            joints: mask(block, |byte| matches!(byte, b'-' | b'/')),
            pluses: mask(block, |byte| byte == b'+'),
            opens: mask(block, |byte| byte == b'('),
            closes: mask(block, |byte| byte == b')'),
            spaces: mask(block, |byte| byte == b' '),
            whites: mask(block, |byte| byte.is_ascii_whitespace()),
            fillings: mask(block, |byte| matches!(byte, b'%' | b'|')),
            ats: mask(block, |byte| byte == b'@'),
            heads: sieve.heads(block),
        }
    }

    /// Where words begin: a letter after none, or a capital after a small one.
    #[inline(always)]
    pub fn words(&self, before: &Self) -> u64 {
        let letters = back(self.letters, before.letters, 1);
        let capitals = back(self.capitals, before.capitals, 1);
        self.letters & !letters | self.capitals & letters & !capitals
    }

    /// Of the places of `@`: those with which an address may end. After them stand letters, digits, dots and dashes, among them a
    /// dot with a letter behind it and more than that letter. Of the text there are `left` bytes from here on; what is behind
    /// them may be anything.
    #[inline(always)]
    pub fn hosts(&self, after: &Self, left: usize) -> u64 {
        const FAR: u32 = 60;
        if self.ats == 0 {
            return 0;
        }
        let beyond = |before: usize| match left.saturating_sub(before) {
            0 => u64::MAX,
            left if left < SIZE => u64::MAX.wrapping_shl(left as u32),
            _ => 0,
        };
        let name = |of: &Self| of.letters | of.digits | of.joints;
        let tops = self.dots & ahead(self.letters, after.letters, 1) & ahead(name(self), name(after), 2);
        let next = after.dots & after.letters >> 1 & name(after) >> 2;
        let host = |of: &Self| name(of) | of.dots | of.underscores;
        let mut kept = 0;
        // Many at once: behind most of many stands none of these.
        let begun = self.ats & ahead(host(self) | beyond(0), host(after) | beyond(SIZE), 1);
        for place in places(begun) {
            let run = (from(host(self) | beyond(0), host(after) | beyond(SIZE), place) >> 1).trailing_ones();
            let top = from(tops, next, place) >> 1 & 1_u64.wrapping_shl(run.min(FAR)).wrapping_sub(1);
            kept |= u64::from(top != 0 || run >= FAR).wrapping_shl(place as u32);
        }
        kept
    }

    /// Where parts begin that may be figures: after no letter or digit, not in the middle of a date, a time, an address
    /// (what begins before those is a part itself), with a digit or a colon near enough, and not a short number alone.
    #[inline(always)]
    pub fn parts(&self, before: &Self, after: &Self) -> u64 {
        let word = |of: &Self| of.digits | of.letters | of.underscores;
        let joints = |of: &Self| of.joints | of.dots | of.colons;
        let inside = back(joints(self), joints(before), 1) & back(self.digits, before.digits, 2);
        let fresh = self.near(after) & !back(word(self), word(before), 1) & !inside;
        if fresh == 0 {
            return 0;
        }
        let numbers = self.digits & self.goes_on(after);
        let signs = (self.pluses | self.opens) & ahead(self.digits | self.opens, after.digits | after.opens, 1);
        // Two colons begin an address, and what stands behind one begins none.
        let pairs = self.colons & ahead(self.colons, after.colons, 1) & !back(self.colons, before.colons, 1);
        fresh & (self.letters | numbers | signs | pairs)
    }

    /// Where a digit or a colon stands, or follows soon.
    #[inline(always)]
    fn near(&self, after: &Self) -> u64 {
        let (mut here, mut next) = (self.digits | self.colons, after.digits | after.colons);
        for count in DOUBLINGS {
            here |= ahead(here, next, count);
            next |= next.wrapping_shr(count);
        }
        here
    }

    /// Of places of digits: where more than a short number begins, five digits or such as are joined to something.
    #[inline(always)]
    fn goes_on(&self, after: &Self) -> u64 {
        let joiner = |of: &Self| of.dots | of.joints | of.colons | of.opens | of.closes | of.pluses | of.letters;
        let spacer = |of: &Self| of.spaces | of.closes;
        let second = |of: &Self| of.digits | of.letters | of.opens | of.dots | of.joints | of.closes | of.pluses;
        // WHY without the last place of what follows: no run of four digits that begins here ends so far.
        let joined = |of: &Self, whites: u64, seconds: u64| joiner(of) & !whites | spacer(of) & seconds;
        let here = joined(self, ahead(self.whites, after.whites, 1), ahead(second(self), second(after), 1));
        let next = joined(after, after.whites >> 1, second(after) >> 1);
        let (mut run, mut found) = (u64::MAX, 0);
        for count in 1..=4 {
            let digit = ahead(self.digits, after.digits, count);
            found |= run & !digit & ahead(here, next, count);
            run &= digit;
        }
        found | run
    }
}

/// The bits of `count` places before; at the first places those of the block before.
#[inline(always)]
fn back(here: u64, before: u64, count: u32) -> u64 {
    here.wrapping_shl(count) | before.wrapping_shr(u64::BITS.wrapping_sub(count))
}

/// The bits of `count` places further; at the last places those of the block after.
#[inline(always)]
fn ahead(here: u64, after: u64, count: u32) -> u64 {
    here.wrapping_shr(count) | after.wrapping_shl(u64::BITS.wrapping_sub(count))
}

/// Sixty-four bits from `place` on.
#[inline(always)]
fn from(here: u64, after: u64, place: usize) -> u64 {
    let place = place as u32;
    // Twice, for a shift by all 64 bits shifts by none.
    here.wrapping_shr(place) | after.wrapping_shl(u64::BITS.wrapping_sub(1).wrapping_sub(place)) << 1
}

/// The places of the bits that are set, from the lowest.
#[inline(always)]
pub fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (place < u64::BITS).then_some(place as usize)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;
    use crate::scan::engine;

    fn seen(text: &[u8], look: impl Fn(&Sieve, &[u8], usize, &mut [Signs])) -> Vec<Signs> {
        let mut seen = vec![Signs::default(); text.len() / SIZE + 2];
        if let Ok(engine) = engine() {
            look(&engine.sieve, text, 0, &mut seen);
        }
        seen
    }

    #[test]
    fn bits_stand_where_bytes_do() {
        let block = padded(b"0ab1-2", 0);
        assert_eq!(places(mask(&block, |byte| byte.is_ascii_digit())).collect::<Vec<_>>(), [0, 3, 5]);
        assert_eq!(mask(&[b'7'; WITH_REST], |byte| byte.is_ascii_digit()), u64::MAX);
        assert_eq!(mask(&padded(&[b'7'; 65], 64), |byte| byte.is_ascii_digit()), 1);
    }

    #[test]
    fn this_machine_sees_what_any_machine_sees() {
        let every: Vec<u8> = (0..=u8::MAX).cycle().take(777).chain(*b"a key, AKIA and +ASb: ").collect();
        for length in [0, 1, 63, 64, 65, 96, 128, 200, every.len()] {
            let text = every.get(..length).unwrap_or_default();
            let plain = seen(text, look_plainly);
            for (one, other) in seen(text, look).iter().zip(&plain) {
                assert_eq!(Signs { heads: 0, ..*one }, Signs { heads: 0, ..*other });
            }
        }
        // Both let through what may be a literal, each something else by chance.
        let both = [seen(&every, look), seen(&every, look_plainly)];
        for (at, _) in every
            .windows(4)
            .enumerate()
            .filter(|(_, head)| [*b" key", *b"key,", *b"AKIA", *b"+ASb"].iter().any(|literal| literal == head))
        {
            let at = if every.get(at) == Some(&b' ') { at + 1 } else { at };
            assert!(both
                .iter()
                .all(|seen| seen.get(at / SIZE).is_some_and(|signs| signs.heads >> (at % SIZE) & 1 == 1)));
        }
    }

    #[test]
    fn parts_are_found_over_the_border_of_blocks() {
        let found = |text: &[u8]| {
            let (all, nothing) = (seen(text, look), Signs::default());
            let around = |at: usize| (at.checked_sub(1).and_then(|at| all.get(at)), all.get(at), all.get(at + 1));
            let parts = |at: usize| match around(at) {
                (before, Some(here), Some(after)) => here.parts(before.unwrap_or(&nothing), after),
                _ => 0,
            };
            (0..2).flat_map(|at| places(parts(at)).map(move |place| at * SIZE + place)).collect::<Vec<_>>()
        };
        let text = |before: usize, part: &str| [" ".repeat(before).as_bytes(), part.as_bytes()].concat();
        for before in 40..70 {
            let expected = [0, 13, 24, 30, 34, 43].map(|at: usize| at + before);
            assert_eq!(found(&text(before, "ab12 cdefghi 2026-11-28 (02) +x_1 12 1234: 12345")), expected, "{before}");
        }
    }
}
