//! Which context words stand near a place. Asked of places one after the other, so that each word is come by about once.

use crate::scan::engine::Trigger;
use crate::scan::figures::{bit_of, Groups};
use crate::scan::limits::{AFTER, BEFORE};

/// A word: where it ends, and the number of its trigger.
pub type Word = (usize, u16);

fn groups(triggers: &[Trigger], number: u16) -> &[u16] {
    triggers.get(usize::from(number)).map_or(&[], |trigger| trigger.groups.as_slice())
}

/// The words that end in a stretch which moves on through the text.
pub struct Window {
    /// Of the words in order: the first in it, and the first behind it.
    low: usize,
    high: usize,
    /// By bit of `Groups`: how many words.
    counts: [u32; Groups::BITS as usize],
    near: Groups,
}

impl Default for Window {
    fn default() -> Self {
        Self { low: 0, high: 0, counts: [0; Groups::BITS as usize], near: 0 }
    }
}

impl Window {
    /// The groups of which a word ends in `from..=to`; neither is less than it was the last time.
    pub fn at(&mut self, triggers: &[Trigger], words: &[Word], from: usize, to: usize) -> Groups {
        // What ended before and was never asked about need not be counted in and out.
        if self.low == self.high {
            let passed = words.get(self.low..).unwrap_or_default();
            self.low = self.low.saturating_add(passed.iter().take_while(|(end, _)| *end < from).count());
            self.high = self.low;
        }
        while let Some((_, number)) = words.get(self.high).filter(|(end, _)| *end <= to) {
            for bit in groups(triggers, *number).iter().map(|group| bit_of(*group)) {
                if let Some(count) = self.counts.get_mut(bit.trailing_zeros() as usize) {
                    *count = count.saturating_add(1);
                }
                self.near |= bit;
            }
            self.high = self.high.saturating_add(1);
        }
        while let Some((_, number)) = words.get(self.low).filter(|(end, _)| *end < from && self.low < self.high) {
            for bit in groups(triggers, *number).iter().map(|group| bit_of(*group)) {
                if let Some(count) = self.counts.get_mut(bit.trailing_zeros() as usize) {
                    *count = count.saturating_sub(1);
                    self.near &= if *count == 0 { !bit } else { Groups::MAX };
                }
            }
            self.low = self.low.saturating_add(1);
        }
        self.near
    }
}

/// The words of each group.
pub struct Beside(Vec<Words>);

#[derive(Default)]
struct Words {
    /// Where they end, in order.
    ends: Vec<usize>,
    /// The first of them that is not too far before the last place that was asked about, and that place.
    first: usize,
    last: usize,
}

impl Beside {
    pub fn new(triggers: &[Trigger], words: &[Word]) -> Self {
        let mut made = Self(Vec::new());
        for (end, number) in words {
            for group in groups(triggers, *number).iter().map(|group| usize::from(*group)) {
                made.0.resize_with(made.0.len().max(group.saturating_add(1)), Words::default);
                if let Some(words) = made.0.get_mut(group) {
                    words.ends.push(*end);
                }
            }
        }
        made
    }

    /// Whether a word of the group ends near before a figure at `start..end`, or near after it. INVARIANT: never inside.
    pub fn has(&mut self, group: u16, start: usize, end: usize) -> bool {
        let Some(words) = self.0.get_mut(usize::from(group)) else {
            return false;
        };
        let (low, high) = (start.saturating_sub(BEFORE), end.saturating_add(AFTER));
        // Nearly all are asked in order, so the words near this one follow those near the last.
        words.first = if start < words.last { words.ends.partition_point(|at| *at < low) } else { words.first };
        while words.ends.get(words.first).is_some_and(|at| *at < low) {
            words.first = words.first.saturating_add(1);
        }
        words.last = start;
        let near = words.ends.get(words.first..).unwrap_or_default();
        match near.first() {
            Some(at) if *at <= start => true,
            _ => near.iter().find(|at| **at > end).is_some_and(|at| *at <= high),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::ahead::Ahead;

    /// Triggers of a group each, and one of two.
    fn triggers() -> Vec<Trigger> {
        let trigger = |groups: &[u16]| Trigger {
            word: Vec::new(),
            actions: Vec::new(),
            groups: groups.to_vec(),
            name: None,
            others: Ahead::anything(),
            is_first: true,
        };
        vec![trigger(&[0]), trigger(&[1]), trigger(&[200]), trigger(&[1, 2])]
    }

    #[test]
    fn a_window_has_the_groups_of_the_words_in_it() {
        let words = [(3, 0), (5, 2), (9, 0), (12, 1)];
        let triggers = triggers();
        let mut window = Window::default();
        let (first, second, shared) = (bit_of(0), bit_of(1), bit_of(200));
        assert_eq!(window.at(&triggers, &words, 0, 2), 0);
        assert_eq!(window.at(&triggers, &words, 2, 5), first | shared);
        assert_eq!(window.at(&triggers, &words, 6, 9), first);
        assert_eq!(window.at(&triggers, &words, 10, 90), second);
        assert_eq!(window.at(&triggers, &words, 50, 90), 0);
    }

    #[test]
    fn a_word_counts_before_and_after_and_never_inside() {
        let mut beside = Beside::new(&triggers(), &[(100, 1), (300, 1), (400, 3)]);
        assert!(beside.has(1, 100, 110) && beside.has(1, 172, 180) && !beside.has(1, 173, 180));
        assert!(!beside.has(1, 290, 300) && beside.has(1, 280, 299) && beside.has(1, 250, 260));
        assert!(
            !beside.has(1, 250, 259) && !beside.has(2, 100, 110) && !beside.has(9, 100, 110) && beside.has(2, 410, 420)
        );
        // Out of order.
        assert!(beside.has(1, 101, 110));
    }
}
