//! JSON web tokens. Policies may not call these; they are what OPA's conformance cases ask for.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::digests::{digest, same, signature};
use super::keys::{self, Key, Public};
use super::rsa;
use super::{failed, text, unsupported};
use crate::rego::builtins;
use crate::rego::conformance::json_text;

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    Some(match name {
        "io.jwt.decode" => (decode, 1),
        "io.jwt.verify_hs256" => (verify_hs256, 2),
        "io.jwt.verify_hs384" => (verify_hs384, 2),
        "io.jwt.verify_hs512" => (verify_hs512, 2),
        "io.jwt.verify_rs256" => (verify_rs256, 2),
        "io.jwt.verify_rs384" => (verify_rs384, 2),
        "io.jwt.verify_rs512" => (verify_rs512, 2),
        "io.jwt.verify_ps256" => (verify_ps256, 2),
        "io.jwt.verify_ps384" => (verify_ps384, 2),
        "io.jwt.verify_ps512" => (verify_ps512, 2),
        "io.jwt.verify_es256" => (verify_es256, 2),
        "io.jwt.verify_es384" => (verify_es384, 2),
        "io.jwt.verify_es512" => (verify_es512, 2),
        "io.jwt.decode_verify" => (decode_verify, 2),
        "io.jwt.encode_sign" => (encode_sign, 3),
        "io.jwt.encode_sign_raw" => (encode_sign_raw, 3),
        _ => return None,
    })
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte))
            << 8_usize.saturating_mul(3_usize.saturating_sub(chunk.len()));
        for place in 0..=chunk.len() {
            let shift = 18_usize.saturating_sub(place.saturating_mul(6));
            let index = usize::try_from(number.wrapping_shr(u32::try_from(shift).unwrap_or(0)) & 0x3f).unwrap_or(0);
            out.push(char::from(LETTERS.get(index).copied().unwrap_or(b'A')));
        }
    }
    out
}

/// base64url, with padding or without; None at the first byte that is no letter of it.
pub fn decode64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut sum, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let value = LETTERS.iter().position(|letter| *letter == byte)?;
        sum = (sum << 6 | u32::try_from(value).ok()?) & 0xffff;
        bits = bits.saturating_add(6);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            out.push(u8::try_from(sum.wrapping_shr(bits) & 0xff).ok()?);
        }
    }
    (text.trim_end_matches('=').len() % 4 != 1).then_some(out)
}

/// The three sections of a token.
fn sections(token: &str) -> anyhow::Result<[&str; 3]> {
    let parts: Vec<&str> = token.split('.').collect();
    match parts.as_slice() {
        [header, payload, signed] => Ok([header, payload, signed]),
        [_] => Err(failed("encoded JWT had no period separators")),
        other => Err(failed(format!("encoded JWT must have 3 sections, found {}", other.len()))),
    }
}

fn section(name: &str, encoded: &str) -> anyhow::Result<Vec<u8>> {
    decode64(encoded).ok_or_else(|| failed(format!("JWT {name} had invalid encoding: illegal base64 data")))
}

fn document(name: &str, bytes: &[u8]) -> anyhow::Result<Value> {
    let text = std::str::from_utf8(bytes).map_err(|_| failed(format!("JWT {name} is not UTF-8")))?;
    let value = Value::from_json_str(text).map_err(|_| failed(format!("JWT {name} is not JSON")))?;
    match value {
        Value::Object(_) => Ok(value),
        _ => Err(failed(format!("JWT {name} is not an object"))),
    }
}

pub fn field<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.as_object().ok()?.get(&Value::from(key))
}

pub fn field_text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    match field(object, key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Header and payload; a payload may be a token itself, where the header says so.
fn opened(token: &str) -> anyhow::Result<(Value, Value, Vec<u8>)> {
    let [header, payload, signed] = sections(token)?;
    let header = document("header", &section("header", header)?)?;
    if field(&header, "enc").is_some() {
        return Err(failed("JWT is a JWE object, which is not supported"));
    }
    let payload = section("payload", payload)?;
    let signed = section("signature", signed)?;
    if field_text(&header, "cty").is_some_and(|kind| kind.eq_ignore_ascii_case("jwt")) {
        return Err(unsupported("a token in a token"));
    }
    Ok((header, document("payload", &payload)?, signed))
}

fn decode(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (header, payload, signed) = opened(text(args, 0)?)?;
    let hex: String = signed.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Value::from(vec![header, payload, Value::from(hex)]))
}

