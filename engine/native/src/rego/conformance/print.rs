//! Answer lines: JSON as OPA prints values, sets as sorted arrays, keys as strings.

use regorus::Value;

use super::judge::{Evaluator, Verdict};
use super::keywords::PREFIX;
use crate::rego::own::operators::compare;

pub fn line(id: &Value, verdict: &Verdict) -> String {
    let mut text = String::from("{\"id\":");
    value(id, &mut text);
    said(verdict, &mut text);
    text.push('}');
    text
}

fn said(verdict: &Verdict, text: &mut String) {
    match verdict {
        // What the RVM says, and beside it that the interpreter says something else.
        Verdict::Split { compiled, interpreted } => {
            said(compiled, text);
            text.push_str(",\"interpreter\":{\"evaluator_differs\":true");
            said(interpreted, text);
            text.push('}');
        }
        Verdict::Result { rows, evaluator } => {
            text.push_str(",\"result\":[");
            for (at, row) in rows.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                value(row, text);
            }
            text.push(']');
            who(Some(*evaluator), text);
        }
        Verdict::Error { code, message, evaluator } => {
            text.push_str(",\"error\":{\"code\":");
            value(&Value::from(code.as_str()), text);
            text.push_str(",\"message\":");
            value(&Value::from(message.as_str()), text);
            text.push('}');
            who(*evaluator, text);
        }
        Verdict::Unsupported(name) => {
            text.push_str(",\"unsupported\":");
            value(&Value::from(name.as_str()), text);
        }
    }
}

fn who(evaluator: Option<Evaluator>, text: &mut String) {
    text.push_str(match evaluator {
        Some(Evaluator::Rvm) => ",\"evaluator\":\"rvm\"",
        Some(Evaluator::Interpreter) => ",\"evaluator\":\"interpreter\"",
        None => "",
    });
}

fn list<'a>(items: impl Iterator<Item = &'a Value>, text: &mut String) {
    text.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            text.push(',');
        }
        value(item, text);
    }
    text.push(']');
}

/// Writes `of` as JSON.
pub fn value(of: &Value, text: &mut String) {
    match of {
        Value::Array(items) => list(items.iter(), text),
        Value::Set(items) => {
            let mut sorted: Vec<&Value> = items.iter().collect();
            sorted.sort_by(|one, other| compare(one, other));
            list(sorted.into_iter(), text);
        }
        Value::Object(fields) => {
            let mut sorted: Vec<(&Value, &Value)> = fields.iter().collect();
            sorted.sort_by(|one, other| compare(one.0, other.0));
            text.push('{');
            for (at, (key, field)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                scalar(&Value::from(key_text(key)), text);
                text.push(':');
                value(field, text);
            }
            text.push('}');
        }
        Value::Undefined => text.push_str("null"),
        other => scalar(other, text),
    }
}

fn scalar(of: &Value, text: &mut String) {
    // A keyword in a name was renamed; as a value it has its own name.
    if let Value::String(name) = of {
        if let Some(word) = name.strip_prefix(PREFIX) {
            return scalar(&Value::from(word), text);
        }
    }
    if let Value::Number(number) = of {
        // A whole number that no float holds: every digit of it counts.
        if number.is_integer() && number.as_i64().is_none() && number.as_u64().is_none() && number.as_f64().is_none() {
            text.push_str(&number.format_decimal());
            return;
        }
    }
    text.push_str(&of.to_json_str().unwrap_or_else(|_| "null".to_owned()));
}

fn key_text(key: &Value) -> String {
    match key {
        Value::String(name) => name.strip_prefix(PREFIX).unwrap_or(name).to_owned(),
        other => {
            let mut text = String::new();
            value(other, &mut text);
            text
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_set_is_a_sorted_array() {
        let mut set = regorus::value::Set::new();
        for item in ["{}", "[1]", "\"a\"", "2", "null"] {
            set.insert(Value::from_json_str(item).unwrap());
        }
        let mut text = String::new();
        value(&set.into_value(), &mut text);
        assert_eq!(text, "[null,2,\"a\",[1],{}]");
    }

    #[test]
    fn the_line_keeps_the_id() {
        let verdict = Verdict::Unsupported("graphql.parse".to_owned());
        assert_eq!(line(&Value::from("a\"b"), &verdict), r#"{"id":"a\"b","unsupported":"graphql.parse"}"#);
    }
}
