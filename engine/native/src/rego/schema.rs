//! What `input` looks like: which paths can exist, which may be absent. Read from a JSON-schema-like document.

use regorus::Value;

use super::scope::Step;

/// How a path stands to the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Every part is required on the way.
    Always,
    /// Some part may be absent.
    Maybe,
    /// No document of the schema has it.
    Never,
    /// The schema leaves it open from somewhere on.
    Unknown,
}

/// A schema: `type`, `properties`, `required`, `additionalProperties`, `items`, `anyOf`/`oneOf`, `$ref` to `$defs`.
pub struct Schema {
    root: Value,
}

/// How many `$ref`s and alternatives one path may go through.
const STEPS: u32 = 200;

impl Schema {
    pub fn new(root: &Value) -> Self {
        Self { root: root.clone() }
    }

    pub fn presence(&self, path: &[Step]) -> Presence {
        self.below(&self.root, path, STEPS)
    }

    /// For a path that cannot exist: the part that is wrong, and the property it may have been meant to be.
    pub fn suggestion(&self, path: &[Step]) -> Option<(String, Option<String>)> {
        let wrong = (1..=path.len())
            .find(|length| path.get(..*length).is_some_and(|start| self.presence(start) == Presence::Never))?;
        let Some(Step::Key(Value::String(part))) = path.get(wrong.saturating_sub(1)) else {
            return Some(("[_]".to_owned(), None));
        };
        let mut names = Vec::new();
        self.names(&self.root, path.get(..wrong.saturating_sub(1))?, &mut names, STEPS);
        let nearest =
            names.into_iter().map(|name| (distance(&name, part), name)).filter(|(apart, _)| *apart <= 2).min();
        Some((part.to_string(), nearest.map(|(_, name)| name)))
    }

    /// The properties at `path`.
    fn names(&self, at: &Value, path: &[Step], into: &mut Vec<String>, steps: u32) {
        let Some(steps) = steps.checked_sub(1) else {
            return;
        };
        if let Some(target) = self.referred(at) {
            return self.names(target, path, into, steps);
        }
        for choice in ["anyOf", "oneOf"]
            .iter()
            .filter_map(|key| field(at, key)?.as_array().ok())
            .flat_map(|choices| choices.iter())
        {
            self.names(choice, path, into, steps);
        }
        let properties = field(at, "properties").and_then(|fields| fields.as_object().ok());
        match path.split_first() {
            None => into.extend(
                properties
                    .into_iter()
                    .flat_map(|fields| fields.keys())
                    .filter_map(|key| key.as_string().ok())
                    .map(|key| key.to_string()),
            ),
            Some((Step::Key(key), rest)) => {
                if let Some(below) =
                    properties.and_then(|fields| fields.get(key)).or_else(|| field(at, "additionalProperties"))
                {
                    self.names(below, rest, into, steps);
                }
            }
            Some((Step::Any, rest)) => {
                if let Some(below) = field(at, "items").or_else(|| field(at, "additionalProperties")) {
                    self.names(below, rest, into, steps);
                }
            }
        }
    }

    fn below(&self, at: &Value, path: &[Step], steps: u32) -> Presence {
        let Some(steps) = steps.checked_sub(1) else {
            return Presence::Unknown;
        };
        if let Some(target) = self.referred(at) {
            return self.below(target, path, steps);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(choices)) = field(at, key) {
                return choices
                    .iter()
                    .map(|choice| self.below(choice, path, steps))
                    .reduce(either)
                    .unwrap_or(Presence::Unknown);
            }
        }
        match path.split_first() {
            None => Presence::Always,
            Some((Step::Key(key), rest)) => self.property(at, key, rest, steps),
            Some((Step::Any, rest)) => self.element(at, rest, steps),
        }
    }

    fn property(&self, at: &Value, key: &Value, rest: &[Step], steps: u32) -> Presence {
        let known =
            field(at, "properties").and_then(|fields| fields.as_object().ok()).and_then(|fields| fields.get(key));
        if let Some(known) = known {
            let required = matches!(field(at, "required"), Some(Value::Array(names)) if names.contains(key));
            return match self.below(known, rest, steps) {
                Presence::Always if !required => Presence::Maybe,
                found => found,
            };
        }
        match field(at, "additionalProperties") {
            Some(Value::Bool(false)) => Presence::Never,
            Some(open @ Value::Object(_)) => match self.below(open, rest, steps) {
                Presence::Always => Presence::Maybe,
                found => found,
            },
            _ if is_only(at, &["array", "string", "number", "integer", "boolean", "null"]) => Presence::Never,
            // A closed object without the word: properties are listed, nothing else is said.
            _ => Presence::Unknown,
        }
    }

    fn element(&self, at: &Value, rest: &[Step], steps: u32) -> Presence {
        if let Some(items) = field(at, "items") {
            // Whether there is an element is not what "absent" means: a loop over none is a loop over none.
            return self.below(items, rest, steps);
        }
        if let Some(open @ Value::Object(_)) = field(at, "additionalProperties") {
            return self.below(open, rest, steps);
        }
        if is_only(at, &["string", "number", "integer", "boolean", "null"]) {
            return Presence::Never;
        }
        Presence::Unknown
    }

    fn referred(&self, at: &Value) -> Option<&Value> {
        let Some(Value::String(target)) = field(at, "$ref") else {
            return None;
        };
        target.strip_prefix("#/")?.split('/').try_fold(&self.root, |at, part| field(at, part))
    }
}

