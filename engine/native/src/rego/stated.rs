//! The inputs a `test_` rule states: what its `with input as ...` stand for, where the text alone says it.
//!
//! Literals, names of the rule's own (`request := {...}`), rules that are nothing but a value, and a few pure builtins
//! over these. Anything else is no input we know, and then nothing may be left out for it (`focus`).

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, Rule, RuleHead};
use regorus::Value;

use super::builtins;
use super::names::{constant, static_name};
use super::rules::{full, Definition, Rules};
use super::scope::{inside, Scope};
use super::visit;

/// How many names deep a value may lie.
const DEPTH: u32 = 24;
/// Builtins that put inputs together; the same arguments, the same answer, whatever the time.
const PURE: [&str; 4] = ["array.concat", "json.patch", "object.remove", "object.union"];

/// Every input that anything in the definition is evaluated with by a `with`; None where one of them is not known.
pub fn inputs(rules: &Rules, definition: &Definition) -> Option<Vec<Value>> {
    let reader = Reader { rules, module: definition.module, own: own_names(&definition.rule) };
    let mut found = Some(Vec::new());
    visit::modifiers(&definition.rule, &mut |modifier| {
        let said = match static_name(&modifier.refr).as_deref() {
            Some([first]) if first == "input" => reader.value(&modifier.r#as, DEPTH).map(Some),
            // `input.a`, or a name that an import gave to a part of the input: what the input is then, takes more.
            Some([first, ..]) if first == "input" || reader.is_of_input(first) => None,
            Some(_) => Some(None),
            None => None,
        };
        match (said, &mut found) {
            (Some(Some(value)), Some(known)) => known.push(value),
            (Some(None), _) => {}
            _ => found = None,
        }
    });
    found
}

/// The names a rule gives values to, with the expression where that is the only thing the name can be.
fn own_names(rule: &Rule) -> BTreeMap<String, Option<&Expr>> {
    let mut declared: BTreeMap<String, u32> = BTreeMap::new();
    visit::queries(rule, &mut |query| {
        for name in inside(query, &Scope::new()).into_keys() {
            let count = declared.entry(name).or_default();
            *count = count.saturating_add(1);
        }
    });
    let mut found: BTreeMap<String, Option<&Expr>> = declared.keys().map(|name| (name.clone(), None)).collect();
    let Rule::Spec { bodies, .. } = rule else {
        return found;
    };
    for stmt in bodies.iter().flat_map(|body| &body.query.stmts).filter(|stmt| stmt.with_mods.is_empty()) {
        let Literal::Expr { expr, .. } = &stmt.literal else {
            continue;
        };
        let Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } = expr.as_ref() else {
            continue;
        };
        if let Some([name]) = static_name(lhs).as_deref() {
            if declared.get(name) == Some(&1) {
                found.insert(name.clone(), Some(rhs.as_ref()));
            }
        }
    }
    found
}

/// Reads values off expressions of one module.
struct Reader<'a> {
    rules: &'a Rules,
    module: usize,
    /// The names of the rule that is read.
    own: BTreeMap<String, Option<&'a Expr>>,
}

