//! Numbers that the states of Europe give to people, each with its own check.

use crate::scan::checks::business::mod11_10;
use crate::scan::checks::digits::{at, digits, is_day, last, luhn_of, number, pair, weighted};
use crate::scan::checks::people::{upper, varied};

pub fn of(name: &str) -> Option<fn(&[u8]) -> bool> {
    Some(match name {
        "nhs" => nhs,
        "nino" => nino,
        "postcode" => postcode,
        "nif" => nif,
        "fiscal" => fiscal,
        "nir" => nir,
        "steuerid" => steuerid,
        "rvnr" => rvnr,
        "kvnr" => kvnr,
        "deid" => deid,
        "hetu" => hetu,
        "personnummer" => personnummer,
        "fnr" => fnr,
        "cpr" => cpr,
        "bsn" => bsn,
        "benrn" => benrn,
        "pesel" => pesel,
        "rodne" => rodne,
        "cnp" => cnp,
        "egn" => egn,
        "oib" => oib,
        "isikukood" => isikukood,
        "afm" => afm,
        "ptnif" => ptnif,
        "pps" => pps,
        "ahv" => ahv,
        "svnr" => svnr,
        _ => return None,
    })
}

fn nhs(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = 11_u32.wrapping_sub(weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
    varied(&digits) && (if rest == 11 { 0 } else { rest }) == last(&digits)
}

fn nino(value: &[u8]) -> bool {
    let plain = upper(value);
    let (first, second) = (plain.first().copied().unwrap_or(0), plain.get(1).copied().unwrap_or(0));
    let refused: [&[u8]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    !b"DFIQUV".contains(&first)
        && !b"DFIQUVO".contains(&second)
        && !refused.contains(&plain.get(..2).unwrap_or_default())
}

fn postcode(value: &[u8]) -> bool {
    let plain = upper(value);
    let inward = plain.get(plain.len().saturating_sub(2)..).unwrap_or_default();
    inward.iter().all(|byte| !b"CIKMOV".contains(byte)) && plain.first().is_some_and(|byte| !b"QVX".contains(byte))
}

/// The letter of a DNI or NIE.
fn nif(value: &[u8]) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let plain = upper(value);
    let Some((letter, body)) = plain.split_last() else {
        return false;
    };
    let read = body.iter().fold(0_u64, |sum, byte| {
        let digit = match byte {
            b'X' => 0,
            b'Y' => 1,
            b'Z' => 2,
            _ => u64::from(byte.wrapping_sub(b'0')),
        };
        sum.wrapping_mul(10).wrapping_add(digit)
    });
    LETTERS.get((read % 23) as usize) == Some(letter)
}

/// The control letter of a codice fiscale.
fn fiscal(value: &[u8]) -> bool {
    const ODD: [u32; 36] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
        10, 22, 25, 24, 23,
    ];
    let plain = upper(value);
    let Some((control, body)) = plain.split_last() else {
        return false;
    };
    let sum = body.iter().enumerate().fold(0_u32, |sum, (place, byte)| {
        let index =
            if byte.is_ascii_digit() { byte.wrapping_sub(b'0') } else { byte.wrapping_sub(b'A').wrapping_add(10) };
        let worth = if byte.is_ascii_digit() { byte.wrapping_sub(b'0') } else { byte.wrapping_sub(b'A') };
        let add = if place % 2 == 0 { at(&ODD, usize::from(index)) } else { u32::from(worth) };
        sum.wrapping_add(add)
    });
    u32::from(control.wrapping_sub(b'A')) == sum % 26
}

fn nir(value: &[u8]) -> bool {
    let plain = upper(value);
    let spelled: Vec<u8> = plain.iter().map(|byte| if byte.is_ascii_digit() { *byte } else { b'0' }).collect();
    let corsica = match plain.get(6) {
        Some(b'A') => 1_000_000,
        Some(b'B') => 2_000_000,
        _ => 0,
    };
    // WHY: 2A and 2B count as 19 and 18, which is 20 less one or two.
    let digits = digits(&spelled);
    let body = number(digits.get(..13).unwrap_or_default()).wrapping_sub(corsica);
    digits.len() == 15 && 97_u64.wrapping_sub(body % 97) == u64::from(pair(&digits, 13))
}

/// One digit twice or three times, the others once at most; ISO 7064.
fn steuerid(value: &[u8]) -> bool {
    let digits = digits(value);
    let body = digits.get(..10).unwrap_or_default();
    let count = |digit: u32| body.iter().filter(|one| **one == digit).count();
    let most = (0..10).map(count).max().unwrap_or(0);
    digits.len() == 11 && most <= 3 && mod11_10(&digits)
}

