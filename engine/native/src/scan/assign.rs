//! `name = value` where the name says that the value is secret: passwords, and keys and tokens nobody's prefix tells of.
//!
//! A password is taken on the word of its name, unless it is a placeholder or code. A key must also look random.

use crate::scan::checks::random;
use crate::scan::engine::Engine;
use crate::scan::limits::VALUE;
use crate::scan::near::begins_word;
use crate::scan::place::{self, Behind, Operator, Place};
use crate::scan::quoted::End;
use crate::scan::values::{Run, Values};
use crate::scan::walk::Walker;
use crate::scan::{lines, names, pairs, quoted};

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
pub fn assign(walker: &mut Walker<'_>, word: Word, start: usize, end: usize) {
    let (engine, text, kind) = (walker.engine, walker.text, kind(walker.engine, word));
    if !walker.wants_kind(kind) || word == Word::ShortPassword && !is_short_password(engine, text, start, end) {
        return;
    }
    let values = &mut walker.values;
    values.behind.look(text, end, &mut values.names);
    let Behind { own, tail, typed, key, .. } = values.behind;
    let found = match (typed.or_else(|| pairs::beside(text, start, tail)), own) {
        (None, None) => return,
        (None, Some(own)) if word == Word::Faint && own.operator == Operator::None => return,
        (None, Some(own)) => {
            let key = if kind == engine.generic.key { key.unwrap_or_else(|| key_at(text, &own, values)) } else { None };
            value(engine, word, (start, end), (text, &own, key), values)
        }
        (Some(other), own) => first(engine, word, (start, end), (text, [Some(other), own]), values),
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
        let key = if kind(engine, word) == engine.generic.key { key_of(text, &place, values) } else { None };
        value(engine, word, name, (text, &place, key), values)
    })
}

/// The key right behind the words that end at one place, kept for the next of them.
fn key_at(text: &[u8], own: &Place, values: &mut Values) -> Option<(usize, usize)> {
    let found = key_of(text, own, values);
    values.behind.key = Some(found);
    found
}

