//! Values that follow a provider's name: `heroku ... = 0a1b2c3d-...`. The name alone, or the shape alone, says nothing.

use crate::scan::block::{mask, padded, places, SIZE};
use crate::scan::engine::Detector;
use crate::scan::limits::GAP;
use crate::scan::walk::Walker;

/// A word up to this length is one only where no small letter follows.
pub const SHORT: usize = 5;

/// A trigger of a detector stood at `start..end`: the first value of its shape that begins within reach is taken.
#[inline]
pub fn follow(walker: &mut Walker<'_>, number: u16, start: usize, end: usize) {
    if let Some(detector) = walker.engine.detectors.get(usize::from(number)) {
        if walker.wants(detector) && begins_word(walker.text, start) {
            followed(walker, number, detector, end);
        }
    }
}

#[inline(never)]
fn followed(walker: &mut Walker<'_>, number: u16, detector: &Detector, end: usize) {
    let Some(tried) = walker.followed.get(usize::from(number)).copied() else {
        return;
    };
    let last = end.saturating_add(GAP);
    let mut next = last.saturating_add(1);
    if walker.starts.0 != end {
        let (starts, whites) = walker.grounds.starts(walker.text, end);
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
        if !detector.begins.may_come(walker.text.get(at..).unwrap_or_default()) {
            continue;
        }
        let Some(value_end) = walker.longest(number, detector, at, detector.value.way(at)) else {
            continue;
        };
        // INVARIANT: what is nobody's for this trigger may be a later one's, so it is tried again.
        if detector.bound && !is_bound(walker.text, end, (at, value_end)) {
            next = next.min(at);
            continue;
        }
        if walker.accept(number, detector, at, value_end) {
            // INVARIANT: what a trigger takes does not depend on triggers before it, so pieces do not matter: the next
            // one may take the same value again, and only what was refused is not tried twice.
            next = next.min(at);
            break;
        }
    }
    if let Some(slot) = walker.followed.get_mut(usize::from(number)) {
        *slot = next.max(tried);
    }
}

/// Whether a value is a key by what stands before it. Figures of a commit, a digest or a trace look like keys; so they must stand
/// right behind the provider's name, which ends at `trigger`, or a word for a key between them, and behind no sign of a path.
fn is_bound(text: &[u8], trigger: usize, (start, end): (usize, usize)) -> bool {
    const BEFORE: usize = 24;
    const KEYS: [&[u8]; 11] =
        [b"key", b"secret", b"token", b"pass", b"access", b"private", b"auth", b"login", b"client", b"cred", b"licen"];
    const OTHERS: [&[u8]; 19] = [
        b"commit",
        b"sha",
        b"sha1",
        b"sha256",
        b"md5",
        b"rev",
        b"ref",
        b"revision",
        b"hash",
        b"digest",
        b"checksum",
        b"trace",
        b"traceid",
        b"trace_id",
        b"span_id",
        b"branch",
        b"tree",
        b"fingerprint",
        b"etag",
    ];
    let is_of_figures = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'x');
    if !text.get(start..end).is_some_and(|value| value.iter().all(is_of_figures)) {
        return true;
    }
    if start.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|byte| b"/@#~".contains(byte)) {
        return false;
    }
    let between = text.get(trigger..start).unwrap_or_default();
    let is_quiet = |byte: &&u8| byte.is_ascii_whitespace() || b"\"'`:=>(,[{|\\".contains(*byte);
    let kept = between.len().saturating_sub(between.iter().rev().take_while(is_quiet).count());
    let named = between.get(..kept).unwrap_or_default();
    if named.iter().all(|byte| is_quiet(&byte) || *byte == b'-') {
        return true;
    }
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-');
    let length = named.iter().rev().take_while(is_of_name).count();
    let name = named.get(named.len().saturating_sub(length)..).unwrap_or_default();
    let around = text.get(trigger.saturating_sub(BEFORE)..start).unwrap_or_default();
    let has = |word: &[u8]| around.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    !OTHERS.iter().any(|other| name.eq_ignore_ascii_case(other)) && KEYS.iter().any(|key| has(key))
}

