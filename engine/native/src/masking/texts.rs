//! Tokens of texts: the class string stays, and where its domain is too small the token is widened to a keyed code.

// No operation on a `BigUint` overflows, and no radix is 0; short numbers are checked.
#![allow(clippy::arithmetic_side_effects)]

use num_bigint::BigUint;

use crate::masking::classes::{member, radix, sort_of, Sort, DIGITS};
use crate::masking::ff1::fits_short;
use crate::masking::keyed::Keyed;
use crate::masking::permute::Permuter;

/// Characters that change: the cost grows with their square.
pub const MAX_NUMERALS: usize = 512;
pub const FAMILY: &str = "text";
const STANDS_FOR: &str = "tok_";
const WIDENED_HEX: usize = 32;
const KEPT: u8 = 0xff;
const CHECK: u8 = 0xfe;

/// What a policy says of tokens of texts: how many of the characters that change are kept, and whether the last is Luhn's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub first: usize,
    pub last: usize,
    pub luhn: bool,
}

/// The token of a text, in whatever encoding. What is no UTF-8 is widened.
pub fn token(permuter: &Permuter, code: &Keyed, form: Form, value: &[u8]) -> Vec<u8> {
    let kept = std::str::from_utf8(value).ok().and_then(|text| formed(permuter, form, text));
    kept.map_or_else(|| widened(code, value).into_bytes(), String::into_bytes)
}

pub fn text_token(permuter: &Permuter, code: &Keyed, form: Form, text: &str) -> String {
    formed(permuter, form, text).unwrap_or_else(|| widened(code, text.as_bytes()))
}

/// What stands for a value that cannot keep its form.
pub fn widened(code: &Keyed, value: &[u8]) -> String {
    let hex = code.hex(value);
    STANDS_FOR.chars().chain(hex.iter().take(WIDENED_HEX).map(|digit| char::from(*digit))).collect()
}

/// The token with the form of the text, where there is one.
fn formed(permuter: &Permuter, form: Form, text: &str) -> Option<String> {
    let mut sorts = Vec::with_capacity(text.len().min(MAX_NUMERALS));
    let mut numerals = Vec::with_capacity(text.len().min(MAX_NUMERALS));
    for character in text.chars() {
        match sort_of(character) {
            Sort::Unknown => return None,
            Sort::Sign => sorts.push(None),
            Sort::Member { class, index } => {
                sorts.push(Some(character));
                numerals.push((class, index));
            }
        }
        if numerals.len() > MAX_NUMERALS {
            return None;
        }
    }
    let is_checked =
        form.luhn && form.last == 0 && numerals.len() > 1 && numerals.iter().all(|(class, _)| *class == DIGITS);
    let end = numerals.len().checked_sub(form.last.saturating_add(usize::from(is_checked)))?;
    if form.first >= end {
        return None;
    }
    let members = sorts.iter().flatten().copied();
    let detail = detail(&numerals, members, form.first, end, is_checked);
    let moved = permuted(permuter, numerals.get(form.first..end)?, &detail)?;
    let old = is_checked.then(|| luhn(&numerals));
    for (slot, index) in numerals.iter_mut().skip(form.first).zip(moved) {
        slot.1 = index;
    }
    if let Some(old) = old {
        // INVARIANT: a check that was off by some stays off by as much, so that no two numbers get one token.
        let new = luhn(&numerals);
        let last = numerals.last_mut()?;
        last.1 = (last.1 + 10 + new - old) % 10;
    }
    let mut made = numerals.into_iter();
    let mut out = String::with_capacity(text.len());
    for (character, sort) in text.chars().zip(&sorts) {
        match sort {
            None => out.push(character),
            Some(_) => {
                let (class, index) = made.next()?;
                out.push(member(class, index)?);
            }
        }
    }
    Some(out)
}

