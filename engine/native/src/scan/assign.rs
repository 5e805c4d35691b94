//! `name = value` where the name says that the value is secret: passwords, and keys and tokens nobody's prefix tells of.
//!
//! A password is taken on the word of its name, unless it is a placeholder or code. A key must also look random.

use std::ops::Range;

use crate::scan::checks::random;
use crate::scan::engine::Engine;
use crate::scan::keys::{after_a_word, key, key_of, whole};
use crate::scan::near::begins_word;
use crate::scan::passwords::password;
use crate::scan::place::{self, run, Operator, Place};
use crate::scan::quoted::{self, End};
use crate::scan::values::{Run, Values};
use crate::scan::walk::Walker;
use crate::scan::{lines, names, pairs};

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// `password`: the value is secret whatever it looks like. The word may stand inside a longer one.
    Password,
    /// `pass`, `pwd`: the same, as a word of its own.
    ShortPassword,
    /// `secret`, `token`, `api_key`: the value is secret when it looks random.
    Key,
    /// `key`, `auth`: too common; the value must look very random.
    Weak,
    /// `api`: the same, and only in an assignment.
    Faint,
}

/// The types found here.
pub const TYPES: [&str; 2] = ["secret.generic_key", "secret.password"];
const PASSWORD_RANK: u8 = 4;
const KEY_RANK: u8 = 3;

/// The words, in lower case.
pub const WORDS: &[(&str, Word)] = &[
    ("password", Word::Password),
    ("passwort", Word::Password),
    ("passwd", Word::Password),
    ("passphrase", Word::Password),
    ("contraseña", Word::Password),
    ("mot de passe", Word::Password),
    ("pass", Word::ShortPassword),
    ("pwd", Word::ShortPassword),
    ("_pw", Word::Password),
    ("passcode", Word::ShortPassword),
    ("secret", Word::Key),
    ("token", Word::Key),
    ("apikey", Word::Key),
    ("api_key", Word::Key),
    ("api-key", Word::Key),
    ("api key", Word::Key),
    ("access_key", Word::Key),
    ("accesskey", Word::Key),
    ("access-key", Word::Key),
    ("access key", Word::Key),
    ("private_key", Word::Key),
    ("privatekey", Word::Key),
    ("private-key", Word::Key),
    ("auth_key", Word::Key),
    ("authkey", Word::Key),
    ("account_key", Word::Key),
    ("accountkey", Word::Key),
    ("app_key", Word::Key),
    ("appkey", Word::Key),
    ("client_key", Word::Key),
    ("consumer_key", Word::Key),
    ("consumerkey", Word::Key),
    ("encryption_key", Word::Key),
    ("encryptionkey", Word::Key),
    ("signing_key", Word::Key),
    ("license_key", Word::Key),
    ("master_key", Word::Key),
    ("masterkey", Word::Key),
    ("service_key", Word::Key),
    ("server_key", Word::Key),
    ("subscription-key", Word::Key),
    ("credential", Word::Key),
    ("authorization", Word::Key),
    ("private", Word::Key),
    ("access", Word::Weak),
    ("key", Word::Weak),
    ("auth", Word::Weak),
    ("api", Word::Faint),
];

/// Words that make a weak one before which they stand a promise: `access key`, `secret for key`.
const STRENGTHENS: [&[u8]; 5] = [b"secret", b"access", b"private", b"api", b"token"];

/// The numbers of the types found here.
pub struct Kinds {
    password: u16,
    key: u16,
    /// Words for a password, and what makes longer ones of them: `pass`, `word`.
    longer: Vec<(&'static [u8], &'static [u8])>,
}

impl Kinds {
    pub fn new(kind_of: impl Fn(&str) -> Result<u16, String>) -> Result<Self, String> {
        let [key, password] = TYPES;
        let is_name = |rest: &str| rest.bytes().all(place::is_of_names) && !rest.is_empty();
        let passwords = || WORDS.iter().filter(|(_, word)| matches!(word, Word::Password | Word::ShortPassword));
        let longer = passwords().filter(|(_, word)| *word == Word::ShortPassword).flat_map(|(short, _)| {
            let rests = passwords().filter_map(move |(long, _)| long.strip_prefix(short)).filter(|rest| is_name(rest));
            rests.map(|rest| (short.as_bytes(), rest.as_bytes()))
        });
        Ok(Self { password: kind_of(password)?, key: kind_of(key)?, longer: longer.collect() })
    }

