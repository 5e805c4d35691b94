//! Where in some blocks literals and figures may begin, noted before any is looked at.
//!
//! WHY notes and no questions: which word of a text passes nobody can guess, and a wrong guess of the machine costs more than
//! a place that is written and then written over.

use std::cell::Cell;

use crate::scan::block::{self, Signs, SIZE};
use crate::scan::rows::Rows;
use crate::scan::sieve::HEAD;
use crate::scan::Engine;

/// How many blocks are seen before what is in them is looked at.
pub const BLOCKS: usize = 16;

/// Places, counted from the first of the blocks under way.
#[derive(Default)]
pub struct Notes {
    /// Where literals may begin.
    pub literals: Places,
    /// Where figures may begin that need no word beside them.
    pub figures: Places,
    /// By block, as its bits: where parts begin that may be figures.
    pub parts: Vec<u64>,
    rows: Rows,
}

impl Notes {
    /// Room for what a text of so many bytes can have in the blocks under way.
    pub fn room(bytes: usize) -> Self {
        let blocks = bytes.div_ceil(SIZE).min(BLOCKS);
        let places = || Places::room(blocks.wrapping_mul(SIZE));
        Self { literals: places(), figures: places(), parts: Vec::with_capacity(blocks), rows: Rows::default() }
    }

    /// Sees the blocks from `at` on and notes what there is in them; the first and the last of `seen` are those around them.
    pub fn look(&mut self, engine: &Engine, text: &[u8], at: usize, seen: &mut [Signs]) {
        #[cfg(target_arch = "x86_64")]
        if crate::scan::lanes::note(self, engine, text, at, seen) {
            return;
        }
        block::look_plainly(&engine.sieve, text, at, seen.get_mut(1..).unwrap_or_default());
        self.take(engine, text, at, seen);
    }

    /// Notes what there is in blocks that were seen. WHY in one piece: it is built twice, for any machine and with the
    /// instructions of those that `lanes` is for.
    #[inline(always)]
    pub fn take(&mut self, engine: &Engine, text: &[u8], at: usize, seen: &[Signs]) {
        let text = text.get(at..).unwrap_or_default();
        self.parts.clear();
        self.literals.count = 0;
        self.figures.count = 0;
        for (block, signs) in seen.iter().enumerate() {
            self.rows.take(block, signs);
        }
        for (offset, around) in (0..).step_by(SIZE).zip(seen.windows(3)) {
            let [before, here, after] = around else {
                return;
            };
            let hosts = here.hosts(after, text.len().saturating_sub(offset));
            // INVARIANT: no longer literal begins with `@`, as `engine` refuses one.
            self.literals.note(offset, here.words(before) | here.heads & !here.ats | hosts);
            let parts = here.parts(before, after);
            self.figures.note(offset, parts);
            self.parts.push(parts);
        }
        self.literals.keep(&Passing { engine, text });
        self.figures.keep(&Outlined { engine, rows: &self.rows });
        self.figures.keep(&Ample { text, rows: &self.rows });
    }
}

/// A question about a place. WHY no closure: it must be built with the instructions of what asks it.
trait Question {
    fn holds(&self, place: usize) -> bool;
}

struct Passing<'a> {
    engine: &'a Engine,
    text: &'a [u8],
}

impl Question for Passing<'_> {
    #[inline(always)]
    fn holds(&self, place: usize) -> bool {
        let head = match self.text.get(place..).and_then(<[u8]>::first_chunk) {
            Some(head) => u32::from_le_bytes(*head),
            None => u32::from_le_bytes(last(self.text, place)),
        };
        self.engine.sieve.passes(head) | u64::from(head as u8 == b'@') != 0
    }
}

struct Outlined<'a> {
    engine: &'a Engine,
    rows: &'a Rows,
}

impl Question for Outlined<'_> {
    #[inline(always)]
    fn holds(&self, place: usize) -> bool {
        self.engine.outlines.has(self.rows.outline(place)) != 0
    }
}

struct Ample<'a> {
    text: &'a [u8],
    rows: &'a Rows,
}

