//! Operators and checks that compiled programs call: arithmetic, comparisons, membership, loops, conflicts.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;

use anyhow::bail;
use regorus::unstable::{Expr, Ref, Span};
use regorus::Value;

use crate::rego::builtins::{self, Class, Function, Raised};

type Params<'a> = &'a [Ref<Expr>];

/// The operator of that sign.
pub fn find(sign: &str) -> Option<Function> {
    Some(match sign {
        "+" => add,
        "-" => subtract,
        "*" => multiply,
        "/" => divide,
        "%" => remainder,
        "<" => less,
        "<=" => less_or_equal,
        ">" => greater,
        ">=" => greater_or_equal,
        "in" => is_member,
        _ => return None,
    })
}

fn pair(args: &[Value]) -> anyhow::Result<(&Value, &Value)> {
    match args {
        [left, right] => Ok((left, right)),
        _ => bail!("an operator takes two operands"),
    }
}

/// What a value is called in messages.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Set(_) => "set",
        Value::Object(_) => "object",
        Value::Undefined => "undefined",
    }
}

fn not_numbers(left: &Value, right: &Value) -> anyhow::Error {
    let (place, wrong) = if matches!(left, Value::Number(_)) { (2, right) } else { (1, left) };
    Raised::error(Class::Type, format!("operand {place} must be number but got {}", type_name(wrong)))
}

fn add(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match pair(args)? {
        (Value::Number(left), Value::Number(right)) => Ok(Value::from(left.add(right)?)),
        (left, right) => Err(not_numbers(left, right)),
    }
}

fn subtract(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match pair(args)? {
        (Value::Number(left), Value::Number(right)) => Ok(Value::from(left.sub(right)?)),
        (Value::Set(left), Value::Set(right)) => Ok(Value::from(left.difference(right))),
        (left, right) => {
            let wrong = if matches!(left, Value::Number(_) | Value::Set(_)) { (2, right) } else { (1, left) };
            let message = format!("operand {} must be one of {{number, set}} but got {}", wrong.0, type_name(wrong.1));
            Err(Raised::error(Class::Type, message))
        }
    }
}

fn multiply(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match pair(args)? {
        (Value::Number(left), Value::Number(right)) => Ok(Value::from(left.mul(right)?)),
        (left, right) => Err(not_numbers(left, right)),
    }
}

fn divide(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match pair(args)? {
        (Value::Number(_), right) if *right == Value::from(0_u64) => {
            Err(Raised::error(Class::Builtin, "divide by zero"))
        }
        (Value::Number(left), Value::Number(right)) => Ok(Value::from(left.clone().divide(right)?)),
        (left, right) => Err(not_numbers(left, right)),
    }
}

fn remainder(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match pair(args)? {
        (Value::Number(_), right) if *right == Value::from(0_u64) => {
            Err(Raised::error(Class::Builtin, "modulo by zero"))
        }
        (Value::Number(left), Value::Number(right)) if left.is_integer() && right.is_integer() => {
            Ok(Value::from(left.clone().modulo(right)?))
        }
        (Value::Number(_), Value::Number(_)) => Err(Raised::error(Class::Builtin, "modulo on floating-point number")),
        (left, right) => Err(not_numbers(left, right)),
    }
}

fn ordered(args: &[Value], holds: fn(Ordering) -> bool) -> anyhow::Result<Value> {
    let (left, right) = pair(args)?;
    // WHY: Rego orders values of different types; in a policy such a comparison is a mistake that would pass for an answer.
    if builtins::is_policy() && std::mem::discriminant(left) != std::mem::discriminant(right) {
        let message = format!("{} is compared with {}", type_name(left), type_name(right));
        return Err(Raised::error(Class::Type, message));
    }
    Ok(Value::Bool(holds(compare(left, right))))
}

fn less(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    ordered(args, Ordering::is_lt)
}

fn less_or_equal(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    ordered(args, Ordering::is_le)
}

fn greater(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    ordered(args, Ordering::is_gt)
}

fn greater_or_equal(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    ordered(args, Ordering::is_ge)
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
        Value::Set(_) => 6,
        Value::Undefined => 7,
    }
}

