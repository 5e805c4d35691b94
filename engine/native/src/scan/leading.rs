//! With what the matches of an automaton begin: asked once, when the engine is built, so that a text is looked at as little as can be.

use crate::scan::automaton::{Automaton, DEAD};

/// As a word must stand, letter by letter; nothing where it may in any case.
type Spelled = Option<Box<[u8]>>;

impl Automaton {
    /// Whether a match may begin with these bytes.
    pub fn may_begin(&self, head: &[u8]) -> bool {
        let mut state = self.start();
        for byte in head {
            if self.is_ending(state) {
                return true;
            }
            state = self.step(state, *byte);
        }
        state != DEAD
    }

    /// The state after a word, and how it must be spelled for that: letter by letter, or in any case (none). Nothing where that
    /// differs from letter to letter, or a match may be over in it.
    pub fn after(&self, word: &[u8]) -> Option<(u32, Spelled)> {
        self.led(word).filter(|_| !self.may_end_within(word))
    }

    /// How a word must be spelled, as in `after`, that is a whole match with which none goes on, and no other begins.
    pub fn just(&self, word: &[u8]) -> Option<Spelled> {
        let (state, spelled) = self.led(word)?;
        let (_, begun) = word.split_last()?;
        let goes_on = self.row(state).iter().any(|next| u32::from(*next) != DEAD);
        (self.is_ending(state) && !goes_on && !self.may_end_within(begun)).then_some(spelled)
    }

    /// The state after a word, whether or not a match is over by then.
    fn led(&self, word: &[u8]) -> Option<(u32, Spelled)> {
        let (mut states, mut spelled) = (vec![self.start()], Vec::with_capacity(word.len()));
        let (mut any, mut one) = (false, false);
        for cases in word.iter().map(cases) {
            let [small, capital] = cases.map(|byte| self.steps(&states, &[byte]));
            match (small.is_empty(), capital.is_empty()) {
                (false, false) if small != capital => return None,
                (false, false) => any |= cases.first() != cases.last(),
                _ => one |= cases.first() != cases.last(),
            }
            let [low, high] = cases;
            spelled.push(if small.is_empty() { high } else { low });
            states = if small.is_empty() { capital } else { small };
        }
        match *states.as_slice() {
            [_] if any && one => None,
            [state] => Some((state, one.then(|| spelled.into_boxed_slice()))),
            _ => None,
        }
    }

    /// By how many bytes of a kind stand at the beginning, up to `most`: the state after them. Nothing where that differs from
    /// byte to byte, or a match may be over by then.
    pub fn runs(&self, is_in: impl Fn(u8) -> bool, most: usize) -> Option<Box<[u32]>> {
        let bytes: Vec<u8> = EVERY.into_iter().filter(|byte| is_in(*byte)).collect();
        let (mut state, mut states) = (self.start(), Vec::new());
        loop {
            states.push(state);
            let first = self.step(state, *bytes.first()?);
            if self.is_ending(state) || bytes.iter().any(|byte| self.step(state, *byte) != first) {
                return None;
            }
            if states.len() > most {
                return Some(states.into_boxed_slice());
            }
            state = first;
        }
    }

    /// Whether a match may end in a word, in any case, or with it.
    fn may_end_within(&self, word: &[u8]) -> bool {
        let mut states = vec![self.start()];
        word.iter().map(cases).any(|cases| {
            let was = states.iter().any(|state| self.is_ending(*state));
            states = self.steps(&states, &cases);
            was || states.iter().any(|state| self.is_ending(*state))
        })
    }

    /// The states after a word in any case that begins in one of some states.
    pub fn after_word(&self, states: Vec<u32>, word: &[u8]) -> Vec<u32> {
        word.iter().map(cases).fold(states, |states, cases| self.steps(&states, &cases))
    }

    /// The states after one of some bytes, in order; those from which nothing comes are left out.
    pub fn steps(&self, states: &[u32], bytes: &[u8]) -> Vec<u32> {
        let all = states.iter().flat_map(|state| bytes.iter().map(|byte| self.step(*state, *byte)));
        let mut next: Vec<u32> = all.filter(|state| *state != DEAD).collect();
        next.sort_unstable();
        next.dedup();
        next
    }

    /// So many bytes at least that are no white space stand at the beginning of a match.
    pub fn least(&self) -> usize {
        let (mut states, mut count) = (vec![self.start()], 0_usize);
        let goes_on =
            |state: &u32| !self.is_ending(*state) && b" \t\n\x0c\r".iter().all(|byte| self.step(*state, *byte) == DEAD);
        while !states.is_empty() && states.iter().all(goes_on) {
            (states, count) = (self.steps(&states, &EVERY), count.saturating_add(1));
        }
        count
    }
}

pub const EVERY: [u8; 256] = {
    let (mut all, mut byte) = ([0; 256], 0_u8);
    let mut rest: &mut [u8] = &mut all;
    while let Some((one, more)) = rest.split_first_mut() {
        *one = byte;
        (rest, byte) = (more, byte.wrapping_add(1));
    }
    all
};

fn cases(byte: &u8) -> [u8; 2] {
    [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::automaton::Way;

    fn anchored(pattern: &str) -> Option<Automaton> {
        Automaton::anchored(&[format!("(?-u){pattern}")]).ok()
    }

    #[test]
    fn a_walk_may_begin_behind_a_word() {
        let after =
            |pattern: &str, word: &str| anchored(pattern).and_then(|one| Some((one.after(word.as_bytes())?, one)));
        // In any case, as it is spelled, and neither: where only one letter may be either, and where it may be over.
        let (any, shape) = after("(?i:key)=x", "key").unzip();
        assert!(any.is_some_and(|(state, spelled)| {
            let way = Way { state, found: None };
            spelled.is_none() && shape.is_some_and(|one| one.go(b"KEy=x", 3, 5, way).found == Some(5))
        }));
        let spelled = after("AKIA-b[0-9]", "akia-b").and_then(|((_, spelled), _)| spelled);
        assert_eq!(spelled.as_deref(), Some(b"AKIA-b".as_slice()));
        assert!(after("k(?i:e)y", "key").is_none() && after("ke?y?", "key").is_none() && after("x", "key").is_none());
        assert!(after("(?:ab|Ac)d", "a").is_none());
        let just = |pattern: &str, word: &str| anchored(pattern).and_then(|one| one.just(word.as_bytes()));
        assert_eq!(just("sIg=", "sig=").flatten().as_deref(), Some(b"sIg=".as_slice()));
        assert!(just("(?i:sig)=", "sig=").is_some_and(|spelled| spelled.is_none()));
        let runs = |pattern: &str| {
            anchored(pattern).and_then(|one| Some((one.runs(|byte| matches!(byte, b'a' | b'b'), 3)?, one)))
        };
        assert!(runs("[ab]{1,2}@").is_some_and(|(states, one)| {
            let two = Way { state: states.get(2).copied().unwrap_or(DEAD), found: None };
            states.last() == Some(&DEAD) && one.go(b"ab@", 2, 3, two).found == Some(3)
        }));
        assert!(runs("[ab]a{2}@").is_none() && runs("[ab]+@?").is_none());
        assert!(just("sig=+", "sig=").is_none() && just("si?", "si").is_none() && just("sig=x", "sig=").is_none());
    }
}
