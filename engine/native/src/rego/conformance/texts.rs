//! The modules of a case, ready for regorus: interpolated strings and builtins it does not know are written another way.

use std::collections::BTreeMap;

use regorus::unstable::{Expr, Module, Ref, Rule, RuleHead};
use regorus::{Engine, Value};

use super::case::Case;
use super::edits::{call_end, Edits};
use super::{absent, keywords, mocks, query, template, whole};
use crate::rego::builtins;
use crate::rego::limits::Limits;
use crate::rego::reads::Facts;
use crate::rego::rules::Rules;
use crate::rego::sources::{self, SourceFile};
use crate::rego::spelling::respelled;
use crate::rego::visit;
use crate::rego::{names, own};

/// Modules that regorus parses, and what they call.
pub struct Texts {
    pub files: Vec<SourceFile>,
    pub rules: Rules,
    /// The case's data, under the names that the modules have for it.
    pub data: Value,
    /// Builtins that are called and that there are, with their number of arguments.
    pub builtins: BTreeMap<String, u8>,
    /// Builtins that are called and that there are not, with the number of arguments of a call.
    pub missing: BTreeMap<String, u8>,
}

pub fn limits() -> Limits {
    Limits {
        source_columns: 1 << 16,
        nesting: 20,
        instructions: 20_000_000,
        time: std::time::Duration::from_secs(5),
        ..Limits::default()
    }
}

/// Parses the case's modules and its question.
pub fn prepare(case: &Case) -> Result<Texts, String> {
    let limits = limits();
    let mut files: Vec<SourceFile> = Vec::new();
    let packages = keywords::Packages::of(&case.modules);
    let data = packages.rename(&case.data);
    let rewritten = |text: &str| Ok::<_, String>(keywords::rewrite(&template::rewrite(text)?, &data, &packages));
    for (number, text) in case.modules.iter().enumerate() {
        files.push(SourceFile { name: format!("module-{number}.rego"), text: respelled(&rewritten(text)?) });
    }
    let question = query::module(&rewritten(&case.query)?, case.v0)?;
    files.push(SourceFile { name: "question.rego".to_owned(), text: question });
    if let Some(found) = files.iter().find_map(|file| sources::check_text(file, &limits)) {
        return Err(found.message);
    }
    let modules = parse(&files, case.v0, &limits)?;
    let prepared = Prepared { files, rules: Rules::new(modules), v0: case.v0 };
    let prepared = prepared.each(|file, module, _| whole::numbers(file, module, &data))?;
    let prepared = prepared.each(results_first)?;
    let whole = whole::rewrite(&prepared.files, &prepared.rules, &data);
    let prepared = prepared.with(whole)?;
    let mocked = mocks::rewrite(&prepared.files, &prepared.rules.modules, &prepared.rules, case.v0);
    let Prepared { files, rules, .. } = prepared.with(mocked)?;
    let (builtins, missing) = called(&rules);
    Ok(Texts { files, rules, data, builtins, missing })
}

/// Texts and their trees, kept in step.
struct Prepared {
    files: Vec<SourceFile>,
    rules: Rules,
    v0: bool,
}

impl Prepared {
    /// Each file as `change` writes it.
    fn each(self, change: impl Fn(&SourceFile, &Ref<Module>, &Rules) -> SourceFile) -> Result<Self, String> {
        let pairs = self.files.iter().zip(&self.rules.modules);
        let changed: Vec<SourceFile> = pairs.map(|(file, module)| change(file, module, &self.rules)).collect();
        let files = (changed != self.files).then_some(changed);
        self.with(files)
    }

    /// Other files, where there are.
    fn with(self, files: Option<Vec<SourceFile>>) -> Result<Self, String> {
        let Some(files) = files else {
            return Ok(self);
        };
        let rules = Rules::new(parse(&files, self.v0, &limits())?);
        Ok(Self { files, rules, v0: self.v0 })
    }
}

fn parse(files: &[SourceFile], v0: bool, limits: &Limits) -> Result<Vec<Ref<Module>>, String> {
    let mut engine: Engine = sources::engine(limits, v0);
    for file in files {
        engine.add_policy(file.name.clone(), file.text.clone()).map_err(|error| error.to_string())?;
    }
    Ok(engine.get_modules().clone())
}

fn called(rules: &Rules) -> (BTreeMap<String, u8>, BTreeMap<String, u8>) {
    let mut known = BTreeMap::new();
    let mut missing = BTreeMap::new();
    let facts = rules.groups.values().flatten().map(|definition| &definition.facts);
    let mut counts = BTreeMap::new();
    for definition in rules.groups.values().flatten() {
        visit::expressions(&definition.rule, &mut |expr| {
            if let Expr::Call { fcn, params, .. } = expr {
                let name = names::static_name(fcn).map(|name| name.join(".")).unwrap_or_default();
                counts.insert(name, u8::try_from(params.len()).unwrap_or(u8::MAX));
            }
        });
    }
    for (name, _) in facts.flat_map(|facts: &Facts| &facts.calls) {
        let params = counts.get(name).unwrap_or(&0);
        match builtins::find(name) {
            Some((_, arity)) => {
                known.insert(name.clone(), arity);
            }
            None if name == "print" || name == "walk" => {}
            None => {
                missing.insert(name.clone(), absent::arity(name).unwrap_or(*params));
            }
        }
    }
    (known, missing)
}

/// The number of arguments of a function under its full name.
fn of_function(called: &Expr, rules: &Rules) -> Option<u8> {
    let definitions = rules.groups.get(&names::static_name(called)?)?;
    definitions.iter().find_map(|definition| match definition.rule.as_ref() {
        Rule::Spec { head: RuleHead::Func { args, .. }, .. } => u8::try_from(args.len()).ok(),
        _ => None,
    })
}

/// `f(a, x)` as `x = f(a)` for functions of rules, and for builtins that are not regorus': it takes a result as last
/// argument only of its own, and under `not` only of those.
fn results_first(file: &SourceFile, module: &Ref<Module>, rules: &Rules) -> SourceFile {
    let mut edits = Edits::default();
    for rule in &module.policy {
        visit::expressions(rule, &mut |expr| {
            let Expr::Call { fcn, params, .. } = expr else {
                return;
            };
            let name = names::static_name(fcn).map(|name| name.join(".")).unwrap_or_default();
            let arity = own::arity(&name).or_else(|| absent::arity(&name)).or_else(|| of_function(fcn, rules));
            let Some((result, args)) = params.split_last() else {
                return;
            };
            if arity.map(usize::from) == Some(args.len()) {
                let end = call_end(&file.text, fcn.span(), params);
                let piece = |from: u32, to: u32| {
                    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
                    file.text.get(at(from)..at(to)).unwrap_or_default().trim()
                };
                // Spans of strings leave the quotes out, so the text is cut at what stands between the arguments.
                let before = piece(fcn.span().end, result.span().start).trim_start_matches('(').trim_end_matches(',');
                let result = piece(result.span().start, end.saturating_sub(1)).trim_end_matches(',');
                edits.replace(fcn.span().start, end, format!("{result} = {name}({before})"));
            }
        });
    }
    SourceFile { name: file.name.clone(), text: edits.apply(&file.text) }
}
