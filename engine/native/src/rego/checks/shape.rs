//! What a policy package may look like: names, rule kinds, and constructs the RVM would silently get wrong.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, Rule, RuleHead, Span};
use regorus::Value;

use crate::rego::diagnostic::{Diagnostic, Place};
use crate::rego::names::{self, is_identifier, KINDS};
use crate::rego::rules::{Definition, Rules};
use crate::rego::visit;

/// Arguments of a call; the RVM drops those after the eighth.
const ARGUMENTS: usize = 8;

pub fn check(rules: &Rules, _data: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (module, package) in rules.modules.iter().zip(&rules.packages) {
        if package.first().is_some_and(|first| first == "policies") && !package.iter().all(|part| is_identifier(part)) {
            let help = "use letters, digits and underscores";
            found.push(Diagnostic::error(
                "PACKAGE_NAME",
                Place::of(&module.package.span),
                "a policy package's name must be made of identifiers",
                help,
            ));
        }
    }
    for (name, definitions) in &rules.groups {
        for definition in definitions {
            kind(rules, name, definition, &mut found);
            reserved(name, definition, &mut found);
            shadowed(definition, &mut found);
            // Tests run on the interpreter, which does not share these gaps.
            if !names::is_test(name) {
                silent(definition, &mut found);
                found.extend(whole_package(rules, definition));
            }
        }
    }
    found
}

/// The first construct of some rules that the RVM would get wrong, as a text.
pub fn gap(rules: &Rules) -> Option<String> {
    let mut found = Vec::new();
    for definition in rules.groups.values().flatten() {
        silent(definition, &mut found);
        shadowed(definition, &mut found);
        found.extend(whole_package(rules, definition));
    }
    found.into_iter().next().map(|one| one.message)
}

/// Constructs that the RVM compiles and then gets wrong without a word.
fn silent(definition: &Definition, found: &mut Vec<Diagnostic>) {
    let mut refuse = |code, span: &Span, message: &str, help: &str| {
        found.push(Diagnostic::error(code, Place::of(span), message, help))
    };
    if let Rule::Default { args, span, value, .. } = definition.rule.as_ref() {
        if !is_constant(value) {
            refuse("DEFAULT_NOT_CONSTANT", span, "a default that is not a constant", "compute it in a rule of its own");
        }
        if !args.is_empty() {
            refuse(
                "DEFAULT_FUNCTION",
                span,
                "a default for a function would answer calls with undefined arguments",
                "give the function a last `else`",
            );
        }
    }
    if let Rule::Spec { head: RuleHead::Func { args, span, .. }, .. } = definition.rule.as_ref() {
        if args.len() > ARGUMENTS {
            refuse("TOO_MANY_ARGUMENTS", span, "a function has more than eight parameters", "pass an object");
        }
    }
    if let Rule::Spec { head: RuleHead::Set { .. }, bodies, .. } = definition.rule.as_ref() {
        for body in bodies.iter().filter(|body| body.is_else) {
            refuse("ELSE_IN_SET", &body.span, "`else` in a set", "write rules of their own");
        }
    }
    if !is_plain_head(&definition.rule) {
        refuse(
            "RULE_HEAD",
            definition.span(),
            "a variable in the middle of a rule's name",
            "make it a rule of one key: `name[key] := value`",
        );
    }
    visit::expressions(&definition.rule, &mut |expr| match expr {
        Expr::Call { params, span, .. } if params.len() > ARGUMENTS => {
            refuse("TOO_MANY_ARGUMENTS", span, "a call has more than eight arguments", "pass an object");
        }
        Expr::AssignExpr { op: AssignOp::ColEq, lhs, span, .. } if matches!(lhs.as_ref(), Expr::Var { span, .. } if span.text() == "_") =>
        {
            refuse("NO_NAME", span, "what is assigned to `_` is not looked at", "give it a name, or leave `_ :=` out");
        }
        Expr::Membership { key: Some(_), span, .. } => {
            refuse("KEY_IN_MEMBERSHIP", span, "a key before `in` is not looked at", "write `collection[key] == value`");
        }
        _ => {}
    });
}