/// What a name that promises a key says is one.
fn key_of(text: &[u8], place: &Place, values: &mut Values) -> Option<(usize, usize)> {
    // WHY first: most of what is assigned is short.
    may_be_key(text, place, &mut values.keys).then(|| key(text, place, random::KEY, values)).flatten()
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
    (text, place, known): (&[u8], &Place, Option<(usize, usize)>),
    values: &mut Values,
) -> Option<(usize, usize)> {
    let kinds = &engine.generic;
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

/// All of a key of which a part was found: to the quote that closes it, or to the end of its line of an environment.
fn whole(text: &[u8], start: usize, place: &Place, (from, to): (usize, usize)) -> (usize, usize) {
    const SIGNS: usize = 8;
    let Some(next) = text.get(to).copied() else {
        return (from, to);
    };
    if from != place.at || Some(next) == place.quote || place.quote.is_none() && !closes(next) {
        return (from, to);
    }
    let last = match place.quote {
        None => lines::end(text, start, place),
        Some(quote) => match quoted::end(text, from, quote) {
            End::Closed(end) => text.get(from..end).filter(|value| is_joined(value, SIGNS)).map(|_| end),
            End::Broken(_) | End::Open => None,
        },
    };
    (from, last.filter(|last| *last > to).unwrap_or(to))
}

/// Whether it has no spaces, or so many signs that they belong to it.
fn is_joined(value: &[u8], signs: usize) -> bool {
    value.iter().all(u8::is_ascii_graphic)
        || value.iter().filter(|byte| byte.is_ascii_punctuation()).count() >= signs
            && value.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// Whether this byte may stand behind a word whose name, or an operator or a quote after it, begins there.
pub fn may_follow(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || b"_=:,|\"'` \t])>([\\!?-.\n\r".contains(&byte)
}

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

/// The end of a run of bytes from `at` for which `is_in` holds.
fn run(text: &[u8], at: usize, is_in: impl Fn(u8) -> bool) -> usize {
    let length = text.get(at..).unwrap_or_default().iter().take(VALUE).take_while(|byte| is_in(**byte)).count();
    at.saturating_add(length)
}

fn key(text: &[u8], place: &Place, demand: random::Demand, values: &mut Values) -> Option<(usize, usize)> {
    if names::tells_of_key(place.tail(text)) {
        return None;
    }
    let demand = if place.operator == Operator::None { demand.stricter() } else { demand };
    let found = bare_key(text, place.at, demand, values)
        .or_else(|| quoted_key(text, place, demand))
        .or_else(|| bare_key(text, after_a_word(text, place)?, demand.stricter(), values))?;
    let joined = text.get(place.tail.1) == Some(&b'-') && place.at == place.tail.1.saturating_add(1);
    (!joined || !names::is_of_workload(text.get(place.at..)?)).then_some(found)
}

/// Whether what stands here has the length of a key, as `key` takes one.
fn may_be_key(text: &[u8], place: &Place, keys: &mut Run) -> bool {
    let mut is_long = |at: usize| keys.end(text, at, VALUE, is_of_keys).saturating_sub(at) >= random::KEY.shortest;
    place.quote.is_some() || is_long(place.at) || after_a_word(text, place).is_some_and(is_long)
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
    // `</` is of a tag that closes.
    let called =
        matches!(text.get(end..), Some([b'(' | b'{' | b'[' | b'$', ..] | [b'<'] | [b'<', b'\0'..=b'.' | b'0'.., ..]));
    (!called && values.looks_random(text, at, end, demand)).then_some((at, end))
}

/// A key of any signs, whole in quotes: generated ones often are (`'wwf*2#86t64!fgh...'`). A long one may have spaces.
fn quoted_key(text: &[u8], place: &Place, demand: random::Demand) -> Option<(usize, usize)> {
    const SHORTEST: usize = 20;
    const LONG: usize = 40;
    const SIGNS: usize = 8;
    let End::Closed(end) = quoted::end(text, place.at, place.quote?) else {
        return None;
    };
    let value = text.get(place.at..end)?;
    // WHY first: most are short.
    if value.len() < demand.shortest.max(SHORTEST) {
        return None;
    }
    let has_spaces = value.contains(&b' ');
    let (shortest, entropy) = if has_spaces { (LONG, 480) } else { (SHORTEST, 380) };
    let kinds = [u8::is_ascii_digit, u8::is_ascii_alphabetic, u8::is_ascii_punctuation];
    let is_mixed = || kinds.iter().all(|kind| value.iter().filter(|byte| kind(byte)).count() >= 3);
    let holds = value.len() >= shortest && is_mixed() && is_joined(value, SIGNS);
    let is_random = holds && random::entropy(value) >= entropy;
    (is_random && !random::is_code(value) && !random::is_placeholder(value)).then_some((place.at, end))
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

/// The shortest password, and the longest.
const SHORTEST: usize = 4;
const LONGEST: usize = 128;

fn password(text: &[u8], start: usize, place: &Place, values: &mut Values) -> Option<(usize, usize)> {
    if names::tells_of_password(place.tail(text)) {
        return password_without_operator(text, place, values);
    }
    if matches!(place.operator, Operator::None | Operator::Comma) {
        return given_password(text, start, place).or_else(|| password_without_operator(text, place, values));
    }
    match place.quote {
        Some(quote) => quoted_password(text, place, quote),
        None => bare_password(text, start, place, values),
    }
}

/// One in quotes, to the quote that closes it; where none does, up to the first sign that may.
fn quoted_password(text: &[u8], place: &Place, quote: u8) -> Option<(usize, usize)> {
    let cut = || run(text, place.at, |byte| byte != quote && byte != b'\n' && byte != b'\\');
    let end = match quoted::end(text, place.at, quote) {
        End::Closed(end) if end.saturating_sub(place.at) <= LONGEST => end,
        _ => Some(cut()).filter(|end| matches!(text.get(*end), Some(b'\\')) || text.get(*end) == Some(&quote))?,
    };
    let value = text.get(place.at..end)?;
    (is_real(value) && !is_code(value, None)).then_some((place.at, end))
}

/// One without quotes: up to white space or a sign that ends values, unless its line says that the signs are its own.
fn bare_password(text: &[u8], start: usize, place: &Place, values: &mut Values) -> Option<(usize, usize)> {
    let end = values.words.end(text, place.at, VALUE, |byte| !byte.is_ascii_whitespace() && !closes(byte));
    let narrow = text.get(place.at..end)?;
    let is_cut = text.get(end).is_some_and(|byte| closes(*byte) || *byte == b'[');
    if narrow.len() > LONGEST || narrow.len() < SHORTEST && !is_cut {
        return None;
    }
    let codes = is_code(narrow, text.get(end).copied());
    let line = if is_cut || codes { lines::end(text, start, place) } else { None };
    let line = line.filter(|last| *last >= end && last.saturating_sub(place.at) <= LONGEST);
    if codes && line.is_none() {
        return None;
    }
    let end = line.unwrap_or(end);
    let value = text.get(place.at..end)?;
    let plain = value.iter().all(u8::is_ascii_alphabetic);
    let holds = match place.operator {
        Operator::Equals => !plain || value.len() >= 6,
        Operator::Colon => !plain || lines::is_last(text, end),
        Operator::Comma | Operator::None => false,
    };
    let is_long = (SHORTEST..=LONGEST).contains(&value.len());
    let mut stands_for = || values.of(text, place.at, end).is_none_or(|mut value| random::stands_for(&mut value));
    (holds && is_long && !random::is_moment(value) && !stands_for()).then_some((place.at, end))
}

/// One that no operator assigns, where it is plain all the same that it is one.
fn given_password(text: &[u8], start: usize, place: &Place) -> Option<(usize, usize)> {
    let quoted = || match quoted::end(text, place.at, place.quote?) {
        End::Closed(end) if pairs::is_given(text, start, end, place) => Some((place.at, end)),
        _ => None,
    };
    let found = pairs::tagged(text, start, place).or_else(|| pairs::option(text, start, place)).or_else(quoted);
    found.filter(|(from, to)| text.get(*from..*to).is_some_and(is_real))
}

/// Whether it is long enough for a password, and stands for none.
fn is_real(value: &[u8]) -> bool {
    (SHORTEST..=LONGEST).contains(&value.len()) && !random::is_moment(value) && !random::is_placeholder(value)
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

/// A value that is code: a variable, a call, a member of something.
fn is_code(value: &[u8], after: Option<u8>) -> bool {
    if matches!(after, Some(b'(' | b'[' | b'{')) {
        return true;
    }
    let dotted =
        value.contains(&b'.') && value.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'));
    // A type and what it is of: `Union[str`.
    let bracket = value.contains(&b'[')
        && value.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'['));
    let selector = value.first().is_some_and(|byte| matches!(byte, b'#' | b'.'))
        && value.iter().skip(1).all(|byte| byte.is_ascii_lowercase() || *byte == b'-');
    let path = value.contains(&b'/')
        && value.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'/' | b'#' | b'_' | b'-' | b'.'));
    // What follows a quote that closed: `"password = " + value`.
    let joined = value.first().is_some_and(|byte| matches!(byte, b'+' | b')' | b';'));
    let has = |pair @ [_, last]: &[u8; 2]| value.contains(last) && value.windows(2).any(|two| two == pair);
    dotted || bracket || selector || path || joined || has(b"->") || has(b"::") || has(b"()")
}

/// Without the punctuation of a sentence at its end.
fn trimmed(value: &[u8]) -> &[u8] {
    let kept = value.iter().rposition(|byte| !b".:!&%^*,".contains(byte)).map_or(0, |last| last.saturating_add(1));
    value.get(..kept).unwrap_or_default()
}
