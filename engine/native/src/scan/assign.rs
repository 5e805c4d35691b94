//! `name = value` where the name says that the value is secret: passwords, and keys and tokens nobody's prefix tells of.
//!
//! A password is taken on the word of its name, unless it is a placeholder or code. A key must also look random.

use crate::scan::checks::random;
use crate::scan::engine::Engine;
use crate::scan::limits::VALUE;
use crate::scan::near::begins_word;
use crate::scan::values::{Run, Values};
use crate::scan::walk::Walker;

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
        let is_name = |rest: &str| rest.bytes().all(is_of_names) && !rest.is_empty();
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
pub fn assign(walker: &mut Walker<'_>, word: Word, start: usize, end: usize) {
    let kinds = &walker.engine.generic;
    let kind = kind(walker.engine, word);
    if !walker.wants_kind(kind) {
        return;
    }
    let (text, values) = (walker.text, &mut walker.values);
    let Some(place) = Place::after(text, end, &mut values.names) else {
        return;
    };
    // WHY first: most of what is assigned is short.
    if kind == kinds.key && !may_be_key(text, &place, &mut values.keys) || is_public(text, start) {
        return;
    }
    let found = match word {
        Word::Password => password(text, &place, values),
        Word::ShortPassword if begins_word(text, start) && !kinds.goes_on(text, start, end) => {
            password(text, &place, values)
        }
        Word::ShortPassword => None,
        Word::Key => key(text, &place, random::KEY, values),
        Word::Faint if place.operator == Operator::None => None,
        // WHY first: of what is no key after a word that promises one nothing more is asked.
        Word::Weak | Word::Faint if key(text, &place, random::KEY, values).is_none() => None,
        Word::Weak if is_strengthened(text, start) => key(text, &place, random::KEY, values),
        Word::Weak | Word::Faint if place.names(text, start) => key(text, &place, random::NAMED, values),
        Word::Weak | Word::Faint if begins_word(text, start) || all_capitals(text, start, end) => {
            key(text, &place, random::WEAK, values)
        }
        Word::Weak | Word::Faint => key(text, &place, random::WEAK.stricter().stricter(), values),
    };
    if let Some((from, to)) = found {
        let rank = if kind == kinds.password { PASSWORD_RANK } else { KEY_RANK };
        walker.take(kind, rank, from, to);
    }
}

/// Whether this byte may stand behind a word whose name, or an operator or a quote after it, begins there.
pub fn may_follow(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || b"_=:,|\"'` \t])>([\\!?-.".contains(&byte)
}

/// What is found after a word.
pub fn kind(engine: &Engine, word: Word) -> u16 {
    match word {
        Word::Password | Word::ShortPassword => engine.generic.password,
        Word::Key | Word::Weak | Word::Faint => engine.generic.key,
    }
}

/// Where the value begins that is assigned to the name of which a word ends at `end`, when the text ends before it is over.
pub fn unfinished(text: &[u8], end: usize) -> Option<usize> {
    let place = Place::after(text, end, &mut Run::default())?;
    let is_open = |at: usize, is_in: &dyn Fn(u8) -> bool| at < text.len() && run(text, at, is_in) >= text.len();
    let quoted = place.quote.is_some_and(|quote| is_open(place.at, &|byte| byte != quote && byte != b'\n'));
    if quoted || is_open(place.at, &|byte| !byte.is_ascii_whitespace()) {
        return Some(place.at);
    }
    after_a_word(text, &place).filter(|at| is_open(*at, &|byte| !byte.is_ascii_whitespace()))
}

/// A public key is no secret: `PUBLIC_KEY`, `publicKey`, `pub_key`.
fn is_public(text: &[u8], start: usize) -> bool {
    const SIGNS: [&[u8]; 3] = [b"public", b"pub", b"publishable"];
    const LONGEST: usize = 12;
    let before = text.get(start.saturating_sub(LONGEST)..start).unwrap_or_default();
    let name = match before {
        [name @ .., b'_' | b'-' | b' '] => name,
        name => name,
    };
    ends_with_any(name, &SIGNS)
}

