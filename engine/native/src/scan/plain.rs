//! The same findings the plain way: every literal is compared at every byte, and every byte is asked whether a part begins
//! with it that may be a figure. Nothing is skipped and no block is looked at as a whole, so this is what the words of `walk`
//! mean; tests and fuzzing hold the fast pass against it. Nothing that answers a request calls it.

use crate::scan::engine::Engine;
use crate::scan::near::is_word;
use crate::scan::resolve;
use crate::scan::walk::{Candidate, Walker};
use crate::scan::Span;

/// What is in a text, as `scan` says it.
pub fn scan(engine: &Engine, text: &[u8]) -> Vec<Span> {
    resolve::all(engine, candidates(engine, text))
}

/// Which types a text has, as `detect` says it.
pub fn detect(engine: &Engine, text: &[u8]) -> Vec<bool> {
    let found = candidates(engine, text);
    (0_u16..).zip(&engine.types).map(|(kind, _)| found.iter().any(|one| one.span.kind == kind)).collect()
}

/// All findings before overlaps are settled.
fn candidates(engine: &Engine, text: &[u8]) -> Vec<Candidate> {
    let mut walker = Walker::new(engine, text, None);
    for at in 0..text.len() {
        for (number, trigger) in (0_u16..).zip(&engine.triggers) {
            let end = at.saturating_add(trigger.word.len());
            if text.get(at..end).is_some_and(|part| part.eq_ignore_ascii_case(&trigger.word)) {
                walker.triggered(number, at, end);
            }
        }
        if begins_part(text, at) && begins_figure(text, at) {
            walker.begun(at, is_ample(text, at));
        }
    }
    walker.finish();
    walker.found
}

/// Whether a part begins at `at` that has a digit or a colon near enough: after no letter or digit, and not in the middle
/// of a date, a time, an address.
fn begins_part(text: &[u8], at: usize) -> bool {
    const REACH: usize = 8;
    let byte = |back: usize| at.checked_sub(back).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
    let near = text.iter().skip(at).take(REACH).any(|byte| byte.is_ascii_digit() || *byte == b':');
    let starts = byte(0).is_ascii_alphanumeric() || b":+(".contains(&byte(0));
    let joined = b"-/.:".contains(&byte(1)) && byte(2).is_ascii_digit();
    starts && near && !joined && !at.checked_sub(1).is_some_and(|before| is_word(text, before))
}

/// Whether from `at` on there is as much of a figure as shapes have that need no word beside them: seven digits, or the dots
/// or colons of an address, or letters among the digits; up to what stands in none, or four signs in a row.
fn is_ample(text: &[u8], at: usize) -> bool {
    const FAR: usize = 24;
    const ROW: usize = 4;
    let (mut digits, mut letters, mut dots, mut colons) = (0_usize, 0_usize, 0_usize, 0_usize);
    let (mut signs, mut row) = (0_usize, 0_usize);
    for byte in text.iter().skip(at).take(FAR) {
        let count = match byte {
            b'0'..=b'9' => &mut digits,
            b'a'..=b'z' | b'A'..=b'Z' => &mut letters,
            b'.' => &mut dots,
            b':' => &mut colons,
            b'-' | b'/' | b'+' | b'(' | b' ' | b')' | b'%' | b'|' => &mut signs,
            _ => break,
        };
        *count = count.saturating_add(1);
        row = if byte.is_ascii_alphanumeric() { 0 } else { row.saturating_add(1) };
        if row == ROW {
            break;
        }
    }
    digits >= 7 || dots >= 3 || colons >= 2 || letters >= 1 && digits >= 2 || letters >= 3 && digits >= 1
}

/// Whether the part that begins at `at` may be a figure: letters and then digits, digits, or the sign of a number.
fn begins_figure(text: &[u8], at: usize) -> bool {
    let next = || text.get(at.saturating_add(1)).copied().unwrap_or(b' ');
    match text.get(at) {
        Some(b'0'..=b'9') => goes_on(text, at),
        Some(b'+' | b'(') => next().is_ascii_digit() || next() == b'(',
        Some(b':') => next() == b':',
        _ => true,
    }
}

/// Whether the digits at `at` are more than a short number: five of them, or joined to something.
fn goes_on(text: &[u8], at: usize) -> bool {
    const SHORT: usize = 4;
    let rest = text.get(at..).unwrap_or_default();
    let run = rest.iter().take(SHORT.saturating_add(1)).take_while(|byte| byte.is_ascii_digit()).count();
    let next = |after: usize| rest.get(run.saturating_add(after)).copied().unwrap_or(b'\n');
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'(' | b'.' | b'/' | b')' | b'-' | b'+');
    let joined = matches!(next(0), b'.' | b'/' | b'-' | b':' | b'(' | b')' | b'+') || next(0).is_ascii_alphabetic();
    run > SHORT || joined && !next(1).is_ascii_whitespace() || matches!(next(0), b' ' | b')') && is_part(next(1))
}
