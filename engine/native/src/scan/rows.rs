//! What stands in the blocks under way as rows of bits, one for each kind of sign: what begins at a place is read off them.
//!
//! WHY rows and no blocks: what a place is asked goes over the border of its block as often as not, and so one load tells it.

use crate::scan::block::{Signs, SIZE};
use crate::scan::notes::BLOCKS;

/// How many bytes the bits of a block are.
const WIDTH: usize = SIZE / 8;
/// Those of the block before, of the blocks under way and of the one after; and what is loaded behind them.
const ROOM: usize = (BLOCKS + 3) * WIDTH;

type Row = [u8; ROOM];

/// The bits of each kind; the first block is the one before those under way, from which places are counted.
pub struct Rows {
    digits: Row,
    letters: Row,
    dots: Row,
    colons: Row,
    /// `-` and `/`.
    joints: Row,
    /// What else may stand in a figure.
    fillings: Row,
}

impl Default for Rows {
    fn default() -> Self {
        let row = [0; ROOM];
        Self { digits: row, letters: row, dots: row, colons: row, joints: row, fillings: row }
    }
}

impl Rows {
    /// Takes the bits of the block with this number, the one before those under way first.
    #[inline(always)]
    pub fn take(&mut self, block: usize, signs: &Signs) {
        let fillings = signs.pluses | signs.opens | signs.closes | signs.spaces | signs.fillings;
        write(&mut self.digits, block, signs.digits);
        write(&mut self.letters, block, signs.letters);
        write(&mut self.dots, block, signs.dots);
        write(&mut self.colons, block, signs.colons);
        write(&mut self.joints, block, signs.joints);
        write(&mut self.fillings, block, fillings);
    }

    /// What the six bytes from `place` on are (digits, letters, dots and colons), as the number of a cell of `Outlines`.
    #[inline(always)]
    pub fn outline(&self, place: usize) -> u32 {
        let six = |bits: u64| bits as u32 & 0x3f;
        let points = six(from(&self.dots, place) | from(&self.colons, place));
        six(from(&self.digits, place)) | six(from(&self.letters, place)) << 6 | points << 12
    }

    /// Whether from `place` on there is as much of a figure as shapes have that need no word beside them: seven digits, or
    /// the dots or colons of an address, or letters among the digits; up to what stands in none, or four signs in a row.
    #[inline(always)]
    pub fn is_ample(&self, place: usize) -> bool {
        const FAR: u64 = 0xff_ffff;
        let (digits, letters) = (from(&self.digits, place), from(&self.letters, place));
        let (dots, colons) = (from(&self.dots, place), from(&self.colons, place));
        let rest = from(&self.joints, place) | from(&self.fillings, place);
        let (solid, loose) = (digits | letters, dots | colons | rest);
        let upto = |end: u64| (end & end.wrapping_neg()).wrapping_sub(1);
        // The fourth sign of a row still counts, what follows it does not.
        let row = loose & loose >> 1 & loose >> 2 & loose >> 3;
        let seen = upto(!(solid | loose)) & upto(row << 4) & FAR;
        let count = |bits: u64| (bits & seen).count_ones();
        let (digits, letters) = (count(digits), count(letters));
        let mixed = (letters >= 1) & (digits >= 2) | (letters >= 3) & (digits >= 1);
        (digits >= 7) | (count(dots) >= 3) | (count(colons) >= 2) | mixed
    }

    /// Whether a day or a time of day stands at `place`, with seconds, and no figure goes on with it; or a part of an address
    /// after the first, which is none by itself. Tests of `figures` say of which shapes that is true. `text` begins at the place.
    #[inline(always)]
    pub fn is_moment(&self, place: usize, text: &[u8]) -> bool {
        let (digits, letters) = (from(&self.digits, place), from(&self.letters, place));
        let (before, joints) = (around(&self.colons, place), from(&self.joints, place));
        let colons = before >> 1;
        let time = (digits & 0x1ff == 0b0_1101_1011) & (colons & 0x1ff == 0b0_0010_0100) & (letters & 0x100 == 0);
        let (first, last) = (text.first().copied().unwrap_or(0), text.get(10).copied().unwrap_or(0));
        let date = (digits & 0x7ff == 0b11_0110_1111) & (joints & 0x7ff == 0b00_1001_0000);
        let date = date & matches!(first, b'1' | b'2') & matches!(last, b' ' | b'T' | b'\n' | b'"' | b',' | b'|');
        let run = (digits | letters).trailing_ones();
        let inner = (before & 1 == 1) & (1..=3).contains(&run) & (colons.wrapping_shr(run) & 1 == 1);
        time | date | inner
    }
}

