//! Finds many literals at once, in any case: the automaton of Aho and Corasick, whole in a table, a lookup a byte.

use std::collections::VecDeque;

/// No state; never in a finished table.
const NONE: u32 = u32::MAX;
/// A table with more states does not build.
const MOST: usize = 60_000;

/// The automaton. A state is the offset of its row in `next`.
pub struct Words {
    classes: [u8; 256],
    /// A row has two to this power cells: a state's number is a shift away.
    shift: u32,
    next: Vec<u32>,
    /// States from here on end a literal.
    ending: u32,
    /// By state number less the first ending one: the literals that end there.
    ends: Vec<Vec<u16>>,
}

impl Words {
    /// Builds it from literals in lower case; a literal's number is its place.
    pub fn new(literals: &[&[u8]]) -> Result<Self, String> {
        let mut classes = [0_u8; 256];
        let mut width = 1_usize;
        for byte in literals.iter().flat_map(|literal| literal.iter()) {
            let known = classes.get(usize::from(*byte)).copied().unwrap_or(0);
            if known == 0 {
                let class = u8::try_from(width).map_err(|_| "too many bytes in literals".to_owned())?;
                for same in [*byte, byte.to_ascii_uppercase()] {
                    if let Some(slot) = classes.get_mut(usize::from(same)) {
                        *slot = class;
                    }
                }
                width = width.saturating_add(1);
            }
        }
        let shift = width.next_power_of_two().trailing_zeros();
        let mut trie = Trie { classes, rows: vec![vec![NONE; width.next_power_of_two()]], ends: vec![Vec::new()] };
        for (number, literal) in (0_u16..).zip(literals) {
            trie.add(literal, number)?;
        }
        trie.close();
        Ok(trie.table(shift))
    }

    /// The first state.
    pub fn start(&self) -> u32 {
        0
    }

    /// The state after one more byte.
    #[inline]
    pub fn step(&self, state: u32, byte: u8) -> u32 {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or(0);
        self.next.get((state as usize).wrapping_add(usize::from(class))).copied().unwrap_or(0)
    }

    /// Whether literals end in this state.
    #[inline]
    pub fn is_ending(&self, state: u32) -> bool {
        state >= self.ending
    }

    /// The literals that end in this state.
    pub fn ends(&self, state: u32) -> &[u16] {
        let number = state.wrapping_sub(self.ending).wrapping_shr(self.shift);
        self.ends.get(number as usize).map_or(&[], Vec::as_slice)
    }

    pub fn memory(&self) -> usize {
        self.next.len().saturating_mul(4)
    }
}

struct Trie {
    classes: [u8; 256],
    rows: Vec<Vec<u32>>,
    ends: Vec<Vec<u16>>,
}

impl Trie {
    fn add(&mut self, literal: &[u8], number: u16) -> Result<(), String> {
        let mut state = 0_usize;
        for byte in literal {
            let class = usize::from(self.classes.get(usize::from(*byte)).copied().unwrap_or(0));
            let next = self.rows.get(state).and_then(|row| row.get(class)).copied().unwrap_or(NONE);
            if next != NONE {
                state = next as usize;
                continue;
            }
            let fresh = self.rows.len();
            if fresh >= MOST {
                return Err("too many literals".to_owned());
            }
            let width = self.rows.first().map_or(0, Vec::len);
            self.rows.push(vec![NONE; width]);
            self.ends.push(Vec::new());
            if let Some(slot) = self.rows.get_mut(state).and_then(|row| row.get_mut(class)) {
                *slot = u32::try_from(fresh).unwrap_or(NONE);
            }
            state = fresh;
        }
        if let Some(ends) = self.ends.get_mut(state) {
            ends.push(number);
        }
        Ok(())
    }

    /// Fills in where each state goes on what no literal continues with: as its longest proper suffix does.
    fn close(&mut self) {
        let mut queue = VecDeque::new();
        for slot in self.rows.first_mut().into_iter().flatten() {
            if *slot == NONE {
                *slot = 0;
            } else {
                queue.push_back((*slot as usize, 0_usize));
            }
        }
        while let Some((state, suffix)) = queue.pop_front() {
            let inherited = self.ends.get(suffix).cloned().unwrap_or_default();
            if let Some(ends) = self.ends.get_mut(state) {
                ends.extend(inherited);
            }
            let beyond = self.rows.get(suffix).cloned().unwrap_or_default();
            for (slot, other) in self.rows.get_mut(state).into_iter().flatten().zip(beyond) {
                if *slot == NONE {
                    *slot = other;
                } else {
                    queue.push_back((*slot as usize, other as usize));
                }
            }
        }
    }

    /// The rows as one table, those that end a literal last.
    fn table(self, shift: u32) -> Words {
        let width = 1_usize.wrapping_shl(shift);
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by_key(|state| self.ends.get(*state).is_some_and(|ends| !ends.is_empty()));
        let mut place = vec![0_u32; self.rows.len()];
        for (at, state) in order.iter().enumerate() {
            if let Some(slot) = place.get_mut(*state) {
                *slot = u32::try_from(at.saturating_mul(width)).unwrap_or(0);
            }
        }
        let mut next = Vec::with_capacity(self.rows.len().saturating_mul(width));
        for state in &order {
            let row = self.rows.get(*state).map_or(&[][..], Vec::as_slice);
            next.extend(row.iter().map(|to| place.get(*to as usize).copied().unwrap_or(0)));
        }
        let is_plain = |state: &&usize| self.ends.get(**state).is_none_or(Vec::is_empty);
        let plain = order.iter().take_while(is_plain).count();
        let ending = u32::try_from(plain.saturating_mul(width)).unwrap_or(u32::MAX);
        let ends = order.iter().skip(plain).filter_map(|state| self.ends.get(*state).cloned()).collect();
        Words { classes: self.classes, shift, next, ending, ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_in_any_case_and_inside_each_other() {
        let words = Words::new(&[b"he", b"she", b"hers", b"x-"]).map_err(|error| error.len());
        let Ok(words) = words else {
            assert!(words.is_ok());
            return;
        };
        let (mut state, mut found) = (words.start(), Vec::new());
        for (at, byte) in b"uSHErs X-".iter().enumerate() {
            state = words.step(state, *byte);
            if words.is_ending(state) {
                found.extend(words.ends(state).iter().map(|number| (at, *number)));
            }
        }
        assert_eq!(found, [(3, 1), (3, 0), (5, 2), (8, 3)]);
    }
}
