//! Arrays.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "array.flatten" => Some((flatten, 1)),
        _ => None,
    }
}

/// One level of nesting less.
fn flatten(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let mut flat = Vec::new();
    for item in super::items(args.first()) {
        match item {
            Value::Array(inner) => flat.extend(inner.iter().cloned()),
            other => flat.push(other.clone()),
        }
    }
    Ok(Value::from(flat))
}
