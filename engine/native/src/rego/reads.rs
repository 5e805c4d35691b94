//! What one rule reads and calls, off the syntax tree: paths below `input`, other rules, builtins, `with`.
//!
//! The answer is never too small: a reference that cannot be followed counts as everything.

use std::collections::{BTreeSet, HashSet};

use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, LiteralStmt, Query, Ref, Rule, RuleBody, RuleHead, Span};

use super::names::{self, Imports, Name};
use super::scope::{inside, of_imports, pattern_names, resolve, Path, Scope, Step};

/// What it means for the rule when a reference is undefined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The rule does not match: silently.
    Needed,
    /// The reference is a condition by itself: whether it is there is what was asked.
    Asked,
    /// Nothing: it stands under `not` or in a comprehension.
    Free,
    /// What it stands in under `not` has no answer, so the `not` holds: `not f(PATH)`, `not PATH != 1`.
    Denied,
}

/// One reference to a path below `input`.
#[derive(Clone, Debug)]
pub struct Site {
    pub path: Path,
    pub span: Span,
    pub need: Need,
}

/// What there is to know about one definition of a rule.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Paths below `input`, read with everything under them.
    pub paths: BTreeSet<Path>,
    /// Elements below `input` that a loop goes over: how many there are is read, whatever is asked of them.
    pub loops: BTreeSet<Path>,
    /// References from `data` on: to rules, packages above rules, or data.
    pub data: BTreeSet<Name>,
    /// Every place where a path below `input` is read.
    pub sites: Vec<Site>,
    /// Those of `data` without which the rule does not match.
    pub needed: BTreeSet<Name>,
    /// Calls of what is neither imported nor a rule of the package: builtins, or nothing at all.
    pub calls: Vec<(String, Span)>,
    /// Where a `with` stands.
    pub withs: Vec<Span>,
    /// Where a reference goes to all of `data` by a variable.
    pub dynamic: Vec<Span>,
}

/// Where a rule stands: what its names can mean.
pub struct Surroundings<'a> {
    pub package: &'a [String],
    /// First parts of the names of all rules of the package, in whatever file.
    pub siblings: &'a HashSet<String>,
    pub imports: &'a Imports,
}

pub fn of_rule(rule: &Rule, around: &Surroundings<'_>) -> Facts {
    let mut walk = Walk { facts: Facts::default(), around, need: Need::Needed };
    let scope = of_imports(around.imports);
    match rule {
        Rule::Default { value, .. } => walk.expr(value, &scope),
        Rule::Spec { head, bodies, .. } => walk.spec(head, bodies, scope),
    }
    walk.facts
}

struct Walk<'a> {
    facts: Facts,
    around: &'a Surroundings<'a>,
    /// What undefined would mean where the walk stands.
    need: Need,
}

