//! Figures: what has no prefix and is known by its outline (cards, phones, ids, addresses of machines, dates).
//!
//! `OUTLINES` says where to look, cheaply; all figure shapes are then matched at once from each beginning of a part.

use crate::scan::automaton::{Automaton, DEAD};
use crate::scan::table::{How, Row};

/// Where a figure may be. The walk begins and ends with a line feed of its own, so that the text's ends are borders too. Each ends early: the match is a hint, and the shapes decide.
pub const OUTLINES: &[&str] = &[
    // Seven digits with at most two separators between each.
    r"(?-u)[0-9](?:[ .\-/():+]{0,2}[0-9]){6}",
    // An address of the fourth version, and of the sixth, and of a card.
    r"(?-u)[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
    r"(?-u)[0-9A-Fa-f]:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:",
    r"(?-u)::[0-9A-Fa-f]",
    r"(?-u)[0-9A-Fa-f]::",
    r"(?-u)[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}",
    r"(?-u)[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
    // Letters before digits: accounts, ids, passports, plates.
    r"(?-u)[^A-Za-z0-9_][A-Za-z]{1,6}[0-9]{2}",
    r"(?-u)[^A-Za-z0-9_][A-Z]{1,3}[ -][0-9]{2}",
    r"(?-u)[^A-Za-z0-9_][A-Z]{1,3}[ -][A-Z]{1,2}[ -]?[0-9]",
    r"(?-u)[^A-Za-z0-9_][A-Za-z][0-9]{1,2}[A-Z]? ?[0-9][A-Za-z]{2}",
    r"(?-u)[^A-Za-z0-9_][A-Z][0-9][A-Za-z] [0-9]",
    // Digits before letters.
    r"(?-u)[^A-Za-z0-9_][0-9][A-Za-z][A-Za-z0-9][0-9]-?[A-Za-z]",
    r"(?-u)[^A-Za-z0-9_][0-9]{2}[A-Za-z]{5}[0-9]",
    r"(?-u)[^A-Za-z0-9_][0-9]{2} ?[A-Za-z]{1,3} ?[0-9]{2}",
    r"(?-u)[0-9]{6}[A-Za-z][0-9]{3}",
    // Dates of two-digit years and postal codes.
    r"(?-u)[0-9][/.][0-9]{1,2}[/.][0-9]{2}",
    r"(?-u)[^A-Za-z0-9_][0-9]{5}[^0-9]",
];

/// All figure shapes in one automaton.
pub struct Figures {
    shapes: Automaton,
    /// By the number of a pattern: its detector.
    detectors: Vec<u16>,
}

impl Figures {
    pub fn new(rows: &[Row]) -> Result<Self, String> {
        let (mut shapes, mut detectors) = (Vec::new(), Vec::new());
        for (number, row) in (0_u16..).zip(rows) {
            if row.how == How::Figure {
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
