//! Figures: what has no prefix and is known by its outline (cards, phones, ids, addresses of machines, dates).
//!
//! Every figure has a digit or a colon in its first bytes, so only there is looked: all figure shapes are matched at once
//! from each beginning of a part that is near enough before.

use crate::scan::automaton::{Automaton, DEAD};
use crate::scan::table::{How, Row};
use crate::scan::walk::goes_on;

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
            if state == DEAD {
                return;
            }
            let end = offset.saturating_add(1);
            // WHY here already: a row of digits has an end after each of them, and all but the last are none.
            if self.shapes.is_ending(state) && !goes_on(text, end) {
                let patterns = self.shapes.ends(state).iter();
                let detectors = patterns.filter_map(|pattern| self.detectors.get(usize::from(*pattern)));
                found.extend(detectors.map(|detector| (*detector, end)));
            }
        }
    }
}
