//! RSA signatures (RFC 8017), checked and made. The time it takes depends on the key; policies may not call it.

use num_bigint::BigUint;

use super::digests::{digest, same, signature};

/// Bits a modulus may have: what is longer would keep the processor busy.
const MODULUS: u64 = 8192;

/// Beginnings of the encoded digest for SHA-256, SHA-384 and SHA-512.
fn prefix(bits: u16) -> Option<[u8; 19]> {
    let (number, length) = match bits {
        256 => (1, 32),
        384 => (2, 48),
        512 => (3, 64),
        _ => return None,
    };
    let whole: u8 = 17_u8.saturating_add(length);
    Some([
        0x30, whole, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, number, 0x05, 0x00, 0x04,
        length,
    ])
}

/// The message that was signed, as long as the modulus.
fn opened(modulus: &BigUint, exponent: &BigUint, signature: &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(modulus.bits().div_ceil(8)).ok()?;
    let number = BigUint::from_bytes_be(signature);
    let fits = modulus.bits() <= MODULUS && exponent.bits() <= 64 && modulus.bit(0);
    if !fits || signature.len() != length || number >= *modulus {
        return None;
    }
    let bytes = number.modpow(exponent, modulus).to_bytes_be();
    let mut padded = vec![0; length.checked_sub(bytes.len())?];
    padded.extend(bytes);
    Some(padded)
}

/// PKCS #1 v1.5.
pub fn is_signed(modulus: &BigUint, exponent: &BigUint, bits: u16, covered: &[u8], signature: &[u8]) -> Option<bool> {
    let found = opened(modulus, exponent, signature)?;
    Some(same(&found, &padded(found.len(), bits, covered)?))
}

/// The digest of a message, filled up to the length of a modulus.
fn padded(length: usize, bits: u16, covered: &[u8]) -> Option<Vec<u8>> {
    let mut tail = vec![0];
    tail.extend(prefix(bits)?);
    tail.extend(digest(bits, covered)?);
    let filler = length.checked_sub(tail.len().saturating_add(2)).filter(|filler| *filler >= 8)?;
    let mut whole = vec![0, 1];
    whole.resize(filler.saturating_add(2), 0xff);
    whole.extend(tail);
    Some(whole)
}

/// `message` to the power of the private exponent.
fn closed(modulus: &BigUint, exponent: &BigUint, message: &[u8]) -> Option<Vec<u8>> {
    let number = BigUint::from_bytes_be(message);
    if modulus.bits() > MODULUS || exponent.bits() > MODULUS || !modulus.bit(0) || number >= *modulus {
        return None;
    }
    let bytes = number.modpow(exponent, modulus).to_bytes_be();
    let length = usize::try_from(modulus.bits().div_ceil(8)).ok()?;
    let mut whole = vec![0; length.checked_sub(bytes.len())?];
    whole.extend(bytes);
    Some(whole)
}

/// Signs by PKCS #1 v1.5; `exponent` is the private one.
pub fn sign(modulus: &BigUint, exponent: &BigUint, bits: u16, message: &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(modulus.bits().div_ceil(8)).ok()?;
    closed(modulus, exponent, &padded(length, bits, message)?)
}

/// Signs by PSS. The salt follows from key and message, so that the same call gives the same signature.
pub fn sign_pss(modulus: &BigUint, exponent: &BigUint, bits: u16, message: &[u8]) -> Option<Vec<u8>> {
    let salt = signature(bits, &exponent.to_bytes_be(), message)?;
    let em_bits = modulus.bits().checked_sub(1)?;
    let length = usize::try_from(em_bits.div_ceil(8)).ok()?;
    let inner = digest(bits, &[&[0; 8], digest(bits, message)?.as_slice(), &salt].concat())?;
    let filler = length.checked_sub(inner.len().saturating_add(salt.len()).saturating_add(2))?;
    let block = [vec![0; filler], vec![1], salt].concat();
    let mut whole = unmasked(bits, &inner, &block)?;
    let unused = u64::try_from(length).ok()?.checked_mul(8)?.checked_sub(em_bits)?;
    *whole.first_mut()? &= 0xff_u8.checked_shr(u32::try_from(unused).ok()?)?;
    whole.extend(inner);
    whole.push(0xbc);
    closed(modulus, exponent, &whole)
}

