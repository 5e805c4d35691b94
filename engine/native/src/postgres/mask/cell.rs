//! One cell: its bytes by type and format, to the bytes that stand in its place.

use crate::masking::addresses::{self, Address};
use crate::masking::documents::{self, Scalar};
use crate::masking::fixed;
use crate::masking::method::{Method, Secret};
use crate::masking::moments;
use crate::masking::numbers;
use crate::masking::numeric::{self, Decimal};
use crate::masking::texts::{self, Form};
use crate::postgres::kind::Kind;
use crate::postgres::mask::nested;

const REDACTED: &str = "[redacted]";
const JSONB_VERSION: u8 = 1;

/// Writes what stands for a value; None is NULL. What cannot be read as its type is NULL: no byte of a value passes by mistake.
pub fn rewrite(method: &Method, kind: &Kind, binary: bool, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match kind {
        Kind::Array(of) => nested::array(binary, value, out, |value, out| rewrite(method, of, binary, value, out)),
        Kind::Row(fields) => nested::row(binary, value, out, |at, value, out| {
            fields.get(at).and_then(|field| rewrite(method, field, binary, value, out))
        }),
        Kind::Jsonb if binary => {
            out.push(JSONB_VERSION);
            // WHY: the version byte is no part of the value; without it text and binary give the same.
            document(method, value.strip_prefix(&[JSONB_VERSION])?, out)
        }
        Kind::Json | Kind::Jsonb => document(method, value, out),
        Kind::Text => characters(method, value, out),
        _ => match method {
            Method::Hash(secret) => hashed(secret, kind, binary, value, out),
            Method::Tokenize(secret, _) => token(secret, kind, binary, value, out),
            // WHY: characters are no valid value of these types; NULL is valid for every type in both formats.
            Method::Null | Method::Redact | Method::Partial { .. } => None,
        },
    }
}

/// A text, or a part of one. None leaves nothing of it.
pub fn characters(method: &Method, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match method {
        Method::Null => return None,
        Method::Redact => out.extend_from_slice(REDACTED.as_bytes()),
        Method::Hash(secret) => out.extend_from_slice(&secret.code.hex(value)),
        Method::Tokenize(secret, form) => {
            out.extend_from_slice(&texts::token(&secret.permuter, &secret.code, *form, value));
        }
        Method::Partial { first, last } => {
            partial(std::str::from_utf8(value).ok()?, *first, *last, out);
        }
    }
    Some(())
}

fn document(method: &Method, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let made = match method {
        Method::Null => return None,
        Method::Redact => documents::quoted(REDACTED),
        Method::Hash(secret) => documents::quoted(std::str::from_utf8(&secret.code.hex(value)).ok()?),
        Method::Tokenize(secret, form) => {
            documents::rewritten(std::str::from_utf8(value).ok()?, |scalar| Some(json_token(secret, *form, scalar)))?
        }
        Method::Partial { first, last } => {
            documents::rewritten(std::str::from_utf8(value).ok()?, |scalar| match scalar {
                Scalar::Text(text) => Some(documents::quoted(&partial_text(&text, *first, *last))),
                Scalar::Word(word) => Some(documents::quoted(&partial_text(word, *first, *last))),
            })?
        }
    };
    out.extend_from_slice(made.as_bytes());
    Some(())
}

/// A number stays one where it can; a truth value has two, so it is widened.
fn json_token(secret: &Secret, form: Form, scalar: Scalar<'_>) -> String {
    match scalar {
        Scalar::Text(text) => documents::quoted(&secret.token(form, &text)),
        Scalar::Word(word) => Decimal::parse(word)
            .and_then(|number| number.token(&secret.permuter))
            .map_or_else(|| documents::quoted(&secret.widened(word.as_bytes())), |number| number.print()),
    }
}

fn hashed(secret: &Secret, kind: &Kind, binary: bool, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match kind {
        Kind::Integer(width) => {
            let made = numbers::hash(&secret.permuter, integer(*width, binary, value)?, *width)?;
            put_integer(made, *width, binary, out)
        }
        Kind::Numeric => {
            let spelling = if binary { numeric::spelling(value)? } else { spelling(text(value)?) };
            put_numeric(&numeric::hash(&secret.code, &spelling), binary, out);
            Some(())
        }
        Kind::Uuid => {
            put_uuid(fixed::uuid_hash(&secret.code, uuid(binary, value)?), binary, out);
            Some(())
        }
        Kind::Bytes => {
            put_bytes(&secret.code.bytes(&bytes(binary, value)?), binary, out);
            Some(())
        }
        _ => moved(secret, kind, binary, value, out),
    }
}

fn token(secret: &Secret, kind: &Kind, binary: bool, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match kind {
        Kind::Integer(width) => {
            let made = numbers::token(&secret.permuter, integer(*width, binary, value)?, *width)?;
            put_integer(made, *width, binary, out)
        }
        Kind::Numeric => {
            let number = if binary { Decimal::decode(value)? } else { Decimal::parse(text(value)?)? };
            put_numeric(&number.token(&secret.permuter)?, binary, out);
            Some(())
        }
        Kind::Uuid => {
            put_uuid(fixed::uuid_token(&secret.permuter, uuid(binary, value)?)?, binary, out);
            Some(())
        }
        Kind::Bytes => {
            put_bytes(&fixed::bytes_token(&secret.permuter, &secret.code, &bytes(binary, value)?), binary, out);
            Some(())
        }
        _ => moved(secret, kind, binary, value, out),
    }
}

