//! Strings, numbers and words of JSON, strictly (RFC 8259).

use std::borrow::Cow;

/// The string that a text begins with, with its quotes; None where there is none, or one that no string is.
pub fn string(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = bytes.first().filter(|first| **first == b'"').map(|_| 1_usize)?;
    loop {
        let rest = bytes.get(at..)?;
        at = at.saturating_add(rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?);
        match bytes.get(at)? {
            b'"' => return text.get(..at.saturating_add(1)),
            b'\\' => {
                let length = match bytes.get(at.saturating_add(1))? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                    b'u' => {
                        let digits = bytes.get(at.saturating_add(2)..at.saturating_add(6))?;
                        digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
                    }
                    _ => return None,
                };
                at = at.saturating_add(length);
            }
            _ => return None,
        }
    }
}

/// The number, `true`, `false` or `null` that a text begins with, up to the next sign.
pub fn word(text: &str) -> Option<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let word = text.get(..text.bytes().take_while(is_part).count())?;
    (matches!(word, "true" | "false" | "null") || is_number(word.as_bytes())).then_some(word)
}

/// What a string says, without its quotes and escapes; None for half of a surrogate pair.
pub fn spoken(token: &str) -> Option<Cow<'_, str>> {
    if token.contains('\\') {
        return serde_json::from_str::<String>(token).ok().map(Cow::Owned);
    }
    token.get(1..token.len().checked_sub(1)?).map(Cow::Borrowed)
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?`
fn is_number(word: &[u8]) -> bool {
    let digits = |from: &[u8]| from.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.first() == Some(&b'0')) {
        return false;
    }
    let mut rest = rest.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = fraction.get(length..).unwrap_or_default();
    }
    if let Some(power) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let power = power.strip_prefix(b"-").or_else(|| power.strip_prefix(b"+")).unwrap_or(power);
        return !power.is_empty() && digits(power) == power.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_where_they_end() {
        assert_eq!(string(r#""a\"b\\"c"#), Some(r#""a\"b\\""#));
        assert_eq!(string("\"\\u00e9\u{e9}\":1"), Some("\"\\u00e9\u{e9}\""));
        for bad in ["", "a", "\"", "\"\n\"", r#""\x""#, r#""\u12""#, r#""\u"#, r#""\"#] {
            assert_eq!(string(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_string_says_what_its_escapes_mean() {
        assert_eq!(spoken(r#""a\u00e9\ud83d\ude00""#).as_deref(), Some("a\u{e9}\u{1f600}"));
        assert_eq!(spoken("\"\"").as_deref(), Some(""));
        assert_eq!(spoken(r#""\ud83d""#), None);
    }

    #[test]
    fn words_are_those_of_json() {
        for good in ["0", "-0", "10", "1.50", "-1.0E+5", "1e05", "true", "null"] {
            assert_eq!(word(&format!("{good},")), Some(good));
        }
        for bad in ["", "-", "01", "1.", ".5", "1e", "1e+", "+1", "nul", "nulls", "NaN", "0x1", "1.5.5"] {
            assert_eq!(word(bad), None, "{bad}");
        }
    }
}