/// Variables that are named like a root. The RVM would read the document instead of the variable.
fn shadowed(definition: &Definition, found: &mut Vec<Diagnostic>) {
    let mut declared = Vec::new();
    if let Rule::Spec { head: RuleHead::Func { args, .. }, .. } | Rule::Default { args, .. } = definition.rule.as_ref()
    {
        args.iter().for_each(|arg| visit::variables(arg, &mut |span| declared.push(span.clone())));
    }
    visit::queries(&definition.rule, &mut |query| {
        for stmt in &query.stmts {
            match &stmt.literal {
                Literal::SomeVars { vars, .. } => declared.extend(vars.iter().cloned()),
                Literal::SomeIn { key, value, .. } => {
                    for expr in key.iter().chain([value]) {
                        visit::variables(expr, &mut |span| declared.push(span.clone()));
                    }
                }
                Literal::Every { key, value, .. } => declared.extend(key.iter().chain([value]).cloned()),
                Literal::Expr { .. } | Literal::NotExpr { .. } => {}
            }
        }
    });
    for span in declared.iter().filter(|span| matches!(span.text(), "input" | "data")) {
        let message = format!("`{}` cannot be the name of a variable", span.text());
        found.push(Diagnostic::error("RESERVED_NAME", Place::of(span), message, "choose another name"));
    }
}

/// A rule named like a kind in a policy package must be a partial set, or its results would be lost.
fn kind(rules: &Rules, name: &[String], definition: &Definition, found: &mut Vec<Diagnostic>) {
    let package = rules.packages.get(definition.module).map_or(0, Vec::len);
    let own = name.get(package.saturating_add(1)..).unwrap_or_default();
    let named = own.first().is_some_and(|first| KINDS.contains(&first.as_str()));
    if rules.is_policy(definition.module) && named && names::kind(&definition.rule).is_none() {
        let kind = own.first().map_or("", String::as_str);
        let help = format!("write `{kind} contains {{...}} if {{...}}`");
        found.push(Diagnostic::error(
            "RULE_KIND",
            Place::of(definition.span()),
            format!("`{kind}` must be a partial set"),
            help,
        ));
    }
}

fn reserved(name: &[String], definition: &Definition, found: &mut Vec<Diagnostic>) {
    let head = names::rule(&definition.rule);
    if head.first().is_some_and(|first| first == "input" || first == "data") {
        let message = format!("`{}` cannot be the name of a rule", names::print(name));
        found.push(Diagnostic::error("RESERVED_NAME", Place::of(definition.span()), message, "choose another name"));
    }
}

/// A reference to a package, or to part of a rule's name: the RVM gathers what is below it with the undefined in it, and
/// without what stands beside data of the same name.
fn whole_package(rules: &Rules, definition: &Definition) -> Option<Diagnostic> {
    let reference = definition.facts.data.iter().find(|reference| {
        let mut reached = BTreeSet::new();
        rules.reach(reference, &mut reached);
        reached.iter().any(|name| name.len() > reference.len())
    })?;
    let message = format!("`{}` names a package, not a rule", names::print(reference));
    Some(Diagnostic::error("WHOLE_PACKAGE", Place::of(definition.span()), message, "name the rule"))
}

/// Whether a default is made of constants only.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().all(|item| is_constant(item)),
        Expr::Object { fields, .. } => fields.iter().all(|(_, key, value)| is_constant(key) && is_constant(value)),
        Expr::Call { fcn, params, .. } => {
            params.is_empty() && names::static_name(fcn).is_some_and(|name| name == ["set"])
        }
        other => names::constant(other).is_some(),
    }
}

