//! Room on the stack for work that recurses as deep as its input is nested.

/// Below this much free stack, work moves to a fresh segment. Callers with threads of their own avoid the move by
/// starting them with `SEGMENT` bytes.
pub const RED_ZONE: usize = 24 << 20;
/// Size of a fresh segment; memory is committed only as it is touched.
pub const SEGMENT: usize = 64 << 20;

/// What evaluation needs at most: its depth was bounded when the policies were compiled (calls, nesting) and when the
/// input was decoded. A test runs the deepest of all three on half of this.
pub const BOUNDED: usize = 4 << 20;

/// Runs `work` whose depth is bounded with at least `BOUNDED` bytes of stack. WHY not `with_room`: mapping a fresh segment
/// for each decision costs as much as the decision.
pub fn with_bounded_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(BOUNDED, SEGMENT, work)
}

/// Runs `work` with at least `RED_ZONE` bytes of stack.
pub fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, SEGMENT, work)
}