/// How many letters one word is away from another.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for letter in one.chars() {
        let mut corner = row.first().copied().unwrap_or_default();
        let mut last = corner.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = last;
        }
        for (place, against) in row.iter_mut().skip(1).zip(&other) {
            let changed = corner.saturating_add(usize::from(letter != *against));
            corner = *place;
            last = changed.min(corner.saturating_add(1)).min(last.saturating_add(1));
            *place = last;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn field<'a>(at: &'a Value, key: &str) -> Option<&'a Value> {
    at.as_object().ok()?.get(&Value::from(key))
}

/// Whether a `type` is given and all of it is among `kinds`.
fn is_only(at: &Value, kinds: &[&str]) -> bool {
    let known = |value: &Value| matches!(value, Value::String(text) if kinds.contains(&text.as_ref()));
    match field(at, "type") {
        Some(Value::Array(types)) => types.iter().all(known),
        Some(one) => known(one),
        None => false,
    }
}

fn either(one: Presence, other: Presence) -> Presence {
    match (one, other) {
        (same, again) if same == again => same,
        (Presence::Unknown, _) | (_, Presence::Unknown) => Presence::Unknown,
        _ => Presence::Maybe,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SCHEMA: &str = r##"{"type": "object", "additionalProperties": false, "required": ["command", "name"], "properties": {
        "name": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "context": {"type": "object"},
        "command": {"$ref": "#/$defs/command"},
        "approval": {"anyOf": [{"type": "null"}, {"type": "object", "additionalProperties": false, "required": ["ticket"], "properties": {"ticket": {"type": "string"}}}]}},
        "$defs": {"command": {"type": "object", "additionalProperties": false, "required": ["operations"], "properties": {
            "operations": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["kind"], "properties": {"kind": {"type": "string"}, "effect": {"type": "string"}}}}}}}}"##;

    fn presence(parts: &[&str]) -> Presence {
        let path: Vec<Step> = parts.iter().map(|part| if *part == "_" { Step::Any } else { Step::key(part) }).collect();
        Schema::new(&Value::from_json_str(SCHEMA).unwrap()).presence(&path)
    }

    #[test]
    fn required_paths_are_always_there() {
        assert_eq!(presence(&["command", "operations", "_", "kind"]), Presence::Always);
        assert_eq!(presence(&[]), Presence::Always);
    }

    #[test]
    fn optional_paths_may_be_absent() {
        assert_eq!(presence(&["labels", "env"]), Presence::Maybe);
        assert_eq!(presence(&["command", "operations", "_", "effect"]), Presence::Maybe);
        assert_eq!(presence(&["approval", "ticket"]), Presence::Maybe);
    }

    #[test]
    fn misspelt_paths_never_exist() {
        assert_eq!(presence(&["comand"]), Presence::Never);
        assert_eq!(presence(&["command", "operations", "_", "knd"]), Presence::Never);
        assert_eq!(presence(&["name", "first"]), Presence::Never);
    }

    #[test]
    fn a_misspelt_path_comes_with_a_suggestion() {
        let schema = Schema::new(&Value::from_json_str(SCHEMA).unwrap());
        let path =
            ["command", "operations", "_", "knd"].map(|part| if part == "_" { Step::Any } else { Step::key(part) });
        assert_eq!(schema.suggestion(&path).unwrap(), ("knd".to_owned(), Some("kind".to_owned())));
        assert_eq!(schema.suggestion(&[Step::key("nothing_like_it")]).unwrap(), ("nothing_like_it".to_owned(), None));
    }

    #[test]
    fn distance_counts_letters() {
        assert_eq!(
            (distance("kind", "kind"), distance("knd", "kind"), distance("", "abc"), distance("drop", "drip")),
            (0, 1, 3, 1)
        );
    }

    #[test]
    fn what_the_schema_leaves_open_is_unknown() {
        assert_eq!(presence(&["context", "anything"]), Presence::Unknown);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = Schema::new(
            &Value::from_json_str(r##"{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}"##).unwrap(),
        );
        assert_eq!(schema.presence(&[Step::key("x")]), Presence::Unknown);
    }
}
