//! FF1 of NIST SP 800-38G Rev. 1 (algorithm 7): a permutation of the numeral strings of one length, by a key and a tweak.
//!
//! Strings are given as the number they write (`NUM_radix`), most significant numeral first. Only encryption: nothing here takes tokens back.

// No operation on a `BigUint` overflows, and no modulus here is 0; numbers of the short form are below 2^128 by `fits_short`.
#![allow(clippy::arithmetic_side_effects)]

use aes::cipher::consts::U16;
use aes::cipher::{BlockEncrypt, BlockSizeUser};
use aes::Aes256;
use num_bigint::BigUint;

const BLOCK: usize = 16;
const ROUNDS: u8 = 10;
/// In the short form a half and its modulus are no longer than this many bits.
const SHORT_BITS: u32 = 64;

/// A key ready for use.
#[derive(Clone)]
pub struct Ff1<C = Aes256> {
    cipher: C,
}

/// What stays the same through the rounds of one value.
struct Frame {
    /// The chaining value behind P and the whole blocks of the tweak.
    chain: [u8; BLOCK],
    rest: Vec<u8>,
    /// Bytes of the number of a half, and bytes of the pseudorandom number.
    b: usize,
    d: usize,
}

/// Whether a string has halves that the short form holds.
pub fn fits_short(radix: u32, count: u32) -> bool {
    let half = count - count / 2;
    u128::from(radix).checked_pow(half).is_some_and(|size| size <= 1 << SHORT_BITS)
}

impl<C: BlockEncrypt + BlockSizeUser<BlockSize = U16>> Ff1<C> {
    pub fn new(cipher: C) -> Self {
        Self { cipher }
    }

    fn block(&self, bytes: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut block = bytes.into();
        self.cipher.encrypt_block(&mut block);
        block.into()
    }

    fn chained(&self, mut chain: [u8; BLOCK], bytes: &[u8]) -> [u8; BLOCK] {
        for chunk in bytes.chunks_exact(BLOCK) {
            for (slot, byte) in chain.iter_mut().zip(chunk) {
                *slot ^= byte;
            }
            chain = self.block(chain);
        }
        chain
    }

    fn frame(&self, radix: u32, count: u32, tweak: &[u8], half_bits: u64) -> Frame {
        let b = usize::try_from(half_bits.div_ceil(8)).unwrap_or(usize::MAX);
        let d = b.div_ceil(4) * 4 + 4;
        let mut p = vec![1, 2, 1];
        p.extend_from_slice(&radix.to_be_bytes()[1..]);
        p.extend_from_slice(&[ROUNDS, (count / 2).to_be_bytes()[3]]);
        p.extend_from_slice(&count.to_be_bytes());
        p.extend_from_slice(&u32::try_from(tweak.len()).unwrap_or(u32::MAX).to_be_bytes());
        let (whole, rest) = tweak.split_at(tweak.len() - tweak.len() % BLOCK);
        let chain = self.chained(self.chained([0; BLOCK], &p), whole);
        Frame { chain, rest: rest.to_vec(), b, d }
    }

    /// R of one round: the code of P, the tweak, the round and the half.
    fn round(&self, frame: &Frame, number: u8, half: &[u8], tail: &mut Vec<u8>) -> [u8; BLOCK] {
        tail.clear();
        tail.extend_from_slice(&frame.rest);
        let used = frame.rest.len() + 1 + frame.b;
        tail.resize(frame.rest.len() + (BLOCK - used % BLOCK) % BLOCK, 0);
        tail.push(number);
        tail.resize(tail.len() + frame.b.saturating_sub(half.len()), 0);
        tail.extend_from_slice(half);
        self.chained(frame.chain, tail)
    }

    /// The number of the enciphered string. The string has `count` numerals, two at least, and fits the short form.
    pub fn short(&self, radix: u32, count: u32, tweak: &[u8], number: u128) -> u128 {
        let (u, v) = (count / 2, count - count / 2);
        let size = |numerals: u32| u128::from(radix).checked_pow(numerals).unwrap_or(1);
        let (first, last) = (size(u), size(v));
        let bits = u64::from(u128::BITS - (last - 1).leading_zeros());
        let frame = self.frame(radix, count, tweak, bits);
        let mut tail = Vec::with_capacity(2 * BLOCK);
        let (mut a, mut b) = (number / last, number % last);
        for i in 0..ROUNDS {
            let bytes = b.to_be_bytes();
            let r = self.round(&frame, i, bytes.get(BLOCK - frame.b..).unwrap_or_default(), &mut tail);
            // A half of 64 bits has 8 bytes, so d is 12: one block is enough.
            let y = u128::from_be_bytes(r) >> (8 * (BLOCK - frame.d));
            let modulus = if i % 2 == 0 { first } else { last };
            let c = (a + y % modulus) % modulus;
            (a, b) = (b, c);
        }
        a * last + b
    }

