//! Values that follow a provider's name: `heroku ... = 0a1b2c3d-...`. The name alone, or the shape alone, says nothing.

use crate::scan::block::{mask, padded, places};
use crate::scan::limits::GAP;
use crate::scan::walk::{is_word, Walker};

/// A word up to this length is one only where no small letter follows.
pub const SHORT: usize = 5;

/// A trigger of a detector stood at `start..end`: the first value of its shape that begins within reach is taken.
pub fn follow(walker: &mut Walker<'_>, number: u16, start: usize, end: usize) {
    let engine = walker.engine;
    let Some(detector) = engine.detectors.get(usize::from(number)) else {
        return;
    };
    if !walker.wants(detector) || !begins_word(walker.text, start) {
        return;
    }
    let Some(tried) = walker.followed.get(usize::from(number)).copied() else {
        return;
    };
    let last = end.saturating_add(GAP);
    let mut next = last.saturating_add(1);
    if walker.starts.0 != end {
        let (starts, whites) = starts(walker.text, end);
        walker.starts = (end, starts, whites);
    }
    let untried = u64::MAX.checked_shl(u32::try_from(tried.saturating_sub(end)).unwrap_or(u64::BITS)).unwrap_or(0);
    let (_, starts, whites) = walker.starts;
    for place in places(starts & untried) {
        // What is behind the block may be anything.
        let whites = whites.wrapping_shr(place as u32);
        if whites != 0 && (whites.trailing_zeros() as usize) < detector.least {
            continue;
        }
        let at = end.saturating_add(place);
        let Some(value_end) = walker.longest(number, detector, at, detector.value.way(at)) else {
            continue;
        };
        if walker.accept(number, detector, at, value_end) {
            // INVARIANT: what a trigger takes does not depend on triggers before it, so pieces do not matter: the next
            // one may take the same value again, and only what was refused is not tried twice.
            next = at;
            break;
        }
    }
    if let Some(slot) = walker.followed.get_mut(usize::from(number)) {
        *slot = next.max(tried);
    }
}

/// The places up to `GAP` after `end` at which a value may begin (letters and digits after none), and those of white space.
fn starts(text: &[u8], end: usize) -> (u64, u64) {
    const REACH: u64 = (1 << (GAP + 1)) - 1;
    let rest = text.get(end..).unwrap_or_default();
    let made;
    let block = match rest.first_chunk() {
        Some(block) => block,
        None => {
            made = padded(text, end);
            &made
        }
    };
    let solid = mask(block, |byte| byte.is_ascii_alphanumeric());
    let before = (solid | mask(block, |byte| byte == b'_')) << 1;
    let joined = end.checked_sub(1).is_some_and(|before| is_word(text, before));
    (solid & !(before | u64::from(joined)) & REACH, mask(block, |byte| byte.is_ascii_whitespace()))
}

/// Whether a word begins at `start`: after no letter, or where the case changes (`myHerokuKey`).
pub fn begins_word(text: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1).and_then(|before| text.get(before)) else {
        return true;
    };
    if !before.is_ascii_alphabetic() {
        return true;
    }
    before.is_ascii_lowercase() && text.get(start).is_some_and(u8::is_ascii_uppercase)
}

/// Whether the word does not go on in small letters on either side; long words may (`Steuernummer`, `birthday`).
pub fn is_word_of_its_own(text: &[u8], start: usize, end: usize) -> bool {
    begins_word(text, start)
        && (end.saturating_sub(start) > SHORT || !text.get(end).is_some_and(u8::is_ascii_lowercase))
}
