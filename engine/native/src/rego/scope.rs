//! What a name inside a query means: a path below `input`, or a local nothing is known about.

use std::collections::HashMap;

use regorus::unstable::{AssignOp, Expr, Literal, Query};
use regorus::Value;

use super::names::{text, Imports};

/// One step below `input`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A field; the key is kept as the value it is looked up with.
    Key(Value),
    /// Some element of an array or set, or some field of an object.
    Any,
}

pub type Path = Vec<Step>;

impl Step {
    pub fn key(name: &str) -> Self {
        Self::Key(Value::from(name))
    }
}

/// Names that are not global: `Some` for one that stands for a path below `input`, `None` for an opaque local.
pub type Scope = HashMap<String, Option<Path>>;

/// A path as Rego writes it, from `input` on.
pub fn print(path: &[Step]) -> String {
    let mut text = String::from("input");
    for step in path {
        match step {
            Step::Any => text.push_str("[_]"),
            Step::Key(Value::String(key)) if super::names::is_identifier(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Key(key) => {
                text.push('[');
                text.push_str(&key.to_json_str().unwrap_or_default());
                text.push(']');
            }
        }
    }
    text
}

/// The scope of a module's rules: its `import input...`, and `input` itself hidden when an import takes the name.
pub fn of_imports(imports: &Imports) -> Scope {
    let mut scope: Scope = imports
        .input
        .iter()
        .map(|(name, path)| (name.clone(), Some(path.iter().map(|name| Step::key(name)).collect())))
        .collect();
    if imports.data.contains_key("input") {
        scope.insert("input".to_owned(), None);
    }
    scope
}

/// The path below `input` a reference stands for, if it is one.
pub fn resolve(expr: &Expr, scope: &Scope) -> Option<Path> {
    match expr {
        Expr::Var { value, .. } => {
            let name = text(value)?;
            match scope.get(&name) {
                Some(known) => known.clone(),
                None => (name == "input").then(Vec::new),
            }
        }
        Expr::RefDot { refr, field, .. } => {
            let mut path = resolve(refr, scope)?;
            path.push(Step::Key(field.1.clone()));
            Some(path)
        }
        Expr::RefBrack { refr, index, .. } => {
            let mut path = resolve(refr, scope)?;
            path.push(match index.as_ref() {
                Expr::String { value, .. } | Expr::RawString { value, .. } => Step::Key(value.clone()),
                _ => Step::Any,
            });
            Some(path)
        }
        _ => None,
    }
}

/// The variables a pattern binds.
pub fn pattern_names(expr: &Expr, into: &mut Vec<String>) {
    match expr {
        Expr::Var { value, .. } => into.extend(text(value)),
        Expr::Array { items, .. } => items.iter().for_each(|item| pattern_names(item, into)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| pattern_names(value, into)),
        _ => {}
    }
}

/// The scope inside `query`, given the one around it. A name declared anywhere in a query is local in all of it.
pub fn inside(query: &Query, around: &Scope) -> Scope {
    let mut scope = around.clone();
    for name in declared(query) {
        if name != "_" {
            scope.insert(name, None);
        }
    }
    // Aliases of aliases: a few rounds reach them in whatever order they stand.
    for _ in 0..4 {
        for stmt in query.stmts.iter().filter(|stmt| stmt.with_mods.is_empty()) {
            if let Some((name, path)) = alias(&stmt.literal, &scope) {
                scope.insert(name, Some(path));
            }
        }
    }
    scope
}

fn declared(query: &Query) -> Vec<String> {
    let mut names = Vec::new();
    for stmt in &query.stmts {
        match &stmt.literal {
            Literal::SomeVars { vars, .. } => names.extend(vars.iter().map(|span| span.text().to_owned())),
            Literal::SomeIn { key, value, .. } => {
                if let Some(key) = key {
                    pattern_names(key, &mut names);
                }
                pattern_names(value, &mut names);
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                    pattern_names(lhs, &mut names);
                }
            }
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
    names
}

/// `some x in PATH` and `x := PATH` make `x` stand for a path.
fn alias(literal: &Literal, scope: &Scope) -> Option<(String, Path)> {
    match literal {
        Literal::SomeIn { value, collection, .. } => {
            let mut path = resolve(collection, scope)?;
            path.push(Step::Any);
            Some((variable(value)?, path))
        }
        Literal::Expr { expr, .. } => match expr.as_ref() {
            Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => Some((variable(lhs)?, resolve(rhs, scope)?)),
            _ => None,
        },
        _ => None,
    }
}

fn variable(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var { value, .. } => text(value).filter(|name| name != "_"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use regorus::unstable::Rule;
    use regorus::Engine;

    fn scope_of(body: &str) -> Scope {
        let mut engine = Engine::new();
        engine.add_policy("a.rego".to_owned(), format!("package a\nx if {{\n{body}\n}}\n")).unwrap();
        let module = engine.get_modules().first().unwrap().clone();
        let Rule::Spec { bodies, .. } = module.policy.first().unwrap().as_ref() else {
            return Scope::new();
        };
        inside(&bodies.first().unwrap().query, &Scope::new())
    }

    #[test]
    fn a_loop_variable_stands_for_any_element() {
        let scope = scope_of("some op in input.command.operations\nt := op.targets\nsome u in t");
        assert_eq!(print(scope.get("op").unwrap().as_ref().unwrap()), "input.command.operations[_]");
        assert_eq!(print(scope.get("u").unwrap().as_ref().unwrap()), "input.command.operations[_].targets[_]");
    }

    #[test]
    fn a_local_of_unknown_origin_is_opaque() {
        let scope = scope_of("a := lower(input.x)\n[b, c] := input.pair");
        assert_eq!(scope.get("a"), Some(&None));
        assert_eq!(scope.get("b"), Some(&None));
    }

    #[test]
    fn keys_that_are_no_identifiers_print_in_brackets() {
        assert_eq!(print(&[Step::key("a-b"), Step::Any]), "input[\"a-b\"][_]");
    }
}
