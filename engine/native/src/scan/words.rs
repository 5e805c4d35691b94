//! Finds many literals at once, in any case: three bytes say whether one may begin, a tree says which.
//!
//! The question about three bytes is a bit in a table that stays in the nearest cache, and does not wait for the answer
//! before it; so a text in which little begins costs a few instructions a byte. The tree is walked only from there.

use crate::scan::block::Bytes;

/// No child, no literal.
const NONE: u16 = u16::MAX;
/// Classes of bytes that the window tells apart; 0 is what no literal has.
const BITS: u32 = 5;
/// All windows of three classes.
const WINDOW: u32 = 0x7fff;
const CELLS: usize = 512;
const MIXED: usize = 1024;

/// The literals, built.
pub struct Words {
    coarse: [u8; 256],
    begins: Box<[u64; CELLS]>,
    /// The windows with which literals begin that may stand inside a word.
    inside: Box<[u64; CELLS]>,
    /// What may follow a window, mixed into fewer bits: a set one may be chance.
    follows: Box<[u64; MIXED]>,
    classes: [u8; 256],
    width: usize,
    /// The children of each node, a row a node.
    next: Vec<u16>,
    /// By node: the literal that ends there.
    ends: Vec<u16>,
}

impl Words {
    /// Builds it from literals in lower case, each of three bytes at least; a literal's number is its place.
    /// `is_inner` says of a number whether the literal is wanted inside words too.
    pub fn new(literals: &[&[u8]], is_inner: impl Fn(usize) -> bool) -> Result<Self, String> {
        let (classes, width) = classes(literals)?;
        let mut words = Self {
            coarse: coarse(literals),
            begins: Box::new([0; CELLS]),
            inside: Box::new([0; CELLS]),
            follows: Box::new([0; MIXED]),
            classes,
            width,
            next: vec![NONE; width],
            ends: vec![NONE],
        };
        for (number, literal) in (0_u16..).zip(literals) {
            let [first, second, third, ..] = literal else {
                return Err("a literal has less than three bytes".to_owned());
            };
            let window = [first, second, third].iter().fold(0, |window, byte| words.shifted(window, **byte));
            set(words.begins.as_mut_slice(), window);
            if is_inner(usize::from(number)) {
                set(words.inside.as_mut_slice(), window);
            }
            for class in 0..1_u32 << BITS {
                let fourth = literal.get(3).map_or(class, |byte| u32::from(words.class(*byte)));
                set(words.follows.as_mut_slice(), mixed(window, fourth));
            }
            words.add(literal, number)?;
        }
        Ok(words)
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
                self.next.resize(self.next.len().saturating_add(self.width), NONE);
                self.ends.push(NONE);
            }
        }
        if let Some(slot) = self.ends.get_mut(node) {
            *slot = number;
        }
        Ok(())
    }

    fn cell(&self, node: usize, byte: u8) -> usize {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or(0);
        node.wrapping_mul(self.width).wrapping_add(usize::from(class))
    }

    #[inline]
    fn class(&self, byte: u8) -> u8 {
        self.coarse.get(usize::from(byte)).copied().unwrap_or(0)
    }

    /// The window of the last three bytes after one more.
    #[inline]
    fn shifted(&self, window: u32, byte: u8) -> u32 {
        (window << BITS | u32::from(self.class(byte))) & WINDOW
    }

    /// The bytes of a block with which three end that may begin a literal; `window` is carried from block to block.
    #[inline]
    pub fn hits(&self, block: &Bytes, window: &mut u32) -> u64 {
        let (mut bits, mut last) = (0_u64, *window);
        for byte in block {
            last = self.shifted(last, *byte);
            // The mask changes nothing, and the compiler leaves out the question whether the place is there.
            let cell = self.begins.get((last >> 6) as usize & CELLS.wrapping_sub(1)).copied().unwrap_or(0);
            bits = bits >> 1 | cell.wrapping_shr(last & 63) << 63;
        }
        *window = last;
        bits
    }

    /// Whether a literal may begin with these four bytes; and if so, whether one may that is wanted inside words.
    #[inline]
    pub fn may_begin(&self, head: [u8; 4]) -> Option<bool> {
        let [first, second, third, next] = head.map(|byte| u32::from(self.class(byte)));
        let window = first << (BITS * 2) | second << BITS | third;
        is_set(self.follows.as_slice(), mixed(window, next)).then(|| is_set(self.inside.as_slice(), window))
    }

    /// Each literal that begins at `at`: its number and where it ends.
    #[inline]
    pub fn at(&self, text: &[u8], at: usize, mut each: impl FnMut(u16, usize)) {
        let mut node = 0_usize;
        for (offset, byte) in (at..).zip(text.get(at..).unwrap_or_default()) {
            let child = self.next.get(self.cell(node, *byte)).copied().unwrap_or(NONE);
            if child == NONE {
                return;
            }
            node = usize::from(child);
            let ends = self.ends.get(node).copied().unwrap_or(NONE);
            if ends != NONE {
                each(ends, offset.saturating_add(1));
            }
        }
    }

    /// Whether a text has one of the literals.
    pub fn is_in(&self, text: &[u8]) -> bool {
        (0..text.len()).any(|at| {
            let mut found = false;
            self.at(text, at, |_, _| found = true);
            found
        })
    }

    pub fn memory(&self) -> usize {
        self.next.len().saturating_mul(2)
    }
}

