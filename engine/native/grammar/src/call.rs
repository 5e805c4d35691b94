//! The call of libpg_query's parser, and what it gives back.

use std::ffi::{c_char, c_int, c_void, CStr, CString};

use crate::place::Place;
use crate::Refusal;

/// What libpg_query says of an error (pg_query.h).
#[repr(C)]
struct Complaint {
    message: *mut c_char,
    function: *mut c_char,
    file: *mut c_char,
    line: c_int,
    /// In characters, from 1 on; 0 says nothing.
    position: c_int,
    context: *mut c_char,
}

/// What its parser gives (pg_query_internal.h).
#[repr(C)]
struct Parsed {
    tree: *const u8,
    warnings: *mut c_char,
    error: *mut Complaint,
}

extern "C" {
    fn pg_query_enter_memory_context() -> *mut c_void;
    fn pg_query_exit_memory_context(context: *mut c_void);
    fn pg_query_raw_parse(text: *const c_char, options: c_int) -> Parsed;
    fn pg_query_free_error(error: *mut Complaint);
    fn free(memory: *mut c_void);
}

/// The parser's memory for one call: everything it made is gone with it.
struct Memory(*mut c_void);

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: entered by `with_tree`, once, on this thread.
        unsafe { pg_query_exit_memory_context(self.0) }
    }
}

/// Parses and hands the list of statements (none for an empty text) to `read`.
pub fn with_tree<T>(text: &str, options: i32, read: impl FnOnce(Option<Place>) -> T) -> Result<T, Refusal> {
    let input = CString::new(text).map_err(|error| Refusal::Failed(error.to_string()))?;
    // SAFETY: `pg_query_raw_parse` catches PostgreSQL's errors itself, so nothing jumps over these frames; the text ends with NUL;
    // the tree is read before `Memory` lets go of it. What the parser allocated with `malloc` is freed here, once.
    unsafe {
        let memory = Memory(pg_query_enter_memory_context());
        let parsed = pg_query_raw_parse(input.as_ptr(), options);
        free(parsed.warnings.cast::<c_void>());
        if let Some(error) = parsed.error.as_ref() {
            let refusal = Refusal::Grammar {
                message: CStr::from_ptr(error.message).to_string_lossy().into_owned(),
                at: usize::try_from(error.position).ok().and_then(|position| offset(text, position)),
            };
            pg_query_free_error(parsed.error);
            return Err(refusal);
        }
        let answer = read(Place::new(parsed.tree));
        drop(memory);
        Ok(answer)
    }
}

/// The byte offset of a character counted from 1.
fn offset(text: &str, position: usize) -> Option<usize> {
    let before = position.checked_sub(1)?;
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters_and_an_offset_bytes() {
        assert_eq!(offset("ab", 0), None);
        assert_eq!(offset("ab", 1), Some(0));
        assert_eq!(offset("éb", 2), Some(2));
        assert_eq!(offset("éb", 3), Some(3));
        assert_eq!(offset("éb", 4), None);
    }
}
