//! Public keys, out of certificates, PEM blocks and JSON web keys: only as much of each as checking a signature needs.
//! Only tokens in conformance cases are checked with them; policies may not call these.

use num_bigint::BigUint;
use regorus::Value;

use super::curves::Curve;
use super::failed;
use super::jwt::{decode64, field, field_text};
use super::signing::is_known;
use crate::der::Elements;

pub enum Public {
    Rsa {
        modulus: BigUint,
        exponent: BigUint,
    },
    Curve {
        curve: Curve,
        x: BigUint,
        y: BigUint,
    },
    /// The bytes of a key of Ed25519.
    Edwards(Vec<u8>),
    /// A shared secret in a set of keys, or a kind that is not checked here.
    Other,
}

/// A key with what a set of keys says about it.
pub struct Key {
    pub public: Public,
    pub kid: Option<String>,
    pub algorithm: Option<String>,
}

/// Keys a set may hold.
const KEYS: usize = 64;

/// A certificate or a key in PEM, or a JSON web key or a set of them.
pub fn read(text: &str) -> anyhow::Result<Vec<Key>> {
    match text.trim_start().strip_prefix("-----BEGIN ") {
        Some(block) => pem(block).map(|public| vec![Key { public, kid: None, algorithm: None }]),
        None => web_keys(text),
    }
}

fn pem(block: &str) -> anyhow::Result<Public> {
    let bad = || failed("failed to extract a Key from the PEM certificate");
    let (kind, rest) = block.split_once("-----").ok_or_else(bad)?;
    let (body, after) = rest.split_once(&format!("-----END {kind}-----")).ok_or_else(bad)?;
    if !after.trim().is_empty() {
        return Err(failed("extra data after a PEM certificate block"));
    }
    let letters: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
    let bytes = decode64(&letters.replace('+', "-").replace('/', "_")).ok_or_else(bad)?;
    let whole = Elements::of(&bytes).one(SEQUENCE).map(Elements::of).ok_or_else(bad)?;
    match kind {
        "CERTIFICATE" => certified(whole),
        "PUBLIC KEY" => subject_key(whole),
        _ => None,
    }
    .ok_or_else(bad)
}

/// The key of a certificate: the seventh of its fields, the version not counted.
fn certified(mut certificate: Elements<'_>) -> Option<Public> {
    let mut fields = Elements::of(certificate.one(SEQUENCE)?);
    fields.maybe(VERSION);
    for _ in 0..5 {
        fields.any()?;
    }
    subject_key(Elements::of(fields.one(SEQUENCE)?))
}

const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const CURVE: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const EDWARDS: &[u8] = &[0x2b, 0x65, 0x70];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

fn subject_key(mut info: Elements<'_>) -> Option<Public> {
    let mut algorithm = Elements::of(info.one(SEQUENCE)?);
    let name = algorithm.one(OBJECT)?;
    let bits = info.one(BITS)?.strip_prefix(&[0])?;
    if name == RSA {
        return rsa(Elements::of(Elements::of(bits).one(SEQUENCE)?));
    }
    if name == EDWARDS {
        return (bits.len() == 32).then(|| Public::Edwards(bits.to_vec()));
    }
    if name != CURVE {
        return Some(Public::Other);
    }
    let curve = match algorithm.one(OBJECT)? {
        P256 => Curve::P256,
        P384 => Curve::P384,
        P521 => Curve::P521,
        _ => return Some(Public::Other),
    };
    let point = bits.strip_prefix(&[4])?;
    let (x, y) = point.split_at_checked(curve.bytes()).filter(|(_, y)| y.len() == curve.bytes())?;
    Some(Public::Curve { curve, x: BigUint::from_bytes_be(x), y: BigUint::from_bytes_be(y) })
}

fn rsa(mut numbers: Elements<'_>) -> Option<Public> {
    let modulus = BigUint::from_bytes_be(numbers.one(INTEGER)?);
    Some(Public::Rsa { modulus, exponent: BigUint::from_bytes_be(numbers.one(INTEGER)?) })
}

fn web_keys(text: &str) -> anyhow::Result<Vec<Key>> {
    let bad = || failed("failed to parse a JWK key (set)");
    let document = Value::from_json_str(text).map_err(|_| bad())?;
    match field(&document, "keys") {
        Some(Value::Array(keys)) => {
            let keys = keys.iter().take(KEYS).map(|key| web_key(key).ok_or_else(bad));
            // A key for an algorithm nobody knows is no key for any token.
            let fits = |key: &Key| key.algorithm.as_deref().is_none_or(is_known);
            Ok(keys.collect::<anyhow::Result<Vec<Key>>>()?.into_iter().filter(fits).collect())
        }
        _ => Ok(vec![web_key(&document).ok_or_else(bad)?]),
    }
}

fn web_key(key: &Value) -> Option<Key> {
    let number = |name: &str| field_text(key, name).and_then(decode64).map(|bytes| BigUint::from_bytes_be(&bytes));
    let public = match field_text(key, "kty")? {
        "RSA" => Public::Rsa { modulus: number("n")?, exponent: number("e")? },
        "EC" => {
            let curve = Curve::named(field_text(key, "crv")?)?;
            Public::Curve { curve, x: number("x")?, y: number("y")? }
        }
        "OKP" => match (field_text(key, "crv")?, field_text(key, "x").and_then(decode64)?) {
            ("Ed25519", bytes) => Public::Edwards(bytes),
            ("X25519", _) => Public::Other,
            _ => return None,
        },
        "oct" => field_text(key, "k").and_then(decode64).map(|_| Public::Other)?,
        _ => return None,
    };
    let said = |name: &str| field_text(key, name).map(str::to_owned);
    Some(Key { public, kid: said("kid"), algorithm: said("alg") })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_cut_short_is_no_key() {
        for text in [
            "",
            "{}",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "-----BEGIN X-----",
            r#"{"kty":"RSA","n":"AQ"}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_set_keeps_the_names_of_its_keys() {
        let keys =
            read(r#"{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a", "alg": "RS256"}, {"kty": "oct", "k": "AQAB"}]}"#)
                .unwrap();
        assert_eq!(keys.iter().map(|key| key.kid.clone()).collect::<Vec<_>>(), [Some("a".to_owned()), None]);
    }
}
