//! Patterns as one automaton, whole in a table: a step is a lookup, whatever the text.
//!
//! The pattern is read and taken apart by `regex-automata`; the sets of its states become states here, once. Not the
//! crate's own dense automata, which would have all that stands on `regex` built with other features.

use std::collections::HashMap;

use regex_automata::nfa::thompson::{Compiler, Config, State, WhichCaptures, NFA};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;

/// The largest table, in cells; patterns that need more do not build, which tests see.
const LARGEST: usize = 4 << 20;
/// The state after which nothing can match.
pub const DEAD: u32 = 0;

/// An automaton. A state is the number of its row in `next`.
pub struct Automaton {
    classes: [u8; 256],
    shift: u32,
    next: Vec<u16>,
    start: u32,
    /// States from here on end a match.
    ending: u32,
    /// By state number less the first ending one: the patterns that end there.
    ends: Vec<Vec<u16>>,
    /// By state: the classes of bytes that leave it as it is, a bit each of the first sixty-four.
    stays: Vec<u64>,
}

/// How far a walk has come.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    pub state: u32,
    /// Where the longest match so far ends.
    pub found: Option<usize>,
}

impl Way {
    /// Whether nothing can match any more.
    pub fn is_over(&self) -> bool {
        self.state == DEAD
    }
}

impl Automaton {
    /// Patterns that begin where the walk begins.
    pub fn anchored(patterns: &[String]) -> Result<Self, String> {
        Self::build(patterns, NFA::start_anchored)
    }