fn is_signed(token: &str, bits: u16, secret: &str) -> anyhow::Result<bool> {
    let [_, _, signed] = sections(token)?;
    let covered = token.rsplit_once('.').map_or("", |(covered, _)| covered);
    let expected = signature(bits, secret.as_bytes(), covered.as_bytes()).unwrap_or_default();
    Ok(same(&section("signature", signed)?, &expected))
}

fn verify_hs256(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    is_signed(text(args, 0)?, 256, text(args, 1)?).map(Value::Bool)
}

fn verify_hs384(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    is_signed(text(args, 0)?, 384, text(args, 1)?).map(Value::Bool)
}

fn verify_hs512(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    is_signed(text(args, 0)?, 512, text(args, 1)?).map(Value::Bool)
}

/// Whether one key signed a token by the algorithm of that name; a key of another kind did not.
fn is_signed_by(key: &Public, algorithm: &str, covered: &[u8], signed: &[u8]) -> bool {
    let bits = match algorithm.get(2..) {
        Some("256") => 256,
        Some("384") => 384,
        Some("512") => 512,
        _ => return false,
    };
    match (algorithm.get(..2), key) {
        (Some("RS"), Public::Rsa { modulus, exponent }) => {
            rsa::is_signed(modulus, exponent, bits, covered, signed).unwrap_or(false)
        }
        (Some("PS"), Public::Rsa { modulus, exponent }) => {
            rsa::is_signed_pss(modulus, exponent, bits, covered, signed).unwrap_or(false)
        }
        (Some("ES"), Public::Curve { curve, x, y }) => {
            digest(bits, covered).is_some_and(|hash| curve.is_signed(x, y, &hash, signed))
        }
        _ => false,
    }
}

/// A key that the header names is the only one tried; of the others, those for the same algorithm or for any.
fn is_signed_by_any(token: &str, header: &Value, algorithm: &str, keys: &[Key]) -> anyhow::Result<bool> {
    let [_, _, signed] = sections(token)?;
    let signed = section("signature", signed)?;
    let covered = token.rsplit_once('.').map_or("", |(covered, _)| covered).as_bytes();
    let named = field_text(header, "kid").and_then(|kid| keys.iter().find(|key| key.kid.as_deref() == Some(kid)));
    if let Some(key) = named {
        return Ok(is_signed_by(&key.public, algorithm, covered, &signed));
    }
    let said = field_text(header, "alg").unwrap_or_default();
    let fits = |key: &&Key| key.algorithm.as_deref().is_none_or(|own| own == said);
    Ok(keys.iter().filter(fits).any(|key| is_signed_by(&key.public, algorithm, covered, &signed)))
}

fn verify(args: &[Value], algorithm: &str) -> anyhow::Result<Value> {
    let token = text(args, 0)?;
    let [header, _, _] = sections(token)?;
    let keys = keys::read(text(args, 1)?)?;
    let header = document("header", &section("header", header)?)?;
    is_signed_by_any(token, &header, algorithm, &keys).map(Value::Bool)
}

fn verify_rs256(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "RS256")
}

fn verify_rs384(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "RS384")
}

fn verify_rs512(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "RS512")
}

fn verify_ps256(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "PS256")
}

fn verify_ps384(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "PS384")
}

fn verify_ps512(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "PS512")
}

fn verify_es256(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "ES256")
}

fn verify_es384(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "ES384")
}

fn verify_es512(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, "ES512")
}

fn bits_of(algorithm: &str) -> Option<u16> {
    match algorithm {
        "HS256" => Some(256),
        "HS384" => Some(384),
        "HS512" => Some(512),
        _ => None,
    }
}

fn refused() -> Value {
    Value::from(vec![Value::Bool(false), Value::new_object(), Value::new_object()])
}

fn decode_verify(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let token = text(args, 0)?;
    let constraints = args.get(1).cloned().unwrap_or_else(Value::new_object);
    let (header, payload, _) = opened(token)?;
    let algorithm = field_text(&header, "alg").unwrap_or_default();
    if field_text(&constraints, "alg").is_some_and(|wanted| wanted != algorithm) || field(&header, "crit").is_some() {
        return Ok(refused());
    }
    let good = match (field_text(&constraints, "secret"), field_text(&constraints, "cert"), bits_of(algorithm)) {
        (Some(_), Some(_), _) => return Err(failed("duplicate key constraints")),
        (Some(secret), None, Some(bits)) => is_signed(token, bits, secret)?,
        (None, Some(certificate), _) => is_signed_by_any(token, &header, algorithm, &keys::read(certificate)?)?,
        (Some(_), None, None) => false,
        (None, None, _) => return Err(failed("no key constraint")),
    };
    if !good || !is_addressed(&payload, &constraints) || !is_in_time(&payload, &constraints)? {
        return Ok(refused());
    }
    Ok(Value::from(vec![Value::Bool(true), header, payload]))
}

