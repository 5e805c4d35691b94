//! All rules of a set of modules under their full names, with what they refer to; and what follows from that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use regorus::unstable::{Module, Ref, Rule, Span};

use super::names::{self, Imports, Name};
use super::reads::{of_rule, Facts, Surroundings};

/// One definition: `deny contains ... if ...`.
#[derive(Clone)]
pub struct Definition {
    pub module: usize,
    pub rule: Ref<Rule>,
    pub facts: Facts,
}

impl Definition {
    pub fn span(&self) -> &Span {
        self.rule.span()
    }

    /// Whether the rule has an answer when its conditions are undefined: a default, or an `else`.
    pub fn has_fallback(&self) -> bool {
        match self.rule.as_ref() {
            Rule::Default { .. } => true,
            Rule::Spec { bodies, .. } => bodies.iter().any(|body| body.is_else),
        }
    }
}

/// The rules of all modules, by full name from `data` on.
pub struct Rules {
    pub modules: Vec<Ref<Module>>,
    pub imports: Vec<Imports>,
    pub packages: Vec<Name>,
    pub groups: BTreeMap<Name, Vec<Definition>>,
}

/// `data` and a package's name.
pub fn full(package: &[String]) -> Name {
    std::iter::once("data".to_owned()).chain(package.iter().cloned()).collect()
}

impl Rules {
    pub fn new(modules: Vec<Ref<Module>>) -> Self {
        let packages: Vec<Name> = modules.iter().map(|module| names::package(module)).collect();
        let imports: Vec<Imports> = modules.iter().map(|module| names::imports(module)).collect();
        let mut siblings: HashMap<&[String], HashSet<String>> = HashMap::new();
        for (module, package) in modules.iter().zip(&packages) {
            let known = siblings.entry(package).or_default();
            known.extend(module.policy.iter().filter_map(|rule| names::rule(rule).first().cloned()));
        }
        let mut groups: BTreeMap<Name, Vec<Definition>> = BTreeMap::new();
        let none = HashSet::new();
        for (number, ((module, package), imports)) in modules.iter().zip(&packages).zip(&imports).enumerate() {
            let around = Surroundings { package, siblings: siblings.get(package.as_slice()).unwrap_or(&none), imports };
            for rule in &module.policy {
                let mut name = full(package);
                name.extend(names::rule(rule));
                let definition = Definition { module: number, rule: rule.clone(), facts: of_rule(rule, &around) };
                groups.entry(name).or_default().push(definition);
            }
        }
        Self { modules, imports, packages, groups }
    }

    /// Adds the groups a reference may reach: the rule it names or goes below, and all rules below it.
    pub fn reach<'a>(&'a self, reference: &[String], into: &mut BTreeSet<&'a Name>) {
        let above = (1..reference.len()).filter_map(|length| reference.get(..length));
        into.extend(above.filter_map(|beginning| self.groups.get_key_value(beginning).map(|(name, _)| name)));
        let from = self.groups.range::<[String], _>((Bound::Included(reference), Bound::Unbounded));
        into.extend(from.map(|(name, _)| name).take_while(|name| name.starts_with(reference)));
    }

    /// The groups a definition refers to.
    pub fn targets(&self, facts: &Facts) -> BTreeSet<&Name> {
        let mut found = BTreeSet::new();
        facts.data.iter().for_each(|reference| self.reach(reference, &mut found));
        found
    }

    pub fn is_policy(&self, module: usize) -> bool {
        self.packages.get(module).and_then(|package| package.first()).is_some_and(|first| first == "policies")
    }
}

