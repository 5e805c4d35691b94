//! A document of rules and data put together: what a reference to a whole package means. Only the conformance command
//! calls it; policies name their rules.

use std::collections::BTreeMap;

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

/// Takes paths of folders, and pairs of a path and a set of at most one value.
pub const BUILTIN: &str = "internal.sallyport_document";

pub fn find(name: &str) -> Option<BuiltinFcn> {
    (name == BUILTIN).then_some((document, 2))
}

/// A folder, with what is in it; a value stands in the place of a folder.
#[derive(Default)]
struct Folder {
    value: Option<Value>,
    fields: BTreeMap<Value, Folder>,
}

impl Folder {
    fn at(&mut self, path: &[Value]) -> &mut Self {
        path.iter().fold(self, |folder, part| folder.fields.entry(part.clone()).or_default())
    }

    fn into_value(self) -> Value {
        match self.value {
            Some(value) => value,
            None => {
                let fields: regorus::value::Object =
                    self.fields.into_iter().map(|(key, field)| (key, field.into_value())).collect();
                fields.into_value()
            }
        }
    }
}

fn document(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let mut root = Folder::default();
    for folder in super::items(args.first()) {
        if let Value::Array(path) = folder {
            root.at(path.as_slice());
        }
    }
    for leaf in super::items(args.get(1)) {
        if let Value::Array(pair) = leaf {
            if let (Some(Value::Array(path)), Some(Value::Set(values))) = (pair.first(), pair.get(1)) {
                if let Some(value) = values.iter().next() {
                    root.at(path.as_slice()).value = Some(value.clone());
                }
            }
        }
    }
    Ok(root.into_value())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_without_rules_are_empty_objects_and_undefined_leaves_are_left_out() {
        let one = |value: u64| {
            let mut set = regorus::value::Set::new();
            set.insert(Value::from(value));
            set.into_value()
        };
        let path = |text: &str| Value::from_json_str(text).unwrap();
        let leaf = |at: &str, value: Value| Value::from(vec![path(at), value]);
        let leaves = Value::from(vec![
            leaf(r#"["a", "b"]"#, one(1)),
            leaf(r#"["a", "c"]"#, regorus::value::Set::new().into_value()),
        ]);
        let source = regorus::Source::from_contents("a".to_owned(), String::new()).unwrap();
        let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
        let made = document(&span, &[], &[path(r#"[[], ["a"], ["e"]]"#), leaves], true).unwrap();
        assert_eq!(made, path(r#"{"a": {"b": 1}, "e": {}}"#));
    }
}
