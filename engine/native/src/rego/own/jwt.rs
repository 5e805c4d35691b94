//! JSON web tokens. Policies may not call these; they are what OPA's conformance cases ask for.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::digests::{digest, same, signature};
use super::keys::{self, Key, Public};
use super::{edwards, failed, rsa, text, wrong};
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
        "io.jwt.verify_eddsa" => (verify_eddsa, 2),
        "io.jwt.decode_verify" => (decode_verify, 2),
        _ => return None,
    })
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub fn encode64(bytes: &[u8]) -> String {
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

/// The header of a token; one that is encrypted is not opened.
fn header_of(encoded: &str) -> anyhow::Result<Value> {
    let header = document("header", &section("header", encoded)?)?;
    if field(&header, "enc").is_some() {
        return Err(failed("JWT is a JWE object, which is not supported"));
    }
    Ok(header)
}

fn plain_text(bytes: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(bytes).map_err(|_| failed("JWT payload is not UTF-8"))
}

/// A payload may be a token itself, where the header says so; then it is that one's that is opened.
fn decode(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let mut token = text(args, 0)?.to_owned();
    loop {
        let [header, payload, signed] = sections(&token)?;
        let header = header_of(header)?;
        let payload = section("payload", payload)?;
        // A token in a token is shorter than what it stands in, so this ends.
        if field_text(&header, "cty") == Some("JWT") {
            token = plain_text(payload)?.trim_matches(['"', '\'']).to_owned();
            continue;
        }
        let payload = document("payload", &payload)?;
        let hex: String = section("signature", signed)?.iter().map(|byte| format!("{byte:02x}")).collect();
        return Ok(Value::from(vec![header, payload, Value::from(hex)]));
    }
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
    if let (ED_DSA, Public::Edwards(key)) = (algorithm, key) {
        return edwards::is_signed(key, covered, signed);
    }
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

/// The algorithm whose name does not tell a number of bits.
pub const ED_DSA: &str = "EdDSA";

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
    let header = header_of(header)?;
    said(&header)?;
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

fn verify_eddsa(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    verify(args, ED_DSA)
}

pub fn bits_of(algorithm: &str) -> Option<u16> {
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

/// Checks the types of what a header says of itself, and gives its algorithm; None where it asks for what is not known.
fn said(header: &Value) -> anyhow::Result<Option<&str>> {
    for name in ["alg", "kid", "typ", "cty"] {
        if !matches!(field(header, name), None | Some(Value::String(_))) {
            return Err(failed(format!("{name}: must be a string")));
        }
    }
    let critical = match field(header, "crit") {
        None => &[],
        Some(Value::Array(names)) if !names.is_empty() => names.as_slice(),
        Some(Value::Array(_)) => return Err(failed("crit: must be a nonempty list")),
        Some(_) => return Err(failed("crit: must be a list")),
    };
    let is_known = |name: &Value| {
        let known = ["alg", "kid", "typ", "cty", "crit"].iter().any(|one| *name == Value::from(*one));
        known || header.as_object().is_ok_and(|fields| !fields.contains_key(name))
    };
    Ok(field_text(header, "alg").filter(|algorithm| !algorithm.is_empty() && critical.iter().all(is_known)))
}

/// What a token must be, as the caller asks.
struct Constraints<'a> {
    algorithm: Option<&'a str>,
    issuer: Option<&'a str>,
    audience: Option<&'a str>,
    secret: Option<&'a str>,
    keys: Option<Vec<Key>>,
    seconds: f64,
}

impl<'a> Constraints<'a> {
    fn read(asked: &'a Value) -> anyhow::Result<Self> {
        let names = ["alg", "iss", "aud", "secret", "cert", "time"];
        let object = asked.as_object().map_err(|_| wrong("operand 2 must be object"))?;
        if let Some(name) = object.keys().find(|name| !names.iter().any(|one| **name == Value::from(*one))) {
            return Err(failed(format!("unknown token validation constraint: {}", json_text(name))));
        }
        let said = |name: &str| match field(asked, name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_ref()).filter(|text: &&str| !text.is_empty())),
            Some(_) => Err(failed(format!("{name} constraint: must be a string"))),
        };
        let now = Value::from(builtins::now());
        let read = Self {
            algorithm: said("alg")?,
            issuer: said("iss")?,
            audience: said("aud")?,
            secret: said("secret")?,
            keys: match field(asked, "cert") {
                Some(Value::String(text)) => Some(keys::read(text)?),
                Some(_) => return Err(failed("cert constraint: must be a string")),
                None => None,
            },
            seconds: seconds(field(asked, "time").unwrap_or(&now))?,
        };
        match (&read.secret, &read.keys) {
            (Some(_), Some(_)) => Err(failed("duplicate key constraints")),
            (None, None) => Err(failed("no key constraint")),
            _ => Ok(read),
        }
    }

    fn is_met_by_key(&self, token: &str, header: &Value, algorithm: &str) -> anyhow::Result<bool> {
        match (&self.keys, self.secret, bits_of(algorithm)) {
            (Some(keys), _, _) => is_signed_by_any(token, header, algorithm, keys),
            (None, Some(secret), Some(bits)) => is_signed(token, bits, secret),
            _ => Ok(false),
        }
    }

    /// Issuer and audience. A token that names an audience is for nobody else.
    fn is_met_by_names(&self, payload: &Value) -> bool {
        let is_audience = |name: &Value| self.audience.is_some_and(|wanted| *name == Value::from(wanted));
        let audience = match field(payload, "aud") {
            None => self.audience.is_none(),
            Some(Value::Array(names)) => names.iter().any(is_audience),
            Some(name) => is_audience(name),
        };
        audience && self.issuer.is_none_or(|wanted| field_text(payload, "iss") == Some(wanted))
    }

    fn is_met_by_times(&self, payload: &Value) -> anyhow::Result<bool> {
        let stamp = |name: &str| match field(payload, name) {
            None => Ok(None),
            Some(number @ Value::Number(_)) => Ok(json_text(number).parse::<f64>().ok()),
            Some(_) => Err(failed(format!("{name} value must be a number"))),
        };
        let over = stamp("exp")?.is_some_and(|until| self.seconds >= until);
        Ok(!over && stamp("nbf")?.is_none_or(|from| self.seconds >= from))
    }
}

