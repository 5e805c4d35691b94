//! Values of names that promise a password: taken on the word of the name, unless they are placeholders or code.

use crate::scan::checks::random;
use crate::scan::limits::VALUE;
use crate::scan::place::{run, Operator, Place};
use crate::scan::quoted::End;
use crate::scan::values::Values;
use crate::scan::{lines, names, pairs, quoted};

/// The shortest password, and the longest.
const SHORTEST: usize = 4;
const LONGEST: usize = 128;

/// The password at a place, if there is one.
pub fn password(text: &[u8], start: usize, place: &Place, values: &mut Values) -> Option<(usize, usize)> {
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
    let line = if is_cut || codes { lines::end(text, start, place, end) } else { None };
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
pub fn closes(byte: u8) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<&str> {
        let (values, start) = (&mut Values::default(), text.find("password")?);
        let place = Place::after(text.as_bytes(), start.saturating_add(8), &mut values.names)?;
        let (from, to) = password(text.as_bytes(), start, &place, values)?;
        text.get(from..to)
    }

    #[test]
    fn a_password_is_taken_on_the_word_of_its_name() {
        assert_eq!(value("password = hunter2, x"), Some("hunter2"));
        assert_eq!(value("password: 'two words'"), Some("two words"));
        assert_eq!(value("x --password hunter2"), Some("hunter2"));
        assert_eq!(value("password_hash = hunter2"), None);
    }

    #[test]
    fn what_stands_for_a_password_or_is_code_is_none() {
        for text in ["password = None;", "password = get()", "password = self.it", "password = 'x'", "password is here"]
        {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
