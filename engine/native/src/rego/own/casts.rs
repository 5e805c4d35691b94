//! Conversions and tests of types, the older ones of Rego v0 too.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::operators::type_name;
use super::{failed, text, wrong};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    Some(match name {
        "to_number" => (to_number, 1),
        "format_int" => (format_int, 2),
        "strings.replace_n" => (replace_n, 2),
        "json.marshal_with_options" => (marshal_with_options, 2),
        "any" => (any, 1),
        "all" => (all, 1),
        "cast_array" => (cast_array, 1),
        "cast_set" => (cast_set, 1),
        "cast_string" => (cast_string, 1),
        "cast_boolean" => (cast_boolean, 1),
        "cast_null" => (cast_null, 1),
        "cast_object" => (cast_object, 1),
        "set_diff" => (set_diff, 2),
        _ => return None,
    })
}

/// regorus' builtin of that name, after our own checks.
fn original(name: &str, span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    match BUILTINS.get(name) {
        Some((function, _)) => function(span, params, args, strict),
        None => Err(failed(format!("`{name}` is not there"))),
    }
}

fn to_number(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    if let Some(Value::String(text)) = args.first() {
        let bare = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
        if matches!(bare.as_str(), "inf" | "infinity" | "nan") {
            return Err(wrong("operand 1 must be valid number string"));
        }
    }
    original("to_number", span, params, args, strict)
}

fn format_int(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    match args.get(1).map(Value::as_u64) {
        Some(Ok(2 | 8 | 10 | 16)) => original("format_int", span, params, args, strict),
        _ => Err(wrong("operand 2 must be one of {2, 8, 10, 16}")),
    }
}

fn replace_n(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    if let Some(Value::Object(patterns)) = args.first() {
        for (key, value) in patterns.iter() {
            match (key, value) {
                (Value::String(_), Value::String(_)) => {}
                (Value::String(_), _) => return Err(wrong("operand 1 non-string value found in pattern object")),
                _ => return Err(wrong("operand 1 non-string key found in pattern object")),
            }
        }
    }
    original("strings.replace_n", span, params, args, strict)
}

fn marshal_with_options(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    if let Some(Value::Object(options)) = args.get(1) {
        let known =
            |key: &Value| matches!(key, Value::String(name) if matches!(name.as_ref(), "pretty" | "indent" | "prefix"));
        if let Some(odd) = options.keys().find(|key| !known(key)) {
            return Err(wrong(format!("object contained unknown key {odd}")));
        }
    }
    original("json.marshal_with_options", span, params, args, strict)
}

fn any(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::Bool(super::items(args.first()).into_iter().any(|item| *item == Value::Bool(true))))
}

fn all(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::Bool(super::items(args.first()).into_iter().all(|item| *item == Value::Bool(true))))
}

fn cast(args: &[Value], fits: fn(&Value) -> bool, expected: &str) -> anyhow::Result<Value> {
    match args.first() {
        Some(value) if fits(value) => Ok(value.clone()),
        Some(value) => Err(wrong(format!("operand 1 must be {expected} but got {}", type_name(value)))),
        None => Err(wrong("operand 1 is missing")),
    }
}

fn cast_array(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match args.first() {
        Some(set @ Value::Set(_)) => Ok(Value::from(super::items(Some(set)).into_iter().cloned().collect::<Vec<_>>())),
        _ => cast(args, |value| matches!(value, Value::Array(_)), "one of {array, set}"),
    }
}

fn cast_set(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match args.first() {
        Some(array @ Value::Array(_)) => Ok(super::set_of(super::items(Some(array)).into_iter().cloned())),
        _ => cast(args, |value| matches!(value, Value::Set(_)), "one of {array, set}"),
    }
}

fn cast_string(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    text(args, 0)?;
    cast(args, |value| matches!(value, Value::String(_)), "string")
}

fn cast_boolean(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    cast(args, |value| matches!(value, Value::Bool(_)), "boolean")
}

fn cast_null(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    cast(args, |value| matches!(value, Value::Null), "null")
}

fn cast_object(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    cast(args, |value| matches!(value, Value::Object(_)), "object")
}

fn set_diff(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match args {
        [Value::Set(left), Value::Set(right)] => Ok(Value::from(left.difference(right))),
        _ => Err(wrong("operands must be sets")),
    }
}
