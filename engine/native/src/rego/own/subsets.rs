//! Whether one value is part of another.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::wrong;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    (name == "object.subset").then_some((subset, 2))
}

fn subset(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    match args {
        [whole, part] => is_part(whole, part)
            .map(Value::Bool)
            .ok_or_else(|| wrong("both arguments object.subset must be of the same type or array and set")),
        _ => Err(wrong("two operands are needed")),
    }
}

/// None where the two cannot be compared.
fn is_part(whole: &Value, part: &Value) -> Option<bool> {
    Some(match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(key, inner)| {
            whole.get(key).is_some_and(|outer| {
                outer == inner
                    || !matches!((outer, inner), (Value::Array(_), Value::Set(_)))
                        && is_part(outer, inner).unwrap_or(false)
            })
        }),
        (Value::Set(whole), Value::Set(part)) => part.iter().all(|item| whole.contains(item)),
        (Value::Array(whole), Value::Set(part)) => part.iter().all(|item| whole.contains(item)),
        (Value::Array(whole), Value::Array(part)) => {
            part.is_empty() || whole.as_slice().windows(part.len()).any(|run| run == part.as_slice())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn part(whole: &str, part: &str) -> Option<bool> {
        is_part(&Value::from_json_str(whole).unwrap(), &Value::from_json_str(part).unwrap())
    }

    #[test]
    fn an_empty_list_is_part_of_every_list() {
        assert_eq!(part("[1]", "[]"), Some(true));
        assert_eq!(part(r#"{"a": [1]}"#, r#"{"a": []}"#), Some(true));
        assert_eq!(part("[]", "[1]"), Some(false));
    }

    #[test]
    fn objects_are_compared_field_by_field() {
        assert_eq!(part(r#"{"a": {"b": 1, "c": 2}}"#, r#"{"a": {"b": 1}}"#), Some(true));
        assert_eq!(part(r#"{"a": 1}"#, r#"{"a": 2}"#), Some(false));
        assert_eq!(part("[1]", r#"{"a": 2}"#), None);
    }
}
