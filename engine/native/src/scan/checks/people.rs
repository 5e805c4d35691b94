//! Numbers that states outside Europe give to people, each with its own check.

use crate::scan::checks::digits::{at, digits, is_day, last, luhn, number, pair, weighted};

pub fn of(name: &str) -> Option<fn(&[u8]) -> bool> {
    Some(match name {
        "ssn" => ssn,
        "mbi" => mbi,
        "npi" => npi,
        "tckn" => tckn,
        "zaid" => zaid,
        "inpan" => inpan,
        "tfn" => tfn,
        "medicare" => medicare,
        "nric" => nric,
        "rrn" => rrn,
        "thai" => thai,
        "cnid" => cnid,
        "twid" => twid,
        "hkid" => hkid,
        "mynumber" => mynumber,
        "cpf" => cpf,
        "rfcmx" => rfcmx,
        "cuit" => cuit,
        "rut" => rut,
        _ => return None,
    })
}

/// Letters and digits alone, in capitals.
pub fn upper(value: &[u8]) -> Vec<u8> {
    value.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect()
}

/// Not one digit over and over.
pub fn varied(digits: &[u32]) -> bool {
    digits.windows(2).any(|two| two.first() != two.last())
}

fn ssn(value: &[u8]) -> bool {
    let digits = digits(value);
    let separators: Vec<&u8> = value.iter().filter(|byte| !byte.is_ascii_digit()).collect();
    let even = separators.windows(2).all(|two| two.first() == two.last());
    let area = number(digits.get(..3).unwrap_or_default());
    let used = number(&digits) == 123_456_789 || number(&digits) == 987_654_321;
    even && area != 0
        && area != 666
        && area < 900
        && pair(&digits, 3) != 0
        && number(digits.get(5..).unwrap_or_default()) != 0
        && varied(&digits)
        && !used
}

/// Letters other than S L O I B Z.
fn mbi(value: &[u8]) -> bool {
    upper(value).iter().all(|byte| !b"SLOIBZ".contains(byte))
}

fn npi(value: &[u8]) -> bool {
    let plain: Vec<u8> = b"80840".iter().chain(value.iter().filter(|byte| byte.is_ascii_digit())).copied().collect();
    luhn(&plain) && varied(&digits(value))
}

