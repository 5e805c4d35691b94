//! Texts with values in them: interpolated strings, and the simplest of Go's templates.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::{text, unsupported, wrong};
use crate::rego::builtins::{Class, Raised};
use crate::rego::conformance::json_text;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "internal.template_string" => Some((template_string, 1)),
        "strings.render_template" => Some((render_template, 2)),
        _ => None,
    }
}

/// Joins texts and sets of at most one value; an empty set is what is undefined.
fn template_string(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let mut out = String::new();
    for part in super::items(args.first()) {
        match part {
            Value::String(text) => out.push_str(text),
            Value::Set(values) if values.len() > 1 => {
                return Err(Raised::error(Class::Conflict, "complete rules must not produce multiple outputs"));
            }
            Value::Set(values) => out.push_str(&values.first().map_or_else(|| "<undefined>".to_owned(), shown)),
            other => out.push_str(&shown(other)),
        }
    }
    Ok(Value::from(out))
}

/// A value as it stands in a text: strings bare, the rest as Rego writes it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        other => rego_text(other),
    }
}

/// A value as Rego writes it.
pub fn rego_text(value: &Value) -> String {
    let list = |items: Vec<&Value>| items.into_iter().map(rego_text).collect::<Vec<_>>().join(", ");
    match value {
        Value::Array(items) => format!("[{}]", list(items.iter().collect())),
        Value::Set(items) if items.is_empty() => "set()".to_owned(),
        Value::Set(items) => format!("{{{}}}", list(items.iter_sorted().collect())),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter_sorted().map(|(key, value)| format!("{}: {}", rego_text(key), rego_text(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => json_text(other),
    }
}

/// Go's text/template as far as `{{.name}}`.
fn render_template(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let Some(Value::Object(values)) = args.get(1) else {
        return Err(wrong("operand 2 must be object"));
    };
    let mut rest = text(args, 0)?;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((inside, left)) = after.split_once("}}") else {
            return Err(super::failed("unclosed action"));
        };
        let name = inside
            .trim()
            .strip_prefix('.')
            .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        let Some(name) = name else {
            return Err(unsupported(format!("the action `{inside}`")));
        };
        match values.get(&Value::from(name)) {
            None => out.push_str("<undefined>"),
            Some(Value::String(text)) => out.push_str(text),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => out.push_str(&json_text(scalar)),
            Some(_) => return Err(unsupported("a template with a value that is not a scalar")),
        }
        rest = left;
    }
    out.push_str(rest);
    Ok(Value::from(out))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_stand_in_texts_as_rego_writes_them() {
        let value = Value::from_json_str(r#"{"a": [1, "x", null], "b": {}}"#).unwrap();
        assert_eq!(rego_text(&value), r#"{"a": [1, "x", null], "b": {}}"#);
        assert_eq!(shown(&Value::from("x")), "x");
    }
}
