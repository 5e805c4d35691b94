//! Conditions that hold whatever is in them: a set, an array, an object or a text that stands as a condition.
//!
//! `if { a == 1, b == 2 }` is a set of two answers, and a set is always true: with the comma the rule matches everything.

use regorus::unstable::{Expr, Literal};

use crate::rego::diagnostic::{Diagnostic, Place};
use crate::rego::names;
use crate::rego::rules::Rules;
use crate::rego::visit;

pub fn check(rules: &Rules) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, definitions) in &rules.groups {
        for definition in definitions.iter().filter(|_| !names::is_test(name)) {
            visit::queries(&definition.rule, &mut |query| {
                for stmt in &query.stmts {
                    if let Literal::Expr { expr, .. } = &stmt.literal {
                        found.extend(sort(expr).map(|sort| refused(sort, &Place::of(&stmt.span))));
                    }
                }
            });
        }
    }
    found
}

fn refused(sort: &str, place: &Place) -> Diagnostic {
    let help = match sort {
        "a set" => "conditions stand on lines of their own, or with `;` between them",
        _ => "compare it with something",
    };
    Diagnostic::error("ALWAYS_TRUE", place.clone(), format!("{sort} is always true as a condition"), help)
}

/// What an expression is that is true whatever stands in it.
fn sort(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Set { .. } | Expr::SetCompr { .. } => Some("a set"),
        Expr::Array { .. } | Expr::ArrayCompr { .. } => Some("an array"),
        Expr::Object { .. } | Expr::ObjectCompr { .. } => Some("an object"),
        Expr::String { .. } | Expr::RawString { .. } => Some("a text"),
        Expr::Number { .. } => Some("a number"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rules;
    use super::*;

    fn found(body: &str) -> Vec<&'static str> {
        let rules = rules(&[&format!("package policies.a\ndeny contains 1 if {body}\n")]);
        check(&rules).into_iter().map(|one| one.code).collect()
    }

    #[test]
    fn what_holds_whatever_is_in_it_is_refused() {
        assert_eq!(found("{\n input.a == 1,\n input.b == 2\n}"), ["ALWAYS_TRUE"]);
        assert_eq!(found("[x | x := input.a]"), ["ALWAYS_TRUE"]);
        assert_eq!(found("count([1 | \"text\"]) > 0"), ["ALWAYS_TRUE"]);
    }

    #[test]
    fn what_compares_is_not() {
        assert!(found("{\n input.a == 1\n input.b in {1, 2}\n true\n}").is_empty());
    }
}
