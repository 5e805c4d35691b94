//! Where letters stand next that were put for others which were taken away, asked from value after value: each byte is come by about
//! once, however many values lie in one another.

use crate::scan::checks::random::{is_blank, BLANKED};

/// Where, of the runs that begin at `from` or later, the first stands that is long enough.
#[derive(Default)]
pub struct Blanks {
    from: usize,
    /// None begins before.
    to: usize,
    found: Option<usize>,
}

impl Blanks {
    /// As `random::is_blanked` says it of the value at `from..end`.
    #[inline]
    pub fn is_in(&mut self, text: &[u8], from: usize, end: usize) -> bool {
        let known = self.from..=self.found.unwrap_or(self.to);
        if !known.contains(&from) {
            let near = self.from.saturating_add(BLANKED);
            if from < self.from && near <= end && self.found.is_none_or(|found| found >= self.from) {
                // A little before what is known: only what begins there is looked for.
                let mut before = Self { from, to: from, found: None };
                if self.from.saturating_sub(from) < text.len() && !before.look(text, near.saturating_sub(1)) {
                    self.from = from;
                } else {
                    *self = before;
                }
            } else {
                *self = Self { from, to: from, found: None };
            }
        }
        if self.found.is_none() {
            self.look(text, end);
        }
        self.found.is_some_and(|begin| begin.saturating_add(BLANKED) <= end)
    }

    /// Looks on up to `end`; whether there is one.
    fn look(&mut self, text: &[u8], end: usize) -> bool {
        // A run has one of every so many places, so the last of so many is looked at first.
        while let Some(row) = text.get(self.to..end).and_then(|rest| rest.get(..BLANKED)) {
            let blank = row.iter().rev().take_while(|byte| is_blank(byte)).count();
            if blank == BLANKED {
                self.found = Some(self.to);
                return true;
            }
            self.to = self.to.saturating_add(BLANKED.saturating_sub(blank));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;
    use crate::scan::checks::random::is_blanked;

    #[test]
    fn what_is_known_of_other_values_is_what_is_found_in_a_value_by_itself() {
        let mut seed = 88_172_645_463_325_252_u64;
        let mut below = move |bound: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) as usize % bound
        };
        let mut told = 0;
        for _ in 0..300 {
            let rarely = 2 + below(30);
            let text: Vec<u8> = (0..300)
                .map(|_| if below(rarely) == 0 { b'a' } else { b"xX*".get(below(3)).map_or(b'x', |one| *one) })
                .collect();
            let (mut blanks, mut from) = (Blanks::default(), 0_usize);
            for _ in 0..200 {
                let end = (from + below(60)).min(text.len());
                let expected = is_blanked(text.get(from..end).unwrap_or_default());
                assert_eq!(blanks.is_in(&text, from, end), expected, "{from}..{end}");
                told += usize::from(expected);
                from = if below(4) == 0 { from.saturating_sub(below(20)) } else { (from + below(9)).min(text.len()) };
            }
        }
        assert!(told > 1_000, "{told}");
    }
}
