//! Figures: what has no prefix and is known by its outline (cards, phones, ids, addresses of machines, dates).
//!
//! Every figure has a digit or a colon in its first bytes, so only there is looked: all figure shapes are matched at once
//! from each beginning of a part that is near enough before.

use crate::scan::automaton::{Automaton, DEAD};
use crate::scan::table::{How, Row};
use crate::scan::walk::goes_on;

/// Groups of context words, a bit each; those past the bits there are share the last one.
pub type Groups = u128;

pub fn bit_of(group: u16) -> Groups {
    1_u128.wrapping_shl(u32::from(group).min(Groups::BITS.wrapping_sub(1)))
}

/// How many bytes a cell of `Outlines` says something about, and one of `Wanting`.
const SEEN: usize = 6;
const FIRST: usize = 5;

/// With which digits, letters and points (dots and colons) figures begin: a bit for each way that six bytes may be those.
pub struct Outlines(Box<[u64; 1 << (3 * SEEN - 6)]>);

impl Outlines {
    /// Whether a figure may begin with bytes of this outline (`Rows::outline`), as the lowest bit.
    #[inline(always)]
    pub fn has(&self, outline: u32) -> u64 {
        let cell = self.0.get((outline >> 6) as usize).copied().unwrap_or(0);
        cell.wrapping_shr(outline & 63) & 1
    }

    pub fn new(figures: &Figures) -> Self {
        let mut made = Self(Box::new([0; 1 << (3 * SEEN - 6)]));
        each(&figures.shapes, &[figures.shapes.start()], SEEN, &mut Vec::new(), &mut |kinds, _| {
            let bits = kinds.iter().enumerate().filter(|(_, kind)| **kind > 0);
            let bit = |place: usize, kind: &usize| place.wrapping_add(SEEN.wrapping_mul(kind.wrapping_sub(1)));
            let outline = bits.fold(0, |all, (place, kind)| all | 1_usize.wrapping_shl(bit(place, kind) as u32));
            if let Some(cell) = made.0.get_mut(outline >> 6) {
                *cell |= 1_u64.wrapping_shl((outline & 63) as u32);
            }
        });
        made
    }
}

/// By what five bytes are (two bits each, as `kind_of` says it): the groups of words of which one must stand beside a figure
/// that begins so.
pub struct Wanting(Box<[Groups; 1 << (2 * FIRST)]>);

impl Wanting {
    /// `group_of` tells the group of a detector.
    pub fn new(figures: &Figures, group_of: impl Fn(u16) -> Option<u16>) -> Self {
        let words: Vec<Groups> = figures.detectors.iter().map(|one| group_of(*one).map_or(0, bit_of)).collect();
        let of_pattern = |pattern: &u16| words.get(usize::from(*pattern)).copied().unwrap_or(0);
        let ahead = figures.shapes.ahead(|ends| ends.iter().map(of_pattern).fold(0, |all, one| all | one));
        let mut made = Self(Box::new([0; 1 << (2 * FIRST)]));
        each(&figures.shapes, &[figures.shapes.start()], FIRST, &mut Vec::new(), &mut |kinds, states| {
            let outline = kinds.iter().fold(0, |all, kind| all << 2 | kind);
            if let Some(cell) = made.0.get_mut(outline) {
                *cell = states.iter().filter_map(|state| ahead.get(*state as usize)).fold(*cell, |all, one| all | one);
            }
        });
        made
    }

    /// The groups that are wanted by what may begin at `at`.
    pub fn at(&self, text: &[u8], at: usize) -> Groups {
        let byte = |place: usize| text.get(at.saturating_add(place)).copied().unwrap_or(b'\n');
        let outline = (0..FIRST).fold(0, |all, place| all << 2 | kind_of(byte(place)));
        self.0.get(outline).copied().unwrap_or(Groups::MAX)
    }
}

/// Tells of every way what so many bytes may be, with which a match may begin: what they are, and the states after them. What
/// has ended before may have anything behind it.
fn each(
    shapes: &Automaton,
    states: &[u32],
    left: usize,
    kinds: &mut Vec<usize>,
    told: &mut impl FnMut(&[usize], &[u32]),
) {
    let Some(left) = left.checked_sub(1) else {
        told(kinds, states);
        return;
    };
    for kind in 0..4 {
        let bytes: Vec<u8> = (0..=u8::MAX).filter(|byte| kind_of(*byte) == kind).collect();
        let mut reached: Vec<u32> = Vec::new();
        for state in states {
            reached.extend(shapes.is_ending(*state).then_some(*state));
            reached.extend(bytes.iter().map(|byte| shapes.step(*state, *byte)).filter(|next| *next != DEAD));
            reached.sort_unstable();
            reached.dedup();
        }
        if !reached.is_empty() {
            kinds.push(kind);
            each(shapes, &reached, left, kinds, told);
            kinds.pop();
        }
    }
}

/// As `Rows::outline` takes bytes apart.
fn kind_of(byte: u8) -> usize {
    match byte {
        b'0'..=b'9' => 1,
        b'a'..=b'z' | b'A'..=b'Z' => 2,
        b'.' | b':' => 3,
        _ => 0,
    }
}

/// Figure shapes in one automaton.
pub struct Figures {
    shapes: Automaton,
    /// By the number of a pattern: its detector.
    detectors: Vec<u16>,
}

impl Figures {
    /// Those that need a word beside them, or those that do not.
    pub fn new(rows: &[Row], in_context: bool) -> Result<Self, String> {
        let (mut shapes, mut detectors) = (Vec::new(), Vec::new());
        for (number, row) in (0_u16..).zip(rows) {
            if row.how == How::Figure && row.context.is_empty() != in_context {
                shapes.push(format!("(?-u){}", row.shape));
                detectors.push(number);
            }
        }
        Ok(Self { shapes: Automaton::anchored(&shapes)?, detectors })
    }