#[inline(always)]
fn write(row: &mut Row, block: usize, bits: u64) {
    let cell = row.get_mut(block.wrapping_mul(WIDTH)..).and_then(<[u8]>::first_chunk_mut);
    cell.into_iter().for_each(|cell| *cell = bits.to_le_bytes());
}

/// The bits from a place of the blocks under way on: those of fifty-six bytes at least.
#[inline(always)]
fn from(row: &Row, place: usize) -> u64 {
    load(row, (place / 8 % (BLOCKS * WIDTH)).wrapping_add(WIDTH)).wrapping_shr((place % 8) as u32)
}

/// The same from the byte before the place on, so far as its row is loaded.
#[inline(always)]
fn around(row: &Row, place: usize) -> u64 {
    load(row, (place / 8 % (BLOCKS * WIDTH)).wrapping_add(WIDTH - 1)).wrapping_shr((place % 8) as u32).wrapping_shr(7)
}

#[inline(always)]
fn load(row: &Row, at: usize) -> u64 {
    u64::from_le_bytes(row.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;
    use crate::scan::block;
    use crate::scan::engine;

    /// What of a text is asked behind some spaces; the first block stands before those under way.
    fn asked<T>(text: &str, before: usize, ask: impl Fn(&Rows, usize, &[u8]) -> T) -> Option<T> {
        let text = format!("{}{text}{}", " ".repeat(SIZE + before), " ".repeat(SIZE));
        let mut seen = vec![Signs::default(); BLOCKS + 2];
        block::look(&engine().ok()?.sieve, text.as_bytes(), 0, &mut seen);
        let mut rows = Rows::default();
        seen.iter().enumerate().for_each(|(block, signs)| rows.take(block, signs));
        Some(ask(&rows, before, text.as_bytes().get(SIZE + before..)?))
    }

    #[test]
    fn what_begins_at_a_place_is_the_same_wherever_a_block_ends() {
        for before in [0, 1, 7, 50, 63, 64, 100, BLOCKS * SIZE - 1] {
            let outline = |text: &str| asked(text, before, |rows, place, _| rows.outline(place));
            assert_eq!(outline("1a.:2 7"), Some(0b00_1100 << 12 | 0b00_0010 << 6 | 0b01_0001));
            let ample = |text: &str| asked(text, before, |rows, place, _| rows.is_ample(place)) == Some(true);
            for text in ["4111 111", "1.2.3.4", "a:b:", "a12", "abc1", "12 (34)-567"] {
                assert!(ample(text), "{text} {before}");
            }
            for text in ["123456 -", "1.2.3", "12,34567", "1 -- 123456", "123456                  7"] {
                assert!(!ample(text), "{text} {before}");
            }
        }
    }

    #[test]
    fn moments_are_told_and_parts_of_addresses_after_the_first() {
        for before in [0, 9, 60, 127, 500] {
            let moment =
                |text: &str| asked(text, before, |rows, place, rest| rows.is_moment(place, rest)) == Some(true);
            assert!(moment("12:34:56 ") && moment("2026-11-28T") && moment("1999/01/02,"), "{before}");
            assert!(
                !moment("12:34:56a") && !moment("3026-11-28T") && !moment("2026-11-28x") && !moment("ab:c"),
                "{before}"
            );
            let inner = asked(":ab:c", before, |rows, place, rest| {
                rows.is_moment(place + 1, rest.get(1..).unwrap_or_default())
            });
            assert_eq!(inner, Some(true), "{before}");
        }
    }
}
