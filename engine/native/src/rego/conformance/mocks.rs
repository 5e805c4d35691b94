//! `with` on builtins: regorus replaces only builtins of its own, and only by functions of the policy. Where a case asks for
//! more, the builtins concerned are called through functions of a module that we add, and those can be replaced.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module, Ref, BUILTINS};

use super::edits::Edits;
use crate::rego::builtins;
use crate::rego::names;
use crate::rego::rules::Rules;
use crate::rego::sources::SourceFile;
use crate::rego::visit;

const PACKAGE: &str = "sallyport_builtins";

fn arity(name: &str) -> Option<u8> {
    builtins::find(name).map(|(_, arity)| arity).or_else(|| super::absent::arity(name))
}

/// No builtin's name: the function would call itself.
fn function(name: &str) -> String {
    format!("call_{}", name.replace('.', "__"))
}

/// The builtins to call through functions: replaced ones that are not regorus' own, and all that replace another.
fn concerned(modules: &[Ref<Module>], rules: &Rules) -> BTreeMap<String, u8> {
    let mut found = BTreeMap::new();
    let own: BTreeSet<String> = rules.groups.keys().filter_map(|name| name.last().cloned()).collect();
    for rule in modules.iter().flat_map(|module| &module.policy) {
        visit::modifiers(rule, &mut |modifier| {
            let named = |expr: &Expr| {
                let name = names::static_name(expr)?.join(".");
                let arity = arity(&name)?;
                (!own.contains(&name)).then_some((name, arity))
            };
            let (target, by) = (named(&modifier.refr), named(&modifier.r#as));
            if let Some((name, arity)) = target {
                if by.is_some() || !BUILTINS.contains_key(name.as_str()) {
                    found.insert(name, arity);
                }
            }
            found.extend(by);
        });
    }
    found
}

/// The files with these builtins called through functions, and the module of the functions; None where none is concerned.
pub fn rewrite(files: &[SourceFile], modules: &[Ref<Module>], rules: &Rules, v0: bool) -> Option<Vec<SourceFile>> {
    let concerned = concerned(modules, rules);
    if concerned.is_empty() {
        return None;
    }
    let mut out: Vec<SourceFile> =
        files.iter().zip(modules).map(|(file, module)| rename(file, module, &concerned)).collect();
    let mut text = format!("package {PACKAGE}\n\n");
    for (name, arity) in &concerned {
        let args: Vec<String> = (0..*arity).map(|place| format!("a{place}")).collect();
        let (args, equals) = (args.join(", "), if v0 { "=" } else { ":=" });
        text.push_str(&format!("{}({args}) {equals} {name}({args})\n\n", function(name)));
    }
    out.push(SourceFile { name: "builtins.rego".to_owned(), text });
    Some(out)
}

fn rename(file: &SourceFile, module: &Module, concerned: &BTreeMap<String, u8>) -> SourceFile {
    let mut edits = Edits::default();
    let mut edit = |expr: &Expr| {
        let name = names::static_name(expr).map(|name| name.join(".")).unwrap_or_default();
        if concerned.contains_key(&name) {
            edits.replace(expr.span().start, expr.span().end, format!("data.{PACKAGE}.{}", function(&name)));
        }
    };
    for rule in &module.policy {
        visit::expressions(rule, &mut |expr| {
            if let Expr::Call { fcn, .. } = expr {
                edit(fcn);
            }
        });
        visit::modifiers(rule, &mut |modifier| {
            edit(&modifier.refr);
            edit(&modifier.r#as);
        });
    }
    SourceFile { name: file.name.clone(), text: edits.apply(&file.text) }
}