/// Types of which both methods make another value of the same domain.
fn moved(secret: &Secret, kind: &Kind, binary: bool, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let permuter = &secret.permuter;
    match kind {
        Kind::Date => {
            let days = if binary {
                i64::from(i32::from_be_bytes(value.try_into().ok()?))
            } else {
                moments::parse_day(text(value)?)?
            };
            let made = moments::day(permuter, days)?;
            if binary {
                out.extend_from_slice(&i32::try_from(made).ok()?.to_be_bytes());
            } else {
                out.extend_from_slice(moments::print_day(made)?.as_bytes());
            }
        }
        Kind::Moment { is_zoned } => {
            let micros = if binary {
                i64::from_be_bytes(value.try_into().ok()?)
            } else {
                moments::parse_moment(text(value)?, *is_zoned)?
            };
            let made = moments::moment(permuter, micros, *is_zoned)?;
            if binary {
                out.extend_from_slice(&made.to_be_bytes());
            } else {
                out.extend_from_slice(moments::print_moment(made, *is_zoned)?.as_bytes());
            }
        }
        Kind::Address { is_network } => {
            let address = if binary { Address::decode(value)? } else { Address::parse(text(value)?, *is_network)? };
            let made = (address.is_network == *is_network).then(|| address.moved(permuter)).flatten()?;
            if binary {
                out.extend_from_slice(&made.encode());
            } else {
                out.extend_from_slice(made.print().as_bytes());
            }
        }
        Kind::Mac if binary => out.extend_from_slice(&addresses::mac(permuter, value)?),
        Kind::Mac => {
            let made = addresses::mac(permuter, &addresses::parse_mac(text(value)?)?)?;
            out.extend_from_slice(addresses::print_mac(&made).as_bytes());
        }
        _ => return None,
    }
    Some(())
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

fn spelling(text: &str) -> String {
    Decimal::parse(text).map_or_else(|| text.to_owned(), |number| number.canonical())
}

fn integer(width: usize, binary: bool, value: &[u8]) -> Option<i64> {
    match (binary, width) {
        (false, _) => text(value)?.parse().ok(),
        (true, 4) => Some(i64::from(i32::from_be_bytes(value.try_into().ok()?))),
        (true, 8) => Some(i64::from_be_bytes(value.try_into().ok()?)),
        _ => None,
    }
}

fn put_integer(value: i64, width: usize, binary: bool, out: &mut Vec<u8>) -> Option<()> {
    if !binary {
        out.extend_from_slice(value.to_string().as_bytes());
    } else if width == 4 {
        out.extend_from_slice(&i32::try_from(value).ok()?.to_be_bytes());
    } else {
        out.extend_from_slice(&value.to_be_bytes());
    }
    Some(())
}

fn put_numeric(value: &Decimal, binary: bool, out: &mut Vec<u8>) {
    if binary {
        out.extend_from_slice(&value.encode());
    } else {
        out.extend_from_slice(value.print().as_bytes());
    }
}

fn uuid(binary: bool, value: &[u8]) -> Option<u128> {
    if binary {
        Some(u128::from_be_bytes(value.try_into().ok()?))
    } else {
        fixed::parse_uuid(text(value)?)
    }
}

fn put_uuid(value: u128, binary: bool, out: &mut Vec<u8>) {
    if binary {
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.extend_from_slice(fixed::print_uuid(value).as_bytes());
    }
}

fn bytes(binary: bool, value: &[u8]) -> Option<Vec<u8>> {
    if binary {
        Some(value.to_vec())
    } else {
        fixed::parse_bytes(value)
    }
}

fn put_bytes(value: &[u8], binary: bool, out: &mut Vec<u8>) {
    if binary {
        out.extend_from_slice(value);
    } else {
        out.extend_from_slice(&fixed::print_bytes(value));
    }
}

/// Writes a text of which only characters at both ends are kept. A value no longer than what may be kept is starred whole.
fn partial(text: &str, first: usize, last: usize, out: &mut Vec<u8>) {
    let length = text.chars().count();
    let (first, last) = if first.saturating_add(last) >= length { (0, 0) } else { (first, last) };
    let head = text.char_indices().nth(first).map_or(0, |(at, _)| at);
    out.extend_from_slice(text.as_bytes().get(..head).unwrap_or_default());
    let stars = length.saturating_sub(first).saturating_sub(last);
    out.resize(out.len().saturating_add(stars), b'*');
    if let Some(number) = last.checked_sub(1) {
        let tail = text.char_indices().nth_back(number).and_then(|(at, _)| text.get(at..));
        out.extend_from_slice(tail.unwrap_or_default().as_bytes());
    }
}

fn partial_text(text: &str, first: usize, last: usize) -> String {
    let mut out = Vec::with_capacity(text.len());
    partial(text, first, last, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_at_both_ends_are_kept_and_every_other_is_a_star() {
        let by_characters = |text: &str, first: usize, last: usize| -> String {
            let length = text.chars().count();
            let is_kept = |at: usize| first + last < length && (at < first || at + last >= length);
            text.chars().enumerate().map(|(at, letter)| if is_kept(at) { letter } else { '*' }).collect()
        };
        for text in ["", "a", "ab", "abcdefghij", "\u{e9}\u{2603}x\u{1f600}yz", "\u{1f600}\u{1f600}\u{1f600}\u{1f600}"]
        {
            for first in 0..8 {
                for last in 0..8 {
                    assert_eq!(
                        partial_text(text, first, last),
                        by_characters(text, first, last),
                        "{text} {first} {last}"
                    );
                }
            }
        }
        assert_eq!(partial_text("abc", usize::MAX, 1), "***");
        assert_eq!(partial_text("abc", 1, usize::MAX), "***");
    }
}
