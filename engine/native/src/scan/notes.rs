//! Where in some blocks literals and figures may begin, noted before any is looked at.
//!
//! WHY notes and no questions: which word of a text passes nobody can guess, and a wrong guess of the machine costs more than
//! a place that is written and then written over.

use crate::scan::block::{padded, places, Bytes, Signs, SIZE};
use crate::scan::sieve::{Sieve, HEAD};

/// How many blocks are seen before what is in them is looked at.
pub const BLOCKS: usize = 16;

/// Places, counted from the first of the blocks under way.
#[derive(Default)]
pub struct Notes {
    /// Where literals may begin.
    pub literals: Places,
    /// Where parts begin that may be figures; and of them figures that need no word beside them.
    pub parts: Places,
    pub figures: Places,
}

impl Notes {
    /// Room for what a text of so many bytes can have in the blocks under way.
    pub fn room(bytes: usize) -> Self {
        Self { literals: Places::room(bytes), parts: Places::room(bytes), figures: Places::room(bytes) }
    }

    /// Notes what there is in the blocks from `at` on; the first and the last of `seen` are those around them.
    pub fn take(&mut self, sieve: &Sieve, text: &[u8], at: usize, seen: &[Signs]) {
        for (offset, around) in (0..).step_by(SIZE).zip(seen.windows(3)) {
            let [before, here, after] = around else {
                return;
            };
            let block = at.saturating_add(offset);
            match text.get(block..).unwrap_or_default().first_chunk() {
                Some(bytes) => self.literals_of(sieve, bytes, offset, [before, here, after]),
                None => self.literals_of(sieve, &padded(text, block), offset, [before, here, after]),
            }
            for place in places(here.parts(before, after)) {
                let part = offset.wrapping_add(place);
                self.parts.note(part, true);
                self.figures.note(part, here.is_ample(after, place));
            }
        }
    }

    #[inline(always)]
    fn literals_of(&mut self, sieve: &Sieve, bytes: &Bytes, offset: usize, [before, here, after]: [&Signs; 3]) {
        let cases = here.cases(after);
        for place in places(here.words(before) | here.heads | here.ats) {
            let is_at = here.ats.wrapping_shr(place as u32) & 1;
            let passes = sieve.passes(head(bytes, place), cases.at(place)) | is_at;
            self.literals.note(offset.wrapping_add(place), passes != 0);
        }
    }
}

/// The four bytes at a place of a block.
#[inline(always)]
fn head(bytes: &Bytes, place: usize) -> [u8; HEAD] {
    bytes.get(place..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default()
}

/// A list of places that is written without a question.
#[derive(Default)]
pub struct Places {
    places: Vec<u16>,
    count: usize,
}

impl Places {
    fn room(bytes: usize) -> Self {
        Self { places: vec![0; bytes.min(BLOCKS.wrapping_mul(SIZE)).saturating_add(1)], count: 0 }
    }

    /// Writes a place down; the next one takes its room unless it is kept.
    #[inline(always)]
    fn note(&mut self, place: usize, is_kept: bool) {
        if let Some(slot) = self.places.get_mut(self.count) {
            *slot = place as u16;
        }
        self.count = self.count.wrapping_add(usize::from(is_kept));
    }

    /// What was kept, in order; the list is empty then.
    pub fn taken(&mut self) -> impl Iterator<Item = usize> + '_ {
        let count = std::mem::take(&mut self.count);
        self.places.iter().take(count).map(|place| usize::from(*place))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;
    use crate::scan::{block, engine};

    #[test]
    fn places_are_noted_and_forgotten_when_taken() {
        let Ok(engine) = engine() else {
            return;
        };
        let text = format!("{}token 4111 1111 1111 1111 b@c {}password", " ".repeat(60), " ".repeat(90));
        let mut seen = vec![Signs::default(); 6];
        block::look(&engine.sieve, text.as_bytes(), 0, seen.split_at_mut(1).1);
        let mut notes = Notes::room(text.len());
        notes.take(&engine.sieve, text.as_bytes(), 0, &seen);
        let at = |word: &str| text.find(word).unwrap_or_default();
        assert!(notes.literals.taken().eq([at("token"), at("@"), at("password")]));
        assert!(notes.figures.taken().any(|place| place == at("4111")));
        assert!(notes.parts.taken().count() >= 4);
        assert_eq!((notes.literals.taken().count(), notes.parts.taken().count()), (0, 0));
    }

    #[test]
    fn there_is_room_for_every_place() {
        let mut places = Places::room(BLOCKS * SIZE);
        (0..BLOCKS * SIZE).for_each(|place| places.note(place, true));
        assert!(places.taken().eq(0..BLOCKS * SIZE));
    }
}
