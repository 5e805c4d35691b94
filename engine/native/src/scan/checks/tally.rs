//! How often which byte stands in a value, and what that says in bits: kept up to date byte by byte, so that of values that
//! lie in one another each byte is counted about once.

use std::sync::OnceLock;

use crate::scan::limits;

/// No value that is counted here is longer.
pub const LONGEST: usize = limits::LONGEST;
/// Bits are counted in parts of so many.
const SCALE: f64 = (1_u64 << 40) as f64;

/// The bytes of a value by how often each stands in it.
#[derive(Clone)]
pub struct Tally {
    /// A number times its logarithm, of each number up to `LONGEST`.
    logs: &'static [i64],
    counts: [u16; 256],
    length: u16,
    /// The sum of `logs` of all counts.
    sum: i64,
}

impl Default for Tally {
    fn default() -> Self {
        static LOGS: OnceLock<Vec<i64>> = OnceLock::new();
        let logs = LOGS.get_or_init(|| {
            // Saturating by definition of `as`; there is room for more than this.
            let bits = |number: f64| (number * number.log2() * SCALE).round() as i64;
            let numbers = (0_u32..).take(LONGEST.saturating_add(1)).map(f64::from);
            numbers.map(|number| if number > 0.0 { bits(number) } else { 0 }).collect()
        });
        Self { logs, counts: [0; 256], length: 0, sum: 0 }
    }
}

impl Tally {
    /// Of a value of no more than `LONGEST` bytes.
    pub fn of(value: &[u8]) -> Self {
        let mut tally = Self::default();
        tally.add(value);
        tally
    }

    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(slot) = self.counts.get_mut(usize::from(*byte)) {
                let was = *slot;
                *slot = was.wrapping_add(1);
                self.sum = self.sum.wrapping_add(log(self.logs, *slot)).wrapping_sub(log(self.logs, was));
            }
        }
        self.length = self.length.wrapping_add(bytes.len() as u16);
    }

    pub fn remove(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(slot) = self.counts.get_mut(usize::from(*byte)) {
                let was = *slot;
                *slot = was.wrapping_sub(1);
                self.sum = self.sum.wrapping_add(log(self.logs, *slot)).wrapping_sub(log(self.logs, was));
            }
        }
        self.length = self.length.wrapping_sub(bytes.len() as u16);
    }

    /// Shannon's entropy, bits a byte in hundredths.
    pub fn hundredths(&self) -> u32 {
        if self.length == 0 {
            return 0;
        }
        let bits = log(self.logs, self.length).wrapping_sub(self.sum) as f64 / SCALE / f64::from(self.length);
        crate::scan::checks::random::hundredths(bits + 1e-9)
    }
}

#[inline(always)]
fn log(logs: &[i64], number: u16) -> i64 {
    logs.get(usize::from(number)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects)]

    use super::*;

    /// As it is defined.
    fn plainly(value: &[u8]) -> u32 {
        let share = |byte: &u8| value.iter().filter(|one| *one == byte).count() as f64 / value.len() as f64;
        let bits: f64 = value.iter().map(|byte| -share(byte).log2()).sum::<f64>() / value.len().max(1) as f64;
        crate::scan::checks::random::hundredths(bits + 1e-9)
    }

    #[test]
    fn what_is_counted_byte_by_byte_is_what_is_counted_at_once() {
        let text: Vec<u8> =
            (0_u32..700).map(|at| (at.wrapping_mul(at).wrapping_mul(2_654_435) >> 9) as u8 % 40).collect();
        let (mut tally, mut from, mut to) = (Tally::default(), 0, 0);
        for step in 0..600_usize {
            let next = (step / 2, (step / 2 + step % 97).min(text.len()));
            tally.add(text.get(to.min(next.1)..next.1).unwrap_or_default());
            tally.remove(text.get(next.1..to.max(next.1)).unwrap_or_default());
            to = next.1;
            tally.remove(text.get(from..next.0).unwrap_or_default());
            from = next.0;
            assert_eq!(tally.hundredths(), plainly(text.get(from..to).unwrap_or_default()), "{from}..{to}");
        }
    }

    #[test]
    fn nothing_has_no_bits_and_the_longest_value_is_counted() {
        assert_eq!(Tally::of(b"").hundredths(), 0);
        assert_eq!(Tally::of(&[7; LONGEST]).hundredths(), 0);
        assert_eq!(Tally::of(b"abcdabcd").hundredths(), 200);
    }
}
