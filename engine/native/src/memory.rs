//! What the core counts itself to hold, against its limit.
//!
//! WHY: each thread keeps the newest part of the count to itself, up to a mebibyte, and one that ends takes it along. A process
//! that loads policies for weeks would count itself to the limit, and then refuse every policy, or past it into nothing.

/// Runs `work`, and tells what it took and gave back. For whatever runs on a thread that may end, an unwinding end included.
pub fn counted<T>(work: impl FnOnce() -> T) -> T {
    let _told = Told;
    work()
}

struct Told;

impl Drop for Told {
    fn drop(&mut self) {
        regorus::flush_thread_memory_counters();
    }
}