/// What the permutation depends on besides the domain: the class string, and whatever is kept.
fn detail(
    numerals: &[(u8, u32)],
    members: impl Iterator<Item = char>,
    first: usize,
    end: usize,
    is_checked: bool,
) -> Vec<u8> {
    let place = |at: usize, class: u8| match at {
        _ if at < first => KEPT,
        _ if at < end => class,
        _ if is_checked => CHECK,
        _ => KEPT,
    };
    let mut out: Vec<u8> = numerals.iter().enumerate().map(|(at, (class, _))| place(at, *class)).collect();
    out.push(0);
    let mut buffer = [0; 4];
    for (at, character) in members.enumerate() {
        if place(at, 0) == KEPT {
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
    }
    out
}

/// The digit that Luhn's check asks for in the last place.
fn luhn(numerals: &[(u8, u32)]) -> u32 {
    let payload = numerals.iter().rev().skip(1);
    let sum: u32 = payload
        .enumerate()
        .map(|(at, (_, digit))| match digit * 2 {
            double if at % 2 == 0 && double > 9 => double - 9,
            double if at % 2 == 0 => double,
            _ => *digit,
        })
        .sum();
    (10 - sum % 10) % 10
}

fn permuted(permuter: &Permuter, numerals: &[(u8, u32)], detail: &[u8]) -> Option<Vec<u32>> {
    let radices: Vec<u32> = numerals.iter().map(|(class, _)| radix(*class)).collect();
    let count = u32::try_from(numerals.len()).ok()?;
    let one = *radices.first()?;
    let is_even = radices.iter().all(|radix| *radix == one);
    let size = radices.iter().try_fold(1_u128, |size, radix| size.checked_mul(u128::from(*radix)));
    let is_short = if is_even { fits_short(one, count) } else { size.is_some_and(|size| size <= 1 << 127) };
    let mut out = vec![0; numerals.len()];
    if is_short {
        let rank = numerals
            .iter()
            .zip(&radices)
            .fold(0_u128, |rank, ((_, at), radix)| rank * u128::from(*radix) + u128::from(*at));
        let mut rank = if is_even {
            permuter.short(one, count, rank, FAMILY, detail)?
        } else {
            permuter.below(size?, rank, FAMILY, detail)?
        };
        for (slot, radix) in out.iter_mut().zip(&radices).rev() {
            *slot = u32::try_from(rank % u128::from(*radix)).ok()?;
            rank /= u128::from(*radix);
        }
        return Some(out);
    }
    let mut rank = BigUint::ZERO;
    let mut whole = BigUint::from(1_u32);
    for ((_, at), radix) in numerals.iter().zip(&radices) {
        rank = rank * *radix + *at;
        whole *= *radix;
    }
    let mut rank = if is_even {
        permuter.numerals(one, count, &rank, FAMILY, detail)?
    } else {
        permuter.below_large(&whole, &rank, FAMILY, detail)?
    };
    for (slot, radix) in out.iter_mut().zip(&radices).rev() {
        *slot = u32::try_from(&rank % *radix).ok()?;
        rank /= *radix;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    const CARD: Form = Form { first: 6, last: 0, luhn: true };

    fn of(form: Form, text: &str) -> String {
        let permuter = Permuter::new(b"a key of sixteen", b"tokenize", b"").expect("a key");
        text_token(&permuter, &Keyed::new(b"a key of sixteen", b"w"), form, text)
    }

    fn is_valid(text: &str) -> bool {
        let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(10)).map(|digit| (DIGITS, digit)).collect();
        digits.last().is_some_and(|last| last.1 == luhn(&digits))
    }

    #[test]
    fn a_card_keeps_length_separators_issuer_and_a_valid_check() {
        for card in ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "378282246310005"] {
            let token = of(CARD, card);
            assert_ne!(token, card);
            assert!(is_valid(card) && is_valid(&token), "{token}");
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).take(6).collect::<String>();
            assert_eq!(digits(&token), digits(card));
            for (made, given) in token.chars().zip(card.chars()) {
                assert_eq!(made.is_ascii_digit(), given.is_ascii_digit());
            }
        }
        // One number however it is written.
        assert_eq!(of(CARD, "4111 1111 1111 1111").replace(' ', ""), of(CARD, "4111111111111111"));
        // What was no card does not become one, and the ten spellings of the last digit stay ten.
        let tokens: std::collections::BTreeSet<_> =
            (0..10).map(|last| of(CARD, &format!("411111111111111{last}"))).collect();
        assert_eq!((tokens.len(), tokens.iter().filter(|token| is_valid(token)).count()), (10, 1));
    }

    #[test]
    fn classes_of_characters_stay() {
        for text in [
            "anna.schmidt@example.org",
            "DE89 3704 0044 0532 0130 00",
            "Zoë Ünal-Łukasz",
            "Иванов Пётр",
            "王小明太郎花子",
        ] {
            let token = of(Form::default(), text);
            assert_ne!(token, text);
            assert_eq!(token.chars().count(), text.chars().count());
            for (made, given) in token.chars().zip(text.chars()) {
                match (sort_of(made), sort_of(given)) {
                    (Sort::Member { class: one, .. }, Sort::Member { class: other, .. }) => assert_eq!(one, other),
                    _ => assert_eq!(made, given),
                }
            }
        }
    }

    #[test]
    fn what_has_no_domain_large_enough_is_widened_and_never_passes() {
        let long = "x".repeat(MAX_NUMERALS + 1);
        for text in ["", "Ann", "12345", "--", "e\u{301}clair cafe", "ok \u{1f600} 12345678", &long] {
            let token = of(Form::default(), text);
            assert!(token.starts_with(STANDS_FOR) && token.len() == 36, "{token}");
        }
        assert!(of(CARD, "411111").starts_with(STANDS_FOR));
        assert!(of(Form { first: 3, last: 3, luhn: false }, "123456").starts_with(STANDS_FOR));
    }

    #[test]
    fn long_texts_keep_their_form_too() {
        let long = "Ab1-".repeat(170);
        let token = of(Form::default(), &long);
        assert_eq!(token.len(), long.len());
        assert_ne!(token.get(..40), long.get(..40));
        let digits = "7".repeat(MAX_NUMERALS);
        assert!(of(Form::default(), &digits).chars().all(|c| c.is_ascii_digit()));
    }
}