impl Question for Ample<'_> {
    #[inline(always)]
    fn holds(&self, place: usize) -> bool {
        let rest = self.text.get(place..).unwrap_or_default();
        self.rows.is_ample(place) & !self.rows.is_moment(place, rest)
    }
}

/// The four bytes at a place where the text ends: behind it stand ends of lines.
#[cold]
fn last(text: &[u8], place: usize) -> [u8; HEAD] {
    let mut made = [b'\n'; HEAD];
    for (slot, byte) in made.iter_mut().zip(text.get(place..).unwrap_or_default()) {
        *slot = *byte;
    }
    made
}

/// A list of places that is written without a question.
#[derive(Default)]
pub struct Places {
    places: Vec<u16>,
    count: usize,
}

/// So many places are written at once, as many as a block seldom has more than twice.
const ROW: usize = 8;

impl Places {
    fn room(places: usize) -> Self {
        Self { places: vec![0; places.saturating_add(ROW)], count: 0 }
    }

    /// Writes the places of all bits of a block down, a row at a time: what is too much in a row is written over.
    #[inline(always)]
    fn note(&mut self, offset: usize, bits: u64) {
        let (mut left, mut at) = (bits, self.count);
        while left != 0 {
            let Some(row) = self.places.get_mut(at..).and_then(<[u16]>::first_chunk_mut::<ROW>) else {
                return;
            };
            for slot in row {
                *slot = offset.wrapping_add(left.trailing_zeros() as usize) as u16;
                left &= left.wrapping_sub(1);
            }
            at = at.wrapping_add(ROW);
        }
        self.count = self.count.wrapping_add(bits.count_ones() as usize);
    }

    /// Keeps those for which `holds`: each is written to where the next one belongs, and written over unless it is kept.
    #[inline(always)]
    fn keep(&mut self, question: &impl Question) {
        let places = Cell::from_mut(self.places.as_mut_slice()).as_slice_of_cells();
        let mut kept = 0_usize;
        for place in places.get(..self.count).unwrap_or_default() {
            let place = place.get();
            if let Some(slot) = places.get(kept) {
                slot.set(place);
            }
            kept = kept.wrapping_add(usize::from(question.holds(usize::from(place))));
        }
        self.count = kept;
    }

    /// What was kept, in order; the list is empty then.
    #[inline(always)]
    pub fn taken(&mut self) -> impl Iterator<Item = usize> + '_ {
        let count = std::mem::take(&mut self.count);
        self.places.iter().take(count).map(|place| usize::from(*place))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;
    use crate::scan::engine;

    #[test]
    fn places_are_noted_and_forgotten_when_taken() {
        let Ok(engine) = engine() else {
            return;
        };
        let text = format!("{}token 4111 1111 1111 1111 b@c.de b@c {}password", " ".repeat(60), " ".repeat(82));
        let mut notes = Notes::room(text.len());
        notes.look(engine, text.as_bytes(), 0, &mut [Signs::EMPTY; 6]);
        let at = |word: &str| text.find(word).unwrap_or_default();
        assert!(notes.literals.taken().eq([at("token"), at("@"), at("password")]));
        assert!(notes.figures.taken().any(|place| place == at("4111")));
        assert!(notes.parts.iter().map(|bits| bits.count_ones()).sum::<u32>() >= 4);
        assert_eq!((notes.literals.taken().count(), notes.figures.taken().count()), (0, 0));
    }

    struct Third;

    impl Question for Third {
        fn holds(&self, place: usize) -> bool {
            place.is_multiple_of(3)
        }
    }

    #[test]
    fn there_is_room_for_every_place_and_those_that_hold_are_kept() {
        let mut places = Places::room(BLOCKS * SIZE);
        (0..BLOCKS).for_each(|block| places.note(block * SIZE, u64::MAX));
        places.keep(&Third);
        assert!(places.taken().eq((0..BLOCKS * SIZE).step_by(3)));
        places.note(0, 0x8000_0000_0003_0005);
        assert!(places.taken().eq([0, 2, 16, 17, 63]));
    }
}
