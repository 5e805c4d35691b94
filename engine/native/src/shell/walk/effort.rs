//! How much work a text may ask for: what is read of it, again and again where commands carry texts or are gone through several times, and
//! what is written of it into the tree. INVARIANT: the work on a text grows with its length and no faster; what is left when it is used up is
//! one unknown operation, and the command is incomplete.

use super::args::Arg;
use super::{Operation, Walker};
use crate::shell::syntax::{Part, Word};
use crate::shell::tree::{Facts, Target};
use crate::shell::vocabulary::Kind;
use crate::sql::tree::{Effect, Problem};

/// What a text may ask for whatever its length, in bytes that are read or written.
const AT_LEAST: usize = 16_384;
/// And for each of its bytes.
const FOR_EACH: usize = 192;

/// The bytes of an operation, and of a target, besides their words.
const OPERATION: usize = 128;
const TARGET: usize = 48;
/// What it takes to compare an operation with others.
pub(super) const COMPARING: usize = 4;
/// What it takes to begin to read a text.
pub(super) const READING: usize = 32;
/// What it takes to look a name of a file up, as bytes that are read.
pub(super) const NAME: usize = 64;

#[derive(Debug)]
pub(super) struct Effort {
    left: usize,
    is_spent: bool,
}

impl Effort {
    pub fn of(text: &str) -> Self {
        Self { left: AT_LEAST.saturating_add(text.len().saturating_mul(FOR_EACH)), is_spent: false }
    }
}

impl Walker<'_> {
    /// Whether nothing more is read.
    pub(super) fn is_spent(&self) -> bool {
        self.effort.is_spent
    }

    /// Takes so much of what is left; false, and the rest is unknown, where that is too much.
    pub(super) fn affords(&mut self, bytes: usize) -> bool {
        if self.effort.is_spent {
            return false;
        }
        match self.effort.left.checked_sub(bytes) {
            Some(left) => self.effort.left = left,
            None => self.gives_up(),
        }
        !self.effort.is_spent
    }

    fn gives_up(&mut self) {
        self.effort.is_spent = true;
        self.incomplete(Problem::new("too_complex", "the text asks for more reading than one of its length may", None));
        self.tree.operations.push(Operation {
            kind: Kind::Unknown,
            effect: Effect::Unknown,
            via: self.via.clone(),
            targets: Vec::new(),
            span: self.place.unwrap_or((0, self.text.len())),
            facts: Facts::default(),
        });
    }

    /// Whether these words may be made: a variable may hold more than its name has letters.
    pub(super) fn affords_words<'w>(&mut self, words: impl Iterator<Item = &'w Word>) -> bool {
        let held = self.held.constants();
        let long = |part: &Part| match part {
            Part::Parameter(parameter) => held.get(&parameter.name).map_or(0, String::len),
            _ => 0,
        };
        let bytes = words.flat_map(|word| &word.parts).map(long).fold(0, usize::saturating_add);
        self.affords(bytes)
    }

    pub(super) fn affords_operation(&mut self, operation: &Operation) -> bool {
        let via = operation.via.iter().map(|step| step.len());
        let wrappers = operation.facts.wrappers.iter().map(String::len);
        let words = via.chain(wrappers).fold(OPERATION, |sum, length| sum.saturating_add(length).saturating_add(2));
        self.affords(words)
    }

    pub(super) fn affords_target(&mut self, target: &Target) -> bool {
        self.affords(target.name.len().saturating_add(TARGET))
    }
}

/// The bytes of words.
pub(super) fn bytes_of(args: &[Arg]) -> usize {
    args.iter().fold(0, |sum, arg| sum.saturating_add(arg.shown.len()).saturating_add(4))
}

#[cfg(test)]
mod tests {
    use super::super::super::{encode, tree_of};
    use super::*;

    /// A text as a word of another one.
    fn quoted(text: &str) -> String {
        format!("'{}'", text.replace('\'', "'\\''"))
    }

    /// A command in others of its kind, as often as so many bytes take.
    fn nested(length: usize, around: impl Fn(&str) -> String) -> String {
        let mut text = "rm x".to_owned();
        loop {
            let next = around(&text);
            if next.len() > length {
                return text;
            }
            text = next;
        }
    }

    fn bound(text: &str) -> usize {
        AT_LEAST.saturating_add(text.len().saturating_mul(FOR_EACH)).saturating_mul(2)
    }

    #[test]
    fn a_tree_grows_with_its_text_and_no_faster() {
        let doubted = " -x a".repeat(6);
        let arounds: [&dyn Fn(&str) -> String; 8] = [
            &|inner| format!("su{doubted} -c {}", quoted(inner)),
            &|inner| format!("script{doubted} -c {}", quoted(inner)),
            &|inner| format!("sg g -x a -x a -c {}", quoted(inner)),
            &|inner| format!("env -S {}", quoted(inner)),
            &|inner| format!("valgrind --foo {inner}"),
            &|inner| format!("xargs -I{{}} docker exec c {inner}"),
            &|inner| format!("f() {{ {inner}; }}; f; f"),
            &|inner| format!("for i in a b; do {inner}; {inner}; done"),
        ];
        for (number, around) in arounds.iter().enumerate() {
            for length in [100, 400, 1_600] {
                let text = nested(length, around);
                let tree = tree_of(&text);
                assert!(encode::command(&tree, &text, "").len() <= bound(&text), "{number} {length}");
                let is_seen = tree.operations.iter().any(|one| one.facts.program.as_deref() == Some("rm"));
                assert!(is_seen || tree.incomplete, "{number} {length}");
            }
        }
    }

    #[test]
    fn what_is_left_is_one_unknown_operation() {
        let text = format!("find . {}; rm y", "-delete ".repeat(1_000));
        let tree = tree_of(&text);
        assert!(tree.incomplete && tree.problems.iter().any(|problem| problem.code == "too_complex"));
        assert_eq!(tree.operations.iter().filter(|one| one.kind == Kind::Unknown).count(), 1);
        assert_eq!(tree.operations.last().map(|one| one.kind), Some(Kind::Unknown));
        assert!(encode::command(&tree, &text, "").len() <= bound(&text));
    }

    #[test]
    fn what_variables_hold_is_paid_for_where_it_is_put_in() {
        let text = format!("A={}; echo {}", "x".repeat(1_000), "$A".repeat(2_000));
        assert!(tree_of(&text).incomplete);
        assert!(!tree_of("A=abc; echo $A$A$A").incomplete);
    }
}
