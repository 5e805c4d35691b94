//! Values of names that promise a key or a token: what looks random enough, bare or in quotes.

use std::ops::Range;

use crate::scan::checks::random;
use crate::scan::limits::VALUE;
use crate::scan::passwords::closes;
use crate::scan::place::{Operator, Place};
use crate::scan::quoted::End;
use crate::scan::values::{Run, Values};
use crate::scan::{lines, names, quoted};

/// What a name that promises a key says is one; nothing where none is. WHY no option: two numbers come back in registers.
pub fn key_of(text: &[u8], place: &Place, values: &mut Values) -> Range<usize> {
    // WHY first: most of what is assigned is short.
    let found = may_be_key(text, place, &mut values.keys).then(|| key(text, place, random::KEY, values)).flatten();
    found.map_or(0..0, |(from, to)| from..to)
}

/// The key at a place, if what is there is as random as it must be.
pub fn key(text: &[u8], place: &Place, demand: random::Demand, values: &mut Values) -> Option<(usize, usize)> {
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
pub fn after_a_word(text: &[u8], place: &Place) -> Option<usize> {
    const LONGEST: usize = 8;
    if place.operator != Operator::None || place.quote.is_some() {
        return None;
    }
    let rest = text.get(place.at..).unwrap_or_default().iter().take(LONGEST.saturating_add(1));
    let length = rest.take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = place.at.saturating_add(length);
    ((1..=LONGEST).contains(&length) && text.get(word) == Some(&b' ')).then(|| word.saturating_add(1))
}

/// Without the punctuation of a sentence at its end.
fn trimmed(value: &[u8]) -> &[u8] {
    let kept = value.iter().rposition(|byte| !b".:!&%^*,".contains(byte)).map_or(0, |last| last.saturating_add(1));
    value.get(..kept).unwrap_or_default()
}

/// All of a key of which a part was found: to the quote that closes it, or to the end of its line of an environment.
pub fn whole(text: &[u8], start: usize, place: &Place, (from, to): (usize, usize)) -> (usize, usize) {
    const SIGNS: usize = 8;
    let Some(next) = text.get(to).copied() else {
        return (from, to);
    };
    if from != place.at || Some(next) == place.quote || place.quote.is_none() && !closes(next) {
        return (from, to);
    }
    let last = match place.quote {
        None => lines::end(text, start, place, to),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<&str> {
        let values = &mut Values::default();
        let place = Place::after(text.as_bytes(), text.find("key")?.saturating_add(3), &mut values.names)?;
        text.get(key_of(text.as_bytes(), &place, values)).filter(|value| !value.is_empty())
    }

    #[test]
    fn a_key_looks_random() {
        assert_eq!(value("key = a8Kd03nQz7Lw."), Some("a8Kd03nQz7Lw"));
        assert_eq!(value("key for a8Kd03nQz7LwPq52Tb"), Some("a8Kd03nQz7LwPq52Tb"));
        assert_eq!(value("key = a8Kd03nQz7Lw(x)"), None);
        assert_eq!(value("key = configuration"), None);
        assert_eq!(value("key_id = a8Kd03nQz7Lw"), None);
        assert_eq!(value("key = a8Kd03"), None);
    }

    #[test]
    fn a_key_in_quotes_may_have_any_signs() {
        let signs = "wwf*2#86t64!fgh(31)<q~7>";
        assert_eq!(value(&format!("key = '{signs}'")), Some(signs));
        assert_eq!(value("key = '(((((((((((((((((((((((('"), None);
    }

    #[test]
    fn what_was_found_of_a_key_goes_on_to_its_quote() {
        let text = b"key = 'a8Kd03nQz7Lw<'";
        let place = Place::after(text, 3, &mut Run::default());
        assert_eq!(place.map(|place| whole(text, 0, &place, (7, 19))), Some((7, 20)));
    }
}
