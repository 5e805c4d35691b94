//! Sums over digits that several countries and issuers share.

use std::ops::Deref;

pub fn of(name: &str) -> Option<fn(&[u8]) -> bool> {
    Some(match name {
        "luhn" => luhn,
        "verhoeff" => verhoeff,
        _ => return None,
    })
}

/// The digits of a value; more than forty are no number of ours.
#[derive(Clone, Copy)]
pub struct Digits {
    kept: [u32; 40],
    count: usize,
}

impl Deref for Digits {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        self.kept.get(..self.count).unwrap_or_default()
    }
}

/// The digits of a value, separators left out.
pub fn digits(value: &[u8]) -> Digits {
    let mut found = Digits { kept: [0; 40], count: 0 };
    let figures = value.iter().filter(|byte| byte.is_ascii_digit());
    for (slot, byte) in found.kept.iter_mut().zip(figures) {
        *slot = u32::from(byte.wrapping_sub(b'0'));
        found.count = found.count.saturating_add(1);
    }
    found
}

/// The sum of digits times weights.
pub fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).fold(0, |sum, (digit, weight)| sum.wrapping_add(digit.wrapping_mul(*weight)))
}

/// The digit at a place; out of range it is one that no check takes.
pub fn at(digits: &[u32], place: usize) -> u32 {
    digits.get(place).copied().unwrap_or(99)
}

pub fn last(digits: &[u32]) -> u32 {
    digits.last().copied().unwrap_or(99)
}

/// Two digits as a number.
pub fn pair(digits: &[u32], place: usize) -> u32 {
    at(digits, place).wrapping_mul(10).wrapping_add(at(digits, place.wrapping_add(1)))
}

/// A number of digits.
pub fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0_u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(*digit)))
}

/// A day and a month that exist; the 29th of February always may.
pub fn is_day(day: u32, month: u32) -> bool {
    let longest = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=longest).contains(&day)
}

pub fn luhn(value: &[u8]) -> bool {
    luhn_of(&digits(value))
}

pub fn luhn_of(digits: &[u32]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0_u32, |sum, (place, digit)| {
        let doubled = if place % 2 == 1 { digit.wrapping_mul(2) } else { *digit };
        sum.wrapping_add(if doubled > 9 { doubled.wrapping_sub(9) } else { doubled })
    });
    sum % 10 == 0 && digits.iter().any(|digit| *digit != 0)
}

/// Verhoeff's permutation so many times, by the place of a digit.
const PERMUTED: [[u32; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Verhoeff's check: the dihedral group of ten.
pub fn verhoeff(value: &[u8]) -> bool {
    let multiply = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => a.wrapping_add(b) % 5,
        (true, false) => (a.wrapping_add(b.wrapping_sub(5)) % 5).wrapping_add(5),
        (false, true) => (a.wrapping_sub(b) % 5).wrapping_add(5),
        (false, false) => a.wrapping_add(5).wrapping_sub(b) % 5,
    };
    let digits = digits(value);
    let mut sum = 0;
    for (place, digit) in digits.iter().rev().enumerate() {
        let row = PERMUTED.get(place % 8);
        sum = multiply(sum, row.map_or(0, |row| at(row, *digit as usize)));
    }
    sum == 0 && digits.windows(2).any(|two| two.first() != two.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_told() {
        assert!(luhn(b"4111 1111 1111 1111") && !luhn(b"4111 1111 1111 1112") && !luhn(b"0000"));
        assert!(verhoeff(b"2363") && !verhoeff(b"2364"));
        assert!(verhoeff(b"3998 7654 3211"));
    }

    #[test]
    fn days_exist_or_not() {
        assert!(is_day(29, 2) && is_day(31, 1) && !is_day(31, 4) && !is_day(0, 1) && !is_day(1, 13));
    }
}