    /// Patterns that may begin anywhere.
    pub fn searching(patterns: &[&str]) -> Result<Self, String> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        Self::build(&patterns, NFA::start_unanchored)
    }

    fn build(patterns: &[String], start: impl Fn(&NFA) -> StateID) -> Result<Self, String> {
        let nfa = Compiler::new()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .configure(Config::new().utf8(false).which_captures(WhichCaptures::None))
            .build_many(patterns)
            .map_err(|error| error.to_string())?;
        let mut sets = Sets::new(&nfa);
        // State 0 is the empty set: dead.
        sets.number(Vec::new())?;
        let first = sets.closure([start(&nfa)])?;
        let start = sets.number(first)?;
        sets.fill()?;
        Ok(sets.table(start))
    }

    pub fn start(&self) -> u32 {
        self.start
    }

    /// How many states there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.next.len().wrapping_shr(self.shift)).unwrap_or(0)
    }

    /// The states to which a state leads, by classes of bytes.
    pub fn row(&self, state: u32) -> &[u16] {
        let begin = (state as usize).wrapping_shl(self.shift);
        self.next.get(begin..begin.saturating_add(1_usize.wrapping_shl(self.shift))).unwrap_or_default()
    }

    /// How many bytes are of each class.
    pub fn weights(&self) -> Vec<usize> {
        let mut weights = vec![0_usize; 1_usize.wrapping_shl(self.shift)];
        for class in self.classes {
            if let Some(weight) = weights.get_mut(usize::from(class)) {
                *weight = weight.saturating_add(1);
            }
        }
        weights
    }

    /// The state after one more byte.
    #[inline]
    pub fn step(&self, state: u32, byte: u8) -> u32 {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or(0);
        let row = (state as usize).wrapping_shl(self.shift);
        self.next.get(row.wrapping_add(usize::from(class))).copied().map_or(DEAD, u32::from)
    }

    /// Whether patterns end in this state.
    #[inline]
    pub fn is_ending(&self, state: u32) -> bool {
        state >= self.ending
    }

    /// Whether something may match yet and nothing ends in this state: one question instead of two.
    #[inline]
    pub fn is_under_way(&self, state: u32) -> bool {
        state.wrapping_sub(1) < self.ending.wrapping_sub(1)
    }

    /// The patterns that end in this state.
    pub fn ends(&self, state: u32) -> &[u16] {
        self.ends.get(state.wrapping_sub(self.ending) as usize).map_or(&[], Vec::as_slice)
    }

    /// By state: what `of` says of all patterns that may still end after it, or end in it, together.
    pub fn ahead(&self, of: impl Fn(&[u16]) -> u128) -> Vec<u128> {
        let states = self.next.len().wrapping_shr(self.shift);
        let mut told: Vec<u128> = (0_u32..).take(states).map(|state| of(self.ends(state))).collect();
        loop {
            let rows = self.next.chunks(1_usize.wrapping_shl(self.shift)).zip(&told);
            let sum =
                |row: &[u16]| row.iter().filter_map(|next| told.get(usize::from(*next))).fold(0, |all, one| all | one);
            let fresh: Vec<u128> = rows.map(|(row, own)| own | sum(row)).collect();
            if fresh == told {
                return told;
            }
            told = fresh;
        }
    }

    /// Where the longest match that begins at `at` ends.
    pub fn longest(&self, text: &[u8], at: usize) -> Option<usize> {
        self.go(text, at, text.len(), self.way(at)).found
    }

    /// A walk that begins at `at`.
    #[inline]
    pub fn way(&self, at: usize) -> Way {
        Way { state: self.start, found: self.is_ending(self.start).then_some(at) }
    }

    /// Whether any match begins at `at`.
    pub fn is_begun(&self, text: &[u8], at: usize) -> bool {
        let mut state = self.start;
        for byte in text.get(at..).unwrap_or_default() {
            if self.is_ending(state) {
                break;
            }
            state = self.step(state, *byte);
            if state == DEAD {
                return false;
            }
        }
        self.is_ending(state)
    }

    /// Goes on from `at` to before `to`, or until the walk is over.
    #[inline]
    pub fn go(&self, text: &[u8], at: usize, to: usize, way: Way) -> Way {
        let Way { mut state, mut found } = way;
        let mut end = at;
        for byte in text.get(at..text.len().min(to)).unwrap_or_default() {
            state = self.step(state, *byte);
            end = end.wrapping_add(1);
            // WHY one question: of most bytes nothing else is to be said.
            if self.is_under_way(state) {
                continue;
            }
            if state == DEAD {
                break;
            }
            found = Some(end);
        }
        Way { state, found }
    }

    /// The same when no byte of the stretch changes the state: they are looked at together.
    pub fn stay(&self, text: &[u8], at: usize, to: usize, way: &Way) -> Option<Way> {
        let stays = self.stays.get(way.state as usize).copied().unwrap_or(0);
        let class = |byte: &u8| u32::from(self.classes.get(usize::from(*byte)).copied().unwrap_or(0));
        let stretch = text.get(at..to).filter(|_| stays != 0)?;
        let all = stretch.iter().fold(1, |all, byte| all & stays.wrapping_shr(class(byte)));
        let found = if self.is_ending(way.state) { Some(to) } else { way.found };
        (all == 1).then_some(Way { state: way.state, found })
    }

    /// Of a match that begins at `at` in a text that goes on: whether more of it may come, and where the longest one ends.
    pub fn reach(&self, text: &[u8], at: usize) -> (bool, Option<usize>) {
        let mut state = self.start;
        let mut found = self.is_ending(state).then_some(at);
        for (offset, byte) in (at..).zip(text.get(at..).unwrap_or_default()) {
            state = self.step(state, *byte);
            if state == DEAD {
                return (false, found);
            }
            if self.is_ending(state) {
                found = Some(offset.saturating_add(1));
            }
        }
        (self.leads_on(state), found)
    }

    /// Whether any byte leads on from a state.
    fn leads_on(&self, state: u32) -> bool {
        self.row(state).iter().any(|next| u32::from(*next) != DEAD)
    }

    /// The last place where a match that begins at `at` ends and for which `holds`.
    pub fn last_end(&self, text: &[u8], at: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
        let mut state = self.start;
        let mut found = None;
        for (offset, byte) in (at..).zip(text.get(at..)?) {
            state = self.step(state, *byte);
            if state == DEAD {
                break;
            }
            let end = offset.saturating_add(1);
            if self.is_ending(state) && holds(end) {
                found = Some(end);
            }
        }
        found
    }

    pub fn memory(&self) -> usize {
        self.next.len().saturating_mul(2)
    }
}

