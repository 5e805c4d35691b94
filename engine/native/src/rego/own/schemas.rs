//! JSON schemas: OPA's shape of the answer. The words of gojsonschema's errors are not ours to have.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::{failed, unsupported};

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "json.match_schema" => Some((match_schema, 2)),
        "json.verify_schema" => Some((verify_schema, 1)),
        _ => None,
    }
}

fn match_schema(span: &Span, params: &[Ref<Expr>], args: &[Value], strict: bool) -> anyhow::Result<Value> {
    let Some((function, _)) = BUILTINS.get("json.match_schema") else {
        return Err(failed("`json.match_schema` is not there"));
    };
    // A text is a document in JSON.
    let read = |place: usize| match args.get(place) {
        Some(Value::String(text)) => Value::from_json_str(text).map_err(|_| failed("invalid JSON string")),
        Some(other) => Ok(other.clone()),
        None => Err(failed("an operand is missing")),
    };
    match function(span, params, &[read(0)?, read(1)?], strict)? {
        Value::Array(answer) if answer.first() == Some(&Value::Bool(true)) => {
            Ok(Value::from(vec![Value::Bool(true), Value::new_array()]))
        }
        Value::Array(_) => Err(unsupported("the list of what a document breaks")),
        other => Ok(other),
    }
}

fn verify_schema(span: &Span, params: &[Ref<Expr>], args: &[Value], strict: bool) -> anyhow::Result<Value> {
    let Some((function, _)) = BUILTINS.get("json.verify_schema") else {
        return Err(failed("`json.verify_schema` is not there"));
    };
    match function(span, params, args, strict) {
        Ok(Value::Array(answer)) if answer.first() == Some(&Value::Bool(true)) => Ok(Value::Array(answer)),
        _ => Err(unsupported("what is wrong with a schema")),
    }
}