/// A number below the bits of `MIXED` for a window and the class of the byte after it.
#[inline]
fn mixed(window: u32, class: u32) -> u32 {
    (window | class << 15).wrapping_mul(0x9e37_79b1) >> 16
}

fn set(cells: &mut [u64], window: u32) {
    if let Some(cell) = cells.get_mut((window >> 6) as usize) {
        *cell |= 1_u64.wrapping_shl(window & 63);
    }
}

#[inline]
fn is_set(cells: &[u64], window: u32) -> bool {
    cells.get((window >> 6) as usize).copied().unwrap_or(0).wrapping_shr(window & 63) & 1 == 1
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

/// The same, in no more classes than a window holds: a letter each, digits one, the rest four.
fn coarse(literals: &[&[u8]]) -> [u8; 256] {
    let mut coarse = [0_u8; 256];
    for byte in literals.iter().flat_map(|literal| literal.iter()) {
        let class = match byte {
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(1),
            b'0'..=b'9' => 27,
            b'_' | b'-' => 28,
            b'.' | b'/' | b':' => 29,
            b' ' | b'=' | b'"' | b'\'' => 30,
            _ => 31,
        };
        for same in [*byte, byte.to_ascii_uppercase()] {
            if let Some(slot) = coarse.get_mut(usize::from(same)) {
                *slot = class;
            }
        }
    }
    coarse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::block;

    #[test]
    fn literals_are_found_in_any_case_and_inside_each_other() {
        let words = Words::new(&[b"she", b"hers", b"sh-", b"shers"], |number| number == 1);
        assert!(words.is_ok());
        let Ok(words) = words else {
            return;
        };
        let (text, mut found) = (b"uSHErs SH-", Vec::new());
        for place in block::places(words.hits(&block::bytes(text, 0), &mut 0)) {
            words.at(text, place.saturating_sub(2), |number, end| found.push((end, number)));
        }
        assert_eq!(found, [(4, 0), (6, 3), (6, 1), (10, 2)]);
        assert_eq!((words.may_begin(*b"Hers"), words.may_begin(*b"shE ")), (Some(true), Some(false)));
        assert!(words.is_in(b"ushe") && !words.is_in(b"sh"));
    }

    #[test]
    fn a_literal_of_two_bytes_is_refused() {
        assert!(Words::new(&[b"ey"], |_| true).is_err());
    }
}
