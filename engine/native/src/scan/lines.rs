//! A value without quotes to which a line belongs: `NAME=value` of an environment, `name: value` of YAML. Signs do not end it.

use crate::scan::limits::VALUE;
use crate::scan::place::{Operator, Place};

/// How long a name may be, and what stands before it on its line.
const NAME: usize = 64;
const INDENT: usize = 40;
/// How far before a comment it is looked for.
const GAP: usize = 16;

/// Where the value ends that a line assigns to the name with a word at `start`, if a line does; up to `known` it has no white
/// space.
pub fn end(text: &[u8], start: usize, place: &Place, known: usize) -> Option<usize> {
    let (_, name_end) = place.tail;
    let gap = text.get(name_end..place.at)?;
    let may_be = match place.operator {
        Operator::Equals => gap == b"=",
        Operator::Colon => gap.starts_with(b": ") && gap.iter().skip(1).all(|byte| *byte == b' '),
        Operator::Comma | Operator::None => false,
    };
    let last = text.len().min(place.at.saturating_add(VALUE));
    // WHY this order: what is asked of a whole name or value comes after what is asked of a sign.
    let rest = text.get(known..last).filter(|_| may_be)?;
    let end = known.saturating_add(rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()));
    let value = text.get(place.at..end).filter(|value| value.len() < VALUE)?;
    let name = name_start(text, start)?;
    let holds = match place.operator {
        Operator::Equals => {
            let at_margin = name.checked_sub(1).is_none_or(|before| text.get(before) == Some(&b'\n'));
            at_margin || text.get(name..name_end)?.iter().all(|byte| !byte.is_ascii_lowercase())
        }
        _ => is_last(text, end) && !value.last().is_some_and(|byte| b",;{([|>".contains(byte)),
    };
    let kept = value.iter().rposition(|byte| !b",;".contains(byte)).map_or(0, |last| last.saturating_add(1));
    (holds && !is_code(value) && !is_reference(value)).then(|| place.at.saturating_add(kept))
}

/// Whether nothing but a comment follows on the line.
pub fn is_last(text: &[u8], end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    let spaces = rest.iter().take(GAP).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match rest.get(spaces) {
        None | Some(b'\n' | b'\r') => true,
        Some(b'#') => spaces > 0,
        _ => false,
    }
}

/// Whether a value that begins at `at` ends with the text, or a comment behind it may begin there.
pub fn is_open(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let value = rest.iter().take(VALUE).take_while(|byte| !byte.is_ascii_whitespace()).count();
    let after = rest.get(value..).unwrap_or_default();
    let spaces = after.iter().take(GAP).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    !rest.is_empty() && value.saturating_add(spaces) >= rest.len()
}

/// Where the name begins of which a word stands at `start`, if it is the first on its line.
fn name_start(text: &[u8], start: usize) -> Option<usize> {
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-".contains(*byte);
    let head = text.get(start.saturating_sub(NAME)..start)?;
    let length = head.iter().rev().take_while(is_of_name).count();
    let name = start.saturating_sub(length);
    let line = text.get(name.saturating_sub(INDENT)..name)?;
    let indent = match line.iter().rposition(|byte| *byte == b'\n') {
        Some(newline) => line.get(newline.saturating_add(1)..)?,
        None if line.len() == name => line,
        None => return None,
    };
    let bare = indent.trim_ascii();
    (bare.is_empty() || [b"export".as_slice(), b"-", b"ENV", b"set"].contains(&bare)).then_some(name)
}

/// A call, or something of an object: letters, and then what is in brackets to the end.
fn is_code(value: &[u8]) -> bool {
    let bare = value.strip_suffix(b";").or_else(|| value.strip_suffix(b",")).unwrap_or(value);
    let head = bare.iter().take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.')).count();
    let is_called = head > 0 && matches!(bare.get(head), Some(b'(' | b'[' | b'{'));
    is_called && matches!(bare.last(), Some(b')' | b']' | b'}' | b'(' | b'[' | b'{'))
}

/// Members or a path in words of letters, of which one says that it leads to a value: `self.password`, `vault/db`.
fn is_reference(value: &[u8]) -> bool {
    const SIGNS: [&[u8]; 22] = [
        b"pass", b"pwd", b"secret", b"token", b"cred", b"auth", b"key", b"user", b"self", b"this", b"env", b"conf",
        b"req", b"arg", b"opt", b"param", b"data", b"value", b"form", b"file", b"vault", b"::",
    ];
    let is_of_words = value.iter().all(|byte| byte.is_ascii_alphabetic() || b"._-/#:>()".contains(byte));
    let has = |sign: &[u8]| value.windows(sign.len()).any(|part| part.eq_ignore_ascii_case(sign));
    is_of_words
        && (matches!(value, [b'/' | b'.' | b'#', ..]) || SIGNS.iter().any(|sign| has(sign)) || has(b"->") || has(b"()"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::values::Run;

    fn value(text: &str) -> Option<&str> {
        let start = text.to_ascii_lowercase().find("password")?;
        let place = Place::after(text.as_bytes(), start.saturating_add(8), &mut Run::default())?;
        text.get(place.at..end(text.as_bytes(), start, &place, place.at)?)
    }

    #[test]
    fn an_environment_has_values_of_any_signs() {
        assert_eq!(value("A=1\nPASSWORD=Tr0ub,secret<rest(99\nB=2"), Some("Tr0ub,secret<rest(99"));
        assert_eq!(value("export PASSWORD=a;b x"), Some("a;b"));
        assert_eq!(value("  - PASSWORD=a&b[c\n"), Some("a&b[c"));
        assert_eq!(value("db.password=a,b\n"), Some("a,b"));
        assert_eq!(value("    password=self.password,\n"), None);
        assert_eq!(value("f(PASSWORD=a,b)"), None);
        assert_eq!(value("PASSWORD=getpass(x)"), None);
    }

    #[test]
    fn a_line_of_yaml_goes_to_its_comment() {
        assert_eq!(value("  password: abc/def-ghi # x\n"), Some("abc/def-ghi"));
        assert_eq!(value("  password: a,b\n"), Some("a,b"));
        assert_eq!(value("  password: string,\n"), None);
        assert_eq!(value("say password: a b c\n"), None);
        assert_eq!(value("  password: two words\n"), None);
        assert_eq!(value("  password: correct.horse.battery\n"), Some("correct.horse.battery"));
        assert_eq!(value("  password: req.body.it\n"), None);
        assert_eq!(value("  password: /run/x\n"), None);
    }

    #[test]
    fn a_comment_may_come_yet() {
        assert!(is_open(b"x: abc", 3) && is_open(b"x: abc  ", 3) && !is_open(b"x: abc d", 3) && !is_open(b"abc\n", 0));
    }
}