impl Reader<'_> {
    fn is_of_input(&self, name: &str) -> bool {
        self.rules.imports.get(self.module).is_none_or(|imports| imports.input.contains_key(name))
    }

    fn value(&self, expr: &Expr, depth: u32) -> Option<Value> {
        let below = depth.checked_sub(1)?;
        if let Some(known) = constant(expr) {
            return Some(known);
        }
        match expr {
            Expr::Array { items, .. } => {
                Some(Value::from(items.iter().map(|item| self.value(item, below)).collect::<Option<Vec<Value>>>()?))
            }
            Expr::Set { items, .. } => Some(Value::from(
                items.iter().map(|item| self.value(item, below)).collect::<Option<BTreeSet<Value>>>()?,
            )),
            Expr::Object { fields, .. } => {
                let pairs =
                    fields.iter().map(|(_, key, value)| Some((self.value(key, below)?, self.value(value, below)?)));
                Some(Value::from(pairs.collect::<Option<BTreeMap<Value, Value>>>()?))
            }
            Expr::Call { fcn, params, .. } => {
                self.call(fcn, params.iter().map(|param| self.value(param, below)).collect())
            }
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.named(expr, below),
            _ => None,
        }
    }

    fn call(&self, function: &Expr, arguments: Option<Vec<Value>>) -> Option<Value> {
        let name = static_name(function)?;
        let first = name.first()?;
        let called = name.join(".");
        if !PURE.contains(&called.as_str()) || self.own.contains_key(first) || self.whole(&name).is_some() {
            return None;
        }
        let imports = self.rules.imports.get(self.module)?;
        if imports.data.contains_key(first) || imports.input.contains_key(first) {
            return None;
        }
        builtins::call_by_name(&called, &arguments?).ok().filter(|value| *value != Value::Undefined)
    }

    /// What a name or a reference to a rule stands for.
    fn named(&self, expr: &Expr, depth: u32) -> Option<Value> {
        let name = static_name(expr)?;
        if let Some(own) = name.first().and_then(|first| self.own.get(first)) {
            return if name.len() == 1 { self.value((*own)?, depth) } else { None };
        }
        let whole = self.whole(&name)?;
        let [definition] = self.rules.groups.get(&whole)?.as_slice() else {
            return None;
        };
        let Rule::Spec { head: RuleHead::Compr { assign: Some(assign), .. }, bodies, .. } = definition.rule.as_ref()
        else {
            return None;
        };
        if !bodies.is_empty() {
            return None;
        }
        let reader = Reader { rules: self.rules, module: definition.module, own: BTreeMap::new() };
        reader.value(&assign.value, depth)
    }

    /// The full name of the rule a reference from this module names, where there is one.
    fn whole(&self, name: &[String]) -> Option<Vec<String>> {
        let first = name.first()?;
        let imports = self.rules.imports.get(self.module)?;
        let rest = name.get(1..)?;
        let found = match imports.data.get(first) {
            Some(target) => target.iter().chain(rest).cloned().collect(),
            None if first == "data" => name.to_vec(),
            None if imports.input.contains_key(first) => return None,
            None => {
                let mut own = full(self.rules.packages.get(self.module)?);
                own.extend(name.iter().cloned());
                own
            }
        };
        self.rules.groups.contains_key(&found).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use regorus::Engine;

    /// The inputs of `test_x` with this body, as JSON; None where they are not known.
    fn stated(body: &str) -> Option<String> {
        let text = format!(
            "package a_test\nimport input.part as part\nbase := {{\"k\": 1}}\ntwice := {{\"k\": 1}} if input.x\neither := 1\neither := 2 if input.y\nmade(x) := x\ntest_x if {{\n{body}\n}}\n"
        );
        let mut engine = Engine::new();
        engine.add_policy("a.rego".to_owned(), text).unwrap();
        engine.add_policy("b.rego".to_owned(), "package fixtures\nuser := {\"n\": [1, -2]}\n".to_owned()).unwrap();
        let rules = Rules::new(engine.get_modules().clone());
        let name: Vec<String> = ["data", "a_test", "test_x"].map(str::to_owned).to_vec();
        let definition = rules.groups.get(&name).unwrap().first().unwrap();
        let found = inputs(&rules, definition)?;
        Some(Value::from(found).to_json_str().unwrap().replace(char::is_whitespace, ""))
    }

    #[test]
    fn literals_names_rules_and_pure_builtins_are_read() {
        for (body, inputs) in [
            ("data.p.deny with input as {\"a\": [1, {2}, null], \"b\": true}", "[{\"a\":[1,[2],null],\"b\":true}]"),
            ("asked := {\"a\": \"x\"}\ndata.p.deny with input as asked", "[{\"a\":\"x\"}]"),
            ("data.p.deny with input as base\nnot data.p.deny with input as {}", "[{\"k\":1},{}]"),
            ("data.p.deny with input as data.fixtures.user", "[{\"n\":[1,-2]}]"),
            ("data.p.deny with input as object.union(base, {\"l\": 2})", "[{\"k\":1,\"l\":2}]"),
            ("data.p.deny with data.roles as {}", "[]"),
            ("count([1 | data.p.deny with input as base]) > 0", "[{\"k\":1}]"),
        ] {
            assert_eq!(stated(body).as_deref(), Some(inputs), "{body}");
        }
    }

    #[test]
    fn anything_else_is_not_known() {
        for body in [
            "data.p.deny with input.a as 1",
            "data.p.deny with part as 1",
            "data.p.deny with input as made(1)",
            "data.p.deny with input as twice",
            "data.p.deny with input as either",
            "data.p.deny with input as data.fixtures.nobody",
            "some asked in [1, 2]\ndata.p.deny with input as asked",
            "asked := {\"a\": 1}\ncount([1 | some asked in [1]; data.p.deny with input as asked]) > 0",
            "base := made(2)\ndata.p.deny with input as base",
            "data.p.deny with input as {\"now\": time.now_ns()}",
            "data.p.deny with input as input",
        ] {
            assert_eq!(stated(body), None, "{body}");
        }
    }
}
