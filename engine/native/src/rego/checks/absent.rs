//! Paths against the schema of `input`: those that cannot exist are errors; a guard that needs one that may be absent is
//! warned of, because undefined would silence it.

use std::collections::BTreeSet;

use crate::rego::diagnostic::{Diagnostic, Place};
use crate::rego::names::{self, Name};
use crate::rego::options::Options;
use crate::rego::reads::{Need, Site};
use crate::rego::rules::{Definition, Rules};
use crate::rego::schema::{Presence, Schema};
use crate::rego::scope::{print, Path};

pub fn check(rules: &Rules, options: &Options) -> Vec<Diagnostic> {
    let Some(schema) = &options.schema else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, definitions) in &rules.groups {
        for site in definitions.iter().filter(|_| !names::is_test(name)).flat_map(|definition| &definition.facts.sites)
        {
            found.extend(impossible(schema, site));
        }
    }
    for definition in guards(rules) {
        let asked: Vec<&Path> =
            definition.facts.sites.iter().filter(|site| site.need == Need::Asked).map(|site| &site.path).collect();
        for site in &definition.facts.sites {
            let is_asked = asked.iter().any(|path| site.path.starts_with(path));
            if site.need == Need::Needed && !is_asked && schema.presence(&site.path) == Presence::Maybe {
                found.push(silenced(site));
            }
        }
    }
    found
}

fn impossible(schema: &Schema, site: &Site) -> Option<Diagnostic> {
    if schema.presence(&site.path) != Presence::Never {
        return None;
    }
    let (part, nearest) = schema.suggestion(&site.path).unwrap_or_default();
    let help =
        nearest.map_or_else(|| "see docs/input.schema.json".to_owned(), |nearest| format!("did you mean `{nearest}`?"));
    let message = format!("`{}` cannot exist: there is no `{part}`", print(&site.path));
    Some(Diagnostic::error("PATH_UNKNOWN", Place::of(&site.span), message, help))
}

fn silenced(site: &Site) -> Diagnostic {
    let message = format!("`{}` may be absent, and this guard would not match then", print(&site.path));
    let help =
        "write `not PATH != VALUE` to match when it is absent, or the path alone as a condition if it should not";
    Diagnostic::warning("MAY_BE_ABSENT", Place::of(&site.span), message, help)
}

/// The definitions of guards (`deny`, `hold`, `mask`, `limit`), and of the helpers they cannot match without. A helper
/// with a default or an `else` has an answer for what is absent.
fn guards(rules: &Rules) -> Vec<&Definition> {
    let mut found: Vec<&Definition> = Vec::new();
    let mut seen: BTreeSet<&Name> = BTreeSet::new();
    let mut open: Vec<&Definition> = rules
        .groups
        .values()
        .flatten()
        .filter(|definition| rules.is_policy(definition.module))
        .filter(|definition| names::kind(&definition.rule).is_some_and(|kind| kind != "allow"))
        .collect();
    while let Some(definition) = open.pop() {
        found.push(definition);
        let mut targets = BTreeSet::new();
        definition.facts.needed.iter().for_each(|name| rules.reach(name, &mut targets));
        for target in targets {
            let definitions = rules.groups.get(target).map(Vec::as_slice).unwrap_or_default();
            if seen.insert(target) && !definitions.iter().any(Definition::has_fallback) {
                open.extend(definitions);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::rules;
    use super::*;
    use regorus::Value;

    const SCHEMA: &str = r#"{"schema": {"type": "object", "additionalProperties": false, "required": ["name", "labels", "ops"], "properties": {
        "name": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "ops": {"type": "array", "items": {"type": "object", "additionalProperties": false, "required": ["kind"], "properties": {"kind": {"type": "string"}, "note": {"type": "string"}}}}}}}"#;

    fn found(text: &str) -> Vec<(&'static str, u32)> {
        let options = Options::read(&Value::from_json_str(SCHEMA).unwrap()).unwrap();
        check(&rules(&[&format!("package policies.a\n{text}")]), &options)
            .into_iter()
            .map(|one| (one.code, one.place.line))
            .collect()
    }

    #[test]
    fn a_path_that_cannot_exist_is_an_error_wherever_it_stands() {
        assert_eq!(found("allow contains 1 if input.nme == \"x\""), [("PATH_UNKNOWN", 2)]);
        assert_eq!(found("x := [o | some o in input.ops; o.knd == 1]"), [("PATH_UNKNOWN", 2)]);
        assert!(found("test_x if input.nme == 1").is_empty());
    }

    #[test]
    fn a_guard_that_undefined_would_silence_is_warned_of() {
        assert_eq!(found("deny contains 1 if input.labels.env == \"prod\""), [("MAY_BE_ABSENT", 2)]);
        assert_eq!(found("deny contains input.labels.env if input.name == \"x\""), [("MAY_BE_ABSENT", 2)]);
        assert_eq!(found("hold contains 1 if {\n some op in input.ops\n op.note == \"x\"\n}"), [("MAY_BE_ABSENT", 4)]);
    }

    #[test]
    fn absence_that_was_thought_of_is_not() {
        for body in [
            "not input.labels.env != \"prod\"",
            "input.labels.env\n input.labels.env == \"prod\"",
            "count([1 | input.labels.env]) == 0",
            "input.name == \"x\"",
        ] {
            assert!(found(&format!("deny contains 1 if {{\n {body}\n}}")).is_empty(), "{body}");
        }
        assert!(found("allow contains 1 if input.labels.env == \"dev\"").is_empty());
    }

    #[test]
    fn helpers_of_guards_are_looked_at_unless_they_have_a_fallback() {
        assert_eq!(found("deny contains 1 if prod\nprod if input.labels.env == \"prod\""), [("MAY_BE_ABSENT", 3)]);
        assert!(
            found("deny contains 1 if env == \"prod\"\ndefault env := \"prod\"\nenv := input.labels.env").is_empty()
        );
        assert!(found("deny contains 1 if not dev\ndev if input.labels.env == \"dev\"").is_empty());
    }
}
