//! The command tree of a shell text, before it is written as msgpack.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::vocabulary::{Kind, Sign};
use crate::sql::tree::{Access, Effect, Problem};

pub type Step = Cow<'static, str>;

/// One thing that a command touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub class: &'static str,
    pub name: String,
    pub access: Access,
    /// Whether the name is what it is whatever the shell's state.
    pub literal: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectFact {
    pub operator: &'static str,
    pub descriptor: Option<String>,
    pub target: Option<String>,
}

/// What is particular to one simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub program: Option<String>,
    pub argv: Vec<Option<String>>,
    pub env: Vec<(String, Option<String>)>,
    pub redirects: Vec<RedirectFact>,
    pub wrappers: Vec<String>,
    pub remote: bool,
    pub signs: BTreeSet<Sign>,
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub kind: Kind,
    pub effect: Effect,
    pub via: Vec<Step>,
    pub targets: Vec<Target>,
    pub span: (usize, usize),
    pub facts: Facts,
}

/// An operation of SQL that a command line carries.
#[derive(Clone, Debug)]
pub struct Carried {
    pub operation: crate::sql::tree::Operation,
    pub via: Vec<Step>,
    pub span: (usize, usize),
}

#[derive(Debug, Default)]
pub struct Tree {
    pub operations: Vec<Operation>,
    pub carried: Vec<Carried>,
    pub features: BTreeSet<&'static str>,
    pub incomplete: bool,
    pub problems: Vec<Problem>,
}

impl Tree {
    /// A command that cannot be seen: one unknown operation and the reason.
    pub fn refused(problem: Problem, length: usize) -> Self {
        let mut tree = Self { incomplete: true, ..Self::default() };
        tree.problems.push(problem);
        tree.operations.push(Operation {
            kind: Kind::Unknown,
            effect: Effect::Unknown,
            via: vec![Cow::Borrowed("top")],
            targets: Vec::new(),
            span: (0, length),
            facts: Facts::default(),
        });
        tree
    }
}
