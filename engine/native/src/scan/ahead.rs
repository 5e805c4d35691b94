//! What may stand in the first bytes behind a literal if anything comes of it: what most literals of hostile text are refused by,
//! before a shape is walked.

use crate::scan::automaton::Automaton;
use crate::scan::engine::Detector;
use crate::scan::leading::EVERY;
use crate::scan::table::Back;

/// By byte: at which of eight places behind a literal it may not stand, a bit each.
pub struct Ahead {
    never: Box<[u8; 256]>,
    /// So many places matter: at those behind them any byte may stand.
    depth: usize,
}

const PLACES: usize = 8;

impl Ahead {
    /// Of what is not asked anything.
    pub fn anything() -> Self {
        Self::of(&[])
    }

    /// Of what asks only about the first byte.
    pub fn first(is_in: impl Fn(u8) -> bool) -> Self {
        Self::of(&[EVERY.map(is_in)])
    }

    /// Of several: what any of them lets through. Of none nothing comes.
    pub fn any<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut never = Box::new([u8::MAX; 256]);
        for one in all {
            never.iter_mut().zip(one.never.iter()).for_each(|(cell, other)| *cell &= other);
        }
        let last = never.iter().fold(0, |all, cell| all | cell).leading_zeros();
        Self { never, depth: PLACES.saturating_sub(last as usize) }
    }

    /// Of a shape from its beginning.
    pub fn of_shape(shape: &Automaton) -> Self {
        Self::of_walks(vec![Walk::new(shape, None)])
    }

    /// Of a detector's shape in which a word stands, behind bytes that are told by `back`.
    pub fn behind(detector: &Detector, back: Option<Back>, word: &[u8]) -> Self {
        let mut walks = vec![Walk::new(detector.first(), detector.lead.is_some().then_some(&detector.value))];
        if let Some(back) = back {
            for _ in 0..back.most {
                let more = walks.last().map(|last| last.after(&EVERY));
                walks.extend(more);
            }
        }
        for byte in word {
            let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
            walks = walks.iter().map(|walk| walk.after(&cases)).collect();
        }
        Self::of_walks(walks)
    }

    fn of_walks(mut walks: Vec<Walk<'_>>) -> Self {
        let mut places = Vec::new();
        while places.len() < PLACES && !walks.iter().any(|walk| walk.is_over) {
            places.push(EVERY.map(|byte| walks.iter().any(|walk| walk.goes_on(byte))));
            walks = walks.iter().map(|walk| walk.after(&EVERY)).collect();
        }
        Self::of(&places)
    }

    fn of(places: &[[bool; 256]]) -> Self {
        let depth = places.iter().rposition(|place| place.contains(&false)).map_or(0, |last| last.saturating_add(1));
        let mut never = Box::new([0; 256]);
        for (bit, place) in places.iter().enumerate() {
            for (cell, may_stand) in never.iter_mut().zip(place) {
                *cell |= u8::from(!may_stand).wrapping_shl(bit as u32);
            }
        }
        Self { never, depth }
    }

    /// Whether anything may come of a literal with this behind it. Where the text ends nothing more is asked.
    #[inline]
    pub fn may_come(&self, rest: &[u8]) -> bool {
        let never =
            |byte: u8, place: u32| self.never.get(usize::from(byte)).copied().unwrap_or(0) & 1_u8.wrapping_shl(place);
        // WHY the first by itself: it refuses most, and of many it is all that is asked about.
        let begins = rest.first().is_none_or(|byte| never(*byte, 0) == 0);
        if !begins || self.depth <= 1 {
            return begins;
        }
        match rest.first_chunk::<PLACES>() {
            // WHY all at once: the machine has nothing to guess.
            Some(eight) => eight.iter().zip(0..).fold(0, |found, (byte, place)| found | never(*byte, place)) == 0,
            None => rest.iter().zip(0..).all(|(byte, place)| never(*byte, place) == 0),
        }
    }
}

