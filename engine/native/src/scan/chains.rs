//! Stretches of a shape that ask the same of byte after byte (`[A-Za-z0-9]{36}`): gone through in one leap, once it is known how
//! far bytes of that kind go. Other bytes may lead out of them at any place (`[a-z]{20,400}=?`).
//!
//! WHY: a literal that stands every few bytes has its shape walked from each of them, over the same bytes again and again. How
//! far letters of a kind go is found out once for all of these walks (`values::Run`).

use std::collections::{BTreeMap, HashMap};

use crate::scan::automaton::{Automaton, Way, DEAD};
use crate::scan::values::Run;

/// A shorter stretch is walked.
const SHORTEST: usize = 8;
/// So many bytes are walked between two leaps, and so many leaps are tried before it is left to others to go on.
const STEPS: usize = 4;
const LEAPS: usize = 8;

/// Kinds of bytes, each with its number.
#[derive(Default)]
pub struct Kinds {
    numbers: BTreeMap<[u64; 4], u16>,
    pub tables: Vec<[bool; 256]>,
}

impl Kinds {
    fn number(&mut self, kind: [bool; 256]) -> Option<u16> {
        let bits = crate::scan::automaton::bits(|byte| kind.get(usize::from(byte)) == Some(&true));
        if let Some(known) = self.numbers.get(&bits) {
            return Some(*known);
        }
        let number = u16::try_from(self.tables.len()).ok()?;
        self.numbers.insert(bits, number);
        self.tables.push(kind);
        Some(number)
    }
}

/// Whether a match ends where so many bytes of a stretch were gone through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Never,
    Always,
    /// After some bytes and not after others.
    Some,
}

/// A state in a stretch.
#[derive(Clone, Copy)]
struct Place {
    state: u32,
    ends: Ends,
    /// How many places before this one there is one where a match may end, this one included; none before the stretch.
    last: Option<u16>,
}

/// The stretches of an automaton.
pub struct Chains {
    /// By state: where in `places` it is, how many bytes there are to the end of its stretch (`ENDLESS`: they leave the state
    /// as it is), and of which kind.
    states: Vec<(u32, u16, u16)>,
    places: Vec<Place>,
}

const ENDLESS: u16 = u16::MAX;

impl Chains {
    /// Finds the stretches of an automaton, if it has any.
    pub fn new(shape: &Automaton, kinds: &mut Kinds) -> Option<Self> {
        let count = shape.count();
        // States of which all bytes lead the same ways are one but for whether a match ends there.
        let mut same: HashMap<&[u16], u32> = HashMap::new();
        let twin: Vec<u32> = (0..count).map(|state| *same.entry(shape.row(state)).or_insert(state)).collect();
        let twin_of = |state: u32| twin.get(state as usize).copied().unwrap_or(DEAD);
        let weights = shape.weights();
        let mut steps: Vec<Option<(u32, u16)>> = Vec::with_capacity(count as usize);
        for state in 0..count {
            // Where most bytes lead; others may lead elsewhere.
            let ways = shape.row(state).iter().map(|next| u32::from(*next)).zip(&weights);
            let mut shares: Vec<(u32, usize)> = Vec::new();
            for (next, weight) in ways.filter(|(next, _)| *next != DEAD) {
                match shares.iter_mut().find(|(way, _)| *way == twin_of(next)) {
                    Some((_, share)) => *share = share.saturating_add(*weight),
                    None => shares.push((twin_of(next), *weight)),
                }
            }
            let most = shares.into_iter().max_by_key(|(_, share)| *share).map(|(way, _)| way);
            let leads = |way: u32, next: u32| next != DEAD && twin_of(next) == way;
            let mut kind =
                |way: u32| kinds.number(std::array::from_fn(|byte| leads(way, shape.step(state, byte as u8))));
            let way = most.filter(|way| *way != twin_of(state));
            steps.push(way.and_then(|way| Some((way, kind(way)?))));
        }
        let step = |state: u32| steps.get(state as usize).copied().flatten();
        let stays = |state: u32| {
            let kind: [bool; 256] = std::array::from_fn(|byte| state != DEAD && shape.step(state, byte as u8) == state);
            Some(kind).filter(|kind| kind.iter().filter(|stays| **stays).count() >= SHORTEST)
        };
        let mut made = Self { states: vec![(0, 0, 0); count as usize], places: Vec::new() };
        // A stretch begins where none leads to it in the same way.
        let mut inner = vec![false; count as usize];
        for (next, kind) in steps.iter().flatten() {
            if step(*next).is_some_and(|(_, other)| other == *kind) {
                if let Some(slot) = inner.get_mut(*next as usize) {
                    *slot = true;
                }
            }
        }
        for state in (0..count).filter(|state| inner.get(*state as usize) == Some(&false)) {
            made.add(shape, state, step, twin_of);
        }
        // Others that lead the same ways are where their twin is.
        for state in 0..count {
            let place = made.states.get(twin_of(state) as usize).copied().unwrap_or_default();
            if let Some(slot) = made.states.get_mut(state as usize) {
                *slot = place;
            }
        }
        for state in 0..count {
            let kind = stays(state).and_then(|kind| kinds.number(kind));
            if let (Some(kind), Some(slot)) = (kind, made.states.get_mut(state as usize)) {
                *slot = (0, ENDLESS, kind);
            }
        }
        made.states.iter().any(|(_, left, _)| usize::from(*left) >= SHORTEST).then_some(made)
    }