/// PSS, with a salt of whatever length.
pub fn is_signed_pss(
    modulus: &BigUint,
    exponent: &BigUint,
    bits: u16,
    covered: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let hash = digest(bits, covered)?;
    let em_bits = modulus.bits().checked_sub(1)?;
    let em_length = usize::try_from(em_bits.div_ceil(8)).ok()?;
    let found = opened(modulus, exponent, signature)?;
    let message = found.get(found.len().checked_sub(em_length)?..)?;
    let (body, trailer) = message.split_at_checked(em_length.checked_sub(1)?)?;
    let (masked, inner) = body.split_at_checked(body.len().checked_sub(hash.len())?)?;
    if trailer != [0xbc] || found.iter().take(found.len().saturating_sub(em_length)).any(|byte| *byte != 0) {
        return Some(false);
    }
    let unused = u64::try_from(em_length).ok()?.checked_mul(8)?.checked_sub(em_bits)?;
    let keep = 0xff_u8.checked_shr(u32::try_from(unused).ok()?)?;
    let mut block = unmasked(bits, inner, masked)?;
    if masked.first()? & !keep != 0 {
        return Some(false);
    }
    if let Some(first) = block.first_mut() {
        *first &= keep;
    }
    let start = block.iter().position(|byte| *byte != 0)?;
    let (one, salt) = block.get(start..)?.split_first()?;
    let mut again = vec![0_u8; 8];
    again.extend(&hash);
    again.extend(salt);
    Some(*one == 1 && same(inner, &digest(bits, &again)?))
}

/// MGF1 of the hash, over the masked block.
fn unmasked(bits: u16, seed: &[u8], masked: &[u8]) -> Option<Vec<u8>> {
    let mut mask = Vec::new();
    for counter in 0_u32..256 {
        if mask.len() >= masked.len() {
            break;
        }
        mask.extend(digest(bits, &[seed, &counter.to_be_bytes()].concat())?);
    }
    Some(masked.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    use super::*;

    /// Nobody's key: its primes are 2^521 - 1 and 2^607 - 1.
    fn key() -> (BigUint, BigUint, BigUint) {
        let one = BigUint::from(1_u8);
        let (p, q) = ((&one << 521_u32) - 1_u8, (&one << 607_u32) - 1_u8);
        let exponent = BigUint::from(65537_u32);
        let private = exponent.modinv(&((&p - 1_u8) * (&q - 1_u8))).unwrap();
        (p * q, exponent, private)
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let (modulus, exponent, private) = key();
        for bits in [256, 384] {
            let plain = sign(&modulus, &private, bits, b"a message").unwrap();
            assert_eq!(is_signed(&modulus, &exponent, bits, b"a message", &plain), Some(true));
            assert_eq!(is_signed(&modulus, &exponent, bits, b"another", &plain), Some(false));
            assert_ne!(is_signed_pss(&modulus, &exponent, bits, b"a message", &plain), Some(true));
            let salted = sign_pss(&modulus, &private, bits, b"a message").unwrap();
            assert_eq!(is_signed_pss(&modulus, &exponent, bits, b"a message", &salted), Some(true));
            assert_eq!(is_signed_pss(&modulus, &exponent, bits, b"another", &salted), Some(false));
        }
        assert!(sign(&BigUint::from(0xffff_fffb_u32), &private, 256, b"a message").is_none());
        assert!(sign_pss(&BigUint::from(0xffff_fffb_u32), &private, 256, b"a message").is_none());
    }

    #[test]
    fn a_signature_of_the_wrong_length_is_none() {
        let (modulus, exponent) = (BigUint::from(0xffff_fffb_u32), BigUint::from(3_u8));
        assert!(is_signed(&modulus, &exponent, 256, b"a", &[1; 3]).is_none());
        assert!(is_signed_pss(&modulus, &exponent, 256, b"a", &[1; 5]).is_none());
    }
}
