//! What long walks through a text came to, so that another one through the same place need not go on.
//!
//! A shape without a longest length may be begun again and again inside the stretch that its last walk went through. Two
//! walks of one shape that are in the same state at the same place go the same way from there, so the later one is over as
//! soon as it meets the earlier: however often a shape is begun, a text is gone through about once.

use std::collections::BTreeMap;

use crate::scan::automaton::{Automaton, Way};

/// So far a walk goes without a note being taken: nearly all are over by then.
const NEAR: usize = 32;
/// A note is taken at each multiple of this many bytes.
const STRETCH: usize = 16;

/// Of each detector that had one: its last long walk.
#[derive(Default)]
pub struct Walks(BTreeMap<u16, Walk>);

/// A walk: its states at multiples of `STRETCH`, the first of them that of the number `first`. Those before `from` are of
/// walks before it.
#[derive(Default)]
struct Walk {
    first: usize,
    from: usize,
    states: Vec<u32>,
    found: Option<usize>,
}

impl Walks {
    /// Where the longest match of a detector's shape ends that begins at `at`.
    #[inline]
    pub fn longest(&mut self, detector: u16, shape: &Automaton, text: &[u8], at: usize) -> Option<usize> {
        self.longest_of(detector, shape, text, at, shape.way(at))
    }

    /// The same of one that has come to `at`.
    #[inline]
    pub fn longest_of(&mut self, detector: u16, shape: &Automaton, text: &[u8], at: usize, way: Way) -> Option<usize> {
        let near = at.saturating_add(NEAR).next_multiple_of(STRETCH);
        let way = shape.go(text, at, near, way);
        if way.is_over() || near >= text.len() {
            return way.found;
        }
        self.0.entry(detector).or_default().go_on(shape, text, near, way)
    }
}

impl Walk {
    fn go_on(&mut self, shape: &Automaton, text: &[u8], mut at: usize, mut way: Way) -> Option<usize> {
        let begin = at / STRETCH;
        let known = self.first..self.first.saturating_add(self.states.len());
        // One that begins where no note follows on has nothing to meet.
        if !(self.from..=known.end).contains(&begin) {
            self.states.clear();
            self.first = begin;
        }
        self.from = begin;
        while at < text.len() {
            let place = (at / STRETCH).saturating_sub(self.first);
            match self.states.get_mut(place) {
                Some(met) if *met == way.state => {
                    way.found = self.found.filter(|end| *end > at).or(way.found);
                    self.found = way.found;
                    return way.found;
                }
                Some(other) => *other = way.state,
                None => self.states.push(way.state),
            }
            let next = at.saturating_add(STRETCH);
            way = match shape.stay(text, at, next, &way) {
                Some(same) => same,
                None => shape.go(text, at, next, way),
            };
            if way.is_over() {
                // What was noted farther on is of a walk that this one did not meet.
                self.states.truncate(place.saturating_add(1));
                break;
            }
            at = next;
        }
        self.found = way.found;
        way.found
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn walks_come_to_what_one_without_notes_comes_to() {
        let shapes = [
            "a[a-z=]{3,}z?",
            "a[^;]+;b{2,4}",
            "(?:ab?){2,90}c",
            "a(?:x{0,40}|y+z)",
            "a[a-z=]{3,}\\.[a-z=]{9,}(?:\\.q+)?",
        ];
        let shapes = shapes.map(|one| Automaton::anchored(&[format!("(?-u){one}")]).expect("builds"));
        let mut seed = 7_u64;
        for _ in 0..3_000 {
            let mut walks = Walks::default();
            let mut below = |bound: u64| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                (seed >> 11) % bound
            };
            let rarely = 2 + below(60);
            let text: Vec<u8> =
                (0..100 + below(300))
                    .map(|_| {
                        if below(rarely) == 0 {
                            b"=.;xyzcb q"[below(10) as usize]
                        } else {
                            b"abaaa="[below(6) as usize]
                        }
                    })
                    .collect();
            for at in 0..text.len() {
                for (number, shape) in (0..).zip(&shapes) {
                    if text[at] == b'a' && below(3) > 0 {
                        let expected = shape.longest(&text, at);
                        assert_eq!(walks.longest(number, shape, &text, at), expected, "{number} {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_text_is_gone_through_about_once() {
        let shape = Automaton::anchored(&["(?-u)uid=[^;]+;x".to_owned()]).expect("builds");
        let (text, mut walks) = (b"uid=".repeat(250_000), Walks::default());
        for at in (0..text.len()).step_by(4) {
            assert_eq!(walks.longest(0, &shape, &text, at), None);
        }
    }
}