/// Where letters and digits stand, where those and `_`, and where white space, in the blocks that were looked at last.
#[derive(Default)]
pub struct Grounds([Ground; GROUNDS]);

/// So many are kept: the one that a trigger ends in, and the next.
const GROUNDS: usize = 2;

#[derive(Clone, Copy, Default)]
struct Ground {
    /// One more than its number.
    block: usize,
    solid: u64,
    words: u64,
    whites: u64,
}

impl Ground {
    fn of(text: &[u8], block: usize) -> Self {
        let at = block.saturating_mul(SIZE);
        let made;
        let bytes = match text.get(at..).unwrap_or_default().first_chunk() {
            Some(bytes) => bytes,
            None => {
                made = padded(text, at);
                &made
            }
        };
        let solid = mask(bytes, |byte| byte.is_ascii_alphanumeric());
        let words = solid | mask(bytes, |byte| byte == b'_');
        Self { block: block.saturating_add(1), solid, words, whites: mask(bytes, |byte| byte.is_ascii_whitespace()) }
    }
}

impl Grounds {
    /// The places up to `GAP` after `end` at which a value may begin (letters and digits after none), and those of white space.
    fn starts(&mut self, text: &[u8], end: usize) -> (u64, u64) {
        const REACH: u64 = (1 << (GAP + 1)) - 1;
        let (here, next) = (self.at(text, end / SIZE), self.at(text, (end / SIZE).saturating_add(1)));
        let place = (end % SIZE) as u32;
        let from = |here: u64, next: u64| here >> place | next.checked_shl(u64::BITS.wrapping_sub(place)).unwrap_or(0);
        let (solid, before) = (from(here.solid, next.solid), from(here.words, next.words) << 1);
        let joined = end.checked_sub(1).is_some_and(|before| is_word(text, before));
        (solid & !(before | u64::from(joined)) & REACH, from(here.whites, next.whites))
    }

    fn at(&mut self, text: &[u8], block: usize) -> Ground {
        let Some(slot) = self.0.get_mut(block % GROUNDS) else {
            return Ground::of(text, block);
        };
        if slot.block != block.saturating_add(1) {
            *slot = Ground::of(text, block);
        }
        *slot
    }
}

pub fn is_word(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| WORDS.get(usize::from(*byte)) == Some(&true))
}

/// By byte: whether it is a letter, a digit or `_`. WHY a table: the machine has nothing to guess.
const WORDS: [bool; 256] = {
    let (mut words, mut byte) = ([false; 256], 0_u8);
    let mut rest: &mut [bool] = &mut words;
    while let Some((word, more)) = rest.split_first_mut() {
        *word = byte.is_ascii_alphanumeric() || byte == b'_';
        (rest, byte) = (more, byte.wrapping_add(1));
    }
    words
};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_a_key_where_a_word_says_so() {
        let sha = "0a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d";
        let bound = |text: &str, trigger: &str| {
            let text = text.replace("@@", sha);
            let (trigger, start) = (text.find(trigger).map(|at| at.saturating_add(trigger.len())), text.find(sha));
            trigger
                .zip(start)
                .is_some_and(|(at, start)| is_bound(text.as_bytes(), at, (start, start.saturating_add(sha.len()))))
        };
        for text in
            ["github @@", "github: \"@@\"", "github_token=@@", "github.com secret is @@", "GITHUB github-key-@@"]
        {
            assert!(bound(text, "github"), "{text}");
        }
        for text in [
            "github.com/o/r/commit/@@",
            "github.com/a/token#@@",
            "github.com/a/b @@",
            "github key, commit @@",
            "github trace_id=@@",
            "github app id: @@",
        ] {
            assert!(!bound(text, "github"), "{text}");
        }
        assert!(is_bound(b"github.com/a/Zz9", 6, (13, 16)));
    }
}
