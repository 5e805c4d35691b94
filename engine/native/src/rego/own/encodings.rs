//! Encodings as Go reads and writes them: queries of URLs, line ends in base64, JSON that is safe in HTML.

use std::collections::BTreeMap;

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::{failed, text};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    Some(match name {
        "urlquery.decode" => (decode, 1),
        "urlquery.decode_object" => (decode_object, 1),
        "urlquery.encode_object" => (encode_object, 1),
        "base64.decode" => (base64_decode, 1),
        "base64.is_valid" => (base64_is_valid, 1),
        "json.marshal" => (marshal, 1),
        "json.is_valid" => (json_is_valid, 1),
        "yaml.is_valid" => (yaml_is_valid, 1),
        "net.cidr_is_valid" => (cidr_is_valid, 1),
        _ => return None,
    })
}

fn original(name: &str, span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    match BUILTINS.get(name) {
        Some((function, _)) => function(span, params, args, strict),
        None => Err(failed(format!("`{name}` is not there"))),
    }
}

/// `%41` and `+`; what is no text afterwards gets the replacement letter.
fn unescape(text: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let number = digits
                    .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                    .ok_or_else(|| failed(format!("invalid URL escape in {text:?}")))?;
                bytes.push(number);
                rest = after.get(2..).unwrap_or_default();
            }
            other => bytes.push(*other),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
}

fn decode(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::from(unescape(text(args, 0)?)?))
}

fn decode_object(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for pair in text(args, 0)?.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return Err(failed("invalid semicolon separator in query"));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        found.entry(unescape(key)?).or_default().push(Value::from(unescape(value)?));
    }
    let fields: regorus::value::Object =
        found.into_iter().map(|(key, values)| (Value::from(key), Value::from(values))).collect();
    Ok(fields.into_value())
}

fn encode_object(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let odd = || failed("operand 1 values must be string, array[string], or set[string]");
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if let Some(Value::Object(fields)) = args.first() {
        for (key, value) in fields.iter() {
            let key = match key {
                Value::String(key) => key.to_string(),
                other => crate::rego::conformance::json_text(other),
            };
            let values = match value {
                Value::String(_) => vec![value],
                Value::Array(_) | Value::Set(_) => super::items(Some(value)),
                _ => return Err(odd()),
            };
            let texts: Option<Vec<String>> =
                values.into_iter().map(|one| one.as_string().ok().map(|text| text.to_string())).collect();
            pairs.insert(key, texts.ok_or_else(odd)?);
        }
    }
    let mut out = String::new();
    for (key, values) in pairs {
        for value in values {
            if !out.is_empty() {
                out.push('&');
            }
            escape(&key, &mut out);
            out.push('=');
            escape(&value, &mut out);
        }
    }
    Ok(Value::from(out))
}

fn joined(args: &[Value]) -> anyhow::Result<[Value; 1]> {
    Ok([Value::from(text(args, 0)?.replace(['\r', '\n'], ""))])
}

fn base64_decode(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    original("base64.decode", span, params, &joined(args)?, strict)
}

fn base64_is_valid(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    match args.first() {
        Some(Value::String(_)) => original("base64.is_valid", span, params, &joined(args)?, strict),
        _ => Ok(Value::Bool(false)),
    }
}

/// Letters that mean something in HTML are escaped, as Go does.
fn marshal(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    Ok(match original("json.marshal", span, params, args, strict)? {
        Value::String(text) => Value::from(safe_in_html(&text)),
        other => other,
    })
}

pub fn safe_in_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            other => out.push(other),
        }
    }
    out
}

fn of_text(name: &str, span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    match args.first() {
        Some(Value::String(_)) => original(name, span, params, args, strict),
        _ => Ok(Value::Bool(false)),
    }
}

fn json_is_valid(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    of_text("json.is_valid", span, params, args, strict)
}

fn yaml_is_valid(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    of_text("yaml.is_valid", span, params, args, strict)
}

fn cidr_is_valid(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    of_text("net.cidr_is_valid", span, params, args, strict)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn queries_keep_what_is_no_escape() {
        assert_eq!(unescape("a=b&c%20d+e").unwrap(), "a=b&c d e");
        assert!(unescape("%zz").is_err() && unescape("%4").is_err());
        let mut out = String::new();
        escape("a b&é", &mut out);
        assert_eq!(out, "a+b%26%C3%A9");
    }

    #[test]
    fn json_is_safe_in_html() {
        assert_eq!(safe_in_html("\"<&>\u{2028}\""), r#""\u003c\u0026\u003e\u2028""#);
    }
}
