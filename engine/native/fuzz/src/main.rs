//! One target (`SALLYPORT_FUZZ_TARGET`) under libFuzzer. `make fuzz` builds and runs this; nothing else does.
//!
//! The processor's time of each input is taken here, for libFuzzer's clock also counts what others do on the machine.

#![no_main]

#[path = "../../tests/targets/mod.rs"]
mod targets;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rustix::time::{clock_gettime, ClockId};

/// What one input may take of the processor.
const MOST_MICROSECONDS: u64 = 1_000_000;

static SLOWEST: AtomicU64 = AtomicU64::new(0);

fn chosen() -> targets::Target {
    static CHOSEN: OnceLock<targets::Target> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let wanted = std::env::var("SALLYPORT_FUZZ_TARGET").unwrap_or_default();
        let found = targets::ALL.iter().find(|(name, _)| *name == wanted);
        let (_, target) = found.unwrap_or_else(|| panic!("no target is named `{wanted}`"));
        // What is built once in a process is no part of what an input takes.
        target(b"");
        *target
    })
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
}

fuzz_target!(|data: &[u8]| {
    let target = chosen();
    let before = now();
    target(data);
    let took = now() - before;
    if took > SLOWEST.load(Ordering::Relaxed) {
        SLOWEST.store(took, Ordering::Relaxed);
        if let Ok(path) = std::env::var("SALLYPORT_FUZZ_SLOWEST") {
            let told = [format!("{took}\n").as_bytes(), data].concat();
            let _ = std::fs::write(path, told);
        }
    }
    assert!(took <= MOST_MICROSECONDS, "an input took {took} microseconds of the processor");
});
