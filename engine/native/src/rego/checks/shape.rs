//! What a policy package may look like: names, rule kinds, and constructs the RVM would silently get wrong.

use regorus::Value;

use crate::rego::diagnostic::{Diagnostic, Place};
use crate::rego::names::{self, is_identifier, KINDS};
use crate::rego::rules::{Definition, Rules};

pub fn check(rules: &Rules, _data: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (module, package) in rules.modules.iter().zip(&rules.packages) {
        if package.first().is_some_and(|first| first == "policies") && !package.iter().all(|part| is_identifier(part)) {
            let help = "use letters, digits and underscores";
            found.push(Diagnostic::error("PACKAGE_NAME", Place::of(&module.package.span), "a policy package's name must be made of identifiers", help));
        }
    }
    for (name, definitions) in &rules.groups {
        for definition in definitions {
            kind(rules, name, definition, &mut found);
            reserved(name, definition, &mut found);
        }
    }
    found
}

/// A rule named like a kind in a policy package must be a partial set, or its results would be lost.
fn kind(rules: &Rules, name: &[String], definition: &Definition, found: &mut Vec<Diagnostic>) {
    let package = rules.packages.get(definition.module).map_or(0, Vec::len);
    let own = name.get(package.saturating_add(1)..).unwrap_or_default();
    let named = own.first().is_some_and(|first| KINDS.contains(&first.as_str()));
    if rules.is_policy(definition.module) && named && names::kind(&definition.rule).is_none() {
        let kind = own.first().map_or("", String::as_str);
        let help = format!("write `{kind} contains {{...}} if {{...}}`");
        found.push(Diagnostic::error("RULE_KIND", Place::of(definition.span()), format!("`{kind}` must be a partial set"), help));
    }
}

fn reserved(name: &[String], definition: &Definition, found: &mut Vec<Diagnostic>) {
    let head = names::rule(&definition.rule);
    if head.first().is_some_and(|first| first == "input" || first == "data") {
        let message = format!("`{}` cannot be the name of a rule", names::print(name));
        found.push(Diagnostic::error("RESERVED_NAME", Place::of(definition.span()), message, "choose another name"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::rules;
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        check(&rules(&[text]), &Value::new_object()).into_iter().map(|one| one.code).collect()
    }

    #[test]
    fn a_kind_must_be_a_partial_set() {
        assert_eq!(codes("package policies.a\ndeny := true\nallow if input.x\nhold contains 1 if input.x\n"), ["RULE_KIND", "RULE_KIND"]);
        assert!(codes("package lib.a\ndeny := true\n").is_empty());
    }

    #[test]
    fn a_policy_package_has_plain_names() {
        assert_eq!(codes("package policies[\"a-b\"]\ndeny contains 1 if input.x\n"), ["PACKAGE_NAME"]);
    }
}