    /// Whether the word at `start..end` goes on as a longer one, whose value is the same and found there.
    fn goes_on(&self, text: &[u8], start: usize, end: usize) -> bool {
        let is = |at: usize, part: &[u8]| {
            text.get(at..at.saturating_add(part.len())).is_some_and(|there| there.eq_ignore_ascii_case(part))
        };
        self.longer.iter().any(|(short, rest)| is(end, rest) && is(start, short))
    }
}

/// A word stood at `start..end`: takes what is assigned to the name that it is part of.
#[inline]
pub fn assign(walker: &mut Walker<'_>, word: Word, start: usize, end: usize) {
    // WHY here: where only types are asked for, one that was seen costs no more than this.
    if walker.wants_kind(kind(walker.engine, word)) {
        assigned(walker, word, start, end);
    }
}

#[inline(never)]
fn assigned(walker: &mut Walker<'_>, word: Word, start: usize, end: usize) {
    let (engine, text, kind) = (walker.engine, walker.text, kind(walker.engine, word));
    if word == Word::ShortPassword && !is_short_password(engine, text, start, end) {
        return;
    }
    let (values, behind) = (&mut walker.values, &mut walker.behind);
    behind.look(text, end, &mut values.names);
    let other = behind.typed.or_else(|| pairs::beside(text, start, behind.tail));
    let found = match (&behind.own, other) {
        (None, None) => return,
        (Some(own), None) if word == Word::Faint && own.operator == Operator::None => return,
        (Some(own), None) => {
            let known = match &behind.key {
                _ if kind != engine.generic.key => 0..0,
                Some(known) => known.clone(),
                None => behind.key.insert(key_of(text, own, values)).clone(),
            };
            value(engine, word, (start, end), (text, own, known), values)
        }
        (own, Some(other)) => first(engine, word, (start, end), (text, [Some(other), *own]), values),
    };
    if let Some((from, to)) = found {
        let rank = if kind == engine.generic.password { PASSWORD_RANK } else { KEY_RANK };
        walker.take(kind, rank, from, to);
    }
}

/// The value at the first of some places that has one.
#[cold]
fn first(
    engine: &Engine,
    word: Word,
    name: (usize, usize),
    (text, places): (&[u8], [Option<Place>; 2]),
    values: &mut Values,
) -> Option<(usize, usize)> {
    places.into_iter().flatten().find_map(|place| {
        let known = if kind(engine, word) == engine.generic.key { key_of(text, &place, values) } else { 0..0 };
        value(engine, word, name, (text, &place, known), values)
    })
}

/// Whether a short word for a password is one of its own.
fn is_short_password(engine: &Engine, text: &[u8], start: usize, end: usize) -> bool {
    begins_word(text, start) && !names::goes_on(text, start, end) && !engine.generic.goes_on(text, start, end)
}

/// The value at a place, if it is what the word at `start..end` says; `known` is the key there, where one is looked for.
#[inline(always)]
fn value(
    engine: &Engine,
    word: Word,
    (start, end): (usize, usize),
    (text, place, known): (&[u8], &Place, Range<usize>),
    values: &mut Values,
) -> Option<(usize, usize)> {
    let kinds = &engine.generic;
    let known = Some((known.start, known.end)).filter(|(from, to)| from < to);
    // WHY first: of what is no key after a word that promises one nothing more is asked.
    if kind(engine, word) == kinds.key && known.is_none() || names::is_public(text, start) {
        return None;
    }
    let found = match word {
        Word::Password | Word::ShortPassword => return password(text, start, place, values),
        Word::Key => known,
        Word::Faint if place.operator == Operator::None => None,
        Word::Weak if is_strengthened(text, start) => known,
        Word::Weak | Word::Faint if place.names(text, start) => key(text, place, random::NAMED, values),
        Word::Weak | Word::Faint if begins_word(text, start) || all_capitals(text, start, end) => {
            key(text, place, random::WEAK, values)
        }
        Word::Weak | Word::Faint => key(text, place, random::WEAK.stricter().stricter(), values),
    };
    let found = found.filter(|_| !names::is_place(text, start, end) && !is_named(text, start))?;
    Some(whole(text, start, place, found))
}

