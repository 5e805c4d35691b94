//! Where a value in quotes ends: at the quote that closes it, not at one that is escaped.

use crate::scan::limits::VALUE;

/// How a value in quotes goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its last byte is before this place, where the quote stands or the signs that escape it.
    Closed(usize),
    /// The line ends here, or it is too long.
    Broken(usize),
    /// The text ends before it does.
    Open,
}

/// The end of the value that begins at `at`, behind the quote that opened it.
///
/// A quote in a text in quotes is escaped, and what is escaped in it is escaped once more: behind `\"` another `\"` closes, and
/// `\\\"` does not.
pub fn end(text: &[u8], at: usize, quote: u8) -> End {
    let opening = text.get(..at.saturating_sub(1)).unwrap_or_default();
    let depth = opening.iter().rev().take(MOST).take_while(|byte| **byte == b'\\').count();
    let period = depth.saturating_add(1).saturating_mul(2);
    let mut escapes = 0_usize;
    let last = text.len().min(at.saturating_add(VALUE));
    let mut place = at;
    while let Some(byte) = text.get(place..last).and_then(<[u8]>::first) {
        if *byte == b'\\' {
            (escapes, place) = (escapes.saturating_add(1), place.saturating_add(1));
            continue;
        }
        if *byte == quote {
            let left = escapes.checked_rem(period).unwrap_or(0);
            if left <= depth {
                return End::Closed(place.saturating_sub(left));
            }
        }
        if *byte == b'\n' {
            return End::Broken(place);
        }
        escapes = 0;
        place = place.saturating_add(1);
        // WHY in rows: in most of a value nothing of that stands.
        let is_sign = |byte: &u8| (*byte == quote) | (*byte == b'\\') | (*byte == b'\n');
        let rest = text.get(place..last).unwrap_or_default();
        let rows = rest.as_chunks::<ROW>().0.iter();
        let plain = rows.take_while(|row| !row.iter().fold(false, |any, byte| any | is_sign(byte))).count();
        let plain = plain.saturating_mul(ROW);
        let sign = rest.get(plain..).unwrap_or_default().iter().position(is_sign);
        place = sign.map_or(last, |sign| place.saturating_add(plain).saturating_add(sign));
    }
    let last = at.saturating_add(VALUE);
    if last < text.len() {
        End::Broken(last)
    } else {
        End::Open
    }
}

/// So many bytes are looked at together.
const ROW: usize = 16;

/// More signs in a row escape nothing that anybody writes.
const MOST: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<&str> {
        let at = text.find('"').unwrap_or_default().saturating_add(1);
        match end(text.as_bytes(), at, b'"') {
            End::Closed(end) => text.get(at..end),
            End::Broken(_) | End::Open => None,
        }
    }

    #[test]
    fn an_escaped_quote_closes_nothing() {
        assert_eq!(value(r#"="abcd\"rest" x"#), Some(r#"abcd\"rest"#));
        assert_eq!(value(r#"="abcd\\" x"#), Some(r"abcd\\"));
        assert_eq!(value(r#"="a&b\u0026c" "#), Some(r"a&b\u0026c"));
        assert_eq!(value("=\"abcd\n\""), None);
    }

    #[test]
    fn in_a_text_in_quotes_an_escaped_quote_closes() {
        assert_eq!(value(r#"\":\"abcd\",\"#), Some(":"));
        assert_eq!(value(r#":\"abcd\",\"x"#), Some("abcd"));
        assert_eq!(value(r#":\"ab\\\"cd\",\"x"#), Some(r#"ab\\\"cd"#));
        assert_eq!(value(r#":\"abcd" + x"#), Some("abcd"));
    }

    #[test]
    fn what_the_text_ends_in_is_open() {
        assert_eq!(end(b"=\"abcd", 2, b'"'), End::Open);
        assert_eq!(end(b"=\"abcd\\\"", 2, b'"'), End::Open);
        assert_eq!(end(&[b'a'; 300], 0, b'"'), End::Broken(200));
    }
}