fn rvnr(value: &[u8]) -> bool {
    let plain = upper(value);
    let mut spelled = Vec::new();
    for byte in plain.get(..11).unwrap_or_default() {
        if byte.is_ascii_digit() {
            spelled.push(u32::from(byte.wrapping_sub(b'0')));
        } else {
            let letter = u32::from(byte.wrapping_sub(b'A')).wrapping_add(1);
            spelled.push(letter / 10);
            spelled.push(letter % 10);
        }
    }
    let day = pair(&spelled, 2);
    let born = is_day(if day > 50 { day.wrapping_sub(50) } else { day }, pair(&spelled, 4));
    let sum = spelled.iter().zip([2_u32, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]).fold(0_u32, |sum, (digit, weight)| {
        let product = digit.wrapping_mul(weight);
        sum.wrapping_add(product / 10).wrapping_add(product % 10)
    });
    born && plain.last().is_some_and(|check| u32::from(check.wrapping_sub(b'0')) == sum % 10)
}

fn kvnr(value: &[u8]) -> bool {
    let plain = upper(value);
    let Some((letter, rest)) = plain.split_first() else {
        return false;
    };
    let letter = u32::from(letter.wrapping_sub(b'A')).wrapping_add(1);
    let mut spelled = vec![letter / 10, letter % 10];
    spelled.extend(digits(rest).iter());
    let sum = spelled.iter().take(10).enumerate().fold(0_u32, |sum, (place, digit)| {
        let product = if place % 2 == 1 { digit.wrapping_mul(2) } else { *digit };
        sum.wrapping_add(product / 10).wrapping_add(product % 10)
    });
    sum % 10 == last(&spelled)
}

/// The check digit of ICAO 9303.
fn deid(value: &[u8]) -> bool {
    let plain = upper(value);
    let Some((check, body)) = plain.split_last() else {
        return false;
    };
    let sum = body.iter().zip([7_u32, 3, 1].into_iter().cycle()).fold(0_u32, |sum, (byte, weight)| {
        let worth =
            if byte.is_ascii_digit() { byte.wrapping_sub(b'0') } else { byte.wrapping_sub(b'A').wrapping_add(10) };
        sum.wrapping_add(u32::from(worth).wrapping_mul(weight))
    });
    u32::from(check.wrapping_sub(b'0')) == sum % 10 && plain.iter().any(u8::is_ascii_digit)
}

fn hetu(value: &[u8]) -> bool {
    const CONTROL: &[u8] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let upper = value.to_ascii_uppercase();
    let (born, rest) = upper.split_at_checked(6).unwrap_or_default();
    let (serial, control) = (rest.get(1..4).unwrap_or_default(), rest.get(4));
    let date = digits(born);
    let mut all = date.to_vec();
    all.extend(digits(serial).iter());
    is_day(pair(&date, 0), pair(&date, 2))
        && CONTROL.get((number(&all) % 31) as usize) == control
        && number(&digits(serial)) >= 2
}

fn personnummer(value: &[u8]) -> bool {
    let digits = digits(value);
    let digits = match digits.get(..) {
        Some([_, _, rest @ ..]) if digits.len() == 12 => {
            if !(18..=20).contains(&pair(&digits, 0)) {
                return false;
            }
            rest
        }
        // WHY: ten digits without a sign are any number that passes one check in ten.
        _ if !value.iter().any(|byte| matches!(byte, b'-' | b'+')) => return false,
        _ => &digits,
    };
    let day = pair(digits, 4);
    is_day(if day > 60 { day.wrapping_sub(60) } else { day }, pair(digits, 2)) && luhn_of(digits)
}

fn fnr(value: &[u8]) -> bool {
    let digits = digits(value);
    let (day, month) = (pair(&digits, 0), pair(&digits, 2));
    let check = |weights: &[u32]| match 11_u32.wrapping_sub(weighted(&digits, weights) % 11) {
        11 => 0,
        rest => rest,
    };
    is_day(if day > 40 { day.wrapping_sub(40) } else { day }, if month > 40 { month.wrapping_sub(40) } else { month })
        && check(&[3, 7, 6, 1, 8, 9, 4, 5, 2]) == at(&digits, 9)
        && check(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) == at(&digits, 10)
}

/// A date; the check digit is no longer kept to.
fn cpr(value: &[u8]) -> bool {
    let digits = digits(value);
    is_day(pair(&digits, 0), pair(&digits, 2))
}

fn bsn(value: &[u8]) -> bool {
    let digits = digits(value);
    let sum = weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    varied(&digits) && sum % 11 == last(&digits)
}

