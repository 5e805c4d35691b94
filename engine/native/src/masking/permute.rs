//! A keyed permutation of the ranks of a domain: FF1 where the domain is all strings of some numerals, else FF1 walked until it is inside.
//!
//! INVARIANT: no domain of fewer than a million values is permuted (NIST SP 800-38G Rev. 1, section 5.1); callers are told `None`.

// No operation on a `BigUint` overflows.
#![allow(clippy::arithmetic_side_effects)]

use aes::cipher::KeyInit;
use aes::Aes256;
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use crate::masking::ff1::{fits_short, Ff1};
use crate::masking::keyed::Keyed;

pub const LEAST: u32 = 1_000_000;
const CIPHER_DOMAIN: &[u8] = b"sallyport ff1\0";

/// The permutations of one key for one method, under the tweak of a policy.
#[derive(Clone)]
pub struct Permuter {
    ff1: Ff1,
    tweak: Vec<u8>,
}

impl Permuter {
    /// `method` stands for the use: permutations of two methods share nothing. None: the derived key is none of AES's, which cannot be.
    pub fn new(key: &[u8], method: &[u8], tweak: &[u8]) -> Option<Self> {
        let derived = Keyed::new(key, CIPHER_DOMAIN).bytes(method);
        Some(Self { ff1: Ff1::new(Aes256::new_from_slice(&derived).ok()?), tweak: tweak.to_vec() })
    }

    /// What FF1 is told besides the key: `family` of types and `detail` of the value, none of which is changed.
    fn context(&self, family: &str, detail: &[u8]) -> [u8; 16] {
        let mut digest = Sha256::new();
        for part in [family.as_bytes(), b"\0", &self.tweak, b"\0", detail] {
            digest.update(part);
        }
        let mut out = [0; 16];
        for (slot, byte) in out.iter_mut().zip(digest.finalize()) {
            *slot = byte;
        }
        out
    }

    /// A string of numerals of one radix, as its number.
    pub fn numerals(&self, radix: u32, count: u32, number: &BigUint, family: &str, detail: &[u8]) -> Option<BigUint> {
        if !is_large(radix, count) {
            return None;
        }
        let tweak = self.context(family, detail);
        Some(match u128::try_from(number) {
            Ok(short) if fits_short(radix, count) => BigUint::from(self.ff1.short(radix, count, &tweak, short)),
            _ => self.ff1.long(radix, count, &tweak, number),
        })
    }

    /// The same where all numbers are short.
    pub fn short(&self, radix: u32, count: u32, number: u128, family: &str, detail: &[u8]) -> Option<u128> {
        let is_fit = is_large(radix, count) && fits_short(radix, count);
        is_fit.then(|| self.ff1.short(radix, count, &self.context(family, detail), number))
    }

    /// A number below `size`, to a number below `size`.
    pub fn below(&self, size: u128, number: u128, family: &str, detail: &[u8]) -> Option<u128> {
        if size < u128::from(LEAST) || number >= size {
            return None;
        }
        let tweak = self.context(family, detail);
        let bits = u128::BITS - (size - 1).leading_zeros();
        let mut found = self.ff1.short(2, bits, &tweak, number);
        // A permutation that begins inside comes back inside.
        while found >= size {
            found = self.ff1.short(2, bits, &tweak, found);
        }
        Some(found)
    }

    /// The same for numbers of any size.
    pub fn below_large(&self, size: &BigUint, number: &BigUint, family: &str, detail: &[u8]) -> Option<BigUint> {
        if let (Ok(size), Ok(number)) = (u128::try_from(size), u128::try_from(number)) {
            return self.below(size, number, family, detail).map(BigUint::from);
        }
        if number >= size {
            return None;
        }
        let tweak = self.context(family, detail);
        let bits = u32::try_from((size - 1_u32).bits()).ok()?;
        let mut found = self.ff1.long(2, bits, &tweak, number);
        while &found >= size {
            found = self.ff1.long(2, bits, &tweak, &found);
        }
        Some(found)
    }
}

/// Whether there are a million strings at least; one numeral has no halves.
fn is_large(radix: u32, count: u32) -> bool {
    count >= 2 && u128::from(radix).checked_pow(count).is_none_or(|size| size >= u128::from(LEAST))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;
    use std::collections::BTreeSet;

    fn permuter(method: &[u8], tweak: &[u8]) -> Permuter {
        Permuter::new(b"a key of sixteen", method, tweak).expect("a key")
    }

    #[test]
    fn a_domain_below_a_million_is_refused_and_one_of_a_million_is_permuted_whole() {
        let one = permuter(b"tokenize", b"");
        assert_eq!(one.below(999_999, 5, "f", b""), None);
        assert_eq!(one.short(10, 5, 5, "f", b""), None);
        assert_eq!(one.numerals(26, 4, &BigUint::from(5_u32), "f", b""), None);
        assert_eq!(one.below(1_000_000, 1_000_000, "f", b""), None);
        let seen: BTreeSet<_> = (0..1_000_000).filter_map(|rank| one.below(1_000_000, rank, "f", b"")).collect();
        assert_eq!((seen.len(), seen.last()), (1_000_000, Some(&999_999)));
    }

    #[test]
    fn method_tweak_family_and_detail_each_make_another_permutation() {
        let one = permuter(b"tokenize", b"").short(10, 9, 7, "f", b"");
        for other in [
            permuter(b"hash", b"").short(10, 9, 7, "f", b""),
            permuter(b"tokenize", b"t").short(10, 9, 7, "f", b""),
            permuter(b"tokenize", b"").short(10, 9, 7, "g", b""),
            permuter(b"tokenize", b"").short(10, 9, 7, "f", b"d"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn large_numbers_stay_below_their_size() {
        let size = BigUint::from(10_u32).pow(60) * 3_u32;
        let one = permuter(b"tokenize", b"");
        let found = one.below_large(&size, &BigUint::from(4_u32), "f", b"");
        assert!(found.is_some_and(|found| found < size));
        assert_eq!(one.below_large(&size, &size, "f", b""), None);
    }
}
