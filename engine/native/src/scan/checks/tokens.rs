//! Structure of keys and tokens: their letters, what they decode to, where a block ends.

use crate::scan::checks::random::{entropy, is_placeholder, Facts};
use crate::scan::checks::{pem, Place};
use crate::scan::limits::LONGEST;

pub fn of(name: &str) -> Option<fn(&[u8]) -> bool> {
    Some(match name {
        "cased" => cased,
        "upper" => upper,
        "never" => never,
        "digit" => digit,
        "unsequenced" => unsequenced,
        "keyform" => keyform,
        "jwt" => jwt,
        "jwt64" => jwt64,
        "basic" => basic,
        "urlpass" => urlpass,
        _ => return None,
    })
}

/// A check that looks around a place and may move it.
pub type Around = fn(&[u8], usize, usize) -> Option<Place>;

pub fn around(name: &str) -> Option<Around> {
    Some(match name {
        "pem" => pem::pem,
        "wrapped" => pem::wrapped,
        "putty" => putty,
        "offpath" => offpath,
        "run" => run,
        "apart" => apart,
        "keyish" => keyish,
        _ => return None,
    })
}

/// Not one character over and over.
pub fn mixed(value: &mut impl Facts) -> bool {
    let bits = value.entropy();
    bits >= 200 && value.digits() > 0 || bits >= 300 && value.letters() > 0
}

/// Small and capital letters, and digits.
fn cased(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_digit)
}

fn upper(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// No long run of the alphabet, as people type it who have no key at hand.
fn unsequenced(value: &[u8]) -> bool {
    const RUN: usize = 8;
    !value
        .windows(RUN)
        .any(|run| run.windows(2).all(|two| matches!(two, [one, next] if one.checked_add(1) == Some(*next))))
}

fn digit(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit)
}

/// As services form their keys: of a usual length, with figures and letters in one case or more, and no words.
fn keyform(value: &[u8]) -> bool {
    let figures = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let usual = matches!(value.len(), 20 | 24 | 30 | 32 | 36 | 40 | 48 | 64);
    usual && figures >= 2 && figures < value.len() && entropy(value) >= 200
}

fn never(_: &[u8]) -> bool {
    false
}

/// The first part decodes to an object that names an algorithm or a type.
fn jwt(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'.');
    let begins = |bytes: &Vec<u8>| bytes.first() == Some(&b'{');
    let header = parts.next().and_then(decoded).is_some_and(|bytes| begins(&bytes) && bytes.last() == Some(&b'}'));
    header && parts.next().and_then(decoded).is_some_and(|bytes| begins(&bytes))
}

fn jwt64(value: &[u8]) -> bool {
    decoded(value).is_some_and(|inner| inner.starts_with(b"eyJ") && inner.contains(&b'.'))
}

/// User and password, in base64.
fn basic(value: &[u8]) -> bool {
    decoded(value).is_some_and(|bytes| {
        let readable = bytes.iter().filter(|byte| byte.is_ascii_graphic() || **byte == b' ').count();
        bytes.contains(&b':') && readable.saturating_mul(10) >= bytes.len().saturating_mul(7)
    })
}

const PLACES: [&[u8]; 6] = [b"your_", b"your-", b"replace", b"changeme", b"placeholder", b"example"];

/// `user:password` of an address, neither of them a placeholder.
fn urlpass(value: &[u8]) -> bool {
    const SHORTEST: usize = 4;
    let Some(colon) = value.iter().position(|byte| *byte == b':') else {
        return false;
    };
    let (user, password) = value.split_at(colon);
    let password = password.get(1..).unwrap_or_default();
    let is_word = |words: &[&[u8]], text: &[u8]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let a_word = is_word(&[b"pass", b"password", b"pwd", b"passwd", b"mypassword"], password);
    let somebody = is_word(&[b"user", b"username", b"login", b"usr", b"myuser", b"dbuser"], user);
    let stands_for = somebody && (a_word || password.len() < SHORTEST);
    let is_variable =
        PLACES.iter().any(|sign| password.windows(sign.len()).any(|part| part.eq_ignore_ascii_case(sign)))
            || password.first().is_some_and(|byte| b"$<{%[*".contains(byte));
    // `postgres:postgres` is what an image comes with.
    !stands_for
        && !is_variable
        && password != user
        && password.iter().any(|byte| password.first() != Some(byte) || password.len() == 1)
}

/// Base64 in either alphabet, padding and separators aside; `None` when it is none.
pub fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b'\\' => continue,
            _ => return None,
        };
        bits = (bits.wrapping_shl(6) | u32::from(six)) & 0x00ff_ffff;
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            out.push((bits.wrapping_shr(held) & 0xff) as u8);
        }
    }
    Some(out)
}

