//! Sixty-four bytes at a time: which are letters, digits, signs of figures, and where parts begin that may be figures.
//!
//! Each question is answered for the whole block as bits of one number, so that a text in which nothing is to be found costs
//! a few instructions a byte. The first byte of a block is the lowest bit.

pub const SIZE: usize = 64;

/// How many bytes after its beginning a figure has its first digit or colon at the latest.
const REACH: u32 = 7;

pub type Bytes = [u8; SIZE];

/// The block at `at`; what lies behind the text is zero bytes, which are nothing.
pub fn bytes(text: &[u8], at: usize) -> Bytes {
    let rest = text.get(at..).unwrap_or_default();
    if let Some(whole) = rest.first_chunk::<SIZE>() {
        return *whole;
    }
    let mut made = [0; SIZE];
    for (slot, byte) in made.iter_mut().zip(rest) {
        *slot = *byte;
    }
    made
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

/// What figures need to know of a block.
#[derive(Clone, Copy, Default)]
pub struct Signs {
    digits: u64,
    letters: u64,
    underscores: u64,
    dots: u64,
    colons: u64,
    /// `-` and `/`, which join parts of one figure as `.` and `:` do.
    joints: u64,
    /// `+` and `(`, with which numbers begin.
    openings: u64,
    /// What else may stand in a figure.
    fillings: u64,
}

impl Signs {
    pub fn of(block: &Bytes) -> Self {
        Self {
            digits: mask(block, |byte| byte.is_ascii_digit()),
            letters: mask(block, |byte| byte.is_ascii_alphabetic()),
            underscores: mask(block, |byte| byte == b'_'),
            dots: mask(block, |byte| byte == b'.'),
            colons: mask(block, |byte| byte == b':'),
            joints: mask(block, |byte| matches!(byte, b'-' | b'/')),
            openings: mask(block, |byte| matches!(byte, b'+' | b'(')),
            fillings: mask(block, |byte| matches!(byte, b' ' | b')' | b'%' | b'|')),
        }
    }

    /// Whether from `place` on there is as much of a figure as shapes have that need no word beside them: seven digits, or
    /// the dots or colons of an address, or letters among the digits; up to what stands in none, or four signs in a row.
    #[inline]
    pub fn is_ample(&self, after: &Self, place: usize) -> bool {
        const FAR: u64 = 0xff_ffff;
        let place = u32::try_from(place).unwrap_or(0);
        // Twice, for a shift by all 64 bits shifts by none.
        let from = |here: u64, after: u64| {
            (here.wrapping_shr(place) | after.wrapping_shl(u64::BITS.wrapping_sub(1).wrapping_sub(place)) << 1) & FAR
        };
        let digits = from(self.digits, after.digits);
        let letters = from(self.letters, after.letters);
        let dots = from(self.dots, after.dots);
        let colons = from(self.colons, after.colons);
        let rest = from(self.joints | self.openings | self.fillings, after.joints | after.openings | after.fillings);
        let (solid, loose) = (digits | letters, dots | colons | rest);
        let upto = |end: u64| (end & end.wrapping_neg()).wrapping_sub(1);
        // The fourth sign of a row still counts, what follows it does not.
        let row = loose & loose >> 1 & loose >> 2 & loose >> 3;
        let seen = upto(!(solid | loose)) & upto(row << 4);
        let count = |bits: u64| (bits & seen).count_ones();
        count(digits) >= 7 || count(dots) >= 3 || count(colons) >= 2 || count(letters) >= 1 && count(digits) >= 2
    }

    /// Where parts begin that have a sign of figures near enough: after no letter or digit, and not in the middle of a
    /// date, a time, an address; what begins before those is a part itself.
    pub fn parts(&self, before: &Self, after: &Self) -> u64 {
        let back = |here: u64, before: u64, count: u32| {
            here.wrapping_shl(count) | before.wrapping_shr(u64::BITS.wrapping_sub(count))
        };
        let word = |of: &Self| of.digits | of.letters | of.underscores;
        let joints = |of: &Self| of.joints | of.dots | of.colons;
        let signs = |of: &Self| of.digits | of.colons;
        let inside = back(joints(self), joints(before), 1) & back(self.digits, before.digits, 2);
        let starters = self.digits | self.letters | self.colons | self.openings;
        let mut near = signs(self);
        for count in 1..=REACH {
            near |= signs(self).wrapping_shr(count) | signs(after).wrapping_shl(u64::BITS.wrapping_sub(count));
        }
        starters & near & !back(word(self), word(before), 1) & !inside
    }
}

/// The places of the bits that are set, from the lowest.
pub fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        (place < u64::BITS).then_some(place as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_where_bytes_do() {
        let block = bytes(b"0ab1-2", 0);
        assert_eq!(places(mask(&block, |byte| byte.is_ascii_digit())).collect::<Vec<_>>(), [0, 3, 5]);
        assert_eq!(mask(&bytes(&[b'7'; 64], 0), |byte| byte.is_ascii_digit()), u64::MAX);
        assert_eq!(mask(&bytes(&[b'7'; 65], 64), |byte| byte.is_ascii_digit()), 1);
    }

    #[test]
    fn parts_are_found_over_the_border_of_blocks() {
        let found = |text: &[u8]| {
            let (first, second) = (Signs::of(&bytes(text, 0)), Signs::of(&bytes(text, SIZE)));
            let nothing = Signs::default();
            let later = places(second.parts(&first, &nothing)).map(|place| place.saturating_add(SIZE));
            places(first.parts(&nothing, &second)).chain(later).collect::<Vec<_>>()
        };
        let text = |before: usize, part: &str| [" ".repeat(before).as_bytes(), part.as_bytes()].concat();
        for before in 50..70 {
            assert_eq!(
                found(&text(before, "ab12 cdefghi 2026-11-28 (0 +x_1")),
                [0, 13, 24, 25, 27, 28].map(|at: usize| at.saturating_add(before))
            );
        }
    }
}
