//! Rules and functions that call each other in a circle, or in a chain too long for the stack.
//!
//! WHY: regorus accepts `f(x) := f(x + 1)` and overflows the stack, which no handler can catch.

use crate::rego::diagnostic::{Diagnostic, Place};
use crate::rego::limits::Limits;
use crate::rego::names;
use crate::rego::rules::{Graph, Rules};

pub fn check(rules: &Rules, graph: &Graph<'_>, limits: &Limits) -> Vec<Diagnostic> {
    match graph.depths() {
        Err(cycle) => vec![circle(rules, graph, &cycle)],
        Ok(depths) => {
            let deepest = depths.iter().enumerate().max_by_key(|(_, depth)| **depth);
            match deepest {
                Some((node, depth)) if *depth > limits.call_depth => {
                    let message =
                        format!("a chain of {depth} rules that refer to each other, more than {}", limits.call_depth);
                    vec![Diagnostic::error("TOO_DEEP", place(rules, graph, node), message, "shorten the chain")]
                }
                _ => Vec::new(),
            }
        }
    }
}

fn circle(rules: &Rules, graph: &Graph<'_>, cycle: &[usize]) -> Diagnostic {
    let first = cycle.first().copied().unwrap_or_default();
    let shown: Vec<String> = cycle
        .iter()
        .chain(std::iter::once(&first))
        .take(8)
        .filter_map(|node| graph.names.get(*node))
        .map(|name| names::print(name))
        .collect();
    let message = format!("rules refer to themselves: {}", shown.join(" -> "));
    Diagnostic::error(
        "RECURSION",
        place(rules, graph, first),
        message,
        "Rego has no recursion; use a comprehension, `walk` or `graph.reachable`",
    )
}

fn place(rules: &Rules, graph: &Graph<'_>, node: usize) -> Place {
    let definition =
        graph.names.get(node).and_then(|name| rules.groups.get(*name)).and_then(|definitions| definitions.first());
    definition.map_or_else(Place::default, |definition| Place::of(definition.span()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::rules;
    use super::*;

    fn found(text: &str) -> Vec<Diagnostic> {
        let rules = rules(&[text]);
        check(&rules, &Graph::new(&rules), &Limits::default())
    }

    #[test]
    fn a_circle_is_shown_with_its_rules() {
        let all = found("package a\nf(n) := g(n)\ng(n) := f(n)\n");
        assert_eq!(all.first().unwrap().message, "rules refer to themselves: data.a.f -> data.a.g -> data.a.f");
        assert_eq!(all.first().unwrap().place.line, 2);
    }

    #[test]
    fn a_chain_that_is_too_long_is_refused() {
        let text: String = (0..100).map(|number| format!("r{number} := r{}\n", number + 1)).collect();
        assert_eq!(found(&format!("package a\n{text}r100 := 1\n")).first().unwrap().code, "TOO_DEEP");
        assert!(found("package a\nx := y\ny := 1\n").is_empty());
    }
}
