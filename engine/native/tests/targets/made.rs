//! A certificate for `localhost` and its key, made for the test that uses them.

#![allow(clippy::arithmetic_side_effects)]

use ring::rand::SystemRandom;
use ring::signature::{EcdsaKeyPair, KeyPair, ECDSA_P256_SHA256_ASN1_SIGNING};

const ECDSA_WITH_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
const KEY_OF_P256: &[u8] = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// (certificate, key), PEM; it signed itself.
pub fn of_itself() -> (Vec<u8>, Vec<u8>) {
    let (random, way) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
    let secret = EcdsaKeyPair::generate_pkcs8(way, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(way, secret.as_ref(), &random).unwrap();
    let common = element(0x30, &[&element(6, &[&[0x55, 4, 3]]), &element(0x0c, &[b"localhost"])]);
    let name = element(0x30, &[&element(0x31, &[&common])]);
    let times = element(0x30, &[&element(0x18, &[b"20200101000000Z"]), &element(0x18, &[b"21000101000000Z"])]);
    let point = element(3, &[&[0], key.public_key().as_ref()]);
    let beside = element(4, &[&element(0x30, &[&element(0x82, &[b"localhost"])])]);
    let extension = element(0x30, &[&element(6, &[&[0x55, 0x1d, 17]]), &beside]);
    let inner = element(
        0x30,
        &[
            &element(0xa0, &[&element(2, &[&[2]])]),
            &element(2, &[&[1]]),
            ECDSA_WITH_SHA256,
            &name,
            &times,
            &name,
            &element(0x30, &[KEY_OF_P256, &point]),
            &element(0xa3, &[&element(0x30, &[&extension])]),
        ],
    );
    let signature = key.sign(&random, &inner).unwrap();
    let whole = element(0x30, &[&inner, ECDSA_WITH_SHA256, &element(3, &[&[0], signature.as_ref()])]);
    (pem("CERTIFICATE", &whole), pem("PRIVATE KEY", secret.as_ref()))
}

/// One element of DER.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
    let mut made = match value.len() {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    made.extend_from_slice(&value);
    made
}

fn pem(what: &str, der: &[u8]) -> Vec<u8> {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in der.chunks(3) {
        let bits = part.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let sign = SIGNS.get((bits >> (18 - 6 * place)) as usize & 63).copied().unwrap();
            text.push(if place <= part.len() { char::from(sign) } else { '=' });
        }
    }
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n")).into_bytes()
}