fn is_strengthened(text: &[u8], start: usize) -> bool {
    const REACH: usize = 16;
    let before = text.get(start.saturating_sub(REACH)..start).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    (0..line.len()).any(|at| {
        let rest = line.get(at..).unwrap_or_default();
        let letter = rest.first().map(u8::to_ascii_lowercase);
        let mut alike = STRENGTHENS.iter().filter(|word| word.first().copied() == letter);
        alike.any(|word| rest.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word)))
    })
}

fn all_capitals(text: &[u8], start: usize, end: usize) -> bool {
    text.get(start..end).is_some_and(|word| word.iter().all(u8::is_ascii_uppercase))
}

/// Where a value begins, and how it came there.
struct Place {
    at: usize,
    /// The rest of the name after the word.
    tail: (usize, usize),
    operator: Operator,
    /// The byte that closes the value, when one opened it.
    quote: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `=` and its kin.
    Equals,
    Colon,
    /// A comma, a closing bracket, an arrow; what stands between arguments.
    Comma,
    /// Space, a dash or nothing but quotes.
    None,
}

impl Place {
    /// Reads the rest of the name, an operator and an opening quote.
    fn after(text: &[u8], end: usize, names: &mut Run) -> Option<Self> {
        const TAIL: usize = 24;
        const BETWEEN: usize = 12;
        let tail = names.end(text, end, TAIL, is_of_names);
        let mut at = tail;
        let (mut operator, mut quote) = (Operator::None, None);
        let between = text.get(at..)?.iter().take(BETWEEN);
        for byte in between {
            match byte {
                b'=' => operator = Operator::Equals,
                b':' if operator != Operator::Equals => operator = Operator::Colon,
                b',' | b'|' if operator == Operator::None => operator = Operator::Comma,
                // WHY: `password = '', next = ''`: what is assigned is nothing.
                b'"' | b'\'' | b'`' if quote == Some(*byte) && operator == Operator::Equals => return None,
                b',' if quote.is_some() && matches!(operator, Operator::Equals | Operator::Colon) => return None,
                b'"' | b'\'' | b'`' => quote = Some(*byte),
                b' ' | b'\t' | b']' | b')' | b'>' | b'(' | b'[' | b'\\' | b'!' | b'?' | b':' | b',' | b'|' => {
                    if operator != Operator::None && matches!(byte, b' ' | b'\t') {
                        quote = None;
                    }
                }
                b'-' | b'.' if operator == Operator::None => {}
                _ => break,
            }
            if matches!(byte, b'=' | b':' | b',' | b')' | b']') {
                quote = None;
            }
            at = at.saturating_add(1);
        }
        if at == tail {
            return None;
        }
        Some(Self { at, tail: (end, tail), operator, quote })
    }

    /// Whether the name of which the word is a part ends with it, is longer than it, and has a value assigned.
    fn names(&self, text: &[u8], start: usize) -> bool {
        let before = start.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
        let is_part = before == b'_' || before == b'-' || before.is_ascii_lowercase();
        is_part && self.tail.0 == self.tail.1 && matches!(self.operator, Operator::Equals | Operator::Colon)
    }

    fn tail<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.tail.0..self.tail.1).unwrap_or_default()
    }
}

/// The end of a run of bytes from `at` for which `is_in` holds.
fn run(text: &[u8], at: usize, is_in: impl Fn(u8) -> bool) -> usize {
    let length = text.get(at..).unwrap_or_default().iter().take(VALUE).take_while(|byte| is_in(**byte)).count();
    at.saturating_add(length)
}

fn key(text: &[u8], place: &Place, demand: random::Demand, values: &mut Values) -> Option<(usize, usize)> {
    let tail = place.tail(text);
    // WHY: `key_id`, `tokenId`, `secretName` name a secret, they do not hold it.
    if ends_with_any(
        tail,
        &[b"id", b"ids", b"name", b"names", b"url", b"uri", b"path", b"type", b"arn", b"hash", b"count"],
    ) {
        return None;
    }
    let demand = if place.operator == Operator::None { demand.stricter() } else { demand };
    bare_key(text, place.at, demand, values)
        .or_else(|| quoted_key(text, place, demand))
        .or_else(|| bare_key(text, after_a_word(text, place)?, demand.stricter(), values))
}