fn benrn(value: &[u8]) -> bool {
    let digits = digits(value);
    let body = number(digits.get(..9).unwrap_or_default());
    let check = u64::from(pair(&digits, 9));
    let month = pair(&digits, 2);
    let holds = |body: u64| 97_u64.wrapping_sub(body % 97) == check;
    (month <= 12 || (20..=32).contains(&month) || (40..=52).contains(&month))
        && pair(&digits, 4) <= 31
        && (holds(body) || holds(body.wrapping_add(2_000_000_000)))
}

fn pesel(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10;
    is_day(pair(&digits, 4), pair(&digits, 2) % 20) && 10_u32.wrapping_sub(rest) % 10 == last(&digits)
}

fn rodne(value: &[u8]) -> bool {
    let digits = digits(value);
    let month = pair(&digits, 2);
    let month = [70_u32, 50, 20, 0].into_iter().find(|base| month > *base).map_or(0, |base| month.wrapping_sub(base));
    is_day(pair(&digits, 4), month) && (digits.len() == 9 || number(&digits).is_multiple_of(11))
}

fn cnp(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = weighted(&digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    is_day(pair(&digits, 5), pair(&digits, 3)) && (if rest == 10 { 1 } else { rest }) == last(&digits)
}

fn egn(value: &[u8]) -> bool {
    let digits = digits(value);
    let month = pair(&digits, 2);
    let month = [40_u32, 20, 0].into_iter().find(|base| month > *base).map_or(0, |base| month.wrapping_sub(base));
    is_day(pair(&digits, 4), month) && weighted(&digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == last(&digits)
}

fn oib(value: &[u8]) -> bool {
    mod11_10(&digits(value))
}

fn isikukood(value: &[u8]) -> bool {
    let digits = digits(value);
    let first = weighted(&digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(&digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10;
    is_day(pair(&digits, 5), pair(&digits, 3)) && (if first < 10 { first } else { second }) == last(&digits)
}

fn afm(value: &[u8]) -> bool {
    let digits = digits(value);
    weighted(&digits, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == last(&digits) && varied(&digits)
}

fn ptnif(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = 11_u32.wrapping_sub(weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11);
    (if rest > 9 { 0 } else { rest }) == last(&digits)
}

fn pps(value: &[u8]) -> bool {
    let plain = upper(value);
    let digits = digits(&plain);
    let extra = match plain.get(8) {
        Some(b'W') | None => 0,
        Some(letter) => u32::from(letter.wrapping_sub(b'A')).wrapping_add(1).wrapping_mul(9),
    };
    let rest = weighted(&digits, &[8, 7, 6, 5, 4, 3, 2]).wrapping_add(extra) % 23;
    let control = if rest == 0 { b'W' } else { b'A'.wrapping_add((rest as u8).wrapping_sub(1)) };
    plain.get(7) == Some(&control)
}

/// The check digit of article numbers.
fn ahv(value: &[u8]) -> bool {
    let digits = digits(value);
    let rest = weighted(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10;
    10_u32.wrapping_sub(rest) % 10 == last(&digits)
}

fn svnr(value: &[u8]) -> bool {
    let digits = digits(value);
    weighted(&digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == at(&digits, 3)
        && is_day(pair(&digits, 4), pair(&digits, 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_states_give_as_examples_hold_and_their_neighbours_do_not() {
        let cases: &[(&str, &str, &str)] = &[
            ("nif", "12345678Z", "12345678A"),
            ("nif", "X1234567L", "X1234567M"),
            ("fiscal", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            ("steuerid", "86095742719", "86095742718"),
            ("rvnr", "15070649C103", "15070649C104"),
            ("kvnr", "A123456780", "A123456787"),
            ("deid", "L01X00T471", "L01X00T472"),
            ("hetu", "131052-308T", "131052-308U"),
            ("personnummer", "811218-9876", "811218-9875"),
            ("bsn", "111222333", "111222334"),
            ("pesel", "44051401359", "44051401358"),
            ("egn", "6101057509", "6101057508"),
            ("oib", "33392005961", "33392005962"),
            ("isikukood", "37605030299", "37605030298"),
            ("pps", "1234567T", "1234567U"),
            ("ahv", "756.9217.0769.85", "756.9217.0769.84"),
            ("nhs", "9434765919", "9434765918"),
            ("nir", "255081416802538", "255081416802537"),
            ("benrn", "85073003328", "85073003329"),
        ];
        for (name, good, bad) in cases {
            let check = of(name);
            assert!(check.is_some_and(|check| check(good.as_bytes())), "{name} {good}");
            assert!(check.is_some_and(|check| !check(bad.as_bytes())), "{name} {bad}");
        }
    }
}
