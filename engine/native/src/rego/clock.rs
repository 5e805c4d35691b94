//! The time of one evaluation: so much of the processor's, and many times that by the clock on the wall.
//!
//! WHY not the wall's alone: a machine that stands still for a moment (a busy host, a paused guest) would deny what takes
//! microseconds. regorus looks at the wall; where that says too late and the processor's clock does not, the rule runs again.

use std::time::{Duration, Instant};

use rustix::time::{clock_gettime, ClockId};

/// How often the limit may pass by the wall before nothing is tried again.
const PATIENCE: u32 = 20;
/// Less than this part of the limit is nothing to begin with.
const LEAST: u32 = 100;

/// One evaluation's time; used by the thread that started it.
pub struct Clock {
    limit: Duration,
    started: Instant,
    used_before: Duration,
}

impl Clock {
    pub fn start(limit: Duration) -> Self {
        Self { limit, started: Instant::now(), used_before: thread_time() }
    }

    /// How long, by the wall, a run may take that begins now; None: the time is over.
    pub fn left(&self) -> Option<Duration> {
        let least = self.limit.checked_div(LEAST).unwrap_or_default().max(Duration::from_nanos(1));
        let passed = self.started.elapsed();
        // The wall's clock first: to ask for the processor's is a call into the kernel, and it never went further.
        let left = self.limit.saturating_sub(passed);
        if left >= least {
            return Some(left);
        }
        if passed > self.limit.saturating_mul(PATIENCE) {
            return None;
        }
        let left = self.limit.saturating_sub(thread_time().saturating_sub(self.used_before));
        (left >= least).then_some(left)
    }
}

/// What this thread has had of the processor.
fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or_default(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn stand_still(time: Duration) {
        let (_sender, receiver) = std::sync::mpsc::channel::<()>();
        receiver.recv_timeout(time).unwrap_err();
    }

    #[test]
    fn standing_still_takes_nothing_of_it_until_patience_ends() {
        let clock = Clock::start(Duration::from_millis(20));
        stand_still(Duration::from_millis(40));
        assert!(clock.left().unwrap() > Duration::from_millis(10));
        stand_still(Duration::from_millis(380));
        assert_eq!(clock.left(), None);
    }

    #[test]
    fn work_takes_all_of_it() {
        let clock = Clock::start(Duration::from_millis(20));
        let mut last = clock.left().unwrap();
        while let Some(left) = clock.left() {
            last = left;
        }
        assert!(last < Duration::from_millis(1));
        assert!(thread_time().saturating_sub(clock.used_before) >= Duration::from_millis(19));
    }
}
