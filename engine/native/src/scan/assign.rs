//! `name = value` where the name says that the value is secret: passwords, and keys and tokens nobody's prefix tells of.
//!
//! A password is taken on the word of its name, unless it is a placeholder or code. A key must also look random.

use crate::scan::checks::random;
use crate::scan::limits::VALUE;
use crate::scan::near::begins_word;
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
    ("_pw", Word::ShortPassword),
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
];

/// The numbers of the types found here.
pub struct Kinds {
    password: u16,
    key: u16,
}

impl Kinds {
    pub fn new(kind_of: impl Fn(&str) -> Result<u16, String>) -> Result<Self, String> {
        let [key, password] = TYPES;
        Ok(Self { password: kind_of(password)?, key: kind_of(key)? })
    }
}

/// A word stood at `start..end`: takes what is assigned to the name that it is part of.
pub fn assign(walker: &mut Walker<'_>, word: Word, start: usize, end: usize) {
    let kinds = &walker.engine.generic;
    let kind = match word {
        Word::Password | Word::ShortPassword => kinds.password,
        Word::Key | Word::Weak => kinds.key,
    };
    if !walker.wants_kind(kind) {
        return;
    }
    let text = walker.text;
    let Some(place) = Place::after(text, end) else {
        return;
    };
    let found = match word {
        Word::Password => password(text, &place),
        Word::ShortPassword if begins_word(text, start) => password(text, &place),
        Word::ShortPassword => None,
        Word::Key => key(text, &place, random::KEY),
        Word::Weak if begins_word(text, start) || all_capitals(text, start, end) => key(text, &place, random::WEAK),
        Word::Weak => key(text, &place, random::WEAK.stricter().stricter()),
    };
    if let Some((from, to)) = found {
        let rank = if kind == kinds.password { PASSWORD_RANK } else { KEY_RANK };
        walker.take(kind, rank, from, to);
    }
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
    fn after(text: &[u8], end: usize) -> Option<Self> {
        const TAIL: usize = 24;
        const BETWEEN: usize = 12;
        let rest = text.get(end..)?;
        let tail = rest.iter().take(TAIL).take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_').count();
        let mut at = end.saturating_add(tail);
        let (mut operator, mut quote) = (Operator::None, None);
        let between = text.get(at..)?.iter().take(BETWEEN);
        for byte in between {
            match byte {
                b'=' => operator = Operator::Equals,
                b':' if operator != Operator::Equals => operator = Operator::Colon,
                b',' | b'|' if operator == Operator::None => operator = Operator::Comma,
                b'"' | b'\'' | b'`' => quote = Some(*byte),
                b' ' | b'\t' | b']' | b')' | b'>' | b'(' | b'[' | b'\\' | b'!' | b'?' | b':' | b',' | b'|' => {
                    if operator != Operator::None && matches!(byte, b' ' | b'\t') {
                        quote = None;
                    }
                }
                b'-' if operator == Operator::None => {}
                _ => break,
            }
            if matches!(byte, b'=' | b':' | b',' | b')' | b']') {
                quote = None;
            }
            at = at.saturating_add(1);
        }
        if at == end.saturating_add(tail) {
            return None;
        }
        Some(Self { at, tail: (end, end.saturating_add(tail)), operator, quote })
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

fn key(text: &[u8], place: &Place, demand: random::Demand) -> Option<(usize, usize)> {
    let tail = place.tail(text);
    // WHY: `key_id`, `tokenId`, `secretName` name a secret, they do not hold it.
    if ends_with_any(
        tail,
        &[b"id", b"ids", b"name", b"names", b"url", b"uri", b"path", b"type", b"arn", b"hash", b"count"],
    ) {
        return None;
    }
    let end = run(text, place.at, |byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~' | b':' | b'!' | b'@' | b'%' | b'^' | b'&' | b'*'
            )
    });
    let value = text.get(place.at..end)?;
    let value = trimmed(value);
    let end = place.at.saturating_add(value.len());
    let called = matches!(text.get(end), Some(b'(' | b'{' | b'[' | b'$' | b'<'));
    let demand = if place.operator == Operator::None { demand.stricter() } else { demand };
    (!called && random::looks_random(value, demand)).then_some((place.at, end))
}

fn password(text: &[u8], place: &Place) -> Option<(usize, usize)> {
    const SHORTEST: usize = 4;
    const LONGEST: usize = 128;
    if ends_with_any(
        place.tail(text),
        &[b"hash", b"length", b"file", b"path", b"field", b"policy", b"less", b"name", b"id", b"url", b"reset"],
    ) || matches!(place.operator, Operator::None | Operator::Comma)
    {
        return password_without_operator(text, place);
    }
    let end = match place.quote {
        Some(quote) => run(text, place.at, |byte| byte != quote && byte != b'\n' && byte != b'\\'),
        None => run(text, place.at, |byte| !byte.is_ascii_whitespace() && !closes(byte)),
    };
    let value = text.get(place.at..end)?;
    if !(SHORTEST..=LONGEST).contains(&value.len())
        || random::is_placeholder(value)
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
fn password_without_operator(text: &[u8], place: &Place) -> Option<(usize, usize)> {
    let end = run(text, place.at, |byte| byte.is_ascii_graphic() && !closes(byte));
    let value = text.get(place.at..end)?;
    random::looks_random(value, random::WEAK).then_some((place.at, end))
}

/// What ends a bare value.
fn closes(byte: u8) -> bool {
    matches!(
        byte,
        b',' | b';' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'(' | b')' | b'{' | b'}' | b']' | b'|' | b'\\' | b'&'
    )
}

fn is_line_of_its_own(text: &[u8], end: usize) -> bool {
    matches!(text.get(end), None | Some(b'\n' | b'\r'))
}

/// A value that is code: a variable, a call, a member of something.
fn is_code(value: &[u8], after: Option<u8>) -> bool {
    if matches!(after, Some(b'(' | b'[' | b'{')) {
        return true;
    }
    let dotted = value.split(|byte| *byte == b'.').count() > 1
        && value.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'));
    dotted || value.windows(2).any(|pair| pair == b"->" || pair == b"::" || pair == b"()")
}

fn ends_with_any(tail: &[u8], endings: &[&[u8]]) -> bool {
    let lower = tail.to_ascii_lowercase();
    endings.iter().any(|ending| lower.ends_with(ending))
}

/// Without the punctuation of a sentence at its end.
fn trimmed(value: &[u8]) -> &[u8] {
    let kept = value.iter().rposition(|byte| !b".:!&%^*,".contains(byte)).map_or(0, |last| last.saturating_add(1));
    value.get(..kept).unwrap_or_default()
}