/// Whether the word is a part of the name of a resource: `arn:aws:secretsmanager:...:secret:db-AbCdEf`.
fn is_named(text: &[u8], start: usize) -> bool {
    const REACH: usize = 96;
    if start.checked_sub(1).and_then(|before| text.get(before)) != Some(&b':') {
        return false;
    }
    let before = text.get(start.saturating_sub(REACH)..start).unwrap_or_default();
    let length =
        before.iter().rev().take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'')).count();
    before.get(before.len().saturating_sub(length)..).unwrap_or_default().starts_with(b"arn:")
}

/// Whether this byte may stand behind a word whose name, or an operator or a quote after it, begins there.
#[inline]
pub fn may_follow(byte: u8) -> bool {
    FOLLOW.get(usize::from(byte)) == Some(&true)
}

const FOLLOW: [bool; 256] = {
    let (mut all, mut byte) = ([false; 256], 0_u8);
    let mut rest: &mut [bool] = &mut all;
    while let Some((one, more)) = rest.split_first_mut() {
        let is_quote = matches!(byte, b'"' | b'\'' | b'`' | b'\\');
        let is_sign = matches!(byte, b'_' | b'=' | b':' | b',' | b'|' | b']' | b')' | b'>' | b'(' | b'[' | b'!' | b'?');
        let is_white = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        *one = byte.is_ascii_alphabetic() || is_quote || is_sign || is_white || matches!(byte, b'-' | b'.');
        (rest, byte) = (more, byte.wrapping_add(1));
    }
    all
};

/// What is found after a word.
pub fn kind(engine: &Engine, word: Word) -> u16 {
    match word {
        Word::Password | Word::ShortPassword => engine.generic.password,
        Word::Key | Word::Weak | Word::Faint => engine.generic.key,
    }
}

/// Where the value begins that is assigned to the name of which a word stands at `start..end`, when the text ends before it is over.
pub fn unfinished(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let names = &mut Run::default();
    let own = Place::after(text, end, names);
    let tail = place::tail(text, end, names);
    let is_open = |at: usize, is_in: &dyn Fn(u8) -> bool| at < text.len() && run(text, at, is_in) >= text.len();
    let is_solid = |at: &usize| is_open(*at, &|byte| !byte.is_ascii_whitespace());
    let opened = |place: &Place| match place.quote {
        Some(quote) => place.at < text.len() && quoted::end(text, place.at, quote) == End::Open || is_solid(&place.at),
        None => lines::is_open(text, place.at),
    };
    // Between tags and behind options a value begins at once.
    let (_, name_end) = tail;
    let next = || Some(run(text, name_end, |byte| matches!(byte, b' ' | b'>' | b'"' | b'\'')));
    let next = text.get(name_end).filter(|byte| matches!(byte, b' ' | b'>')).and_then(|_| next());
    let second = own.as_ref().and_then(|place| after_a_word(text, place)).filter(is_solid);
    let typed = own.as_ref().and_then(|place| pairs::typed(text, place));
    let places = [own, typed, pairs::beside(text, start, tail)].into_iter().flatten();
    let open = places.filter(opened).map(|place| place.at);
    open.chain(next.filter(is_solid)).chain(second).min()
}

fn is_strengthened(text: &[u8], start: usize) -> bool {
    const REACH: usize = 16;
    let before = text.get(start.saturating_sub(REACH)..start).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    (0..line.len()).any(|at| {
        let rest = line.get(at..).unwrap_or_default();
        let begins = |word: &[u8]| rest.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word));
        // WHY the first letters first: they refuse nearly all.
        let [first, second, ..] = rest else {
            return false;
        };
        let is_one =
            matches!((first | 0x20, second | 0x20), (b's', b'e') | (b'a', b'c' | b'p') | (b'p', b'r') | (b't', b'o'));
        is_one && STRENGTHENS.iter().any(|word| begins(word))
    })
}

fn all_capitals(text: &[u8], start: usize, end: usize) -> bool {
    text.get(start..end).is_some_and(|word| word.iter().all(u8::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_one_name() {
        let mut all: Vec<&str> = WORDS.iter().map(|(literal, _)| *literal).collect();
        all.sort_unstable();
        let number = all.len();
        all.dedup();
        assert_eq!(all.len(), number, "`engine::Trigger` has room for one");
    }
}