/// Whether what stands here has the length of a key, as `key` takes one.
fn may_be_key(text: &[u8], place: &Place, keys: &mut Run) -> bool {
    let mut is_long = |at: usize| keys.end(text, at, VALUE, is_of_keys).saturating_sub(at) >= random::KEY.shortest;
    place.quote.is_some() || is_long(place.at) || after_a_word(text, place).is_some_and(is_long)
}

/// Whether names are made of such letters.
fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Whether keys are made of such letters.
fn is_of_keys(byte: u8) -> bool {
    OF_KEYS.get(usize::from(byte)) == Some(&true)
}

const OF_KEYS: [bool; 256] = {
    let (mut all, mut byte) = ([false; 256], 0_u8);
    let mut rest: &mut [bool] = &mut all;
    while let Some((one, more)) = rest.split_first_mut() {
        let is_sign = matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~' | b':' | b'!' | b'@' | b'%' | b'^');
        *one = byte.is_ascii_alphanumeric() || is_sign || matches!(byte, b'&' | b'*');
        (rest, byte) = (more, byte.wrapping_add(1));
    }
    all
};

/// A run of the letters that keys are made of.
fn bare_key(text: &[u8], at: usize, demand: random::Demand, values: &mut Values) -> Option<(usize, usize)> {
    let end = values.keys.end(text, at, VALUE, is_of_keys);
    let value = trimmed(text.get(at..end)?);
    let end = at.saturating_add(value.len());
    let called = matches!(text.get(end), Some(b'(' | b'{' | b'[' | b'$' | b'<'));
    (!called && values.looks_random(text, at, end, demand)).then_some((at, end))
}

/// A key of any signs, whole in quotes: generated ones often are (`'wwf*2#86t64!fgh...'`).
fn quoted_key(text: &[u8], place: &Place, demand: random::Demand) -> Option<(usize, usize)> {
    const SHORTEST: usize = 20;
    let quote = place.quote?;
    let end = run(text, place.at, |byte| byte != quote && byte.is_ascii_graphic());
    let value = text.get(place.at..end)?;
    let is_whole = text.get(end) == Some(&quote) && value.len() >= demand.shortest.max(SHORTEST);
    let kinds = [u8::is_ascii_digit, u8::is_ascii_alphabetic, u8::is_ascii_punctuation];
    let is_mixed = kinds.iter().all(|kind| value.iter().filter(|byte| kind(byte)).count() >= 3);
    let holds = is_whole && is_mixed && random::entropy(value) >= 380;
    (holds && !random::is_code(value) && !random::is_placeholder(value)).then_some((place.at, end))
}

/// Where the value begins when one word stands before it: `secret for 0a1b...`, `access code 0a1b...`.
fn after_a_word(text: &[u8], place: &Place) -> Option<usize> {
    const LONGEST: usize = 8;
    if place.operator != Operator::None || place.quote.is_some() {
        return None;
    }
    let rest = text.get(place.at..).unwrap_or_default().iter().take(LONGEST.saturating_add(1));
    let length = rest.take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = place.at.saturating_add(length);
    ((1..=LONGEST).contains(&length) && text.get(word) == Some(&b' ')).then(|| word.saturating_add(1))
}

