//! Necessary conditions of a rule body that a request can be looked up by: what the candidate index is made of.
//!
//! A condition is *necessary*: where it does not hold, the body cannot. Leaving one out only costs time; a wrong one
//! would lose a rule, so anything unusual (a `with`, a hidden `input`, a nested query) yields none.

use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, LiteralStmt, Query};
use regorus::Value;

use super::names::constant;
use super::scope::{inside, resolve, Path, Scope, Step};

/// Some value at `path` is one of `values` - or, with `or_absent`, there is nothing at `path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub path: Path,
    pub values: Vec<Value>,
    pub or_absent: bool,
}

impl Condition {
    pub fn holds(&self, input: &Value) -> bool {
        let mut met = false;
        let mut present = false;
        visit(input, &self.path, &mut |value| {
            present = true;
            met = met || self.values.contains(value);
        });
        met || (self.or_absent && !present)
    }
}

/// Calls `each` with every value at `path`.
pub fn visit<'a>(value: &'a Value, path: &[Step], each: &mut dyn FnMut(&'a Value)) {
    match (path.split_first(), value) {
        (None, value) => each(value),
        (Some((Step::Key(key), rest)), Value::Object(fields)) => {
            if let Some(below) = fields.get(key) {
                visit(below, rest, each);
            }
        }
        (Some((Step::Key(key), rest)), Value::Set(items)) => {
            if let Some(item) = items.get(key) {
                visit(item, rest, each);
            }
        }
        (Some((Step::Any, rest)), Value::Array(items)) => items.iter().for_each(|item| visit(item, rest, each)),
        (Some((Step::Any, rest)), Value::Set(items)) => items.iter().for_each(|item| visit(item, rest, each)),
        (Some((Step::Any, rest)), Value::Object(fields)) => fields.values().for_each(|item| visit(item, rest, each)),
        _ => {}
    }
}

/// The conditions `query` cannot hold without.
pub fn of_query(query: &Query, around: &Scope) -> Vec<Condition> {
    let scope = inside(query, around);
    if scope.contains_key("input") {
        return Vec::new();
    }
    query.stmts.iter().filter(|stmt| stmt.with_mods.is_empty()).filter_map(|stmt| of_statement(stmt, &scope)).collect()
}

fn of_statement(stmt: &LiteralStmt, scope: &Scope) -> Option<Condition> {
    match &stmt.literal {
        Literal::Expr { expr, .. } => of_expression(expr, scope),
        Literal::NotExpr { expr, .. } => absent_or_equal(expr, scope),
        Literal::SomeIn { key: None, value, collection, .. } => {
            let mut path = resolve(collection, scope)?;
            path.push(Step::Any);
            condition(path, vec![constant(value)?])
        }
        Literal::SomeIn { .. } | Literal::SomeVars { .. } | Literal::Every { .. } => None,
    }
}

fn of_expression(expr: &Expr, scope: &Scope) -> Option<Condition> {
    match expr {
        Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => {
            equality(lhs, rhs, scope).or_else(|| equality(rhs, lhs, scope))
        }
        Expr::Membership { key: None, value, collection, .. } => {
            if let (Some(known), Some(mut path)) = (constant(value), resolve(collection, scope)) {
                path.push(Step::Any);
                return condition(path, vec![known]);
            }
            condition(resolve(value, scope)?, constants(collection)?)
        }
        _ => None,
    }
}

fn equality(path: &Expr, known: &Expr, scope: &Scope) -> Option<Condition> {
    condition(resolve(path, scope)?, vec![constant(known)?])
}

fn condition(path: Path, values: Vec<Value>) -> Option<Condition> {
    (!path.is_empty()).then_some(Condition { path, values, or_absent: false })
}

fn constants(expr: &Expr) -> Option<Vec<Value>> {
    match expr {
        Expr::Set { items, .. } | Expr::Array { items, .. } if !items.is_empty() => {
            items.iter().map(|item| constant(item)).collect()
        }
        _ => None,
    }
}