    fn add(
        &mut self,
        shape: &Automaton,
        from: u32,
        step: impl Fn(u32) -> Option<(u32, u16)>,
        twin_of: impl Fn(u32) -> u32,
    ) {
        let Some((_, kind)) = step(from) else {
            return;
        };
        let mut path = vec![from];
        let mut at = from;
        while let Some((next, _)) = step(at).filter(|(_, other)| *other == kind && path.len() < usize::from(ENDLESS)) {
            path.push(next);
            at = next;
            // What is known already is not gone through again; and nothing goes round for ever.
            if self.states.get(next as usize).is_some_and(|(_, left, _)| *left > 0) || path.len() > self.states.len() {
                break;
            }
        }
        let begin = self.places.len();
        let mut last: Option<u16> = None;
        for (offset, state) in path.iter().enumerate() {
            let before = offset.checked_sub(1).and_then(|before| path.get(before));
            let ends = before.map_or(Ends::Never, |before| {
                let ways = shape.row(*before).iter().map(|next| u32::from(*next));
                let mut next = ways.filter(|next| *next != DEAD && twin_of(*next) == *state);
                let (first, mut all) = (next.next().is_some_and(|next| shape.is_ending(next)), true);
                next.for_each(|next| all &= shape.is_ending(next) == first);
                match (all, first) {
                    (false, _) => Ends::Some,
                    (true, true) => Ends::Always,
                    (true, false) => Ends::Never,
                }
            });
            last = if ends == Ends::Never { last.and_then(|last| last.checked_add(1)) } else { Some(0) };
            self.places.push(Place { state: *state, ends, last });
            let left = path.len().saturating_sub(1).saturating_sub(offset);
            let place = u32::try_from(begin.saturating_add(offset)).unwrap_or(u32::MAX);
            if let Some(slot) = self.states.get_mut(*state as usize).filter(|slot| slot.1 == 0) {
                *slot = (place, u16::try_from(left).unwrap_or(0), kind);
            }
        }
    }
}

/// How far kinds of bytes go in the text under way.
pub struct Leaps<'a> {
    tables: &'a [[bool; 256]],
    runs: Vec<Run>,
}

/// What leaping came to.
pub enum Leapt {
    /// The walk is over: where the longest match ends.
    Over(Option<usize>),
    /// It goes on without leaps from here.
    On(usize, Way),
}

impl<'a> Leaps<'a> {
    pub fn new(kinds: &'a Kinds) -> Self {
        Self { tables: &kinds.tables, runs: Vec::new() }
    }

    /// How far bytes of a kind go from `at` on, no more than `most`.
    fn end(&mut self, kind: u16, text: &[u8], at: usize, most: usize) -> usize {
        // WHY only now: most texts are short, and nothing in them begins a stretch.
        if self.runs.is_empty() {
            self.runs.resize_with(self.tables.len(), Run::default);
        }
        match (self.tables.get(usize::from(kind)), self.runs.get_mut(usize::from(kind))) {
            (Some(table), Some(run)) => run.end(text, at, most, |byte| table.get(usize::from(byte)) == Some(&true)),
            _ => at,
        }
    }

    /// Takes a walk that has come to `at` as far as it goes in leaps and a few steps between them.
    pub fn take(&mut self, shape: &Automaton, chains: &Chains, text: &[u8], mut at: usize, mut way: Way) -> Leapt {
        for _ in 0..LEAPS {
            (at, way) = self.leap(shape, chains, text, at, way);
            let next = at.saturating_add(STEPS);
            way = shape.go(text, at, next, way);
            if way.is_over() || next >= text.len() {
                return Leapt::Over(way.found);
            }
            at = next;
        }
        Leapt::On(at, way)
    }