fn tckn(value: &[u8]) -> bool {
    let digits = digits(value);
    let odd = weighted(&digits, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(&digits, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let tenth = odd.wrapping_mul(7).wrapping_add(even.wrapping_mul(9)) % 10;
    let eleventh = digits.iter().take(10).fold(0_u32, |sum, digit| sum.wrapping_add(*digit)) % 10;
    tenth == at(&digits, 9) && eleventh == at(&digits, 10)
}

fn zaid(value: &[u8]) -> bool {
    let digits = digits(value);
    is_day(pair(&digits, 4), pair(&digits, 2)) && luhn(value)
}

/// The fourth letter says who holds it; the first three name no one.
fn inpan(value: &[u8]) -> bool {
    let digits = digits(value);
    number(&digits) != 0
}

fn tfn(value: &[u8]) -> bool {
    let digits = digits(value);
    weighted(&digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && varied(&digits)
}

fn medicare(value: &[u8]) -> bool {
    let digits = digits(value);
    weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == at(&digits, 8)
}

fn nric(value: &[u8]) -> bool {
    let plain = upper(value);
    let digits = digits(&plain);
    let sum = weighted(&digits, &[2, 7, 6, 5, 4, 3, 2]);
    let (letters, add): (&[u8], u32) = match plain.first() {
        Some(b'S') => (b"JZIHGFEDCBA", 0),
        Some(b'T') => (b"JZIHGFEDCBA", 4),
        Some(b'F') => (b"XWUTRQPNMLK", 0),
        Some(b'G') => (b"XWUTRQPNMLK", 4),
        Some(b'M') => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    let rest = (sum.wrapping_add(add) % 11) as usize;
    let place = if plain.first() == Some(&b'M') { 10_usize.wrapping_sub(rest) } else { rest };
    letters.get(place) == plain.last()
}

/// A date, a region, and the old check digit or a number of a foreigner.
fn rrn(value: &[u8]) -> bool {
    let digits = digits(value);
    let sum = weighted(&digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11;
    let foreign = (5..=8).contains(&at(&digits, 6));
    let base = if foreign { 13_u32 } else { 11 };
    is_day(pair(&digits, 4), pair(&digits, 2)) && base.wrapping_sub(sum) % 10 == last(&digits)
}

fn thai(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = weighted(&digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let province = pair(&digits, 1);
    11_u32.wrapping_sub(rest) % 10 == last(&digits) && province >= 10 && varied(&digits)
}

fn cnid(value: &[u8]) -> bool {
    const CONTROL: &[u8] = b"10X98765432";
    let plain = upper(value);
    let digits = digits(plain.get(..17).unwrap_or_default());
    let sum = weighted(&digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    is_day(pair(&digits, 12), pair(&digits, 10)) && CONTROL.get((sum % 11) as usize) == plain.last()
}

fn twid(value: &[u8]) -> bool {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let plain = upper(value);
    let Some(place) = plain.first().and_then(|letter| LETTERS.iter().position(|one| one == letter)) else {
        return false;
    };
    let code = u32::try_from(place).unwrap_or(0).wrapping_add(10);
    let head = (code / 10).wrapping_add((code % 10).wrapping_mul(9));
    let sum = head.wrapping_add(weighted(&digits(&plain), &[8, 7, 6, 5, 4, 3, 2, 1, 1]));
    sum % 10 == 0
}

fn hkid(value: &[u8]) -> bool {
    let plain = upper(value);
    let letters = plain.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let mut sum = if letters == 1 { 36_u32.wrapping_mul(9) } else { 0 };
    let first_weight: u32 = if letters == 1 { 8 } else { 9 };
    for (byte, weight) in plain.iter().zip((1..=first_weight).rev()) {
        let worth = match byte {
            b'A' if weight == 1 => 10,
            byte if byte.is_ascii_digit() => u32::from(byte.wrapping_sub(b'0')),
            byte => u32::from(byte.wrapping_sub(b'A')).wrapping_add(10),
        };
        sum = sum.wrapping_add(worth.wrapping_mul(weight));
    }
    sum % 11 == 0
}

fn mynumber(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = weighted(&digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (if rest <= 1 { 0 } else { 11_u32.wrapping_sub(rest) }) == last(&digits)
}

fn cpf(value: &[u8]) -> bool {
    let digits = digits(value);
    let check = |weights: &[u32]| weighted(&digits, weights).wrapping_mul(10) % 11 % 10;
    varied(&digits)
        && check(&[10, 9, 8, 7, 6, 5, 4, 3, 2]) == at(&digits, 9)
        && check(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) == at(&digits, 10)
}

fn rfcmx(value: &[u8]) -> bool {
    let digits = digits(value);
    is_day(pair(&digits, 4), pair(&digits, 2))
}

fn cuit(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = 11_u32.wrapping_sub(weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11);
    (if rest == 11 { 0 } else { rest }) == last(&digits)
}

fn rut(value: &[u8]) -> bool {
    let plain = upper(value);
    let Some((check, body)) = plain.split_last() else {
        return false;
    };
    let sum =
        body.iter().rev().zip([2_u32, 3, 4, 5, 6, 7].into_iter().cycle()).fold(0_u32, |sum, (byte, weight)| {
            sum.wrapping_add(u32::from(byte.wrapping_sub(b'0')).wrapping_mul(weight))
        });
    let control = match 11_u32.wrapping_sub(sum % 11) {
        11 => b'0',
        10 => b'K',
        rest => (rest as u8).wrapping_add(b'0'),
    };
    *check == control
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_states_give_as_examples_hold_and_their_neighbours_do_not() {
        let cases: &[(&str, &str, &str)] = &[
            ("tckn", "10000000146", "10000000145"),
            ("tfn", "876543210", "876543211"),
            ("nric", "S1234567D", "S1234567E"),
            ("cnid", "11010519491231002X", "110105194912310021"),
            ("twid", "A123456789", "A123456788"),
            ("hkid", "A123456(3)", "A123456(4)"),
            ("cpf", "529.982.247-25", "529.982.247-26"),
            ("rut", "12.345.678-5", "12.345.678-6"),
            ("cuit", "20-12345678-6", "20-12345678-5"),
        ];
        for (name, good, bad) in cases {
            let check = of(name);
            assert!(check.is_some_and(|check| check(good.as_bytes())), "{name} {good}");
            assert!(check.is_some_and(|check| !check(bad.as_bytes())), "{name} {bad}");
        }
    }
}
