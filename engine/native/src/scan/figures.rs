//! Figures: what has no prefix and is known by its outline (cards, phones, ids, addresses of machines, dates).
//!
//! Every figure has a digit or a colon in its first bytes, so only there is looked: all figure shapes are matched at once
//! from each beginning of a part that is near enough before.

use crate::scan::automaton::{Automaton, DEAD};
use crate::scan::table::{How, Row};

/// How many bytes before its first digit or colon a figure may begin.
pub const REACH: usize = 7;

/// Whether a byte is such as every figure has among its first.
pub fn is_sign(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b':'
}

/// Figure shapes in one automaton.
pub struct Figures {
    shapes: Automaton,
    /// By the number of a pattern: its detector.
    detectors: Vec<u16>,
}

/// Whether from `at` on there is as much of a figure as shapes have that need no word beside them: seven digits, or the
/// dots or colons of an address, or letters among the digits.
pub fn is_ample(text: &[u8], at: usize) -> bool {
    const FAR: usize = 24;
    let (mut digits, mut dots, mut colons, mut letters, mut gap) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    for byte in text.get(at..).unwrap_or_default().iter().take(FAR) {
        gap = gap.saturating_add(1);
        match byte {
            b'0'..=b'9' => {
                digits = digits.saturating_add(1);
                gap = 0;
            }
            b'.' => dots = dots.saturating_add(1),
            b':' => colons = colons.saturating_add(1),
            b'A'..=b'Z' | b'a'..=b'z' => {
                letters = letters.saturating_add(1);
                gap = 0;
            }
            b' ' | b'-' | b'/' | b'(' | b')' | b'+' | b'%' | b'|' => {}
            _ => break,
        }
        if digits >= 7 || dots >= 3 || colons >= 2 || letters >= 1 && digits >= 2 {
            return true;
        }
        if gap > 3 {
            break;
        }
    }
    false
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

    /// The detectors whose shapes match from `at`, each with every end; in no order.
    pub fn matches(&self, text: &[u8], at: usize, found: &mut Vec<(u16, usize)>) {
        found.clear();
        let mut state = self.shapes.start();
        for (offset, byte) in (at..).zip(text.get(at..).unwrap_or_default()) {
            state = self.shapes.step(state, *byte);
            if state == DEAD {
                return;
            }
            if self.shapes.is_ending(state) {
                let patterns = self.shapes.ends(state).iter();
                let detectors = patterns.filter_map(|pattern| self.detectors.get(usize::from(*pattern)));
                found.extend(detectors.map(|detector| (*detector, offset.saturating_add(1))));
            }
        }
    }
}