    /// Goes over what there is of the stretch that a walk is in.
    #[inline]
    fn leap(&mut self, shape: &Automaton, chains: &Chains, text: &[u8], at: usize, way: Way) -> (usize, Way) {
        let (place, left, kind) = chains.states.get(way.state as usize).copied().unwrap_or_default();
        if usize::from(left) < SHORTEST {
            return (at, way);
        }
        let place = place as usize;
        let most = if left == ENDLESS { usize::MAX } else { usize::from(left) };
        let end = self.end(kind, text, at, most);
        let count = end.saturating_sub(at);
        match count.checked_sub(1) {
            None => (at, way),
            Some(_) if left == ENDLESS => {
                (end, Way { found: if shape.is_ending(way.state) { Some(end) } else { way.found }, ..way })
            }
            Some(before) => {
                let found = chains.last_end(shape, text, (at, place), count).or(way.found);
                // A place stands for all states that lead the same ways; which of them it is the byte before it tells.
                let last = chains.places.get(place.saturating_add(before)).zip(text.get(at.saturating_add(before)));
                (end, Way { state: last.map_or(DEAD, |(last, byte)| shape.step(last.state, *byte)), found })
            }
        }
    }
}

impl Chains {
    /// Where the last match ends within so many bytes of a stretch that is at this place of it at `at`.
    fn last_end(&self, shape: &Automaton, text: &[u8], (at, place): (usize, usize), count: usize) -> Option<usize> {
        let mut offset = count;
        loop {
            let here = self.places.get(place.saturating_add(offset))?;
            offset = offset.checked_sub(usize::from(here.last?)).filter(|offset| *offset > 0)?;
            let here = self.places.get(place.saturating_add(offset))?;
            let end = at.saturating_add(offset);
            let holds = here.ends == Ends::Always || {
                let before = self.places.get(place.saturating_add(offset).saturating_sub(1))?;
                shape.is_ending(shape.step(before.state, *text.get(end.saturating_sub(1))?))
            };
            if holds {
                return Some(end);
            }
            offset = offset.checked_sub(1)?;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn leaps_come_to_what_steps_come_to() {
        let shapes = [
            "k_[a-z0-9]{12}",
            "k_[a-z0-9]{10,40}z?",
            "k_(?:2-)?[a-z0-9]{1,4}[a-z0-9-]{8,60}",
            "k_[0-9a-z]{6,14}-[a-z0-9-]{9,50}[a-z0-9]",
            "k_(?:[a-z]{20}|[0-9a-z]{30})",
            "[a-z0-9]{20}k_[a-z0-9]{9}",
            "k_[a-z]{9,}\\.[a-z]{11}",
            "k_[a-z0-9]+ {0,2}-[^ ]{2,30}",
            "k_[a-z0-9]{8,60}-?z?",
            "k_[a-z]{3,40}(?:-[a-z]{9,50}_?)?",
        ];
        let mut kinds = Kinds::default();
        let shapes = shapes.map(|one| {
            let shape = Automaton::anchored(&[format!("(?-u){one}")]).expect("builds");
            let chains = Chains::new(&shape, &mut kinds).expect("has stretches");
            (shape, chains)
        });
        let mut seed = 7_u64;
        let mut below = |bound: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) as usize % bound
        };
        let mut found = 0;
        for _ in 0..2_000 {
            let rarely = 2 + below(60);
            let text: Vec<u8> = (0..30 + below(50))
                .flat_map(|_| {
                    if below(rarely) == 0 {
                        b"-.k_ ".get(below(5)..).unwrap_or_default()
                    } else {
                        b"k_a1z9".get(below(6)..).unwrap_or_default()
                    }
                })
                .copied()
                .collect();
            let mut leaps = Leaps::new(&kinds);
            for at in 0..text.len() {
                for (shape, chains) in &shapes {
                    let came = match leaps.take(shape, chains, &text, at, shape.way(at)) {
                        Leapt::Over(found) => found,
                        Leapt::On(at, way) => shape.go(&text, at, text.len(), way).found,
                    };
                    assert_eq!(came, shape.longest(&text, at), "{at} {}", String::from_utf8_lossy(&text));
                    found += usize::from(came.is_some());
                }
            }
        }
        assert!(found > 1_000, "{found}");
    }
}