    pub fn memory(&self) -> usize {
        self.shapes.memory()
    }

    /// The detectors whose shapes match from `at`, each with every end at which no word goes on; in no order.
    pub fn matches(&self, text: &[u8], at: usize, found: &mut Vec<(u16, usize)>) {
        found.clear();
        let mut state = self.shapes.start();
        for (offset, byte) in (at..).zip(text.get(at..).unwrap_or_default()) {
            state = self.shapes.step(state, *byte);
            if self.shapes.is_under_way(state) {
                continue;
            }
            if state == DEAD {
                return;
            }
            let end = offset.saturating_add(1);
            // WHY here already: a row of digits has an end after each of them, and all but the last are none.
            if !goes_on(text, end) {
                let patterns = self.shapes.ends(state).iter();
                let detectors = patterns.filter_map(|pattern| self.detectors.get(usize::from(*pattern)));
                found.extend(detectors.map(|detector| (*detector, end)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::block::{self, Signs};
    use crate::scan::engine;
    use crate::scan::rows::Rows;

    #[test]
    fn outlines_refuse_what_no_figure_begins_with() {
        let Ok(engine) = engine() else {
            return;
        };
        let begins = |text: &str| {
            let (mut seen, mut rows) = ([Signs::default(); 1], Rows::default());
            block::look(&engine.sieve, text.as_bytes(), 0, &mut seen);
            seen.iter().for_each(|signs| rows.take(1, signs));
            engine.outlines.has(rows.outline(0)) == 1
        };
        assert!(["4111 1111", "+49 30 12", "::1", "HRB 1234", "de89 3704", "10.0.0.1", "2026-11-28"]
            .into_iter()
            .all(begins));
        assert!(!["a=b=c=d", "((((((((", "took 532"].into_iter().any(begins));
    }

    /// The detectors of which a match may end in or after bytes that are each one of a few.
    fn possible(figures: &Figures, classes: &[&[u8]]) -> Vec<u16> {
        let (mut states, mut found) = (vec![figures.shapes.start()], Vec::new());
        for class in classes {
            let mut next = Vec::new();
            for state in &states {
                found.extend_from_slice(figures.shapes.ends(*state));
                let steps = class.iter().map(|byte| figures.shapes.step(*state, *byte));
                next.extend(steps.filter(|state| *state != DEAD));
            }
            next.sort_unstable();
            next.dedup();
            states = next;
        }
        for part in 0..4 {
            let bit = |one: &u16| if one / 128 == part { 1_u128 << (one % 128) } else { 0 };
            let ahead = figures.shapes.ahead(|ends| ends.iter().map(bit).fold(0, |all, one| all | one));
            let alive = states.iter().filter_map(|state| ahead.get(*state as usize)).fold(0, |all, one| all | one);
            let patterns = (0_u16..).zip(&figures.detectors).map(|(one, _)| one);
            found.extend(patterns.filter(|one| bit(one) & alive != 0));
        }
        found.sort_unstable();
        found.dedup();
        found.iter().filter_map(|one| figures.detectors.get(usize::from(*one)).copied()).collect()
    }

    #[test]
    fn what_is_a_moment_begins_no_figure() {
        let Ok(engine) = engine() else {
            return;
        };
        let kinds = |classes: &[&[u8]]| {
            let found = possible(&engine.figures, classes);
            let rows = found.iter().filter_map(|one| engine.rows.get(usize::from(*one)));
            rows.map(|row| (row.kind, row.checks.clone())).collect::<Vec<_>>()
        };
        let (digit, colon): (&[u8], &[u8]) = (b"0123456789", b":");
        let rest: Vec<u8> = (0..=u8::MAX).filter(|byte| !byte.is_ascii_alphanumeric() && *byte != b':').collect();
        let time = [digit, digit, colon, digit, digit, colon, digit, digit, &rest];
        assert_eq!(kinds(&time), []);
        let (joint, rest): (&[u8], &[u8]) = (b"-/", b" T\n\",|");
        let date = [b"12", digit, digit, digit, joint, digit, digit, joint, digit, digit, rest];
        assert_eq!(kinds(&date), []);
        // Checks of both refuse what stands behind a colon.
        let (letters, colon): (Vec<u8>, &[u8]) = ((0..=u8::MAX).filter(u8::is_ascii_alphanumeric).collect(), b":");
        for count in 1..=3 {
            let part: Vec<&[u8]> = std::iter::repeat_n(letters.as_slice(), count).chain([colon]).collect();
            let addresses = [("pii.ip_address", vec!["ipv6"]), ("pii.mac_address", vec!["mac"])];
            assert!(kinds(&part).iter().all(|kind| addresses.contains(kind)), "{:?}", kinds(&part));
        }
    }

    #[test]
    fn the_words_that_a_figure_wants_are_those_of_shapes_that_begin_so() {
        let Ok(engine) = engine() else {
            return;
        };
        let group = |kind: &str| {
            let of_kind = |one: &&crate::scan::engine::Detector| engine.types.get(usize::from(one.kind)) == Some(&kind);
            let groups = engine.detectors.iter().filter(of_kind).filter_map(|one| one.context);
            groups.fold(0, |all, one| all | bit_of(one))
        };
        let wants = |text: &str, kind: &str| engine.wanting.at(text.as_bytes(), 0) & group(kind) != 0;
        assert!(wants("555 0123", "pii.phone") && wants("1984-05-17", "pii.date_of_birth"));
        assert!(!wants("id: 5", "pii.phone") && !wants("AB12 3CD", "pii.date_of_birth"));
    }
}