fn password(text: &[u8], place: &Place, values: &mut Values) -> Option<(usize, usize)> {
    const SHORTEST: usize = 4;
    const LONGEST: usize = 128;
    if ends_with_any(
        place.tail(text),
        &[b"hash", b"length", b"file", b"path", b"field", b"policy", b"less", b"name", b"id", b"url", b"reset"],
    ) || matches!(place.operator, Operator::None | Operator::Comma)
    {
        return password_without_operator(text, place, values);
    }
    let end = match place.quote {
        Some(quote) => run(text, place.at, |byte| byte != quote && byte != b'\n' && byte != b'\\'),
        None => values.words.end(text, place.at, VALUE, |byte| !byte.is_ascii_whitespace() && !closes(byte)),
    };
    let value = text.get(place.at..end)?;
    if !(SHORTEST..=LONGEST).contains(&value.len())
        || values.of(text, place.at, end).is_none_or(|mut value| random::stands_for(&mut value))
        || is_code(value, text.get(end).copied())
    {
        return None;
    }
    let closed = place.quote.is_none() || text.get(end).copied() == place.quote || text.get(end) == Some(&b'\\');
    let plain = value.iter().all(u8::is_ascii_alphabetic);
    let holds = match (place.quote, place.operator) {
        (Some(_), _) => closed && value.len() >= SHORTEST,
        (None, Operator::Equals) => value.len() >= SHORTEST && (!plain || value.len() >= 6),
        (None, Operator::Colon) => !plain || is_line_of_its_own(text, end),
        (None, _) => false,
    };
    holds.then_some((place.at, end))
}

/// `--password hunter2`: only what looks like a secret by itself.
fn password_without_operator(text: &[u8], place: &Place, values: &mut Values) -> Option<(usize, usize)> {
    let end = values.bare.end(text, place.at, VALUE, |byte| byte.is_ascii_graphic() && !closes(byte));
    values.looks_random(text, place.at, end, random::WEAK).then_some((place.at, end))
}

/// Whether it ends a bare value.
fn closes(byte: u8) -> bool {
    CLOSES.get(usize::from(byte)) == Some(&true)
}

const CLOSES: [bool; 256] = {
    let (mut all, mut byte) = ([false; 256], 0_u8);
    let mut rest: &mut [bool] = &mut all;
    while let Some((one, more)) = rest.split_first_mut() {
        let is_quote = matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b',' | b';' | b'|' | b'\\' | b'&');
        *one = is_quote || matches!(byte, b'(' | b')' | b'{' | b'}' | b']');
        (rest, byte) = (more, byte.wrapping_add(1));
    }
    all
};

fn is_line_of_its_own(text: &[u8], end: usize) -> bool {
    matches!(text.get(end), None | Some(b'\n' | b'\r'))
}

/// A value that is code: a variable, a call, a member of something.
fn is_code(value: &[u8], after: Option<u8>) -> bool {
    if matches!(after, Some(b'(' | b'[' | b'{')) {
        return true;
    }
    let dotted =
        value.contains(&b'.') && value.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'));
    let selector = value.first().is_some_and(|byte| matches!(byte, b'#' | b'.'))
        && value.iter().skip(1).all(|byte| byte.is_ascii_lowercase() || *byte == b'-');
    let path = value.contains(&b'/')
        && value.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'/' | b'#' | b'_' | b'-' | b'.'));
    // What follows a quote that closed: `"password = " + value`.
    let joined = value.first().is_some_and(|byte| matches!(byte, b'+' | b')' | b';'));
    let has = |pair @ [_, last]: &[u8; 2]| value.contains(last) && value.windows(2).any(|two| two == pair);
    dotted || selector || path || joined || has(b"->") || has(b"::") || has(b"()")
}

fn ends_with_any(tail: &[u8], endings: &[&[u8]]) -> bool {
    let last = |length: usize| tail.len().checked_sub(length).and_then(|from| tail.get(from..));
    let letter = tail.last().map(u8::to_ascii_lowercase);
    // WHY the last letter first: it refuses nearly all.
    let mut alike = endings.iter().filter(|ending| ending.last().copied() == letter);
    alike.any(|ending| last(ending.len()).is_some_and(|part| part.eq_ignore_ascii_case(ending)))
}

/// Without the punctuation of a sentence at its end.
fn trimmed(value: &[u8]) -> &[u8] {
    let kept = value.iter().rposition(|byte| !b".:!&%^*,".contains(byte)).map_or(0, |last| last.saturating_add(1));
    value.get(..kept).unwrap_or_default()
}
