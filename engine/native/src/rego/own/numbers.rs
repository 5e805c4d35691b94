//! Numbers past what regorus counts with.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::failed;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "numbers.range_step" => Some((range_step, 3)),
        _ => None,
    }
}

/// A step longer than the whole range gives its beginning, however big it is.
fn range_step(span: &Span, params: &[Ref<Expr>], args: &[Value], strict: bool) -> anyhow::Result<Value> {
    if let [from, _, Value::Number(step)] = args {
        if step.as_i64().is_none() && step.is_positive() {
            return Ok(Value::from(vec![from.clone()]));
        }
    }
    match BUILTINS.get("numbers.range_step") {
        Some((function, _)) => function(span, params, args, strict),
        None => Err(failed("`numbers.range_step` is not there")),
    }
}