/// The edges between groups, by number in name order: what searching for cycles and closures runs on.
pub struct Graph<'a> {
    pub names: Vec<&'a Name>,
    pub edges: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    pub fn new(rules: &'a Rules) -> Self {
        let names: Vec<&Name> = rules.groups.keys().collect();
        let numbers: HashMap<&Name, usize> = names.iter().enumerate().map(|(number, name)| (*name, number)).collect();
        let edges = rules
            .groups
            .values()
            .map(|definitions| {
                let mut targets: Vec<usize> = definitions
                    .iter()
                    .flat_map(|definition| rules.targets(&definition.facts))
                    .filter_map(|name| numbers.get(name).copied())
                    .collect();
                targets.sort_unstable();
                targets.dedup();
                targets
            })
            .collect();
        Self { names, edges }
    }

    /// For each group the length of the longest chain of references from it, or a cycle: the groups on it, in order.
    pub fn depths(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut depths = vec![0_usize; self.names.len()];
        let mut state = vec![Visit::New; self.names.len()];
        for start in 0..self.names.len() {
            self.descend(start, &mut state, &mut depths)?;
        }
        Ok(depths)
    }

    /// Depth first with a stack of its own: a chain of ten thousand rules must not cost ten thousand frames.
    fn descend(&self, start: usize, state: &mut [Visit], depths: &mut [usize]) -> Result<(), Vec<usize>> {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            match state.get(node) {
                Some(Visit::Done) => {
                    path.pop();
                    continue;
                }
                Some(Visit::New) => set(state, node, Visit::Open),
                _ => {}
            }
            match self.edges.get(node).and_then(|targets| targets.get(*next)).copied() {
                Some(target) => {
                    *next = next.saturating_add(1);
                    match state.get(target) {
                        Some(Visit::Open) => {
                            let open: Vec<usize> = path.iter().map(|(open, _)| *open).collect();
                            let begins = open.iter().position(|open| *open == target).unwrap_or(0);
                            return Err(open.get(begins..).unwrap_or_default().to_vec());
                        }
                        Some(Visit::New) => path.push((target, 0)),
                        _ => {}
                    }
                }
                None => {
                    let below =
                        self.edges.get(node).into_iter().flatten().filter_map(|target| depths.get(*target)).max();
                    let depth = below.map_or(1, |deepest| deepest.saturating_add(1));
                    if let Some(place) = depths.get_mut(node) {
                        *place = depth;
                    }
                    set(state, node, Visit::Done);
                    path.pop();
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

fn set(state: &mut [Visit], node: usize, visit: Visit) {
    if let Some(place) = state.get_mut(node) {
        *place = visit;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use regorus::Engine;

    fn rules(texts: &[&str]) -> Rules {
        let mut engine = Engine::new();
        for (number, text) in texts.iter().enumerate() {
            engine.add_policy(format!("{number}.rego"), (*text).to_owned()).unwrap();
        }
        Rules::new(engine.get_modules().clone())
    }

    fn cycle(texts: &[&str]) -> Option<Vec<String>> {
        let rules = rules(texts);
        let graph = Graph::new(&rules);
        let found = graph.depths().err()?;
        Some(found.iter().map(|node| names::print(graph.names.get(*node).unwrap())).collect())
    }

    #[test]
    fn a_rule_split_over_files_is_one_group() {
        let rules = rules(&["package a\nx contains 1 if true\n", "package a\nx contains 2 if true\n"]);
        assert_eq!(rules.groups.values().map(Vec::len).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_reference_reaches_up_and_down() {
        let rules = rules(&["package a.b\nx := {\"k\": 1}\ny := 2\n"]);
        let reached = |text: &[&str]| {
            let mut found = BTreeSet::new();
            rules.reach(&text.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>(), &mut found);
            found.len()
        };
        assert_eq!(reached(&["data", "a", "b", "x", "k"]), 1);
        assert_eq!(reached(&["data", "a"]), 2);
        assert_eq!(reached(&["data", "a", "c"]), 0);
    }

    #[test]
    fn functions_that_call_each_other_are_a_cycle() {
        assert_eq!(cycle(&["package a\nf(n) := g(n)\ng(n) := f(n)\n"]).unwrap(), ["data.a.f", "data.a.g"]);
        assert_eq!(cycle(&["package a\nf(n) := f(n + 1)\n"]).unwrap(), ["data.a.f"]);
        assert_eq!(cycle(&["package a\nx := data.b.y\n", "package b\ny := data.a.x\n"]).unwrap().len(), 2);
    }

    #[test]
    fn a_reference_to_the_own_package_by_a_variable_is_a_cycle() {
        assert!(cycle(&["package a\nx := data.a[k] if k := \"x\"\n"]).is_some());
    }

    #[test]
    fn depth_is_the_longest_chain() {
        let rules = rules(&["package a\na := b + d\nb := c\nc := d\nd := 1\n"]);
        assert_eq!(Graph::new(&rules).depths().unwrap(), [4, 3, 2, 1]);
    }

    #[test]
    fn a_long_chain_does_not_overflow() {
        let text: String = (0..20_000).map(|number| format!("r{number} := r{}\n", number + 1)).collect();
        let rules = Rules::new({
            let mut engine = Engine::new();
            engine
                .add_policy(
                    "a".to_owned(),
                    format!("package a\n{}", text.lines().take(19_000).collect::<Vec<_>>().join("\n")),
                )
                .unwrap();
            engine.get_modules().clone()
        });
        assert_eq!(Graph::new(&rules).depths().unwrap().into_iter().max().unwrap(), 19_000);
    }
}