/// A bit for each byte of which something holds.
pub fn bits(holds: impl Fn(u8) -> bool) -> [u64; 4] {
    let mut bits = [0_u64; 4];
    for byte in (0..=u8::MAX).filter(|byte| holds(*byte)) {
        if let Some(some) = bits.get_mut(usize::from(byte >> 6)) {
            *some |= 1_u64.wrapping_shl(u32::from(byte & 63));
        }
    }
    bits
}

/// Sets of the pattern's states, each a state of the automaton.
struct Sets<'a> {
    nfa: &'a NFA,
    /// One byte of each class: bytes of one class lead the same ways.
    bytes: Vec<u8>,
    classes: [u8; 256],
    numbers: HashMap<Vec<u32>, u32>,
    members: Vec<Vec<u32>>,
    rows: Vec<Vec<u32>>,
    marked: Vec<u32>,
    mark: u32,
}

impl<'a> Sets<'a> {
    fn new(nfa: &'a NFA) -> Self {
        let (mut classes, mut bytes) = ([0_u8; 256], Vec::new());
        for byte in 0..=u8::MAX {
            let class = nfa.byte_classes().get(byte);
            if usize::from(class) == bytes.len() {
                bytes.push(byte);
            }
            if let Some(slot) = classes.get_mut(usize::from(byte)) {
                *slot = class;
            }
        }
        let marked = vec![0; nfa.states().len()];
        Self { nfa, bytes, classes, numbers: HashMap::new(), members: Vec::new(), rows: Vec::new(), marked, mark: 0 }
    }

    /// The number of a set; a new one is put on the list.
    fn number(&mut self, set: Vec<u32>) -> Result<u32, String> {
        if let Some(known) = self.numbers.get(&set) {
            return Ok(*known);
        }
        let number = u32::try_from(self.members.len()).map_err(|_| "too many states".to_owned())?;
        if self.members.len().saturating_mul(self.bytes.len()) > LARGEST || number >= u32::from(u16::MAX) {
            return Err("the patterns need too large a table".to_owned());
        }
        self.members.push(set.clone());
        self.numbers.insert(set, number);
        Ok(number)
    }