/// Nanoseconds as seconds; whole numbers past 53 bits are rounded, not lost.
fn seconds(nanoseconds: &Value) -> anyhow::Result<f64> {
    let Value::Number(_) = nanoseconds else {
        return Err(failed("token time constraint: must be a number"));
    };
    match json_text(nanoseconds).parse::<f64>() {
        Ok(number) if number >= 0.0 => Ok(number / 1e9),
        _ => Err(failed("token time constraint: must not be negative")),
    }
}

fn decode_verify(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let constraints = Constraints::read(args.get(1).unwrap_or(&Value::Null))?;
    let mut token = text(args, 0)?.to_owned();
    loop {
        let [header, payload, _] = sections(&token)?;
        let header = header_of(header)?;
        let Some(algorithm) = said(&header)?.filter(|said| constraints.algorithm.is_none_or(|wanted| wanted == *said))
        else {
            return Ok(refused());
        };
        if !constraints.is_met_by_key(&token, &header, algorithm)? {
            return Ok(refused());
        }
        let payload = section("payload", payload)?;
        if field_text(&header, "cty").is_some_and(|kind| kind.eq_ignore_ascii_case("jwt")) {
            token = plain_text(payload)?;
            continue;
        }
        let payload = document("payload", &payload)?;
        if !constraints.is_met_by_names(&payload) || !constraints.is_met_by_times(&payload)? {
            return Ok(refused());
        }
        return Ok(Value::from(vec![Value::Bool(true), header, payload]));
    }
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
        let value = |text: &str| Value::from_json_str(text).unwrap();
        let payload = value(r#"{"aud": ["a", "b"], "nbf": 10, "exp": 20}"#);
        let meets = |asked: &str| {
            let asked = value(asked);
            let constraints = Constraints::read(&asked).unwrap();
            constraints.is_met_by_names(&payload) && constraints.is_met_by_times(&payload).unwrap()
        };
        assert!(meets(r#"{"secret": "s", "aud": "a", "time": 15000000000}"#));
        assert!(!meets(r#"{"secret": "s", "time": 15000000000}"#));
        let future = value(r#"{"nbf": 9223372036854775807}"#);
        let asked = value(r#"{"secret": "s", "time": 15000000000}"#);
        assert!(!Constraints::read(&asked).unwrap().is_met_by_times(&future).unwrap());
        assert!(!meets(r#"{"secret": "s", "aud": "c", "time": 15000000000}"#));
        assert!(!meets(r#"{"secret": "s", "aud": "a", "time": 5000000000}"#));
        assert!(!meets(r#"{"secret": "s", "aud": "a", "time": 20000000000}"#));
        builtins::begin(15_000_000_000, builtins::Mode::Lenient);
        assert!(meets(r#"{"secret": "s", "aud": "a"}"#));
        builtins::begin(20_000_000_000, builtins::Mode::Lenient);
        assert!(!meets(r#"{"secret": "s", "aud": "a"}"#));
    }

    #[test]
    fn a_constraint_nobody_knows_is_an_error_and_so_is_no_key_or_two() {
        for asked in [
            r#"{"secret": "s", "sub": "a"}"#,
            r#"{"secret": "s", "iss": 7}"#,
            r#"{"secret": "s", "time": -1}"#,
            r#"{"secret": ""}"#,
            "{}",
            "[]",
        ] {
            assert!(Constraints::read(&Value::from_json_str(asked).unwrap()).is_err(), "{asked}");
        }
    }

    #[test]
    fn what_a_header_calls_critical_must_be_known() {
        let said_of = |text: &str| said(&Value::from_json_str(text).unwrap()).map(|said| said.is_some()).ok();
        assert_eq!(said_of(r#"{"alg": "HS256", "crit": ["alg", "absent"]}"#), Some(true));
        assert_eq!(said_of(r#"{"alg": "HS256", "crit": ["b64"], "b64": false}"#), Some(false));
        assert_eq!(said_of(r#"{"typ": "JWT"}"#), Some(false));
        assert_eq!(said_of(r#"{"alg": "HS256", "crit": []}"#), None);
        assert_eq!(said_of(r#"{"alg": 256}"#), None);
    }

    fn token(header: &str, payload: &str, secret: &str) -> String {
        let covered = format!("{}.{}", encode64(header.as_bytes()), encode64(payload.as_bytes()));
        format!("{covered}.{}", encode64(&signature(256, secret.as_bytes(), covered.as_bytes()).unwrap()))
    }

    #[test]
    fn a_token_in_a_token_is_opened_when_both_are_signed() {
        builtins::begin(0, builtins::Mode::Strict);
        let asked = Value::from_json_str(r#"{"secret": "s"}"#).unwrap();
        let opened = |inner: &str| {
            let whole = token(r#"{"alg": "HS256", "cty": "JWT"}"#, inner, "s");
            let answer = builtins::call_by_name("io.jwt.decode_verify", &[Value::from(whole.as_str()), asked.clone()]);
            (answer.unwrap(), builtins::call_by_name("io.jwt.decode", &[Value::from(whole)]).unwrap())
        };
        let (verified, decoded) = opened(&token(r#"{"alg": "HS256"}"#, r#"{"iss": "x"}"#, "s"));
        assert_eq!(verified, Value::from_json_str(r#"[true, {"alg": "HS256"}, {"iss": "x"}]"#).unwrap());
        assert_eq!(decoded.as_array().unwrap().get(1), Some(&Value::from_json_str(r#"{"iss": "x"}"#).unwrap()));
        assert_eq!(opened(&token(r#"{"alg": "HS256"}"#, r#"{"iss": "x"}"#, "t")).0, refused());
    }
}
