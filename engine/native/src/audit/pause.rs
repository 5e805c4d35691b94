//! The pause of the log's keeper (`gateway/audit/log.py`) between its looks, and the look at the free space that ends it: one turn
//! without the GIL.

use std::io;
use std::mem;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Pauses that end early once nothing is to be waited for any more.
#[derive(Debug, Default)]
pub struct Pauses {
    is_over: Mutex<bool>,
    told: Condvar,
}

impl Pauses {
    /// Waits so long; whether all is over.
    pub fn wait(&self, length: Duration) -> bool {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(is_over, length, |is_over| !*is_over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// All is over; whether it was not before.
    pub fn end(&self) -> bool {
        let was_over = mem::replace(&mut *self.is_over.lock().unwrap_or_else(PoisonError::into_inner), true);
        self.told.notify_all();
        !was_over
    }
}

/// Bytes that may still be written on a folder's file system.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_as_long_as_it_is_said_until_all_is_over() {
        let pauses = Pauses::default();
        assert!(!pauses.wait(Duration::from_millis(1)));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| pauses.wait(Duration::from_secs(3_600)));
            assert!(pauses.end());
            assert!(waits.join().unwrap_or_default());
        });
        assert!(pauses.wait(Duration::from_secs(3_600)));
        assert!(!pauses.end());
    }

    #[test]
    fn space_is_asked_for_of_a_folder_that_is_there() {
        assert!(free_bytes(Path::new("/")).is_ok_and(|free| free > 0));
        assert!(free_bytes(Path::new("/none/such")).is_err());
    }
}