/// Issuer and audience. A token that names an audience is for nobody else.
fn is_addressed(payload: &Value, constraints: &Value) -> bool {
    let issuer = match field_text(constraints, "iss") {
        Some(wanted) => field_text(payload, "iss") == Some(wanted),
        None => true,
    };
    let wanted = field(constraints, "aud");
    let audience = match (field(payload, "aud"), wanted) {
        (None, None) => true,
        (Some(Value::Array(names)), Some(wanted)) => names.contains(wanted),
        (Some(name), Some(wanted)) => name == wanted,
        _ => false,
    };
    issuer && audience
}

fn is_in_time(payload: &Value, constraints: &Value) -> anyhow::Result<bool> {
    let now = match field(constraints, "time") {
        Some(now @ Value::Number(_)) => seconds(now),
        _ => seconds(&Value::from(builtins::now())),
    };
    let stamp = |name: &str| match field(payload, name) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(_) => Err(failed(format!("{name} value must be a number"))),
    };
    let begun = stamp("nbf")?.is_none_or(|from| now >= from);
    let over = stamp("exp")?.is_some_and(|until| now >= until);
    Ok(begun && !over)
}

/// Nanoseconds as seconds; whole numbers past 53 bits are rounded, not lost.
fn seconds(nanoseconds: &Value) -> f64 {
    json_text(nanoseconds).parse::<f64>().unwrap_or(0.0) / 1e9
}

fn signed(header: &str, payload: &str, key: &Value) -> anyhow::Result<Value> {
    let parsed =
        Value::from_json_str(header).map_err(|_| failed("missing or invalid 'alg' header: cannot parse JSON"))?;
    let algorithm = field_text(&parsed, "alg").ok_or_else(|| failed("missing or invalid 'alg' header"))?;
    let is_jwt = field_text(&parsed, "typ").is_none_or(|kind| kind.eq_ignore_ascii_case("jwt"));
    if is_jwt && Value::from_json_str(payload).is_err() {
        return Err(failed("type is JWT but payload is not JSON"));
    }
    let bits = bits_of(algorithm).ok_or_else(|| unsupported(format!("the algorithm `{algorithm}`")))?;
    let secret = match (field_text(key, "kty"), field_text(key, "k").and_then(decode64)) {
        (Some("oct"), Some(secret)) => secret,
        (Some("oct") | None, _) => return Err(failed("failed to parse a JWK key")),
        (Some(_), _) => return Err(unsupported("keys that are not shared secrets")),
    };
    let covered = format!("{}.{}", encode64(header.as_bytes()), encode64(payload.as_bytes()));
    let code = signature(bits, &secret, covered.as_bytes()).unwrap_or_default();
    Ok(Value::from(format!("{covered}.{}", encode64(&code))))
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

    #[test]
    fn base64_goes_both_ways() {
        for bytes in [&b""[..], b"a", b"ab", b"abc", b"\xff\xfe\xfd\xfc"] {
            assert_eq!(decode64(&encode64(bytes)).unwrap(), bytes);
        }
        assert!(decode64("a+b/").is_none() && decode64("abcde").is_none());
    }

    #[test]
    fn a_token_in_time_and_for_us_is_good_and_others_are_not() {
        let constraints = |text: &str| Value::from_json_str(text).unwrap();
        let payload = constraints(r#"{"aud": ["a", "b"], "nbf": 10, "exp": 20}"#);
        assert!(is_addressed(&payload, &constraints(r#"{"aud": "a"}"#)));
        assert!(
            !is_addressed(&payload, &constraints("{}")) && !is_addressed(&payload, &constraints(r#"{"aud": "c"}"#))
        );
        assert!(is_in_time(&payload, &constraints(r#"{"time": 15000000000}"#)).unwrap());
        assert!(!is_in_time(&payload, &constraints(r#"{"time": 5000000000}"#)).unwrap());
        assert!(!is_in_time(&payload, &constraints(r#"{"time": 20000000000}"#)).unwrap());
    }
}
