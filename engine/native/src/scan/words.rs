//! Many literals, in any case, as one tree: which of them begin at a place.

/// No child, no literal.
const NONE: u16 = u16::MAX;

/// The literals, built.
pub struct Words {
    classes: [u8; 256],
    /// A row has so many children, a power of two: its place is told by a shift.
    shift: u32,
    /// The children of each node, a row a node.
    next: Vec<u16>,
    /// By node: the literal that ends there.
    ends: Vec<u16>,
    /// From this node on one ends in each. WHY: of most bytes nothing but the next node is asked.
    ending: u16,
}

impl Words {
    /// Builds it from literals in lower case; a literal's number is its place.
    pub fn new(literals: &[&[u8]]) -> Result<Self, String> {
        let (classes, width) = classes(literals)?;
        let shift = width.next_power_of_two().trailing_zeros();
        let next = vec![NONE; 1_usize.wrapping_shl(shift)];
        let mut words = Self { classes, shift, next, ends: vec![NONE], ending: NONE };
        for (number, literal) in (0_u16..).zip(literals) {
            words.add(literal, number)?;
        }
        Ok(words.ordered())
    }

    /// With the nodes in which a literal ends as the last.
    fn ordered(self) -> Self {
        let is_end = |node: &usize| self.ends.get(*node).is_some_and(|end| *end != NONE);
        let (ending, plain): (Vec<usize>, Vec<usize>) = (0..self.ends.len()).partition(is_end);
        let first = u16::try_from(plain.len()).unwrap_or(NONE);
        let order = [plain, ending].concat();
        let mut places = vec![NONE; order.len()];
        for (place, node) in (0_u16..).zip(&order) {
            if let Some(slot) = places.get_mut(*node) {
                *slot = place;
            }
        }
        let place = |node: &u16| places.get(usize::from(*node)).copied().unwrap_or(NONE);
        let row = |node: &usize| self.row(*node).iter().map(place);
        let next = order.iter().flat_map(row).collect();
        let ends = order.iter().filter_map(|node| self.ends.get(*node)).copied().collect();
        Self { next, ends, ending: first, ..self }
    }

    fn add(&mut self, literal: &[u8], number: u16) -> Result<(), String> {
        let mut node = 0_usize;
        for byte in literal {
            let at = self.cell(node, *byte);
            let child = self.next.get(at).copied().unwrap_or(NONE);
            node = usize::from(child);
            if child == NONE {
                node = self.ends.len();
                let fresh = u16::try_from(node).map_err(|_| "too many literals".to_owned())?;
                if let Some(slot) = self.next.get_mut(at) {
                    *slot = fresh;
                }
                self.next.resize(self.next.len().saturating_add(1_usize.wrapping_shl(self.shift)), NONE);
                self.ends.push(NONE);
            }
        }
        if let Some(slot) = self.ends.get_mut(node) {
            *slot = number;
        }
        Ok(())
    }

    #[inline]
    fn cell(&self, node: usize, byte: u8) -> usize {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or(0);
        node.wrapping_shl(self.shift) | usize::from(class)
    }

    /// The children of a node.
    fn row(&self, node: usize) -> &[u16] {
        let begin = node.wrapping_shl(self.shift);
        self.next.get(begin..begin.saturating_add(1_usize.wrapping_shl(self.shift))).unwrap_or_default()
    }

    /// Each literal that begins at `at`: its number and where it ends.
    #[inline]
    pub fn at(&self, text: &[u8], at: usize, mut each: impl FnMut(u16, usize)) {
        let mut node = 0_usize;
        for (offset, byte) in (at..).zip(text.get(at..).unwrap_or_default()) {
            let child = self.next.get(self.cell(node, *byte)).copied().unwrap_or(NONE);
            node = usize::from(child);
            if child < self.ending {
                continue;
            }
            if child == NONE {
                return;
            }
            if let Some(number) = self.ends.get(node) {
                each(*number, offset.saturating_add(1));
            }
        }
    }

    /// Whether the text ends, at `at` or later, in the middle of a literal that begins at `at`.
    pub fn may_go_on(&self, text: &[u8], at: usize) -> bool {
        let mut node = 0_usize;
        for byte in text.get(at..).unwrap_or_default() {
            let child = self.next.get(self.cell(node, *byte)).copied().unwrap_or(NONE);
            if child == NONE {
                return false;
            }
            node = usize::from(child);
        }
        self.row(node).iter().any(|child| *child != NONE)
    }

    pub fn memory(&self) -> usize {
        self.next.len().saturating_mul(2)
    }
}

/// A class for each byte that literals have, capital letters with small ones; 0 is the rest and has no children.
fn classes(literals: &[&[u8]]) -> Result<([u8; 256], usize), String> {
    let (mut classes, mut width) = ([0_u8; 256], 1_usize);
    for byte in literals.iter().flat_map(|literal| literal.iter()) {
        if classes.get(usize::from(*byte)).copied().unwrap_or(0) == 0 {
            let class = u8::try_from(width).map_err(|_| "too many bytes in literals".to_owned())?;
            for same in [*byte, byte.to_ascii_uppercase()] {
                if let Some(slot) = classes.get_mut(usize::from(same)) {
                    *slot = class;
                }
            }
            width = width.saturating_add(1);
        }
    }
    Ok((classes, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_in_any_case_and_inside_each_other() {
        let words = Words::new(&[b"she", b"hers", b"sh-", b"shers"]);
        assert!(words.is_ok());
        let Ok(words) = words else {
            return;
        };
        let (text, mut found) = (b"uSHErs SH-", Vec::new());
        for at in 0..text.len() {
            words.at(text, at, |number, end| found.push((end, number)));
        }
        assert_eq!(found, [(4, 0), (6, 3), (6, 1), (10, 2)]);
        assert!(words.may_go_on(b"xSH", 1) && words.may_go_on(b"she", 0));
        assert!(!words.may_go_on(b"hers", 0) && !words.may_go_on(b"sx", 0));
    }
}