/// The private lines of a key file of PuTTY.
fn putty(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let rest = text.get(end..text.len().min(end.saturating_add(LONGEST)))?;
    let marker = b"Private-MAC: ";
    let place = rest.windows(marker.len()).position(|part| part == marker)?;
    let code =
        rest.get(place.saturating_add(marker.len())..)?.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    Some((start, end.saturating_add(place).saturating_add(marker.len()).saturating_add(code)))
}

/// How far behind the word `curl` its options are looked for, and with what they begin.
pub const REACH: usize = 400;
pub const OPTIONS: [&[u8]; 2] = [b" -u", b" --user"];

/// What is given to curl as user and password, behind its word: where each begins and ends, and whether its end is there.
pub fn logins(rest: &[u8]) -> impl Iterator<Item = (Place, bool)> + '_ {
    let is_cut = rest.len() > REACH;
    let line = rest.get(..REACH).unwrap_or(rest);
    let options = (0..line.len()).filter_map(move |place| {
        let behind = line.get(place..)?;
        let name = [b" --user ".as_slice(), b" --user=", b" -u"].into_iter().find(|name| behind.starts_with(name))?;
        Some(place.saturating_add(name.len()))
    });
    options.filter_map(move |at| {
        let spaces = line.get(at..)?.iter().take_while(|byte| **byte == b' ').count();
        let mut at = at.saturating_add(spaces);
        let quote = line.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\''));
        at = at.saturating_add(usize::from(quote.is_some()));
        let value = line.get(at..)?;
        let length = value.iter().position(|byte| match quote {
            Some(quote) => *byte == quote || *byte == b'\n',
            None => byte.is_ascii_whitespace() || matches!(*byte, b'"' | b'\'' | b'\\'),
        });
        Some(((at, at.saturating_add(length.unwrap_or(value.len()))), is_cut || length.is_some()))
    })
}

/// `-u user:password` or `--user user:password` after the word `curl`.
pub fn curl(text: &[u8], end: usize) -> Option<Place> {
    let rest = text.get(end..)?;
    let ((from, until), _) = logins(rest).find(|((from, until), _)| rest.get(*from..*until).is_some_and(is_login))?;
    Some((end.saturating_add(from), end.saturating_add(until)))
}

fn is_login(value: &[u8]) -> bool {
    let Some(colon) = value.iter().position(|byte| *byte == b':') else {
        return false;
    };
    let (user, password) = value.split_at(colon);
    let given = password.get(1..).unwrap_or_default();
    let is_variable = |part: &[u8]| {
        part.first().is_some_and(|byte| matches!(byte, b'$' | b'{' | b'<' | b'%' | b'['))
            || part.windows(2).any(|two| two == b"${" || two == b"$(" || two == b"{{")
    };
    // `test:test`, `xxx:yyy`: examples of how it is written.
    let blank = user == given || [user, given].iter().all(|part| part.iter().all(|byte| part.first() == Some(byte)));
    let named = user.eq_ignore_ascii_case(b"username") || user.eq_ignore_ascii_case(b"user");
    let blank = blank || named && is_placeholder(given);
    (password.len() > 3 || user.len() > 3) && !blank && !is_variable(given) && !is_variable(user)
}

/// No dash follows: a token is a whole run of its letters.
fn run(text: &[u8], start: usize, end: usize) -> Option<Place> {
    (text.get(end) != Some(&b'-')).then_some((start, end))
}

/// No letter or figure stands before it; an underscore may.
fn apart(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    (!before.is_some_and(u8::is_ascii_alphanumeric)).then_some((start, end))
}

/// Not the last part of a path: pages and files are called so.
fn offpath(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    (!matches!(before, Some(b'/' | b'.'))).then_some((start, end))
}

/// A word for a key stands shortly before.
fn keyish(text: &[u8], start: usize, end: usize) -> Option<Place> {
    const REACH: usize = 40;
    let before = text.get(start.saturating_sub(REACH)..start)?.to_ascii_lowercase();
    let words: [&[u8]; 8] = [b"key", b"secret", b"token", b"pass", b"access", b"private", b"auth", b"login"];
    words.iter().any(|word| before.windows(word.len()).any(|part| part == *word)).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_decodes_in_both_alphabets() {
        assert_eq!(decoded(b"aGk=").as_deref(), Some(b"hi".as_slice()));
        assert_eq!(decoded(b"-_-_").as_deref(), Some([0xfb, 0xff, 0xbf].as_slice()));
        assert_eq!(decoded(b"a b"), None);
    }

    #[test]
    fn a_password_on_a_command_line_is_found_and_a_variable_is_not() {
        let text = b"curl -s -u ana:hunter2 https://x";
        assert_eq!(curl(text, 4), Some((11, 22)));
        assert_eq!(curl(b"curl -u \"$U:$P\" https://x", 4), None);
        assert_eq!(curl(b"curl -u \"$U:$P\" --user=ana:hunter2", 4), Some((23, 34)));
        assert_eq!(curl(b"curl -u ana:hunter2 --user $U", 4), Some((8, 19)));
    }
}