/// Rego's order of values, all types: null, booleans, numbers, strings, arrays, objects, sets.
pub fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Array(a), Value::Array(b)) => sequence(a.iter(), b.iter()),
        (Value::Set(a), Value::Set(b)) => {
            let (mut a, mut b): (Vec<&Value>, Vec<&Value>) = (a.iter().collect(), b.iter().collect());
            a.sort_by(|one, other| compare(one, other));
            b.sort_by(|one, other| compare(one, other));
            sequence(a.into_iter(), b.into_iter())
        }
        (Value::Object(a), Value::Object(b)) => {
            let sorted = |object: &'_ regorus::value::Object| {
                let mut fields: Vec<(Value, Value)> =
                    object.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                fields.sort_by(|one, other| compare(&one.0, &other.0));
                fields
            };
            fields(&sorted(a), &sorted(b))
        }
        (a, b) if rank(a) == rank(b) => a.cmp(b),
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn sequence<'a>(mut left: impl Iterator<Item = &'a Value>, mut right: impl Iterator<Item = &'a Value>) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match compare(a, b) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// Objects: key by key, each key's value before the next key; the shorter one first.
fn fields(left: &[(Value, Value)], right: &[(Value, Value)]) -> Ordering {
    for (a, b) in left.iter().zip(right) {
        match compare(&a.0, &b.0).then_with(|| compare(&a.1, &b.1)) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    left.len().cmp(&right.len())
}

/// `value in collection`; false of what is no collection.
fn is_member(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (value, collection) = pair(args)?;
    Ok(Value::Bool(match collection {
        Value::Set(items) => items.contains(value),
        Value::Array(items) => items.contains(value),
        Value::Object(fields) => fields.values().any(|field| field == value),
        _ => false,
    }))
}

/// The collection of `some ... in` and `every`: anything else is a mistake in a policy, not an empty loop.
pub fn each(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    match args.first() {
        Some(collection @ (Value::Array(_) | Value::Set(_) | Value::Object(_))) => Ok(collection.clone()),
        Some(other) if builtins::is_policy() => Err(Raised::error(
            Class::Type,
            format!("a loop goes over an array, a set or an object, not over {}", type_name(other)),
        )),
        Some(_) => Ok(Value::Undefined),
        None => bail!("a loop needs a collection"),
    }
}

thread_local! {
    /// What the definitions of each single-valued rule gave so far.
    static GIVEN: RefCell<HashMap<String, Value>> = RefCell::new(HashMap::new());
}

/// Forgets all values; before each entry point.
pub fn reset() {
    GIVEN.with_borrow_mut(HashMap::clear);
}

fn conflict(message: &str) -> anyhow::Error {
    Raised::error(Class::Conflict, message)
}

/// A second value of one body must be the first one again.
pub fn same(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (first, second) = pair(args)?;
    if first == second {
        Ok(Value::Bool(true))
    } else {
        Err(conflict("complete rules must not produce multiple outputs"))
    }
}

/// A rule's first definition begins.
pub fn begin(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    if let Some(Value::String(rule)) = args.first() {
        GIVEN.with_borrow_mut(|given| given.remove(rule.as_ref()));
    }
    Ok(Value::Bool(true))
}

/// A definition of a rule gave a value: the definitions before must have given the same.
pub fn once(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (Value::String(rule), value) = pair(args)? else {
        bail!("a rule has no name");
    };
    let agrees =
        GIVEN.with_borrow_mut(|given| *given.entry(rule.to_string()).or_insert_with(|| value.clone()) == *value);
    if agrees {
        Ok(Value::Bool(true))
    } else {
        Err(conflict("complete rules must not produce multiple outputs"))
    }
}

/// A key of an object is given once, or with the same value again.
pub fn unique_key(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let [Value::Object(object), key, value] = args else {
        return Ok(Value::Bool(true));
    };
    match object.get(key) {
        Some(known) if known != value => Err(conflict("object keys must be unique")),
        _ => Ok(Value::Bool(true)),
    }
}

/// Does nothing: the machine keeps the arguments of its last call, and so lets go of the ones before.
pub fn release(_: &Span, _: Params<'_>, _: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::Bool(true))
}

/// Never called: `builtins` unpacks the arguments of what only we have.
pub fn packed(_: &Span, _: Params<'_>, _: &[Value], _: bool) -> anyhow::Result<Value> {
    bail!("a packed call was not unpacked")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn value(text: &str) -> Value {
        Value::from_json_str(text).unwrap()
    }

    #[test]
    fn types_are_ordered_as_rego_orders_them() {
        let mut set = regorus::value::Set::new();
        set.insert(Value::Null);
        let ordered = [
            value("null"),
            value("false"),
            value("true"),
            value("1"),
            value("\"a\""),
            value("[]"),
            value("[1]"),
            value("{}"),
            value("{\"a\": 1}"),
            set.into_value(),
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair.first().unwrap(), pair.last().unwrap()), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn objects_compare_key_by_key() {
        assert_eq!(compare(&value(r#"{"a": 2}"#), &value(r#"{"a": 1, "b": 1}"#)), Ordering::Greater);
        assert_eq!(compare(&value(r#"{"a": 1}"#), &value(r#"{"a": 1, "b": 1}"#)), Ordering::Less);
    }
}
