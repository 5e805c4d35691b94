//! What went wrong, as a value: a stable code, a message, and an optional msgpack payload for the caller.

use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::memory::counted;

/// An error that crosses into Python as `NativeError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: &'static str,
    pub message: String,
    /// msgpack, for instance a list of diagnostics.
    pub payload: Option<Vec<u8>>,
}

impl Failure {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), payload: None }
    }
}

/// Runs `work`; a panic in it becomes a `Failure`, so that none ever crosses into Python.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(|| counted(work))) {
        Ok(result) => result,
        Err(cause) => {
            let said = cause
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "no message".to_owned());
            Err(Failure::new("PANIC", format!("the core stopped itself: {said}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure() {
        #[allow(clippy::panic)]
        let result: Result<(), Failure> = guarded(|| panic!("boom"));
        assert_eq!(result.map_err(|failure| failure.code), Err("PANIC"));
    }
}
