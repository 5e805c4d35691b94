//! A thread with a big stack for the few texts that are nested deeply or long, one after the other.
//!
//! WHY one thread for the life of the process, not one for each text: libpg_query makes a thread-local storage key for
//! every thread that ever parses, and a process has about a thousand of them.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{channel, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Enough for the deepest tree that libpg_query hands out (10,000 protobuf levels), in every profile.
const STACK: usize = 256 << 20;

/// What a modest text needs (`guard::SHALLOW` levels at less than 3 KiB each), and as much again.
const ENOUGH: usize = 3 << 20;

/// Whether a modest text can be parsed on the caller's own stack.
pub fn is_here() -> bool {
    stacker::remaining_stack().is_some_and(|left| left >= ENOUGH)
}

/// The process that started the worker, for a fork leaves it behind.
static WORKER: Mutex<Option<(u32, Sender<Job>)>> = Mutex::new(None);

/// Runs `work` on the big stack and waits for it. `None` when it could not be run or panicked.
pub fn on_big_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (answer, result) = channel();
    let job: Job = Box::new(move || {
        if let Ok(value) = catch_unwind(AssertUnwindSafe(work)) {
            // Nobody waits any more only when the caller is gone.
            let _ = answer.send(value);
        }
    });
    worker()?.send(job).ok()?;
    result.recv().ok()
}

fn worker() -> Option<Sender<Job>> {
    let mut slot = WORKER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((process, sender)) = slot.as_ref() {
        if *process == std::process::id() {
            return Some(sender.clone());
        }
    }
    let (sender, jobs) = channel::<Job>();
    thread::Builder::new()
        .name("deep-sql".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            for job in jobs {
                job();
            }
        })
        .ok()?;
    *slot = Some((std::process::id(), sender.clone()));
    Some(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_and_a_panic_is_no_answer() {
        assert_eq!(on_big_stack(|| 7), Some(7));
        #[allow(clippy::panic)]
        let nothing: Option<u8> = on_big_stack(|| panic!("boom"));
        assert_eq!(nothing, None);
        assert_eq!(on_big_stack(|| 8), Some(8));
    }
}
