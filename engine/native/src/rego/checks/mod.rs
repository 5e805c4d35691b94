//! What is wrong, or may be, with policies that parse. One check a file; all of them run, everything they find is told.

mod absent;
mod always;
mod calls;
mod cycles;
mod shape;

use std::collections::BTreeSet;

use regorus::Value;

use super::diagnostic::{Diagnostic, Place};
use super::index::Index;
use super::limits::Limits;
use super::options::Options;
use super::program::RuleFact;
use super::rules::{Definition, Graph, Rules};
use super::scope::Path;

/// What the compiler must not be given: rules that refer to each other without end.
pub fn circular(rules: &Rules, limits: &Limits) -> Vec<Diagnostic> {
    cycles::check(rules, &Graph::new(rules), limits)
}

/// What every other check has to say.
pub fn others(rules: &Rules, data: &Value, options: &Options) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(shape::check(rules, data));
    found.extend(calls::check(rules, options));
    found.extend(absent::check(rules, options));
    found.extend(always::check(rules));
    found
}

/// What the RVM would get wrong in these rules, as a text.
pub fn rvm_gap(rules: &Rules) -> Option<String> {
    shape::gap(rules)
}

/// What is wrong with the way rules refer to each other, as a text.
pub fn recursion(rules: &Rules, limits: &Limits) -> Option<String> {
    circular(rules, limits).into_iter().next().map(|found| found.message)
}

/// Rules that are candidates for every request.
pub fn unindexed(facts: &[RuleFact], index: &Index) -> Vec<Diagnostic> {
    let always = facts.iter().zip(0_u32..).filter(|(_, id)| index.is_always(*id));
    always
        .map(|(fact, _)| {
            let place =
                Place { line: fact.line, column: 1, end_line: fact.line, end_column: 1, ..Place::file(&fact.file) };
            Diagnostic::warning(
                "NO_INDEX",
                place,
                format!("this `{}` rule runs for every request", fact.kind),
                "compare a path below input with a constant (==, in) so that it can be looked up",
            )
        })
        .collect()
}

/// What a rule reads, its helpers included. A path that ends in `[_]` stands for at least that there are elements.
pub struct Reads {
    pub paths: BTreeSet<Path>,
    pub reads_time: bool,
}

/// The reads of one definition and of everything it refers to.
pub fn reads(rules: &Rules, definition: &Definition) -> Reads {
    let mut paths = BTreeSet::new();
    let mut loops = BTreeSet::new();
    let mut reads_time = false;
    let mut seen = BTreeSet::new();
    let mut open = vec![definition];
    while let Some(one) = open.pop() {
        reads_time |= one.facts.calls.iter().any(|(name, _)| name == "time.now_ns");
        paths.extend(one.facts.paths.iter().cloned());
        loops.extend(one.facts.loops.iter().cloned());
        if !one.facts.dynamic.is_empty() {
            paths.insert(Path::new());
        }
        for target in rules.targets(&one.facts) {
            if seen.insert(target) {
                open.extend(rules.groups.get(target).into_iter().flatten());
            }
        }
    }
    let mut paths = minimal(paths);
    loops.retain(|element| !paths.iter().any(|path| element.starts_with(path)));
    paths.extend(loops);
    Reads { paths, reads_time }
}

/// Drops paths that lie below another one.
fn minimal(paths: BTreeSet<Path>) -> BTreeSet<Path> {
    let mut kept: Vec<Path> = Vec::new();
    // A path sorts before everything below it.
    for path in paths {
        if !kept.last().is_some_and(|last| path.starts_with(last)) {
            kept.push(path);
        }
    }
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::scope;
    use regorus::Engine;

    pub fn rules(texts: &[&str]) -> Rules {
        let mut engine = Engine::new();
        for (number, text) in texts.iter().enumerate() {
            engine.add_policy(format!("{number}.rego"), (*text).to_owned()).unwrap();
        }
        Rules::new(engine.get_modules().clone())
    }

    #[test]
    fn reads_go_through_helpers_and_imports() {
        let rules = rules(&[
            "package policies.a\nimport data.lib\ndeny contains 1 if {\n writing\n lib.f(input.x)\n}\nwriting if input.command.kind == \"w\"\n",
            "package lib\nf(x) if x == night\nnight if time.now_ns() > input.context.n\n",
        ]);
        let deny = rules.groups.values().flatten().find(|one| one.span().text().starts_with("deny")).unwrap();
        let found = reads(&rules, deny);
        let paths: Vec<String> = found.paths.iter().map(|path| scope::print(path)).collect();
        assert_eq!(paths, ["input.command.kind", "input.context.n", "input.x"]);
        assert!(found.reads_time);
    }

    #[test]
    fn a_path_below_another_one_is_dropped() {
        let rules = rules(&["package policies.a\ndeny contains 1 if {\n input.a.b == 1\n f(input.a)\n}\nf(x) if x\n"]);
        let deny = rules.groups.values().flatten().find(|one| one.span().text().starts_with("deny")).unwrap();
        let paths: Vec<String> = reads(&rules, deny).paths.iter().map(|path| scope::print(path)).collect();
        assert_eq!(paths, ["input.a"]);
    }
}
