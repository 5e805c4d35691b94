//! RSA signatures, checked (RFC 8017): nothing in it is secret.

use num_bigint::BigUint;

use super::digests::{digest, same};

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
    let mut tail = vec![0];
    tail.extend(prefix(bits)?);
    tail.extend(digest(bits, covered)?);
    let filler = found.len().checked_sub(tail.len().saturating_add(2)).filter(|filler| *filler >= 8)?;
    let mut wanted = vec![0, 1];
    wanted.resize(filler.saturating_add(2), 0xff);
    wanted.extend(tail);
    Some(same(&found, &wanted))
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
    use super::*;

    #[test]
    fn a_signature_of_the_wrong_length_is_none() {
        let (modulus, exponent) = (BigUint::from(0xffff_fffb_u32), BigUint::from(3_u8));
        assert!(is_signed(&modulus, &exponent, 256, b"a", &[1; 3]).is_none());
        assert!(is_signed_pss(&modulus, &exponent, 256, b"a", &[1; 5]).is_none());
    }
}