/// The states that walks through a shape may be in: through what leads to the value, and through the value. One may be over.
struct Walk<'a> {
    shape: &'a Automaton,
    states: Vec<u32>,
    value: Option<(&'a Automaton, Vec<u32>)>,
    is_over: bool,
}

impl<'a> Walk<'a> {
    fn new(shape: &'a Automaton, value: Option<&'a Automaton>) -> Self {
        Self::at(shape, vec![shape.start()], value.map(|value| (value, Vec::new())))
    }

    fn at(shape: &'a Automaton, states: Vec<u32>, value: Option<(&'a Automaton, Vec<u32>)>) -> Self {
        let ends = |shape: &Automaton, states: &[u32]| states.iter().any(|state| shape.is_ending(*state));
        let is_led = ends(shape, &states);
        let value = value.map(|(value, mut inner)| {
            // Behind what leads to it a value begins.
            inner.extend(is_led.then_some(value.start()));
            (value, inner)
        });
        let is_over = value.as_ref().map_or(is_led, |(value, inner)| ends(value, inner));
        Self { shape, states, value, is_over }
    }

    fn after(&self, bytes: &[u8]) -> Self {
        let value = self.value.as_ref().map(|(value, states)| (*value, value.steps(states, bytes)));
        let mut made = Self::at(self.shape, self.shape.steps(&self.states, bytes), value);
        made.is_over |= self.is_over;
        made
    }

    fn goes_on(&self, byte: u8) -> bool {
        let next = |shape: &Automaton, states: &[u32]| !shape.steps(states, &[byte]).is_empty();
        next(self.shape, &self.states) || self.value.as_ref().is_some_and(|(value, states)| next(value, states))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::engine;

    #[test]
    fn what_a_shape_does_not_go_on_with_is_refused() {
        let ahead = |kind: &str, word: &str| {
            let engine = engine().ok()?;
            let (at, row) = engine.rows.iter().enumerate().find(|(_, row)| row.kind == kind)?;
            let (back, _) = row.triggers.iter().find(|(_, literal)| *literal == word)?;
            Some(Ahead::behind(engine.detectors.get(at)?, *back, word.as_bytes()))
        };
        let comes =
            |kind: &str, word: &str, rest: &str| ahead(kind, word).is_some_and(|one| one.may_come(rest.as_bytes()));
        assert!(comes("secret.github_token", "ghp_", "a1B2c3D4_") && comes("secret.github_token", "ghp_", "a1"));
        assert!(!comes("secret.github_token", "ghp_", "a1B2c3D_"));
        // A value behind what leads to it, and one of which something stands before its literal.
        assert!(comes("secret.url_password", "://", "me:x") && !comes("secret.url_password", "://", "/me:x"));
        assert!(
            comes("secret.azure_client_secret", "3Q~", "aZ09_~.-")
                && !comes("secret.azure_client_secret", "3Q~", "3Q~!")
        );
    }

    #[test]
    fn the_first_byte_or_nothing_may_be_asked_about() {
        assert!(Ahead::anything().may_come(b"x") && Ahead::first(|byte| byte == b'x').may_come(b"xyz"));
        assert!(!Ahead::first(|byte| byte == b'x').may_come(b"y") && Ahead::first(|_| false).may_come(b""));
    }

    #[test]
    fn of_several_what_one_lets_through_may_come() {
        let is = |wanted: u8| EVERY.map(|byte| byte == wanted);
        let (long, short) = (Ahead::of(&[is(b'x'), is(b'y')]), Ahead::first(|byte| byte == b'z'));
        let both = Ahead::any([&long, &short].into_iter());
        assert!(both.may_come(b"xy") && both.may_come(b"z") && both.may_come(b"zx") && !both.may_come(b"yx"));
        let one = Ahead::any(std::iter::once(&long));
        assert!(one.may_come(b"xy") && !one.may_come(b"xx") && !one.may_come(b"xx345678"));
        assert!(!Ahead::any(std::iter::empty()).may_come(b"x"));
    }
}
