//! UUIDs and bytes.

// No operation on a `BigUint` overflows; shifts stand below 128.
#![allow(clippy::arithmetic_side_effects)]

use num_bigint::BigUint;

use crate::masking::keyed::Keyed;
use crate::masking::permute::Permuter;

/// Bytes of what is permuted.
pub const MAX_BYTES: usize = 512;
const LOW: u128 = (1 << 62) - 1;
const MID: u128 = (1 << 12) - 1;

/// The token of a UUID: of the same version and variant.
pub fn uuid_token(permuter: &Permuter, uuid: u128) -> Option<u128> {
    let (version, variant) = ((uuid >> 76) & 0xf, (uuid >> 62) & 3);
    let rank = (uuid >> 80) << 74 | ((uuid >> 64) & MID) << 62 | (uuid & LOW);
    let detail = [u8::try_from(version).ok()?, u8::try_from(variant).ok()?];
    let found = permuter.short(2, 122, rank, "uuid", &detail)?;
    Some((found >> 74) << 80 | version << 76 | ((found >> 62) & MID) << 64 | variant << 62 | (found & LOW))
}

/// The hash of a UUID: one of version 8 (RFC 9562), which says nothing of how it was made.
pub fn uuid_hash(code: &Keyed, uuid: u128) -> u128 {
    let mut bytes = [0; 16];
    for (slot, byte) in bytes.iter_mut().zip(code.bytes(print_uuid(uuid).as_bytes())) {
        *slot = byte;
    }
    let made = u128::from_be_bytes(bytes);
    (made & !(0xf << 76) & !(3 << 62)) | 8 << 76 | 2 << 62
}

pub fn print_uuid(uuid: u128) -> String {
    let hex = format!("{uuid:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    parts.map(|part| hex.get(part).unwrap_or_default()).join("-")
}

pub fn parse_uuid(text: &str) -> Option<u128> {
    let uuid = u128::from_str_radix(&text.replace('-', ""), 16).ok()?;
    (print_uuid(uuid) == text).then_some(uuid)
}

/// The token of bytes: as many; of fewer than three, or too many, 32.
pub fn bytes_token(permuter: &Permuter, code: &Keyed, bytes: &[u8]) -> Vec<u8> {
    permuted(permuter, bytes).unwrap_or_else(|| code.bytes(bytes).to_vec())
}

fn permuted(permuter: &Permuter, bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let count = u32::try_from(bytes.len()).ok()?;
    let found = permuter.numerals(256, count, &BigUint::from_bytes_be(bytes), "bytes", b"")?.to_bytes_be();
    let mut out = vec![0; bytes.len().checked_sub(found.len())?];
    out.extend(found);
    Some(out)
}

/// Reads a `bytea`, written in hexadecimal or with escapes.
pub fn parse_bytes(text: &[u8]) -> Option<Vec<u8>> {
    if let Some(hex) = text.strip_prefix(b"\\x") {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let is_even = hex.len().is_multiple_of(2);
        return is_even
            .then(|| hex.chunks(2).map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect())
            .flatten();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        if let Some(after) = rest.strip_prefix(b"\\") {
            out.push(b'\\');
            rest = after;
            continue;
        }
        let (octal, after) = rest.split_at_checked(3)?;
        out.push(u8::from_str_radix(std::str::from_utf8(octal).ok()?, 8).ok()?);
        rest = after;
    }
    Some(out)
}

pub fn print_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\\x".to_vec();
    for byte in bytes {
        out.extend_from_slice(format!("{byte:02x}").as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    fn tools() -> (Permuter, Keyed) {
        let key = b"a key of sixteen";
        (Permuter::new(key, b"tokenize", b"").expect("a key"), Keyed::new(key, b"w"))
    }

    #[test]
    fn a_token_of_a_uuid_has_its_version_and_a_hash_has_the_eighth() {
        let (permuter, code) = tools();
        for text in [
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "018f4e6e-5a3c-7cc0-8b1e-2f6a1d0c9b3a",
            "00000000-0000-0000-0000-000000000000",
        ] {
            let uuid = parse_uuid(text).expect("a UUID");
            assert_eq!(print_uuid(uuid), text);
            let token = print_uuid(uuid_token(&permuter, uuid).expect("a token"));
            assert_ne!(token, text);
            assert_eq!(token.get(14..15), text.get(14..15));
            let variant = |text: &str| {
                text.get(19..20).and_then(|digit| u8::from_str_radix(digit, 16).ok()).map(|digit| digit >> 2)
            };
            assert_eq!(variant(&token), variant(text));
            let hash = print_uuid(uuid_hash(&code, uuid));
            assert!(hash.get(14..15) == Some("8") && variant(&hash) == Some(2));
        }
        for bad in [
            "",
            "F47AC10B-58CC-4372-A567-0E02B2C3D479",
            "{f47ac10b-58cc-4372-a567-0e02b2c3d479}",
            "+47ac10b-58cc-4372-a567-0e02b2c3d479",
        ] {
            assert_eq!(parse_uuid(bad), None, "{bad}");
        }
    }

    #[test]
    fn bytes_stay_as_many_or_become_32() {
        let (permuter, code) = tools();
        for length in [3, 16, 17, 64, MAX_BYTES] {
            let bytes = vec![0; length];
            let token = bytes_token(&permuter, &code, &bytes);
            assert!(token.len() == length && token != bytes);
        }
        for length in [0, 1, 2, MAX_BYTES + 1] {
            assert_eq!(bytes_token(&permuter, &code, &vec![7; length]).len(), 32);
        }
    }

    #[test]
    fn bytes_are_read_in_both_spellings() {
        assert_eq!(parse_bytes(b"\\x00ff5c"), Some(b"\0\xff\\".to_vec()));
        assert_eq!(parse_bytes(b"\\000\\377\\\\"), Some(b"\0\xff\\".to_vec()));
        assert_eq!(print_bytes(b"\0\xff"), b"\\x00ff");
        for bad in [b"\\x0".as_slice(), b"\\xzz", b"\\9", b"\\99"] {
            assert_eq!(parse_bytes(bad), None);
        }
    }
}
