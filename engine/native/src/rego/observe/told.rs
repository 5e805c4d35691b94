//! What was seen, encoded.

use std::collections::BTreeMap;

use regorus::Value;

use super::find::Place;
use super::record::Seen;
use super::refs::{Reference, Root};
use crate::rego::encode::Writer;
use crate::rego::limits::Limits;

/// How many items of a list and characters of a text are shown.
const MOST_ITEMS: usize = 10;
const MOST_CHARACTERS: usize = 200;
const DEEPEST: usize = 3;

pub fn places(places: &[Place]) -> Vec<u8> {
    let mut writer = Writer::new(usize::MAX, 4);
    writer.array(places.len());
    for place in places {
        writer.map(12);
        for (key, text) in [("file", &place.file), ("rule", &place.rule), ("text", &place.text)] {
            writer.text(key);
            writer.text(text);
        }
        for (key, number) in ["line", "column", "end_line", "end_column"].iter().zip(place.span) {
            writer.text(key);
            writer.number(u64::from(number));
        }
        writer.text("rule_line");
        writer.number(u64::from(place.rule_line));
        writer.text("parent");
        match place.parent {
            Some(parent) => writer.number(u64::try_from(parent).unwrap_or(u64::MAX)),
            None => writer.nil(),
        }
        for (key, truth) in [("binds", place.binds), ("negated", place.negated)] {
            writer.text(key);
            writer.bool(truth);
        }
        writer.text("helpers");
        writer.array(place.helpers.len());
        place.helpers.iter().for_each(|name| writer.text(name));
    }
    writer.finish()
}

pub fn outcomes(places: &[Place], seen: &[Seen], input: &Value, errors: &[String], limits: &Limits) -> Vec<u8> {
    let numbered = || (0_u64..).zip(places.iter().zip(seen)).filter(|(_, (_, seen))| seen.held || seen.failed);
    let mut writer = Writer::new(usize::MAX, limits.depth);
    writer.map(3);
    writer.text("seen");
    writer.array(numbered().count());
    for (number, (_, seen)) in numbered() {
        writer.array(2);
        writer.number(number);
        writer.number(u64::from(seen.held).saturating_add(u64::from(seen.failed).saturating_mul(2)));
    }
    writer.text("values");
    let failed: Vec<_> = numbered().filter(|(_, (_, seen))| seen.failed).collect();
    writer.array(failed.len());
    for (number, (place, seen)) in failed {
        writer.array(2);
        writer.number(number);
        let values = values(place, seen, input);
        writer.map(values.len());
        for (name, value) in &values {
            writer.text(name);
            if writer.value(value).is_err() {
                writer.nil();
            }
        }
    }
    writer.text("errors");
    writer.array(errors.len());
    errors.iter().for_each(|error| writer.text(error));
    writer.finish()
}

/// The references of a condition with what stood there; null for nothing.
fn values(place: &Place, seen: &Seen, input: &Value) -> BTreeMap<String, Value> {
    let locals = seen.locals.as_ref().and_then(|locals| locals.as_array().ok());
    let local = |name: &str| {
        let at = place.locals.iter().position(|known| known == name)?;
        locals.and_then(|values| values.get(at)).cloned()
    };
    let mut found = BTreeMap::new();
    for Reference { text, root, keys } in &place.references {
        let from = match root {
            Root::Input => Some(input.clone()),
            Root::Local(name) => local(name),
            Root::Other => continue,
        };
        let value = from.map(|from| keys.iter().fold(from, |value, key| below(&value, key)));
        found.insert(text.clone(), shown(&value.unwrap_or(Value::Undefined), 0));
    }
    found
}

fn below(value: &Value, key: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.get(key).cloned().unwrap_or(Value::Undefined),
        Value::Array(items) => {
            let at = key.as_u64().ok().and_then(|at| usize::try_from(at).ok());
            at.and_then(|at| items.get(at)).cloned().unwrap_or(Value::Undefined)
        }
        _ => Value::Undefined,
    }
}

/// A value cut to what people read.
fn shown(value: &Value, depth: usize) -> Value {
    let deeper = depth.saturating_add(1);
    match value {
        Value::String(text) if text.chars().count() > MOST_CHARACTERS => {
            let kept = MOST_CHARACTERS.saturating_sub(3);
            Value::from(text.chars().take(kept).chain("...".chars()).collect::<String>())
        }
        Value::Array(_) | Value::Set(_) | Value::Object(_) if depth >= DEEPEST => Value::from("..."),
        Value::Array(items) => {
            Value::from(items.iter().take(MOST_ITEMS).map(|item| shown(item, deeper)).collect::<Vec<_>>())
        }
        Value::Set(items) => {
            Value::from(items.iter_sorted().take(MOST_ITEMS).map(|item| shown(item, deeper)).collect::<Vec<_>>())
        }
        Value::Object(fields) => {
            let mut cut = BTreeMap::new();
            for (key, value) in fields.iter_sorted().take(MOST_ITEMS) {
                cut.insert(key.clone(), shown(value, deeper));
            }
            Value::from(cut)
        }
        Value::Undefined => Value::Null,
        plain => plain.clone(),
    }
}
