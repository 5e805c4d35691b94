//! The question as a rule: one object of bindings for each way the query holds.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Literal, Query, Rule};
use regorus::Engine;

use crate::rego::names;

/// The package of the rule we add.
pub const PACKAGE: &str = "sallyport_question";

/// The text of a module whose set `answer` holds the bindings of `query`.
pub fn module(query: &str, v0: bool) -> Result<String, String> {
    let variables = variables(query, v0)?;
    let fields: Vec<String> = variables.iter().map(|name| format!("\"{name}\": {name}")).collect();
    let head = if v0 {
        format!("answer[{{{}}}]", fields.join(", "))
    } else {
        format!("answer contains {{{}}} if", fields.join(", "))
    };
    Ok(format!("package {PACKAGE}\n\n{head} {{\n\t{query}\n}}\n"))
}

/// The variables of a query, in order of name.
fn variables(query: &str, v0: bool) -> Result<BTreeSet<String>, String> {
    let mut engine = Engine::new();
    engine.set_rego_v0(v0);
    let head = if v0 { "answer" } else { "answer if" };
    let text = format!("package {PACKAGE}\n\n{head} {{\n\t{query}\n}}\n");
    engine.add_policy("query".to_owned(), text).map_err(|error| error.to_string())?;
    let module = engine.get_modules().first().cloned().ok_or_else(|| "the query is empty".to_owned())?;
    let mut found = BTreeSet::new();
    if let Some(Rule::Spec { bodies, .. }) = module.policy.first().map(|rule| rule.as_ref()) {
        bodies.iter().for_each(|body| of_query(&body.query, &mut found));
    }
    Ok(found)
}

fn of_query(query: &Query, found: &mut BTreeSet<String>) {
    for stmt in &query.stmts {
        match &stmt.literal {
            Literal::SomeVars { vars, .. } => found.extend(vars.iter().map(|span| span.text().to_owned())),
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().for_each(|key| of_expr(key, found));
                of_expr(value, found);
                of_expr(collection, found);
            }
            Literal::Expr { expr, .. } => of_expr(expr, found),
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
}

/// Variables outside comprehensions and calls' names.
fn of_expr(expr: &Expr, found: &mut BTreeSet<String>) {
    match expr {
        Expr::Var { value, .. } => {
            found.extend(
                names::text(value).filter(|name| !matches!(name.as_str(), "input" | "data") && !name.starts_with('_')),
            );
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| of_expr(item, found)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| of_expr(value, found)),
        Expr::Call { params, .. } => params.iter().for_each(|param| of_expr(param, found)),
        Expr::UnaryExpr { expr, .. } => of_expr(expr, found),
        Expr::RefDot { refr, .. } => of_expr(refr, found),
        Expr::RefBrack { refr, index, .. } => {
            of_expr(refr, found);
            of_expr(index, found);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            of_expr(lhs, found);
            of_expr(rhs, found);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_variable_of_the_query_is_bound() {
        assert!(module("data.test.p.q[i].s = x", false).unwrap().contains("{\"i\": i, \"x\": x}"));
        assert!(module("data.x.p = input", false).unwrap().contains("contains {} if"));
        assert!(module("x = [y | y := data.a[_]]", true).unwrap().contains("answer[{\"x\": x}] {"));
    }

    #[test]
    fn a_query_that_does_not_parse_is_an_error() {
        assert!(module("data.a = ", false).is_err());
    }
}