    /// The same for strings of any length.
    pub fn long(&self, radix: u32, count: u32, tweak: &[u8], number: &BigUint) -> BigUint {
        let (u, v) = (count / 2, count - count / 2);
        let (first, last) = (BigUint::from(radix).pow(u), BigUint::from(radix).pow(v));
        let frame = self.frame(radix, count, tweak, (&last - 1_u32).bits());
        let mut tail = Vec::new();
        let (mut a, mut b) = (number / &last, number % &last);
        for i in 0..ROUNDS {
            let r = self.round(&frame, i, &bytes_of(&b), &mut tail);
            let mut s = r.to_vec();
            for j in 1_u64.. {
                if s.len() >= frame.d {
                    break;
                }
                let mut next = r;
                for (slot, byte) in next.iter_mut().skip(BLOCK - 8).zip(j.to_be_bytes()) {
                    *slot ^= byte;
                }
                s.extend_from_slice(&self.block(next));
            }
            s.truncate(frame.d);
            let modulus = if i % 2 == 0 { &first } else { &last };
            let c = (a + BigUint::from_bytes_be(&s)) % modulus;
            (a, b) = (b, c);
        }
        a * last + b
    }
}

/// Big-endian, nothing for 0.
fn bytes_of(number: &BigUint) -> Vec<u8> {
    if *number == BigUint::ZERO {
        Vec::new()
    } else {
        number.to_bytes_be()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::cipher::KeyInit;
    use aes::{Aes128, Aes192};

    const KEY: [u8; 32] = [
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xef, 0x43,
        0x59, 0xd8, 0xd5, 0x80, 0xaa, 0x4f, 0x7f, 0x03, 0x6d, 0x6f, 0x04, 0xfc, 0x6a, 0x94,
    ];
    const SEVEN: &[u8] = b"7777pqrs777";

    fn encrypted<C: BlockEncrypt + BlockSizeUser<BlockSize = U16>>(
        cipher: C,
        radix: u32,
        tweak: &[u8],
        text: &str,
    ) -> String {
        let ff1 = Ff1::new(cipher);
        let count = u32::try_from(text.len()).unwrap_or(0);
        let number = BigUint::parse_bytes(text.as_bytes(), radix).unwrap_or_default();
        let long = ff1.long(radix, count, tweak, &number);
        if fits_short(radix, count) {
            let number = u128::try_from(&number).unwrap_or_default();
            assert_eq!(BigUint::from(ff1.short(radix, count, tweak, number)), long);
        }
        format!("{:0>width$}", long.to_str_radix(radix), width = text.len())
    }

    /// The nine samples that NIST publishes beside the standard (FF1samples.pdf).
    #[test]
    fn the_samples_of_nist_come_out() {
        let tens = b"9876543210";
        let (digits, letters) = ("0123456789", "0123456789abcdefghi");
        let aes128 = || Aes128::new_from_slice(&KEY[..16]).ok();
        let aes192 = || Aes192::new_from_slice(&KEY[..24]).ok();
        let aes256 = || Aes256::new_from_slice(&KEY).ok();
        let (Some(a), Some(b), Some(c)) = (aes128(), aes128(), aes128()) else { return };
        assert_eq!(encrypted(a, 10, b"", digits), "2433477484");
        assert_eq!(encrypted(b, 10, tens, digits), "6124200773");
        assert_eq!(encrypted(c, 36, SEVEN, letters), "a9tv40mll9kdu509eum");
        let (Some(a), Some(b), Some(c)) = (aes192(), aes192(), aes192()) else { return };
        assert_eq!(encrypted(a, 10, b"", digits), "2830668132");
        assert_eq!(encrypted(b, 10, tens, digits), "2496655549");
        assert_eq!(encrypted(c, 36, SEVEN, letters), "xbj3kv35jrawxv32ysr");
        let (Some(a), Some(b), Some(c)) = (aes256(), aes256(), aes256()) else { return };
        assert_eq!(encrypted(a, 10, b"", digits), "6657667009");
        assert_eq!(encrypted(b, 10, tens, digits), "1001623463");
        assert_eq!(encrypted(c, 36, SEVEN, letters), "xs8a0azh2avyalyzuwd");
    }

    #[test]
    fn short_and_long_strings_are_told_apart_by_their_halves() {
        assert!(fits_short(10, 38) && fits_short(2, 128) && fits_short(26, 26));
        assert!(!fits_short(10, 39) && !fits_short(2, 129) && !fits_short(26, 27) && !fits_short(256, 17));
    }
}