impl Walk<'_> {
    /// Whether the rule can do without what is walked over.
    fn is_free(&self) -> bool {
        matches!(self.need, Need::Free | Need::Denied)
    }

    /// Walks on with another meaning of undefined; what is free stays free.
    fn as_need(&mut self, need: Need, walk: impl FnOnce(&mut Self)) {
        let around = self.need;
        if around != Need::Free {
            self.need = need;
        }
        walk(self);
        self.need = around;
    }

    fn spec(&mut self, head: &RuleHead, bodies: &[RuleBody], mut scope: Scope) {
        let mut results: Vec<&Ref<Expr>> = Vec::new();
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                indices(refr, &mut results);
                results.extend(assign.iter().map(|assign| &assign.value));
            }
            RuleHead::Set { refr, key, .. } => {
                indices(refr, &mut results);
                results.extend(key);
            }
            RuleHead::Func { args, assign, .. } => {
                let mut parameters = Vec::new();
                args.iter().for_each(|arg| pattern_names(arg, &mut parameters));
                scope.extend(parameters.into_iter().map(|name| (name, None)));
                results.extend(assign.iter().map(|assign| &assign.value));
            }
        }
        if bodies.is_empty() {
            results.iter().for_each(|result| self.expr(result, &scope));
        }
        for body in bodies {
            let inner = self.query(&body.query, &scope);
            results.iter().for_each(|result| self.expr(result, &inner));
            if let Some(assign) = &body.assign {
                self.expr(&assign.value, &inner);
            }
        }
    }

    fn query(&mut self, query: &Query, around: &Scope) -> Scope {
        let scope = inside(query, around);
        query.stmts.iter().for_each(|stmt| self.statement(stmt, &scope));
        scope
    }

    fn statement(&mut self, stmt: &LiteralStmt, scope: &Scope) {
        match &stmt.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().for_each(|key| self.pattern(key, scope));
                self.pattern(value, scope);
                match value.as_ref() {
                    Expr::Var { .. } => self.collection(collection, scope),
                    _ => self.expr(collection, scope),
                }
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => {
                    self.pattern(lhs, scope);
                    self.expr(rhs, scope);
                }
                Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                    self.as_need(Need::Asked, |walk| walk.expr(expr, scope))
                }
                _ => self.expr(expr, scope),
            },
            Literal::NotExpr { expr, .. } => self.denied(expr, scope),
            Literal::Every { key, value, domain, query, .. } => {
                self.collection(domain, scope);
                let mut inner = scope.clone();
                let element = resolve(domain, scope).map(|mut path| {
                    path.push(Step::Any);
                    path
                });
                inner.extend(key.iter().map(|key| (key.text().to_owned(), None)));
                inner.insert(value.text().to_owned(), element);
                self.query(query, &inner);
            }
        }
        for modifier in &stmt.with_mods {
            self.facts.withs.push(modifier.span.clone());
            self.expr(&modifier.refr, scope);
            self.expr(&modifier.r#as, scope);
        }
    }

    /// What stands under `not`. A path alone, or an equality of one, is asked for and may be absent; anything else is
    /// worked out from what must be there.
    fn denied(&mut self, expr: &Ref<Expr>, scope: &Scope) {
        match expr.as_ref() {
            Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => {
                [lhs, rhs].into_iter().for_each(|side| self.denied(side, scope));
            }
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.as_need(Need::Denied, |walk| walk.indices(expr, scope));
                self.as_need(Need::Free, |walk| walk.expr(expr, scope));
            }
            _ => self.as_need(Need::Denied, |walk| walk.expr(expr, scope)),
        }
    }

    /// The collection of a loop whose elements have a name.
    fn collection(&mut self, expr: &Expr, scope: &Scope) {
        if let Some(mut path) = resolve(expr, scope) {
            self.site(&path, expr);
            path.push(Step::Any);
            self.facts.loops.insert(path);
            self.indices(expr, scope);
        } else {
            self.expr(expr, scope);
        }
    }

    fn site(&mut self, path: &[Step], expr: &Expr) {
        self.facts.sites.push(Site { path: path.to_vec(), span: expr.span().clone(), need: self.need });
    }

    fn data(&mut self, name: Name) {
        if !self.is_free() {
            self.facts.needed.insert(name.clone());
        }
        self.facts.data.insert(name);
    }

    fn indices(&mut self, expr: &Expr, scope: &Scope) {
        let mut steps = Vec::new();
        indices(expr, &mut steps);
        steps.iter().for_each(|step| self.expr(step, scope));
    }

    /// Constants and nested references in a pattern; its variables are locals.
    fn pattern(&mut self, expr: &Expr, scope: &Scope) {
        match expr {
            Expr::Var { .. } => {}
            Expr::Array { items, .. } => items.iter().for_each(|item| self.pattern(item, scope)),
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expr(key, scope);
                    self.pattern(value, scope);
                }
            }
            other => self.expr(other, scope),
        }
    }

    fn expr(&mut self, expr: &Expr, scope: &Scope) {
        match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(expr, scope),
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().for_each(|item| self.expr(item, scope)),
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expr(key, scope);
                    self.expr(value, scope);
                }
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.as_need(Need::Free, |walk| {
                    let inner = walk.query(query, scope);
                    walk.expr(term, &inner);
                });
            }
            Expr::ObjectCompr { key, value, query, .. } => self.as_need(Need::Free, |walk| {
                let inner = walk.query(query, scope);
                walk.expr(key, &inner);
                walk.expr(value, &inner);
            }),
            Expr::Call { fcn, params, .. } => {
                self.call(fcn, scope);
                params.iter().for_each(|param| self.expr(param, scope));
            }
            Expr::UnaryExpr { expr, .. } => self.expr(expr, scope),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expr(lhs, scope);
                self.expr(rhs, scope);
            }
            Expr::Membership { key, value, collection, .. } => {
                key.iter().for_each(|key| self.expr(key, scope));
                self.expr(value, scope);
                self.expr(collection, scope);
            }
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
        }
    }

    fn reference(&mut self, expr: &Expr, scope: &Scope) {
        self.indices(expr, scope);
        if let Some(path) = resolve(expr, scope) {
            self.site(&path, expr);
            self.facts.paths.insert(path);
            return;
        }
        match names::static_beginning(expr) {
            (Some(name), whole) => {
                if let Some(full) = self.global(&name, scope) {
                    if full.len() == 1 && !whole {
                        self.facts.dynamic.push(expr.span().clone());
                    }
                    self.data(full);
                }
            }
            (None, _) => self.root(expr, scope),
        }
    }

    /// The root of a reference that is no name: a call, a comprehension, a literal.
    fn root(&mut self, expr: &Expr, scope: &Scope) {
        match expr {
            Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => self.root(refr, scope),
            other => self.expr(other, scope),
        }
    }

    /// A name as a path from `data` on; None for locals and for what is not data.
    fn global(&self, name: &[String], scope: &Scope) -> Option<Name> {
        let first = name.first()?;
        if scope.contains_key(first) {
            return None;
        }
        if let Some(target) = self.around.imports.data.get(first) {
            return Some(target.iter().chain(name.get(1..)?).cloned().collect());
        }
        if first == "data" {
            return Some(name.to_vec());
        }
        self.around.siblings.contains(first).then(|| {
            let data = std::iter::once("data".to_owned());
            data.chain(self.around.package.iter().cloned()).chain(name.iter().cloned()).collect()
        })
    }

    fn call(&mut self, function: &Expr, scope: &Scope) {
        let Some(name) = names::static_name(function) else {
            return self.expr(function, scope);
        };
        match self.global(&name, scope) {
            Some(full) => self.data(full),
            None => self.facts.calls.push((name.join("."), function.span().clone())),
        }
    }
}

