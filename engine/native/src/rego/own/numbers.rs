//! Numbers past what regorus counts with.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::digests::digest;
use super::{failed, text};

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "numbers.range_step" => Some((range_step, 3)),
        "rand.intn" => Some((intn, 2)),
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

/// A number below another one that depends on nothing but the operands: a question asked twice has one answer.
fn intn(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let limit = match args.get(1).map(Value::as_i64) {
        Some(Ok(limit)) => limit.unsigned_abs(),
        _ => return Err(super::wrong("operand 2 must be integer number")),
    };
    let hash = digest(256, format!("{limit} {}", text(args, 0)?).as_bytes()).unwrap_or_default();
    let number = hash.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(Value::from(number.checked_rem(limit).unwrap_or(0)))
}
