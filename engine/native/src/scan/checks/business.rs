//! Numbers of companies, accounts, cards and money.

use sha2::{Digest, Sha256};

use crate::scan::checks::digits::{at, digits, last, luhn, number, pair, weighted};

pub fn of(name: &str) -> Option<fn(&[u8]) -> bool> {
    Some(match name {
        "card" => card,
        "iban" => crate::scan::checks::iban::iban,
        "aba" => aba,
        "itvat" => itvat,
        "devat" => devat,
        "nip" => nip,
        "abn" => abn,
        "acn" => acn,
        "krbrn" => krbrn,
        "cnpj" => cnpj,
        "isin" => isin,
        "btc" => btc,
        "taxnumber" => taxnumber,
        "inplate" => inplate,
        "ukplate" => ukplate,
        "trplate" => trplate,
        _ => return None,
    })
}

/// Luhn's check, and a first part that an issuer has, with the lengths it uses.
fn card(value: &[u8]) -> bool {
    // WHY not all digits at once: nearly all rows of digits are refused by the first four and by how many there are.
    let mut figures = value.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u64::from(byte.wrapping_sub(b'0')));
    let one = figures.next().unwrap_or(99);
    let two = one.wrapping_mul(10).wrapping_add(figures.next().unwrap_or(99));
    let four = figures.by_ref().take(2).fold(two, |sum, digit| sum.wrapping_mul(10).wrapping_add(digit));
    let length = figures.count().saturating_add(4);
    let issued = match one {
        4 => matches!(length, 13 | 16 | 19),
        5 => (51..=55).contains(&two) && length == 16 || two >= 50 && four >= 5018 && (12..=19).contains(&length),
        2 => {
            four == 2131 && length == 15
                || (2221..=2720).contains(&four) && length == 16
                || (2200..=2204).contains(&four) && (16..=19).contains(&length)
        }
        3 => {
            matches!(two, 34 | 37) && length == 15
                || (matches!(two, 36 | 38 | 39) || (300..=305).contains(&(four / 10)) || four == 3095)
                    && (14..=19).contains(&length)
                || two == 35 && (16..=19).contains(&length)
        }
        6 => (12..=19).contains(&length) && matches!(two, 60 | 62 | 63 | 64 | 65 | 67 | 69 | 61 | 68),
        1 => matches!(four, 1220 | 1800) && length == 15,
        0 => four == 604 && length == 12,
        8 => two == 81 && (16..=19).contains(&length),
        9 => four == 9792 && length == 16,
        _ => false,
    };
    issued && !(value.contains(&b' ') && value.contains(&b'-')) && luhn(value)
}

fn aba(value: &[u8]) -> bool {
    let digits = digits(value);
    let prefix = pair(&digits, 0);
    let known = prefix <= 12 || (21..=32).contains(&prefix) || (61..=72).contains(&prefix) || prefix == 80;
    known && weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10) && number(&digits) != 0
}

fn itvat(value: &[u8]) -> bool {
    let digits = digits(value);
    digits.len() == 11 && number(&digits) != 0 && luhn(value)
}

/// ISO 7064, 11 and 10.
fn devat(value: &[u8]) -> bool {
    let digits = digits(value);
    at(&digits, 0) != 0 && mod11_10(&digits)
}

pub fn mod11_10(digits: &[u32]) -> bool {
    let Some((check, body)) = digits.split_last() else {
        return false;
    };
    let product = body.iter().fold(10_u32, |product, digit| {
        let sum = product.wrapping_add(*digit) % 10;
        let sum = if sum == 0 { 10 } else { sum };
        sum.wrapping_mul(2) % 11
    });
    11_u32.wrapping_sub(product) % 10 == *check
}

fn nip(value: &[u8]) -> bool {
    let digits = digits(value);
    weighted(&digits, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == last(&digits)
}

fn abn(value: &[u8]) -> bool {
    let mut digits = digits(value).to_vec();
    if let Some(first) = digits.first_mut() {
        *first = first.wrapping_sub(1);
    }
    at(&digits, 0) < 9 && weighted(&digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]).is_multiple_of(89)
}

fn acn(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = weighted(&digits, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10;
    10_u32.wrapping_sub(rest) % 10 == last(&digits)
}

fn krbrn(value: &[u8]) -> bool {
    let digits = digits(value);
    let sum = weighted(&digits, &[1, 3, 7, 1, 3, 7, 1, 3, 5]).wrapping_add(at(&digits, 8).wrapping_mul(5) / 10);
    10_u32.wrapping_sub(sum % 10) % 10 == last(&digits)
}

fn cnpj(value: &[u8]) -> bool {
    let digits = digits(value);
    let check = |weights: &[u32]| match weighted(&digits, weights) % 11 {
        0 | 1 => 0,
        rest => 11_u32.wrapping_sub(rest),
    };
    check(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == at(&digits, 12)
        && check(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == at(&digits, 13)
}

/// Luhn's check over the letters' numbers; the country is one that issues.
fn isin(value: &[u8]) -> bool {
    let mut spelled = Vec::new();
    for byte in value {
        if byte.is_ascii_digit() {
            spelled.push(*byte);
        } else {
            let number = byte.wrapping_sub(b'A').wrapping_add(10);
            spelled.push((number / 10).wrapping_add(b'0'));
            spelled.push((number % 10).wrapping_add(b'0'));
        }
    }
    luhn(&spelled) && value.iter().skip(2).filter(|byte| byte.is_ascii_digit()).count() >= 5
}

/// Base58 with its checksum; addresses of the newer form by their alphabet and length alone.
fn btc(value: &[u8]) -> bool {
    if value.starts_with(b"bc1") {
        return matches!(value.len(), 42 | 62) && value.iter().any(u8::is_ascii_digit);
    }
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const BYTES: usize = 25;
    let mut number = [0_u8; BYTES];
    for byte in value {
        let Some(digit) = ALPHABET.iter().position(|letter| letter == byte) else {
            return false;
        };
        let mut carry = u32::try_from(digit).unwrap_or(0);
        for slot in number.iter_mut().rev() {
            carry = carry.wrapping_add(u32::from(*slot).wrapping_mul(58));
            *slot = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let (payload, sum) = number.split_at_checked(21).unwrap_or_default();
    let digest = Sha256::digest(Sha256::digest(payload));
    digest.get(..4) == Some(sum) && payload.first().is_some_and(|version| matches!(version, 0 | 5))
}

/// `12/345/67890`, and no date.
fn taxnumber(value: &[u8]) -> bool {
    matches!(digits(value).len(), 10 | 11)
}

const INDIAN_STATES: &[u8] =
    b"AN AP AR AS BR CG CH DD DL DN GA GJ HP HR JH JK KA KL LA LD MH ML MN MP MZ NL OD OR PB PY RJ SK TN TR TS UK UP WB";

fn inplate(value: &[u8]) -> bool {
    INDIAN_STATES.split(|byte| *byte == b' ').any(|state| value.starts_with(state))
}

/// The letters and the age of a plate that is issued.
fn ukplate(value: &[u8]) -> bool {
    let upper = value.to_ascii_uppercase();
    let letters: Vec<u8> = upper.iter().copied().filter(u8::is_ascii_alphabetic).collect();
    let age = pair(&digits(value), 0);
    let first = letters.first().is_some_and(|byte| !b"IJQTUXZ".contains(byte));
    let rest = letters.iter().skip(2).all(|byte| !b"IQ".contains(byte));
    first && rest && ((2..=29).contains(&age) || (51..=79).contains(&age))
}

fn trplate(value: &[u8]) -> bool {
    (1..=81).contains(&pair(&digits(value), 0))
}
