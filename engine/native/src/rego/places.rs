//! Where in the sources the collections of `some ... in` stand, so that a compiled loop can be told from a reference.

use std::collections::HashSet;

use regorus::rvm::program::Program;
use regorus::unstable::{Literal, Module, Query, Span};

use super::visit;

/// File, line, column and length of spans, as the compiler notes them for instructions.
#[derive(Debug, Default)]
pub struct Places(HashSet<(String, usize, usize, usize)>);

fn place(span: &Span) -> Option<(String, usize, usize, usize)> {
    let number = |part: u32| usize::try_from(part).ok();
    Some((span.source.get_path().clone(), number(span.line)?, number(span.col)?, span.text().len()))
}

impl Places {
    /// Adds the loops of a module.
    pub fn add(&mut self, module: &Module) {
        for rule in &module.policy {
            visit::queries(rule, &mut |query| self.query(query));
        }
    }

    fn query(&mut self, query: &Query) {
        for stmt in &query.stmts {
            if let Literal::SomeIn { collection, .. } = &stmt.literal {
                self.0.extend(place(collection.span()));
            }
        }
    }

    /// Whether the instruction at `at` was compiled from one of these places.
    pub fn has(&self, program: &Program, at: usize) -> bool {
        let Some(Some(span)) = program.instruction_spans.get(at) else {
            return false;
        };
        let Some(source) = program.sources.get(span.source_index) else {
            return false;
        };
        self.0.contains(&(source.name.clone(), span.line, span.column, span.length))
    }
}
