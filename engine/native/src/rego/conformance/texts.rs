//! The modules of a case, ready for regorus: interpolated strings and builtins it does not know are written another way.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module, Ref};
use regorus::Engine;

use super::case::Case;
use super::{keywords, query, template};
use crate::rego::builtins;
use crate::rego::limits::Limits;
use crate::rego::reads::Facts;
use crate::rego::rules::Rules;
use crate::rego::sources::{self, SourceFile};
use crate::rego::visit;
use crate::rego::{names, own};

/// Modules that regorus parses, and what they call.
pub struct Texts {
    pub files: Vec<SourceFile>,
    pub rules: Rules,
    /// Builtins that are called and that there are, with their number of arguments.
    pub builtins: BTreeMap<String, u8>,
    /// Builtins that are called and that there are not.
    pub missing: BTreeSet<String>,
}

pub fn limits() -> Limits {
    Limits { source_columns: 1 << 16, nesting: 20, instructions: 20_000_000, time: std::time::Duration::from_secs(5), ..Limits::default() }
}

/// Parses the case's modules and its question.
pub fn prepare(case: &Case) -> Result<Texts, String> {
    let limits = limits();
    let mut files: Vec<SourceFile> = Vec::new();
    for (number, text) in case.modules.iter().enumerate() {
        files.push(SourceFile { name: format!("module-{number}.rego"), text: keywords::rewrite(&template::rewrite(text)?, &case.data) });
    }
    let question = query::module(&keywords::rewrite(&template::rewrite(&case.query)?, &case.data), case.v0)?;
    files.push(SourceFile { name: "question.rego".to_owned(), text: question });
    if let Some(found) = files.iter().find_map(|file| sources::check_text(file, &limits)) {
        return Err(found.message);
    }
    let modules = parse(&files, case.v0, &limits)?;
    let edited: Vec<SourceFile> = files.iter().zip(&modules).map(|(file, module)| results_first(file, module)).collect();
    let modules = if edited == files { modules } else { parse(&edited, case.v0, &limits)? };
    let rules = Rules::new(modules);
    let (builtins, missing) = called(&rules);
    Ok(Texts { files: edited, rules, builtins, missing })
}

fn parse(files: &[SourceFile], v0: bool, limits: &Limits) -> Result<Vec<Ref<Module>>, String> {
    let mut engine: Engine = sources::engine(limits, v0);
    for file in files {
        engine.add_policy(file.name.clone(), file.text.clone()).map_err(|error| error.to_string())?;
    }
    Ok(engine.get_modules().clone())
}

fn called(rules: &Rules) -> (BTreeMap<String, u8>, BTreeSet<String>) {
    let mut known = BTreeMap::new();
    let mut missing = BTreeSet::new();
    let facts = rules.groups.values().flatten().map(|definition| &definition.facts);
    for (name, _) in facts.flat_map(|facts: &Facts| &facts.calls) {
        match builtins::find(name) {
            Some((_, arity)) => {
                known.insert(name.clone(), arity);
            }
            None if name == "print" || name == "walk" => {}
            None => {
                missing.insert(name.clone());
            }
        }
    }
    (known, missing)
}

/// `f(a, x)` as `x = f(a)` for builtins only we have: regorus takes a result as last argument only of its own.
fn results_first(file: &SourceFile, module: &Module) -> SourceFile {
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for rule in &module.policy {
        visit::expressions(rule, &mut |expr| {
            let Expr::Call { span, fcn, params, .. } = expr else {
                return;
            };
            let arity = names::static_name(fcn).and_then(|name| own::arity(&name.join(".")));
            let Some((result, args)) = params.split_last() else {
                return;
            };
            if arity.map(usize::from) == Some(args.len()) {
                let args: Vec<&str> = args.iter().map(|arg| arg.span().text()).collect();
                let text = format!("{} = {}({})", result.span().text(), fcn.span().text(), args.join(", "));
                let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
                edits.push((at(span.start), at(span.end), text));
            }
        });
    }
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.0));
    let mut text = file.text.clone();
    for (start, end, new) in edits {
        if text.is_char_boundary(start) && text.is_char_boundary(end) && start <= end && end <= text.len() {
            text.replace_range(start..end, &new);
        }
    }
    SourceFile { name: file.name.clone(), text }
}
