//! Which policy rules a `test_` rule can concern, and the texts with the others left out: a thousand tests of a thousand
//! rules would else have the interpreter run a million rules that cannot hold.
//!
//! INVARIANT: a rule is left out only where the index says that it has no result for any input that the test states
//! (`stated`); a test of which that is not known runs on all the texts. The first rule of each set stays, so that an
//! empty set is not an undefined one; lines keep their numbers.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Rule, RuleHead};
use regorus::Value;

use super::index::Index;
use super::names;
use super::program::RuleFact;
use super::rules::{Definition, Rules};
use super::sources::SourceFile;
use super::stated;

/// Tests that share what was read for them.
const TOGETHER: usize = 32;
/// Tests that one thread takes at a time where all run on the same texts.
const ALIKE: usize = 8;
/// What reading a rule again costs, counted in rules run.
const READING: usize = 25;

/// A `test_` rule: full name, file and line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Test {
    pub name: String,
    pub file: String,
    pub line: u32,
}

/// Why a piece of a text is there.
#[derive(Clone, Copy, Debug)]
enum Role {
    Always,
    /// Policy rules by number: those of one line.
    Policy(usize),
    Test(usize),
}

/// A piece of a text from its first byte on; it ends where the next begins.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    role: Role,
}

/// The tests of a set of policies, in source order, and what each of them needs.
pub struct Focus {
    pub tests: Vec<Test>,
    /// For each test the policy rules that it can concern; None: all.
    needs: Vec<Option<BTreeSet<u32>>>,
    /// The policy rules that begin on one line of a file.
    lines: Vec<Vec<u32>>,
    /// For each file the pieces of its text, in order.
    pieces: BTreeMap<String, Vec<Piece>>,
    rules: usize,
    others: usize,
}

/// Tests that run on the same texts: by their places in the list.
pub struct Group {
    pub tests: Vec<usize>,
    /// The policy rules to keep; None: all texts as they are.
    keeps: Option<BTreeSet<u32>>,
}

impl Focus {
    pub fn new(rules: &Rules, facts: &[RuleFact], index: &Index) -> Self {
        let (tests, definitions) = tests(rules);
        let mut found = Self {
            needs: Vec::new(),
            lines: Vec::new(),
            pieces: BTreeMap::new(),
            rules: facts.len(),
            others: 0,
            tests,
        };
        if found.tests.is_empty() || !may_leave_out(rules) {
            found.needs = vec![None; found.tests.len()];
            return found;
        }
        let firsts = firsts(facts);
        found.needs = definitions
            .iter()
            .map(|own| {
                let mut needed = firsts.clone();
                // What is outside of every `with` sees no input.
                needed.extend(index.candidates(&Value::Undefined));
                for definition in own {
                    let inputs = stated::inputs(rules, definition)?;
                    inputs.iter().for_each(|input| needed.extend(index.candidates(input)));
                }
                Some(needed)
            })
            .collect();
        found.cut(rules, facts);
        found
    }

    /// Where each rule's text begins, and what it is there for.
    fn cut(&mut self, rules: &Rules, facts: &[RuleFact]) {
        let mut at: BTreeMap<(&str, u32), Vec<u32>> = BTreeMap::new();
        for (fact, id) in facts.iter().zip(0_u32..) {
            at.entry((&fact.file, fact.line)).or_default().push(id);
        }
        let numbers: BTreeMap<&str, usize> =
            self.tests.iter().enumerate().map(|(number, test)| (test.name.as_str(), number)).collect();
        for (module, package) in rules.modules.iter().zip(&rules.packages) {
            let mut pieces = Vec::new();
            for rule in &module.policy {
                let span = rule.span();
                let file = span.source.get_path().as_str();
                let role = match (names::kind(rule).and_then(|_| at.get(&(file, span.line))), test_name(package, rule))
                {
                    (Some(ids), _) => {
                        self.lines.push(ids.clone());
                        Role::Policy(self.lines.len().saturating_sub(1))
                    }
                    (None, Some(name)) => numbers.get(name.as_str()).map_or(Role::Always, |number| Role::Test(*number)),
                    (None, None) => Role::Always,
                };
                self.others = self.others.saturating_add(usize::from(matches!(role, Role::Always)));
                pieces.push(Piece { start: usize::try_from(span.start).unwrap_or(usize::MAX), role });
            }
            pieces.sort_by_key(|piece| piece.start);
            self.pieces.insert(module.package.span.source.get_path().clone(), pieces);
        }
    }

    /// All tests, in groups that run on the same texts.
    pub fn groups(&self) -> Vec<Group> {
        let (mut groups, mut whole) = (Vec::new(), Vec::new());
        let known: Vec<usize> = (0..self.tests.len()).filter(|test| self.need(*test).is_some()).collect();
        whole.extend((0..self.tests.len()).filter(|test| self.need(*test).is_none()));
        for part in known.chunks(TOGETHER) {
            let keeps: BTreeSet<u32> = part.iter().filter_map(|test| self.need(*test)).flatten().copied().collect();
            let read = self.others.saturating_add(keeps.len()).saturating_add(part.len());
            let spared = self.rules.saturating_sub(keeps.len()).saturating_mul(part.len());
            if read.saturating_mul(READING) < spared {
                groups.push(Group { tests: part.to_vec(), keeps: Some(keeps) });
            } else {
                whole.extend(part);
            }
        }
        whole.sort_unstable();
        groups.extend(whole.chunks(ALIKE).map(|part| Group { tests: part.to_vec(), keeps: None }));
        groups
    }

