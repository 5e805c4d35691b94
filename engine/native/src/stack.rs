//! Room on the stack for work that recurses as deep as its input is nested.

/// Below this much free stack, work moves to a fresh segment. Callers with threads of their own avoid the move by
/// starting them with `SEGMENT` bytes.
pub const RED_ZONE: usize = 24 << 20;
/// Size of a fresh segment; memory is committed only as it is touched.
pub const SEGMENT: usize = 64 << 20;

/// Runs `work` with at least `RED_ZONE` bytes of stack.
pub fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, SEGMENT, work)
}
