//! What a rule answers, as far as it stands literally in its head: what can be checked before anything runs.

use regorus::unstable::{Expr, Rule, RuleHead};
use regorus::Value;

use super::diagnostic::Place;
use super::encode::Writer;
use super::names;

/// The element that a rule adds to its set, and where it stands.
#[derive(Clone, Debug)]
pub struct Head {
    value: Literal,
    place: Place,
}

#[derive(Clone, Debug)]
enum Literal {
    /// A constant that is no object.
    Plain(Value),
    /// The constant fields, and the names of those that are computed.
    Fields(Vec<(String, Value)>, Vec<String>),
}

impl Head {
    /// None for a head that is computed as a whole, or has computed keys.
    pub fn of(rule: &Rule) -> Option<Self> {
        let Rule::Spec { head: RuleHead::Set { key: Some(key), .. }, .. } = rule else {
            return None;
        };
        let value = match key.as_ref() {
            Expr::Object { fields, .. } => {
                let (mut constant, mut computed) = (Vec::new(), Vec::new());
                for (_, key, value) in fields {
                    let name = names::constant(key).as_ref().and_then(names::text)?;
                    match whole(value) {
                        Some(value) => constant.push((name, value)),
                        None => computed.push(name),
                    }
                }
                Literal::Fields(constant, computed)
            }
            other => Literal::Plain(whole(other)?),
        };
        Some(Self { value, place: Place::of(key.span()) })
    }

    /// {line, column, end_line, end_column, value?: constant, fields?: {name: constant}, computed: [names]}.
    pub fn write(&self, writer: &mut Writer) {
        writer.map(6);
        let place = &self.place;
        let places = [
            ("line", place.line),
            ("column", place.column),
            ("end_line", place.end_line),
            ("end_column", place.end_column),
        ];
        for (key, number) in places {
            writer.text(key);
            writer.number(u64::from(number));
        }
        match &self.value {
            Literal::Plain(value) => {
                writer.text("value");
                if writer.value(value).is_err() {
                    writer.nil();
                }
                writer.text("computed");
                writer.array(0);
            }
            Literal::Fields(constant, computed) => {
                writer.text("fields");
                writer.map(constant.len());
                for (name, value) in constant {
                    writer.text(name);
                    if writer.value(value).is_err() {
                        writer.nil();
                    }
                }
                writer.text("computed");
                writer.array(computed.len());
                computed.iter().for_each(|name| writer.text(name));
            }
        }
    }
}

/// The constant an expression is, arrays, sets and objects of constants included.
fn whole(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Array { items, .. } => items.iter().map(|item| whole(item)).collect::<Option<Vec<_>>>().map(Value::from),
        Expr::Set { items, .. } => {
            let items = items.iter().map(|item| whole(item)).collect::<Option<std::collections::BTreeSet<_>>>()?;
            Some(Value::from(items))
        }
        Expr::Object { fields, .. } => {
            let mut found = std::collections::BTreeMap::new();
            for (_, key, value) in fields {
                found.insert(whole(key)?, whole(value)?);
            }
            Some(Value::from(found))
        }
        other => names::constant(other),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::decode;
    use crate::rego::limits::Limits;
    use regorus::Engine;

    fn told(head: &str) -> Option<String> {
        let mut engine = Engine::new();
        engine.add_policy("a.rego".to_owned(), format!("package a\nx := 1\ndeny contains {head} if x\n")).unwrap();
        let module = engine.get_modules().first().unwrap().clone();
        let head = Head::of(module.policy.get(1).unwrap())?;
        let mut writer = Writer::new(usize::MAX, 8);
        head.write(&mut writer);
        let told = decode::document(&writer.finish(), &Limits::default()).unwrap();
        Some(told.to_json_str().unwrap().replace(char::is_whitespace, ""))
    }

    #[test]
    fn constant_fields_are_told_and_computed_ones_named() {
        let told = told("{\"code\": \"A\", \"reason\": sprintf(\"%v\", [x]), \"columns\": [\"a.b\"]}").unwrap();
        assert!(told.contains(r#""fields":{"code":"A","columns":["a.b"]}"#), "{told}");
        assert!(told.contains(r#""computed":["reason"]"#), "{told}");
    }

    #[test]
    fn a_head_that_is_no_object_is_told_when_it_is_constant() {
        assert!(told("\"no\"").unwrap().contains(r#""value":"no""#));
        assert!(told("x").is_none());
        assert!(told("{x: 1}").is_none());
    }
}
