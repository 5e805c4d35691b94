//! Whole numbers: a token keeps the sign and, from seven digits, how many there are; a hash is any number of the type.

use crate::masking::permute::{Permuter, LEAST};

pub const FAMILY: &str = "number";
const SMALL_DIGITS: usize = 6;

/// The smallest and the largest magnitude of the numbers that a number may become.
///
/// WHY so: no class has fewer than a million numbers, and a number below 0 never becomes 0.
pub fn class(is_negative: bool, magnitude: u128) -> Option<(u128, u128)> {
    let small = u128::from(LEAST);
    if magnitude < small || (is_negative && magnitude == small) {
        let low = u128::from(is_negative);
        return Some((low, small.saturating_sub(1).saturating_add(low)));
    }
    let low = 10_u128.checked_pow(magnitude.checked_ilog10()?)?;
    let high = low.checked_mul(10)?.checked_sub(1)?;
    let low = if is_negative && low == small { low.saturating_add(1) } else { low };
    Some((low, high))
}

/// What is told to FF1 of a class.
pub fn detail(is_negative: bool, low: &str, high: &str, scale: usize) -> String {
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{low}:{high}/{scale}")
}

/// A magnitude, to one of its class; `most` is the largest there is.
pub fn moved(permuter: &Permuter, is_negative: bool, magnitude: u128, most: u128, scale: usize) -> Option<u128> {
    let (low, high) = class(is_negative, magnitude)?;
    let high = high.min(most);
    let size = high.checked_sub(low)?.checked_add(1)?;
    let detail = detail(is_negative, &low.to_string(), &high.to_string(), scale);
    permuter.below(size, magnitude.checked_sub(low)?, FAMILY, detail.as_bytes())?.checked_add(low)
}

/// The token of a number of a type of `width` bytes. A type of two has no million numbers.
pub fn token(permuter: &Permuter, value: i64, width: usize) -> Option<i64> {
    let is_negative = value < 0;
    let most = match width {
        4 => u128::from(i32::MIN.unsigned_abs()),
        8 => u128::from(i64::MIN.unsigned_abs()),
        _ => return None,
    };
    let most = if is_negative { most } else { most.saturating_sub(1) };
    let found = i128::try_from(moved(permuter, is_negative, u128::from(value.unsigned_abs()), most, 0)?).ok()?;
    i64::try_from(if is_negative { found.checked_neg()? } else { found }).ok()
}

/// The hash of a number: one of all that the type has.
pub fn hash(permuter: &Permuter, value: i64, width: usize) -> Option<i64> {
    let (bits, least) = match width {
        4 => (32, i128::from(i32::MIN)),
        8 => (64, i128::from(i64::MIN)),
        _ => return None,
    };
    let rank = u128::try_from(i128::from(value).checked_sub(least)?).ok()?;
    let found = permuter.short(2, bits, rank, FAMILY, &[u8::try_from(width).ok()?])?;
    i64::try_from(i128::try_from(found).ok()?.checked_add(least)?).ok()
}

pub fn is_small(digits: usize) -> bool {
    digits <= SMALL_DIGITS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;
    use std::collections::BTreeSet;

    fn permuter() -> Permuter {
        Permuter::new(b"a key of sixteen", b"tokenize", b"").expect("a key")
    }

    #[test]
    fn a_token_keeps_sign_and_digits_and_stays_in_its_type() {
        let permuter = permuter();
        for value in [1_234_567, -7_654_321, 2_147_483_647, i64::from(i32::MIN), 1_000_000, -1_000_001] {
            let token = token(&permuter, value, 4).expect("a token");
            assert!(i32::try_from(token).is_ok());
            assert_eq!(
                (token.signum(), token.unsigned_abs().ilog10()),
                (value.signum(), value.unsigned_abs().ilog10())
            );
        }
        for value in [i64::MIN, i64::MAX, 1_000_000_000_000_000_000, 5_000_000_000] {
            let token = token(&permuter, value, 8).expect("a token");
            assert_eq!(
                (token.signum(), token.unsigned_abs().ilog10()),
                (value.signum(), value.unsigned_abs().ilog10())
            );
        }
    }

    #[test]
    fn every_small_number_has_a_token_of_its_own_below_a_million() {
        let permuter = permuter();
        let seen: BTreeSet<_> = (0..50_000).filter_map(|value| token(&permuter, value, 4)).collect();
        assert_eq!(seen.len(), 50_000);
        assert!(seen.iter().all(|token| (0..1_000_000).contains(token)));
        assert_eq!(class(true, 1_000_000), Some((1, 1_000_000)));
        assert_eq!(
            (class(true, 1_000_001), class(false, 1_000_000)),
            (Some((1_000_001, 9_999_999)), Some((1_000_000, 9_999_999)))
        );
        let below: BTreeSet<_> =
            (1..50_000).filter_map(|value: i64| token(&permuter, value.wrapping_neg(), 4)).collect();
        assert!(below.len() == 49_999 && below.iter().all(|token| (-1_000_000..0).contains(token)));
    }

    #[test]
    fn a_hash_is_any_number_of_the_type_and_two_bytes_have_too_few() {
        let permuter = permuter();
        let seen: BTreeSet<_> = (-20_000..20_000).filter_map(|value| hash(&permuter, value, 4)).collect();
        assert_eq!(seen.len(), 40_000);
        assert!(seen.iter().all(|made| i32::try_from(*made).is_ok()));
        assert!(hash(&permuter, i64::MIN, 8).is_some() && hash(&permuter, i64::MAX, 8).is_some());
        assert_eq!((hash(&permuter, 5, 2), token(&permuter, 5, 2)), (None, None));
    }
}
