//! JSON web tokens, signed. Policies may not call these: a private key has no place in a policy, and the arithmetic takes
//! a time that depends on the key. They are what OPA's conformance cases ask for.

use num_bigint::BigUint;
use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::curves::Curve;
use super::digests::signature;
use super::jwt::{bits_of, decode64, encode64, field, field_text, ED_DSA};
use super::{edwards, failed, rsa, text};
use crate::rego::conformance::json_text;

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "io.jwt.encode_sign" => Some((encode_sign, 3)),
        "io.jwt.encode_sign_raw" => Some((encode_sign_raw, 3)),
        _ => None,
    }
}

/// The signature of a message by the key that a JSON web key describes. Where the algorithm calls for a random number,
/// one that follows from key and message is taken (RFC 6979): the same decision gives the same token for ever.
fn signed_by(key: &Value, algorithm: &str, message: &[u8]) -> anyhow::Result<Vec<u8>> {
    let bytes = |name: &str| field_text(key, name).and_then(decode64);
    let number = |name: &str| bytes(name).map(|bytes| BigUint::from_bytes_be(&bytes));
    let bits = match algorithm.get(2..) {
        Some("256") => 256,
        Some("384") => 384,
        _ => 512,
    };
    let made = match (field_text(key, "kty"), algorithm.get(..2).unwrap_or_default()) {
        (Some("oct"), "HS") => bytes("k").and_then(|secret| signature(bits, &secret, message)),
        (Some("RSA"), kind @ ("RS" | "PS")) => number("n").zip(number("d")).and_then(|(modulus, exponent)| {
            let sign = if kind == "RS" { rsa::sign } else { rsa::sign_pss };
            sign(&modulus, &exponent, bits, message)
        }),
        (Some("EC"), "ES") => {
            let curve = field_text(key, "crv").and_then(Curve::named).filter(|curve| curve.algorithm() == algorithm);
            curve.zip(number("d")).and_then(|(curve, secret)| curve.sign(&secret, bits, message))
        }
        (Some("OKP"), _) if algorithm == ED_DSA && field_text(key, "crv") == Some("Ed25519") => {
            bytes("d").and_then(|seed| edwards::sign(&seed, message))
        }
        (None, _) => return Err(failed("failed to parse a JWK key")),
        _ => None,
    };
    made.ok_or_else(|| failed(format!("the key does not sign by {algorithm}")))
}

/// Whether tokens may be signed by an algorithm of that name.
pub fn is_known(algorithm: &str) -> bool {
    let by_bits = algorithm
        .split_at_checked(2)
        .is_some_and(|(kind, bits)| matches!(kind, "RS" | "PS" | "ES") && matches!(bits, "256" | "384" | "512"));
    by_bits || bits_of(algorithm).is_some() || algorithm == ED_DSA
}

fn signed(header: &str, payload: &str, key: &Value) -> anyhow::Result<Value> {
    let key = match field(key, "keys") {
        Some(Value::Array(keys)) => keys.first().ok_or_else(|| failed("no keys found in JWK set"))?,
        _ => key,
    };
    let parsed =
        Value::from_json_str(header).map_err(|_| failed("missing or invalid 'alg' header: cannot parse JSON"))?;
    let algorithm = field_text(&parsed, "alg").ok_or_else(|| failed("missing or invalid 'alg' header"))?;
    if !is_known(algorithm) {
        return Err(failed(format!("unknown JWS algorithm: {algorithm}")));
    }
    let is_jwt = field_text(&parsed, "typ").is_none_or(|kind| kind == "JWT");
    if is_jwt && Value::from_json_str(payload).is_err() {
        return Err(failed("type is JWT but payload is not JSON"));
    }
    let covered = format!("{}.{}", encode64(header.as_bytes()), encode64(payload.as_bytes()));
    let signature = signed_by(key, algorithm, covered.as_bytes())?;
    Ok(Value::from(format!("{covered}.{}", encode64(&signature))))
}

fn encode_sign(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match args {
        [header, payload, key] => signed(&json_text(header), &json_text(payload), key),
        _ => Err(failed("three operands are needed")),
    }
}

fn encode_sign_raw(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let key = Value::from_json_str(text(args, 2)?).map_err(|_| failed("failed to parse a JWK key"))?;
    signed(text(args, 0)?, text(args, 1)?, &key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::builtins::{begin, call_by_name, Mode};

    /// Keys made up from a counter: small, and nobody's.
    fn secret(length: usize) -> String {
        encode64(&(1_u8..).take(length).collect::<Vec<u8>>())
    }

    fn sign(algorithm: &str, key: &str) -> anyhow::Result<Value> {
        begin(0, Mode::Strict);
        let header = Value::from_json_str(&format!(r#"{{"alg": "{algorithm}"}}"#)).unwrap();
        call_by_name("io.jwt.encode_sign", &[header, Value::new_object(), Value::from_json_str(key).unwrap()])
    }

    fn verify(name: &str, token: &Value, key: &str) -> Value {
        call_by_name(name, &[token.clone(), Value::from(key)]).unwrap()
    }

    #[test]
    fn what_is_signed_on_a_curve_verifies_and_nothing_else_does() {
        for (curve, algorithm, length, verifier) in [
            (Curve::P256, "ES256", 32, "io.jwt.verify_es256"),
            (Curve::P384, "ES384", 48, "io.jwt.verify_es384"),
            (Curve::P521, "ES512", 65, "io.jwt.verify_es512"),
        ] {
            let (x, y) = curve.public(&BigUint::from_bytes_be(&decode64(&secret(length)).unwrap()));
            let (x, y) = (encode64(&x.to_bytes_be()), encode64(&y.to_bytes_be()));
            let public = format!(r#""kty": "EC", "crv": "{}", "x": "{x}", "y": "{y}""#, curve.name());
            let token = sign(algorithm, &format!(r#"{{{public}, "d": "{}"}}"#, secret(length))).unwrap();
            assert_eq!(verify(verifier, &token, &format!("{{{public}}}")), Value::Bool(true), "{algorithm}");
            let other = format!(r#"{{"kty": "EC", "crv": "{}", "x": "{y}", "y": "{x}"}}"#, curve.name());
            assert_eq!(verify(verifier, &token, &other), Value::Bool(false), "{algorithm}");
        }
    }

    #[test]
    fn what_a_key_cannot_sign_is_an_error() {
        for (algorithm, key) in [
            ("HS256", r#"{"kty": "RSA", "n": "AQAB", "e": "Aw"}"#),
            ("RS256", r#"{"kty": "RSA", "n": "AQAB", "e": "Aw"}"#),
            ("EdDSA", r#"{"kty": "OKP", "crv": "Ed25519", "d": "AQAB"}"#),
            ("ES256", r#"{"kty": "EC", "crv": "P-384", "d": "AQAB"}"#),
            ("ES1024", r#"{"kty": "EC", "crv": "P-256", "d": "AQAB"}"#),
            ("HS256", r#"{"keys": []}"#),
            ("none", r#"{"kty": "oct", "k": "AQAB"}"#),
        ] {
            assert!(sign(algorithm, key).is_err(), "{algorithm} {key}");
        }
    }
}