/// Whether the head is a name, or a name and one key: `a.b`, `a.b[x]`. Sets have no key besides.
fn is_plain_head(rule: &Rule) -> bool {
    match (rule, names::head(rule)) {
        (Rule::Spec { head: RuleHead::Compr { .. }, .. }, Expr::RefBrack { refr, .. }) => {
            names::static_name(refr).is_some()
        }
        (_, head) => names::static_name(head).is_some(),
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
        assert_eq!(
            codes("package policies.a\ndeny := true\nallow if input.x\nhold contains 1 if input.x\n"),
            ["RULE_KIND", "RULE_KIND"]
        );
        assert!(codes("package lib.a\ndeny := true\n").is_empty());
    }

    #[test]
    fn what_the_rvm_would_get_wrong_is_refused() {
        assert_eq!(codes("package a\nx if { _ := input.absent }\n"), ["NO_NAME"]);
        assert_eq!(codes("package a\nf(a, b, c, d, e, g, h, i, j) := j\n"), ["TOO_MANY_ARGUMENTS"]);
        assert_eq!(codes("package a\nx := f(1, 2, 3, 4, 5, 6, 7, 8, 9)\n"), ["TOO_MANY_ARGUMENTS"]);
        assert_eq!(codes("package a\ndefault f(x) := 1\nf(x) := 2 if x\n"), ["DEFAULT_FUNCTION"]);
        assert_eq!(codes("package a\np[x].r := 1 if some x in input.a\n"), ["RULE_HEAD"]);
        assert_eq!(codes("package a\np[x] contains y if some x, y in input.a\n"), ["RULE_HEAD"]);
        assert_eq!(codes("package a\ndefault x := [y | y := input.a]\n"), ["DEFAULT_NOT_CONSTANT"]);
        assert_eq!(codes("package a\nx := data.b[input.k]\n\npackage_of := 1\n"), Vec::<&str>::new());
        assert!(codes("package a\ndefault x := {\"a\": [1, -2, set()]}\n").is_empty());
        assert!(codes("package a\np.q[x] := 1 if some x in input.a\nr.s := 2\n").is_empty());
        assert!(codes("package a\ntest_x if { _ := input.absent }\n").is_empty());
    }

    #[test]
    fn a_key_before_in_is_refused_where_it_would_not_be_looked_at() {
        assert_eq!(codes("package a\nx if \"k\", 1 in input.a\n"), ["KEY_IN_MEMBERSHIP"]);
        assert_eq!(codes("package a\nx := [1 | \"k\", 1 in input.a]\n"), ["KEY_IN_MEMBERSHIP"]);
        assert!(codes("package a\nx if some k, v in input.a\ny if 1 in input.a\n").is_empty());
        assert!(codes("package a\ntest_x if \"k\", 1 in input.a\n").is_empty());
    }

    #[test]
    fn no_variable_is_named_like_a_root() {
        for text in [
            "package a\nf(input) := input.x\n",
            "package a\nf([x, {\"k\": data}]) := x\n",
            "package a\nx if { some input in [1] }\n",
            "package a\nx if { some k, input in [1] }\n",
            "package a\nx if { some data; data = 1 }\n",
            "package a\nx if { every input in [1] { input > 0 } }\n",
            "package a\nx := [y | some input in [1]; y := input]\n",
            "package a\ntest_x if { some input in [1] }\n",
        ] {
            assert_eq!(codes(text), ["RESERVED_NAME"], "{text}");
        }
        assert!(codes("package a\nx if some y in input.data\n").is_empty());
        assert!(codes("package a\nx if some {\"k\": input.k, \"v\": v} in input.data\n").is_empty());
    }

    #[test]
    fn a_whole_package_is_no_value() {
        let rules = rules(&["package policies.a\nx := data.lib[input.k]\ny := data.lib.f\n", "package lib\nf := 1\n"]);
        let found: Vec<_> =
            check(&rules, &Value::new_object()).into_iter().map(|one| (one.code, one.place.line)).collect();
        assert_eq!(found, [("WHOLE_PACKAGE", 2)]);
    }

    #[test]
    fn a_policy_package_has_plain_names() {
        assert_eq!(codes("package policies[\"a-b\"]\ndeny contains 1 if input.x\n"), ["PACKAGE_NAME"]);
    }
}
