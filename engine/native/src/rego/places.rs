//! Where in the sources the collections of `some ... in` stand, so that a compiled loop can be told from a reference.

use std::collections::{HashMap, HashSet};

use regorus::rvm::program::Program;
use regorus::unstable::{Literal, Query, Rule, Span};

use super::names;
use super::rules::Rules;
use super::visit;

/// Line, column and length of a span, as the compiler notes them for instructions.
type Spot = (usize, usize, usize);

/// The loops of each definition, by the rule's name as the compiler has it and the definition's number.
#[derive(Debug, Default)]
pub struct Places(HashMap<(String, usize), HashSet<Spot>>);

fn spot(span: &Span) -> Option<Spot> {
    let number = |part: u32| usize::try_from(part).ok();
    Some((number(span.line)?, number(span.col)?, span.text().len()))
}

impl Places {
    /// The loops of all definitions of `rules`.
    pub fn new(rules: &Rules) -> Self {
        let mut found = HashMap::new();
        for (name, definitions) in &rules.groups {
            // The compiler numbers definitions without the defaults.
            let written = definitions.iter().filter(|definition| matches!(definition.rule.as_ref(), Rule::Spec { .. }));
            for (number, definition) in written.enumerate() {
                let mut spots = HashSet::new();
                visit::queries(&definition.rule, &mut |query| add(query, &mut spots));
                if !spots.is_empty() {
                    found.insert((names::print(name), number), spots);
                }
            }
        }
        Self(found)
    }

    /// Whether the instruction at `at`, of definition `number` of rule `rule`, was compiled from one of these places.
    /// WHY: spans of instructions name their file by a number that is not the file's place in the program.
    pub fn has(&self, program: &Program, rule: usize, number: usize, at: usize) -> bool {
        let Some(info) = program.rule_infos.get(rule) else {
            return false;
        };
        let Some(Some(span)) = program.instruction_spans.get(at) else {
            return false;
        };
        let spots = self.0.get(&(info.name.clone(), number));
        spots.is_some_and(|spots| spots.contains(&(span.line, span.column, span.length)))
    }
}

fn add(query: &Query, spots: &mut HashSet<Spot>) {
    for stmt in &query.stmts {
        if let Literal::SomeIn { collection, .. } = &stmt.literal {
            spots.extend(spot(collection.span()));
        }
    }
}
