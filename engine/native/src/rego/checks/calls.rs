//! Calls of builtins outside the allow-list, and what the RVM would run differently from what was written.

use regorus::unstable::Expr;

use crate::rego::builtins;
use crate::rego::diagnostic::{Diagnostic, Place};
use crate::rego::names;
use crate::rego::options::Options;
use crate::rego::rules::{Definition, Rules};
use crate::rego::visit;

/// Builtins every Rego has, refused whatever the allow-list says: they reach out, or answer differently each time.
const NEVER: [&str; 8] = [
    "http.send",
    "opa.runtime",
    "rand.intn",
    "uuid.rfc4122",
    "net.lookup_ip_addr",
    "rego.parse_module",
    "trace",
    "__builtin_host_await",
];

/// Builtins that are no calls like the others.
const VARIABLE: [&str; 3] = ["walk", "print", "set"];

pub fn check(rules: &Rules, options: &Options) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, definitions) in &rules.groups {
        let is_test = names::is_test(name);
        for definition in definitions {
            calls(definition, options, is_test, &mut found);
            arguments(definition, &mut found);
            if !is_test {
                found.extend(definition.facts.withs.iter().map(|span| {
                    let help = "only rules named test_... may use `with`";
                    Diagnostic::error("WITH_IN_POLICY", Place::of(span), "`with` in a rule that decides", help)
                }));
            }
        }
    }
    found
}

fn calls(definition: &Definition, options: &Options, is_test: bool, found: &mut Vec<Diagnostic>) {
    for (name, span) in &definition.facts.calls {
        let allowed = options.capabilities.contains(name) && !NEVER.contains(&name.as_str());
        if allowed || (is_test && name == "print") {
            continue;
        }
        let place = Place::of(span);
        if builtins::find(name).is_some() || NEVER.contains(&name.as_str()) || is_outside(name) || name == "print" {
            let help = "engine/rego/capabilities.py lists what may be called";
            found.push(Diagnostic::error(
                "BUILTIN_NOT_ALLOWED",
                place,
                format!("the builtin `{name}` is not allowed in policies"),
                help,
            ));
        } else {
            let help = "define it, import it, or correct the name";
            found.push(Diagnostic::error("UNKNOWN_FUNCTION", place, format!("no function is named `{name}`"), help));
        }
    }
}

/// Calls of builtins with too few or too many arguments. One more than there are is the older way to name the result.
fn arguments(definition: &Definition, found: &mut Vec<Diagnostic>) {
    visit::expressions(&definition.rule, &mut |expr| {
        let Expr::Call { fcn, params, .. } = expr else {
            return;
        };
        let Some(name) = names::static_name(fcn).map(|name| name.join(".")) else {
            return;
        };
        let is_builtin =
            definition.facts.calls.iter().any(|(called, span)| *called == name && span.start == fcn.span().start);
        let Some((_, arity)) = builtins::find(&name).filter(|_| is_builtin && !VARIABLE.contains(&name.as_str()))
        else {
            return;
        };
        let arity = usize::from(arity);
        if params.len() < arity || params.len() > arity.saturating_add(1) {
            let message = format!("`{name}` takes {arity} arguments, not {}", params.len());
            found.push(Diagnostic::error("ARGUMENTS", Place::of(fcn.span()), message, ""));
        }
    });
}

/// Families of builtins that this core does not have at all.
fn is_outside(name: &str) -> bool {
    ["io.jwt.", "http.", "opa.", "rand.", "uuid.", "rego.", "graphql.", "providers.", "crypto."]
        .iter()
        .any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::rules;
    use super::*;
    use regorus::Value;

    fn found(text: &str) -> Vec<(&'static str, String, u32)> {
        let options =
            Options::read(&Value::from_json_str(r#"{"capabilities": ["lower", "http.send"]}"#).unwrap()).unwrap();
        check(&rules(&[text]), &options).into_iter().map(|one| (one.code, one.message, one.place.line)).collect()
    }

    #[test]
    fn a_builtin_outside_the_list_is_named_with_its_line() {
        let all = found(
            "package a\nx if io.jwt.decode(input.t)\ny if upper(input.t) == \"A\"\nz if lower(input.t) == \"a\"\n",
        );
        assert_eq!(all.len(), 2);
        assert_eq!(
            all.first().unwrap(),
            &("BUILTIN_NOT_ALLOWED", "the builtin `io.jwt.decode` is not allowed in policies".to_owned(), 2)
        );
    }

    #[test]
    fn what_reaches_out_is_refused_even_when_it_is_listed() {
        assert_eq!(found("package a\nx := http.send({})\n").first().unwrap().0, "BUILTIN_NOT_ALLOWED");
    }

    #[test]
    fn a_function_nobody_defined_is_unknown() {
        assert_eq!(found("package a\nx := lowr(\"A\")\n").first().unwrap().0, "UNKNOWN_FUNCTION");
    }

    #[test]
    fn with_is_for_tests() {
        let all = found("package a\nx if input.a\ny if x with input.a as 1\ntest_x if x with input.a as 1\n");
        assert_eq!(all.iter().map(|one| (one.0, one.2)).collect::<Vec<_>>(), [("WITH_IN_POLICY", 3)]);
    }

    #[test]
    fn a_builtin_has_as_many_arguments_as_it_takes() {
        let codes = |body: &str| {
            let options = Options::read(
                &regorus::Value::from_json_str(r#"{"capabilities": ["startswith", "lower", "walk"]}"#).unwrap(),
            )
            .unwrap();
            let rules = rules(&[&format!("package policies.a\ndeny contains 1 if {body}\n")]);
            check(&rules, &options).into_iter().map(|one| one.code).collect::<Vec<_>>()
        };
        assert_eq!(codes("startswith(input.a)"), ["ARGUMENTS"]);
        assert_eq!(codes("lower(input.a, 1, 2) == 1"), ["ARGUMENTS"]);
        assert!(codes("startswith(input.a, lower(\"B\"))").is_empty());
        assert!(codes("{\n walk(input.a, [_, x])\n x == 1\n}").is_empty());
    }
}
