//! Documents with only some paths, or without them: `json.filter` and `json.remove`.

use std::collections::BTreeMap;

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::operators::type_name;
use super::{items, set_of, wrong};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "json.filter" => Some((filter, 2)),
        "json.remove" => Some((remove, 2)),
        _ => None,
    }
}

/// Paths that begin alike share a branch.
enum Branch {
    End,
    Fork(BTreeMap<Value, Branch>),
}

fn segments(path: &Value) -> anyhow::Result<Vec<Value>> {
    match path {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            let parts = text.trim_start_matches('/').split('/');
            Ok(parts.map(|part| Value::from(part.replace("~1", "/").replace("~0", "~"))).collect())
        }
        Value::Array(parts) => Ok(parts.iter().cloned().collect()),
        odd => {
            let expected = "operand 2 must be one of {set, array} containing string paths or array of path segments";
            Err(wrong(format!("{expected} but got {}", type_name(odd))))
        }
    }
}

fn branches(paths: Option<&Value>) -> anyhow::Result<Branch> {
    let mut root = BTreeMap::new();
    for path in items(paths) {
        let path = segments(path)?;
        add(&mut root, &path);
    }
    Ok(Branch::Fork(root))
}

/// A path below one that has ended adds nothing; one that ends above others replaces them.
fn add(mut at: &mut BTreeMap<Value, Branch>, path: &[Value]) {
    let Some((last, before)) = path.split_last() else {
        return;
    };
    for part in before {
        match at.entry(part.clone()).or_insert_with(|| Branch::Fork(BTreeMap::new())) {
            Branch::End => return,
            Branch::Fork(below) => at = below,
        }
    }
    at.insert(last.clone(), Branch::End);
}

fn index(at: usize) -> Value {
    Value::from(at.to_string())
}

fn kept(value: &Value, branch: &Branch) -> Value {
    let Branch::Fork(below) = branch else {
        return value.clone();
    };
    match value {
        Value::Array(all) => Value::from(
            all.iter()
                .enumerate()
                .filter_map(|(at, item)| below.get(&index(at)).map(|branch| kept(item, branch)))
                .collect::<Vec<_>>(),
        ),
        Value::Set(all) => set_of(all.iter().filter_map(|item| below.get(item).map(|branch| kept(item, branch)))),
        Value::Object(fields) => {
            let fields: regorus::value::Object = fields
                .iter()
                .filter_map(|(key, field)| below.get(key).map(|branch| (key.clone(), kept(field, branch))))
                .collect();
            fields.into_value()
        }
        other => other.clone(),
    }
}

/// None where the value itself goes.
fn without(value: &Value, branch: Option<&Branch>) -> Option<Value> {
    let below = match branch {
        None => return Some(value.clone()),
        Some(Branch::End) => return None,
        Some(Branch::Fork(below)) => below,
    };
    Some(match value {
        Value::Array(all) => Value::from(
            all.iter().enumerate().filter_map(|(at, item)| without(item, below.get(&index(at)))).collect::<Vec<_>>(),
        ),
        Value::Set(all) => set_of(all.iter().filter_map(|item| without(item, below.get(item)))),
        Value::Object(fields) => {
            let fields: regorus::value::Object = fields
                .iter()
                .filter_map(|(key, field)| without(field, below.get(key)).map(|field| (key.clone(), field)))
                .collect();
            fields.into_value()
        }
        other => other.clone(),
    })
}

fn filter(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let branches = branches(args.get(1))?;
    Ok(args.first().map_or(Value::Undefined, |value| kept(value, &branches)))
}

fn remove(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let branches = branches(args.get(1))?;
    Ok(args.first().and_then(|value| without(value, Some(&branches))).unwrap_or(Value::Undefined))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn both(value: &str, paths: &str) -> (Value, Value) {
        let (value, paths) = (Value::from_json_str(value).unwrap(), Value::from_json_str(paths).unwrap());
        let branches = branches(Some(&paths)).unwrap();
        (kept(&value, &branches), without(&value, Some(&branches)).unwrap())
    }

    #[test]
    fn a_path_is_kept_or_removed() {
        let (kept, without) = both(r#"{"a": {"b": 1, "c": 2}, "d": [3, 4]}"#, r#"["a/b", "/d/1", ["x"]]"#);
        assert_eq!(kept, Value::from_json_str(r#"{"a": {"b": 1}, "d": [4]}"#).unwrap());
        assert_eq!(without, Value::from_json_str(r#"{"a": {"c": 2}, "d": [3]}"#).unwrap());
    }

    #[test]
    fn an_empty_path_names_nothing() {
        let (kept, without) = both(r#"{"a": 1}"#, r#"["", []]"#);
        assert_eq!(kept, Value::new_object());
        assert_eq!(without, Value::from_json_str(r#"{"a": 1}"#).unwrap());
    }
}
