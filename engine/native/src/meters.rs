//! What is counted with every command: a number and a histogram, a word of the core each. `gateway.telemetry` names them and
//! shows them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// Seconds on a clock that only goes forward.
pub fn moment() -> f64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// A number that grows.
#[derive(Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many values there were up to each limit, and their sum.
pub struct Histogram {
    limits: Vec<f64>,
    seen: Mutex<(Vec<u64>, f64)>,
}

impl Histogram {
    /// `limits` ascend; what is above the last is counted behind it.
    pub fn new(limits: Vec<f64>) -> Self {
        let counts = vec![0; limits.len().saturating_add(1)];
        Self { limits, seen: Mutex::new((counts, 0.0)) }
    }

    fn seen(&self) -> MutexGuard<'_, (Vec<u64>, f64)> {
        // Numbers are whole at any moment.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one.
    pub fn observe(&self, value: f64) {
        let place = self.limits.partition_point(|limit| *limit < value);
        let mut seen = self.seen();
        if let Some(count) = seen.0.get_mut(place) {
            *count = count.saturating_add(1);
        }
        seen.1 += value;
    }

    /// The count of each place, and the sum.
    pub fn read(&self) -> (Vec<u64>, f64) {
        self.seen().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_at_the_first_limit_that_is_not_below_it() {
        let times = Histogram::new(vec![1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.0, 3.0, f64::NAN] {
            times.observe(value);
        }
        let (counts, sum) = times.read();
        assert_eq!(counts.iter().sum::<u64>(), 6);
        assert_eq!(counts.get(1..), Some(&[2, 1][..]));
        assert!(sum.is_nan());
    }

    #[test]
    fn moments_go_forward() {
        let first = moment();
        assert!(moment() >= first && first >= 0.0);
    }

    #[test]
    fn a_number_grows() {
        let count = Count::default();
        count.add();
        count.add();
        assert_eq!(count.value(), 2);
    }
}