/// The index expressions of a reference that are not plain string keys.
fn indices<'a>(expr: &'a Expr, into: &mut Vec<&'a Ref<Expr>>) {
    match expr {
        Expr::RefDot { refr, .. } => indices(refr, into),
        Expr::RefBrack { refr, index, .. } => {
            indices(refr, into);
            if names::constant(index).is_none() {
                into.push(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::scope::print;
    use regorus::Engine;

    fn facts(text: &str) -> Facts {
        let mut engine = Engine::new();
        engine.add_policy("a.rego".to_owned(), text.to_owned()).unwrap();
        let module = engine.get_modules().first().unwrap().clone();
        let imports = names::imports(&module);
        let siblings = module.policy.iter().filter_map(|rule| names::rule(rule).first().cloned()).collect();
        let package = names::package(&module);
        let around = Surroundings { package: &package, siblings: &siblings, imports: &imports };
        of_rule(module.policy.first().unwrap(), &around)
    }

    fn paths(text: &str) -> Vec<String> {
        let found = facts(text);
        found.paths.union(&found.loops).map(|path| print(path)).collect()
    }

    #[test]
    fn paths_are_as_long_as_they_can_be() {
        assert_eq!(
            paths("package a\nx if {\n some op in input.ops\n op.kind == \"a\"\n}"),
            ["input.ops[_]", "input.ops[_].kind"]
        );
        assert_eq!(
            paths("package a\nimport input.resource as res\nx := res.labels.env"),
            ["input.resource.labels.env"]
        );
    }

    #[test]
    fn a_variable_key_reads_everything_below_and_the_variable() {
        assert_eq!(paths("package a\nx := input.labels[input.key]"), ["input.key", "input.labels[_]"]);
        assert_eq!(paths("package a\nx := f(input)"), ["input"]);
    }

    #[test]
    fn heads_comprehensions_and_every_are_read_too() {
        assert_eq!(paths("package a\nx contains input.a if input.b"), ["input.a", "input.b"]);
        assert_eq!(paths("package a\nx := [y | y := input.a[_]]"), ["input.a[_]"]);
        assert_eq!(
            paths("package a\nx if every o in input.ops { o.n == input.m }"),
            ["input.m", "input.ops[_]", "input.ops[_].n"]
        );
    }

    #[test]
    fn rules_imports_and_data_are_references_from_data_on() {
        let found =
            facts("package a.b\nimport data.lib.c as z\nx if {\n helper\n z.f(1)\n data.k.v == 2\n}\nhelper if true");
        let data: Vec<_> = found.data.iter().map(|name| names::print(name)).collect();
        assert_eq!(data, ["data.a.b.helper", "data.k.v", "data.lib.c.f"]);
    }

    #[test]
    fn calls_that_are_no_rules_are_kept_with_their_place() {
        let found = facts("package a\nx if startswith(input.a, lower(\"B\"))");
        let calls: Vec<_> = found.calls.iter().map(|(name, span)| (name.as_str(), span.line)).collect();
        assert_eq!(calls, [("startswith", 2), ("lower", 2)]);
    }

    #[test]
    fn all_of_data_by_a_variable_is_dynamic() {
        assert_eq!(facts("package a\nx := data[input.k].y").dynamic.len(), 1);
        assert_eq!(facts("package a\nx := data.k[input.k].y").dynamic.len(), 0);
    }

    #[test]
    fn what_undefined_means_depends_on_where_it_stands() {
        let text = "package a\nx contains input.h if {\n input.a\n input.b == 1\n not input.c == 1\n not lower(input.f) == input.g\n count([1 | input.d]) == 0\n some e in input.e\n}";
        let needs: Vec<(String, Need)> = facts(text).sites.iter().map(|site| (print(&site.path), site.need)).collect();
        let expected = [
            ("a", Need::Asked),
            ("b", Need::Needed),
            ("c", Need::Free),
            ("f", Need::Denied),
            ("g", Need::Free),
            ("d", Need::Free),
            ("e", Need::Needed),
            ("h", Need::Needed),
        ];
        assert_eq!(needs, expected.map(|(name, need)| (format!("input.{name}"), need)));
    }

    #[test]
    fn a_with_is_seen() {
        assert_eq!(facts("package a\nx if y with input.a as 1\ny if true").withs.len(), 1);
    }
}
