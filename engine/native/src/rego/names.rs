//! Names in the syntax tree: static references, package paths, what a rule is called, what imports mean.

use std::collections::HashMap;

use regorus::unstable::{Expr, Module, Rule, RuleHead};
use regorus::Value;

/// A dotted path as its parts: `data.a["b c"]` is `["data", "a", "b c"]`.
pub type Name = Vec<String>;

/// The rule kinds of a policy package, in the order in which `describe` lists them.
pub const KINDS: [&str; 5] = ["deny", "hold", "mask", "limit", "allow"];

pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        _ => None,
    }
}

/// The constant a literal stands for, negative numbers included.
pub fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::String { value, .. }
        | Expr::RawString { value, .. }
        | Expr::Number { value, .. }
        | Expr::Bool { value, .. }
        | Expr::Null { value, .. } => Some(value.clone()),
        Expr::UnaryExpr { expr, .. } => match expr.as_ref() {
            Expr::Number { value: Value::Number(number), .. } => number.neg().map(Value::from),
            _ => None,
        },
        _ => None,
    }
}

/// The parts of a reference without variables in it: `a.b["c"]`.
pub fn static_name(expr: &Expr) -> Option<Name> {
    match expr {
        Expr::Var { value, .. } => Some(vec![text(value)?]),
        Expr::RefDot { refr, field, .. } => {
            let mut name = static_name(refr)?;
            name.push(text(&field.1)?);
            Some(name)
        }
        Expr::RefBrack { refr, index, .. } => match index.as_ref() {
            Expr::String { value, .. } | Expr::RawString { value, .. } => {
                let mut name = static_name(refr)?;
                name.push(text(value)?);
                Some(name)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The longest static beginning of a reference, and whether that is all of it.
pub fn static_beginning(expr: &Expr) -> (Option<Name>, bool) {
    let mut at = expr;
    let mut whole = true;
    loop {
        if let Some(name) = static_name(at) {
            return (Some(name), whole);
        }
        whole = false;
        match at {
            Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => at = refr,
            _ => return (None, false),
        }
    }
}

/// The package of a module without the leading `data`.
pub fn package(module: &Module) -> Name {
    static_name(&module.package.refr).unwrap_or_default()
}

/// The reference in a rule's head.
pub fn head(rule: &Rule) -> &Expr {
    match rule {
        Rule::Spec {
            head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            ..
        }
        | Rule::Default { refr, .. } => refr,
    }
}

/// The static name of a rule below its package: `a.b` for `a.b[x] := ...`.
pub fn rule(rule: &Rule) -> Name {
    static_beginning(head(rule)).0.unwrap_or_default()
}

/// The kind a rule contributes to, when it is `KIND contains ...`.
pub fn kind(rule: &Rule) -> Option<&'static str> {
    let Rule::Spec { head: RuleHead::Set { refr, .. }, .. } = rule else {
        return None;
    };
    let name = static_name(refr)?;
    match name.as_slice() {
        [only] => KINDS.iter().copied().find(|kind| kind == only),
        _ => None,
    }
}

pub fn is_test(rule_name: &[String]) -> bool {
    rule_name.last().is_some_and(|last| last.starts_with("test_") || last.starts_with("todo_test_"))
}

/// What a module's imports bring in, by the name they get.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    /// Name -> path below `input`.
    pub input: HashMap<String, Name>,
    /// Name -> path from `data` on.
    pub data: HashMap<String, Name>,
}

pub fn imports(module: &Module) -> Imports {
    let mut found = Imports::default();
    for import in &module.imports {
        let Some(path) = static_name(&import.refr) else {
            continue;
        };
        let alias = import.r#as.as_ref().map(|span| span.text().to_owned());
        let Some(name) = alias.or_else(|| path.last().cloned()) else {
            continue;
        };
        match path.first().map(String::as_str) {
            Some("input") => {
                found.input.insert(name, path.get(1..).unwrap_or_default().to_vec());
            }
            Some("data") => {
                found.data.insert(name, path);
            }
            _ => {}
        }
    }
    found
}

/// Whether a part can stand in `package a.b` as it is.
pub fn is_identifier(part: &str) -> bool {
    let mut bytes = part.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A name as Rego writes it.
pub fn print(name: &[String]) -> String {
    let mut text = String::new();
    for part in name {
        if is_identifier(part) {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(part);
        } else {
            text.push('[');
            text.push_str(&Value::from(part.as_str()).to_json_str().unwrap_or_default());
            text.push(']');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use regorus::unstable::Ref;
    use regorus::Engine;

    fn module(text: &str) -> Ref<Module> {
        let mut engine = Engine::new();
        engine.add_policy("a.rego".to_owned(), text.to_owned()).unwrap();
        engine.get_modules().first().unwrap().clone()
    }

    #[test]
    fn the_kinds_are_partial_sets_of_a_single_name() {
        let module = module("package policies.a\ndeny contains 1 if true\nallow := 1\nx.deny contains 1 if true\nhelper contains 2 if true\n");
        let kinds: Vec<_> = module.policy.iter().map(|rule| kind(rule)).collect();
        assert_eq!(kinds, [Some("deny"), None, None, None]);
    }

    #[test]
    fn imports_are_known_by_the_name_they_get() {
        let module = module("package a\nimport data.lib.x\nimport data.lib.y as z\nimport input.resource as res\n");
        let imports = imports(&module);
        assert_eq!(imports.data.get("z").unwrap(), &["data", "lib", "y"]);
        assert_eq!(imports.data.get("x").unwrap(), &["data", "lib", "x"]);
        assert_eq!(imports.input.get("res").unwrap(), &["resource"]);
    }

    #[test]
    fn a_name_prints_as_rego_writes_it() {
        let name = ["data", "a", "b c"].map(str::to_owned);
        assert_eq!(print(&name), "data.a[\"b c\"]");
    }

    #[test]
    fn negative_numbers_are_constants() {
        let module = module("package a\nx := -5\n");
        let Rule::Spec { head: RuleHead::Compr { assign: Some(assign), .. }, .. } =
            module.policy.first().unwrap().as_ref()
        else {
            return assert!(module.policy.is_empty());
        };
        assert_eq!(constant(&assign.value).unwrap(), Value::from(-5_i64));
    }
}