    /// All tests on all texts, for tests that compare.
    #[cfg(test)]
    pub fn unfocused(&self) -> Vec<Group> {
        vec![Group { tests: (0..self.tests.len()).collect(), keeps: None }]
    }

    fn need(&self, test: usize) -> Option<&BTreeSet<u32>> {
        self.needs.get(test).and_then(Option::as_ref)
    }

    /// The texts a group runs on; None: all of them as they are.
    pub fn texts(&self, group: &Group, files: &[SourceFile]) -> Option<Vec<SourceFile>> {
        let keeps = group.keeps.as_ref()?;
        let tests: BTreeSet<usize> = group.tests.iter().copied().collect();
        let is_kept = |role: Role| match role {
            Role::Always => true,
            Role::Policy(line) => self.lines.get(line).is_none_or(|ids| ids.iter().any(|id| keeps.contains(id))),
            Role::Test(test) => tests.contains(&test),
        };
        files
            .iter()
            .map(|file| {
                let text = reduced(&file.text, self.pieces.get(&file.name)?, &is_kept)?;
                Some(SourceFile { name: file.name.clone(), text })
            })
            .collect()
    }
}

/// A text in which pieces that are not kept are as many lines of nothing.
fn reduced(text: &str, pieces: &[Piece], is_kept: &dyn Fn(Role) -> bool) -> Option<String> {
    let mut out = text.get(..pieces.first().map_or(text.len(), |first| first.start))?.to_owned();
    for (number, piece) in pieces.iter().enumerate() {
        let end = pieces.get(number.saturating_add(1)).map_or(text.len(), |next| next.start);
        let own = text.get(piece.start..end)?;
        if is_kept(piece.role) {
            out.push_str(own);
        } else {
            out.extend(own.bytes().filter(|byte| *byte == b'\n').map(|_| '\n'));
        }
    }
    Some(out)
}

/// Whether rules may be left out at all: nobody asks for the tests themselves. That nothing but `test_` rules gives
/// policies another input, and nothing goes over rules by a variable, is what compiling checks (`WITH_IN_POLICY`,
/// `WHOLE_PACKAGE`).
fn may_leave_out(rules: &Rules) -> bool {
    let tests: BTreeSet<&names::Name> = rules.groups.keys().filter(|name| names::is_test(name)).collect();
    let mut definitions = rules.groups.values().flatten();
    definitions.all(|definition| rules.targets(&definition.facts).is_disjoint(&tests))
}

/// The first rule of each set.
fn firsts(facts: &[RuleFact]) -> BTreeSet<u32> {
    let mut sets = BTreeSet::new();
    facts.iter().zip(0_u32..).filter(|(fact, _)| sets.insert((&fact.package, fact.kind))).map(|(_, id)| id).collect()
}

/// The `test_` rules in source order, each with all its definitions.
fn tests(rules: &Rules) -> (Vec<Test>, Vec<Vec<&Definition>>) {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for (module, package) in rules.modules.iter().zip(&rules.packages) {
        for rule in &module.policy {
            if let Some(name) = test_name(package, rule).filter(|name| known.insert(name.clone())) {
                let span = rule.span();
                found.push((Test { name, file: span.source.get_path().clone(), line: span.line }, package, rule));
            }
        }
    }
    found
        .into_iter()
        .map(|(test, package, rule)| {
            let mut group = super::rules::full(package);
            group.extend(names::rule(rule));
            (test, rules.groups.get(&group).into_iter().flatten().collect())
        })
        .unzip()
}

/// The full name of a rule that is run as a test.
fn test_name(package: &[String], rule: &Rule) -> Option<String> {
    let Rule::Spec { head: RuleHead::Compr { .. }, .. } = rule else {
        return None;
    };
    let own = names::rule(rule);
    own.last().filter(|last| last.starts_with("test_"))?;
    let mut full = super::rules::full(package);
    full.extend(own);
    Some(names::print(&full))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::trial::tests::{compile, many};

    fn kept(texts: &[&str]) -> Vec<Option<usize>> {
        let program = compile(texts);
        let (_, focus) = program.on_trial();
        focus.groups().iter().map(|group| group.keeps.as_ref().map(BTreeSet::len)).collect()
    }

    const ONE: &str = "package policies.big_test\nimport data.policies.big\ntest_1 if big.deny == set() with input as {\"name\": \"n7\"}\n";

    #[test]
    fn a_test_keeps_the_rules_of_its_input_and_the_first_of_the_set() {
        assert_eq!(kept(&[&many(400), ONE]), [Some(2)]);
    }

    #[test]
    fn few_rules_are_not_worth_reading_again() {
        assert_eq!(kept(&[&many(20), ONE]), [None]);
    }

    #[test]
    fn nothing_is_left_out_where_a_rule_asks_for_a_test() {
        assert_eq!(kept(&[&many(400), ONE, "package lib\nx if data.policies.big_test.test_1\n"]), [None]);
        assert_eq!(kept(&[&many(400), ONE, "package lib\nx if data.policies.big.deny == set()\n"]), [Some(2)]);
    }

    #[test]
    fn what_is_left_out_leaves_its_lines() {
        let text = many(400);
        let program = compile(&[&text, ONE]);
        let (interpreter, focus) = program.on_trial();
        let groups = focus.groups();
        let reduced = focus.texts(groups.first().unwrap(), interpreter.files()).unwrap();
        let short = reduced.first().unwrap();
        assert_eq!(short.text.lines().count(), text.lines().count());
        let line = |text: &str| text.lines().position(|line| line.contains("\"n7\""));
        assert_eq!(line(&short.text), line(&text));
        assert!(line(&text).is_some() && !short.text.contains("\"n8\""));
    }
}
