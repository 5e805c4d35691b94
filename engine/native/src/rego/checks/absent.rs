//! Paths against the schema of `input`: those that cannot exist are errors; a guard that needs one that may be absent is
//! warned of, because undefined would silence it, and an `allow` whose `not` holds where one is absent, because here that
//! grants what OPA would not.

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
    for definition in needed(rules, &|kind| kind != "allow", false) {
        let asked: Vec<&Path> =
            definition.facts.sites.iter().filter(|site| site.need == Need::Asked).map(|site| &site.path).collect();
        for site in &definition.facts.sites {
            let is_asked = asked.iter().any(|path| site.path.starts_with(path));
            if site.need == Need::Needed && !is_asked && schema.presence(&site.path) == Presence::Maybe {
                found.push(silenced(site));
            }
        }
    }
    for definition in needed(rules, &|kind| kind == "allow", true) {
        let there = |path: &Path| {
            definition
                .facts
                .sites
                .iter()
                .any(|site| site.need != Need::Free && site.need != Need::Denied && site.path.starts_with(path))
        };
        let denied = definition.facts.sites.iter().filter(|site| site.need == Need::Denied);
        found.extend(
            denied.filter(|site| !there(&site.path) && schema.presence(&site.path) == Presence::Maybe).map(granted),
        );
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

fn granted(site: &Site) -> Diagnostic {
    let path = print(&site.path);
    let message = format!("`{path}` may be absent, and this `not` holds then, which grants");
    let help = format!("write `{path}` alone as a condition in front, or ask it without `not`");
    Diagnostic::warning("ABSENT_UNDER_NOT", Place::of(&site.span), message, help)
}

/// The definitions of the rules of some kinds, and of the helpers they cannot match without. Without `with_fallback`
/// helpers with a default or an `else` are left out: they have an answer for what is absent.
fn needed<'a>(rules: &'a Rules, is_kind: &dyn Fn(&str) -> bool, with_fallback: bool) -> Vec<&'a Definition> {
    let mut found: Vec<&Definition> = Vec::new();
    let mut seen: BTreeSet<&Name> = BTreeSet::new();
    let mut open: Vec<&Definition> = rules
        .groups
        .values()
        .flatten()
        .filter(|definition| rules.is_policy(definition.module))
        .filter(|definition| names::kind(&definition.rule).is_some_and(is_kind))
        .collect();
    while let Some(definition) = open.pop() {
        found.push(definition);
        let mut targets = BTreeSet::new();
        definition.facts.needed.iter().for_each(|name| rules.reach(name, &mut targets));
        for target in targets {
            let definitions = rules.groups.get(target).map(Vec::as_slice).unwrap_or_default();
            if seen.insert(target) && (with_fallback || !definitions.iter().any(Definition::has_fallback)) {
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

    #[test]
    fn an_allow_whose_not_holds_of_nothing_is_warned_of() {
        for body in [
            "not startswith(input.labels.env, \"prod\")",
            "not input.labels.env != \"dev\"",
            "not input.labels.env in {\"prod\"}",
            "not count(input.labels.env) == 1",
            "not {\"prod\"}[input.labels.env]",
            "every op in input.ops { not startswith(op.note, \"x\") }",
        ] {
            assert_eq!(found(&format!("allow contains 1 if {{\n {body}\n}}")), [("ABSENT_UNDER_NOT", 3)], "{body}");
            assert!(found(&format!("deny contains 1 if {{\n {body}\n}}")).is_empty(), "{body}");
        }
        let helper =
            "allow contains 1 if quiet\ndefault quiet := false\nquiet if not contains(input.labels.env, \"x\")";
        assert_eq!(found(helper), [("ABSENT_UNDER_NOT", 4)]);
    }

    #[test]
    fn an_allow_that_says_what_absence_means_is_not() {
        for body in [
            "not input.labels.env",
            "not input.labels.env == \"prod\"",
            "input.labels.env\n not startswith(input.labels.env, \"prod\")",
            "input.labels.env != \"\"\n not startswith(input.labels.env, \"prod\")",
            "not startswith(input.name, \"prod\")",
            "count([1 | not startswith(input.labels.env, \"x\")]) == 0",
        ] {
            assert!(found(&format!("allow contains 1 if {{\n {body}\n}}")).is_empty(), "{body}");
        }
    }
}