/// `not PATH != VALUE`: the way a fail-closed guard asks for a label. Only for a path of keys: with `[_]` in it the
/// negation is over all elements, and absence means something else.
fn absent_or_equal(expr: &Expr, scope: &Scope) -> Option<Condition> {
    let Expr::BoolExpr { op: BoolOp::Ne, lhs, rhs, .. } = expr else {
        return None;
    };
    let found = equality(lhs, rhs, scope).or_else(|| equality(rhs, lhs, scope))?;
    found.path.iter().all(|step| *step != Step::Any).then_some(Condition { or_absent: true, ..found })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::scope::print;
    use regorus::unstable::Rule;
    use regorus::Engine;

    fn conditions(body: &str) -> Vec<String> {
        let mut engine = Engine::new();
        engine.add_policy("a.rego".to_owned(), format!("package a\nx if {{\n{body}\n}}\n")).unwrap();
        let module = engine.get_modules().first().unwrap().clone();
        let Rule::Spec { bodies, .. } = module.policy.first().unwrap().as_ref() else {
            return Vec::new();
        };
        of_query(&bodies.first().unwrap().query, &Scope::new())
            .iter()
            .map(|found| {
                format!(
                    "{}={}{}",
                    print(&found.path),
                    Value::from(found.values.clone()),
                    if found.or_absent { "?" } else { "" }
                )
            })
            .collect()
    }

    #[test]
    fn equalities_are_found_either_way_round() {
        assert_eq!(conditions("input.a.b == \"x\""), ["input.a.b=[\"x\"]"]);
        assert_eq!(conditions("\"x\" == input.a.b"), ["input.a.b=[\"x\"]"]);
        assert_eq!(conditions("input.a = -1"), ["input.a=[-1]"]);
    }

    #[test]
    fn membership_is_found_both_ways() {
        assert_eq!(conditions("input.a in {\"x\", \"y\"}"), ["input.a=[\"x\",\"y\"]"]);
        assert_eq!(conditions("\"x\" in input.groups"), ["input.groups[_]=[\"x\"]"]);
        assert_eq!(conditions("some \"x\" in input.groups"), ["input.groups[_]=[\"x\"]"]);
    }

    #[test]
    fn a_loop_over_operations_is_seen_through() {
        assert_eq!(conditions("some op in input.ops\nop.kind in {\"a\"}"), ["input.ops[_].kind=[\"a\"]"]);
        assert_eq!(conditions("input.ops[_].kind == \"a\""), ["input.ops[_].kind=[\"a\"]"]);
    }

    #[test]
    fn a_negated_inequality_means_absent_or_equal() {
        assert_eq!(conditions("not input.labels.env != \"prod\""), ["input.labels.env=[\"prod\"]?"]);
        assert!(conditions("not input.ops[_].kind != \"a\"").is_empty());
    }

    #[test]
    fn what_is_not_necessary_is_not_a_condition() {
        for body in [
            "not \"x\" in input.groups",
            "not input.a == 1",
            "input.a == 1 with input.a as 1",
            "some input in [1]\ninput.a == 1",
            "every o in input.ops { o.kind == \"a\" }",
            "count([1 | input.a == 1]) > 0",
            "input.a in []",
            "input == 5",
        ] {
            assert!(conditions(body).is_empty(), "{body}");
        }
    }

    #[test]
    fn absence_counts_only_where_it_is_asked_for() {
        let path = vec![Step::key("a")];
        let strict = Condition { path, values: vec![Value::from("x")], or_absent: false };
        let lenient = Condition { or_absent: true, ..strict.clone() };
        let (absent, equal, other) = (
            Value::new_object(),
            Value::from_json_str("{\"a\":\"x\"}").unwrap(),
            Value::from_json_str("{\"a\":\"y\"}").unwrap(),
        );
        assert_eq!([&absent, &equal, &other].map(|input| strict.holds(input)), [false, true, false]);
        assert_eq!([&absent, &equal, &other].map(|input| lenient.holds(input)), [true, true, false]);
    }
}
