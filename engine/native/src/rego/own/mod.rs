//! Builtins of our own: those regorus does not have, and replacements for those it answers differently from OPA. One
//! family a file.

mod arrays;
mod casts;
mod clocks;
mod curves;
mod digests;
pub mod documents;
mod edwards;
mod encodings;
mod formats;
mod graphql;
mod graphs;
mod jwt;
mod keys;
mod networks;
mod numbers;
pub mod operators;
mod orders;
mod paths;
mod patterns;
mod rsa;
mod schemas;
mod signing;
mod subsets;
mod syntax;
mod templates;
mod texts;
mod units;
mod uuids;
mod versions;

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::builtins::{self, Class, Raised};

/// The builtin of that name that replaces or adds to regorus', with its number of arguments.
pub fn find(name: &str) -> Option<BuiltinFcn> {
    if name == "time.now_ns" {
        return Some((now_ns, 0));
    }
    const FAMILIES: [fn(&str) -> Option<BuiltinFcn>; 23] = [
        arrays::find,
        casts::find,
        clocks::find,
        digests::find,
        documents::find,
        encodings::find,
        formats::find,
        graphql::find,
        graphs::find,
        jwt::find,
        networks::find,
        numbers::find,
        orders::find,
        paths::find,
        patterns::find,
        schemas::find,
        signing::find,
        subsets::find,
        templates::find,
        texts::find,
        units::find,
        uuids::find,
        versions::find,
    ];
    FAMILIES.iter().find_map(|family| family(name))
}

/// The number of arguments of a builtin that only we have.
pub fn arity(name: &str) -> Option<u8> {
    if BUILTINS.contains_key(name) {
        return None;
    }
    find(name).map(|(_, arity)| arity)
}

/// The request's time, never the clock's: a decision can be replayed.
fn now_ns(_: &Span, _: &[Ref<Expr>], _: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::from(builtins::now()))
}

fn text(args: &[Value], at: usize) -> anyhow::Result<&str> {
    match args.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(wrong(format!("operand {} must be string", at.saturating_add(1)))),
    }
}

fn wrong(message: impl Into<String>) -> anyhow::Error {
    Raised::error(Class::Type, message)
}

fn failed(message: impl Into<String>) -> anyhow::Error {
    Raised::error(Class::Builtin, message)
}

/// What this builtin does not do although OPA's does.
fn unsupported(message: impl Into<String>) -> anyhow::Error {
    Raised::error(Class::Unsupported, message)
}

/// The items of an array or a set.
fn items(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Set(items)) => items.iter_sorted().collect(),
        _ => Vec::new(),
    }
}

fn set_of(items: impl IntoIterator<Item = Value>) -> Value {
    let mut set = regorus::value::Set::new();
    for item in items {
        set.insert(item);
    }
    set.into_value()
}

fn object_of<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let object: regorus::value::Object = fields.into_iter().map(|(key, value)| (Value::from(key), value)).collect();
    object.into_value()
}