    /// All states that are reached without a byte, those that matter.
    fn closure(&mut self, from: impl IntoIterator<Item = StateID>) -> Result<Vec<u32>, String> {
        self.mark = self.mark.saturating_add(1);
        let mut open: Vec<StateID> = from.into_iter().collect();
        let mut set = Vec::new();
        while let Some(id) = open.pop() {
            match self.marked.get_mut(id.as_usize()) {
                Some(mark) if *mark != self.mark => *mark = self.mark,
                _ => continue,
            }
            match self.nfa.state(id) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Match { .. } => {
                    set.push(id.as_u32())
                }
                State::Union { alternates } => open.extend(alternates.iter().copied()),
                State::BinaryUnion { alt1, alt2 } => open.extend([*alt1, *alt2]),
                State::Capture { next, .. } => open.push(*next),
                State::Look { .. } => return Err("patterns here do not look around".to_owned()),
                State::Fail => {}
            }
        }
        set.sort_unstable();
        Ok(set)
    }

    /// Follows every set by every class until no new set comes up.
    fn fill(&mut self) -> Result<(), String> {
        let mut at = 0_usize;
        while let Some(set) = self.members.get(at).cloned() {
            let mut row = Vec::with_capacity(self.bytes.len());
            for byte in self.bytes.clone() {
                let reached: Vec<StateID> = set.iter().filter_map(|id| self.follow(*id, byte)).collect();
                let next = self.closure(reached)?;
                row.push(self.number(next)?);
            }
            self.rows.push(row);
            at = at.saturating_add(1);
        }
        Ok(())
    }

    fn follow(&self, id: u32, byte: u8) -> Option<StateID> {
        match self.nfa.states().get(id as usize)? {
            State::ByteRange { trans } => (trans.start..=trans.end).contains(&byte).then_some(trans.next),
            State::Sparse(sparse) => {
                sparse.transitions.iter().find(|one| (one.start..=one.end).contains(&byte)).map(|one| one.next)
            }
            State::Dense(dense) => {
                dense.transitions.get(usize::from(byte)).copied().filter(|next| *next != StateID::ZERO)
            }
            _ => None,
        }
    }

    /// The patterns that a set ends.
    fn ends(&self, number: usize) -> Vec<u16> {
        let members = self.members.get(number).map_or(&[][..], Vec::as_slice);
        let pattern = |id: &u32| match self.nfa.states().get(*id as usize) {
            Some(State::Match { pattern_id }) => u16::try_from(pattern_id.as_usize()).ok(),
            _ => None,
        };
        members.iter().filter_map(pattern).collect()
    }

    /// The rows as one table, those that end a match last.
    fn table(self, start: u32) -> Automaton {
        let shift = self.bytes.len().next_power_of_two().trailing_zeros();
        let width = 1_usize.wrapping_shl(shift);
        let mut ending: Vec<Vec<u16>> = (0..self.members.len()).map(|number| self.ends(number)).collect();
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.sort_by_key(|number| ending.get(*number).is_some_and(|ends| !ends.is_empty()));
        let mut place = vec![0_u16; self.members.len()];
        for (at, number) in order.iter().enumerate() {
            if let Some(slot) = place.get_mut(*number) {
                *slot = u16::try_from(at).unwrap_or(0);
            }
        }
        let to = |number: u32| place.get(number as usize).copied().unwrap_or(0);
        let mut next = Vec::with_capacity(order.len().saturating_mul(width));
        for number in &order {
            let row = self.rows.get(*number).map_or(&[][..], Vec::as_slice);
            next.extend(row.iter().map(|number| to(*number)));
            next.resize(next.len().next_multiple_of(width), 0);
        }
        let plain = order.iter().take_while(|number| ending.get(**number).is_none_or(Vec::is_empty)).count();
        let ends = order.iter().skip(plain).filter_map(|number| ending.get_mut(*number).map(std::mem::take)).collect();
        let first = u32::try_from(plain).unwrap_or(u32::MAX);
        let stays = (0_u16..).zip(next.chunks(width)).map(|(state, row)| {
            let same = (0..).zip(row).filter(|(_, next)| **next == state && width <= 64);
            same.fold(0, |all, (class, _)| all | 1_u64.wrapping_shl(class))
        });
        let stays = stays.collect();
        Automaton { classes: self.classes, shift, next, start: u32::from(to(start)), ending: first, ends, stays }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchored(pattern: &str) -> Option<Automaton> {
        Automaton::anchored(&[format!("(?-u){pattern}")]).ok()
    }

    #[test]
    fn the_longest_match_is_told() {
        let found = |pattern: &str, text: &str| anchored(pattern).and_then(|one| one.longest(text.as_bytes(), 1));
        assert_eq!(found("ab{1,3}", "xabbbbb"), Some(5));
        assert_eq!(found("a(?:b|bc)", "xabcd"), Some(4));
        assert_eq!(found("b", "xa"), None);
        assert_eq!(found("[^a]+", "x\u{e9}"), Some(3));
    }

    #[test]
    fn what_may_still_come_is_told() {
        let reach = |pattern: &str, text: &str| anchored(pattern).map(|one| one.reach(text.as_bytes(), 0));
        assert_eq!(reach("ab{1,3}", "ab"), Some((true, Some(2))));
        assert_eq!(reach("ab{1,3}", "abbb"), Some((false, Some(4))));
        assert_eq!(reach("abc", "ab"), Some((true, None)));
        assert_eq!(reach("abc", "abd"), Some((false, None)));
    }

    #[test]
    fn patterns_are_told_apart_and_found_anywhere() {
        let built = Automaton::searching(&["(?-u)a[0-9]", "(?-u)[0-9]z"]);
        let Ok(built) = built else {
            assert!(built.is_ok());
            return;
        };
        let (mut state, mut found) = (built.start(), Vec::new());
        for (at, byte) in b"xa1z".iter().enumerate() {
            state = built.step(state, *byte);
            if built.is_ending(state) {
                found.extend(built.ends(state).iter().map(|pattern| (at, *pattern)));
            }
        }
        assert_eq!(found, [(2, 0), (3, 1)]);
    }

    #[test]
    fn what_would_be_too_large_or_looks_around_does_not_build() {
        assert!(anchored(r"\ba").is_none());
        assert!(anchored("(?:[ab]{0,40}a[ab]{40}){4}").is_none());
    }
}
