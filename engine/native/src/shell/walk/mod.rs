//! From the syntax tree to operations: every simple command that could run, with its wrappers taken off.
//!
//! `Walker` holds where we are; `structure` goes through lists and compound commands, `simple` through one command,
//! `unwrap` takes wrappers off, `code` looks into inline code, `programs` says what a program does. The tables (`*.tsv`)
//! are the knowledge; nothing here knows a program by name that a table could know.

mod addresses;
mod archives;
pub mod args;
mod awk_and_sed;
mod braces;
mod builders;
mod carriers;
mod clusters;
mod code;
mod containers;
mod deciding;
mod effort;
mod expansions;
mod feeding;
mod folders;
mod git_settings;
mod globs;
mod held;
mod looks;
mod multiplexers;
mod names;
mod narrowing;
mod options;
mod own_verbs;
mod paths;
mod pipelines;
mod placing;
mod power_shell;
mod programs;
mod reaching;
mod redirects;
mod said;
mod scripts;
mod searches;
mod secrets;
mod setting;
mod shells;
mod simple;
mod structure;
pub mod tables;
mod targets;
mod tools;
mod transfers;
mod unwrap;
mod variables;
mod verb_words;
mod version_control;
mod ways;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::read::{self, Outcome};
use super::syntax::{Command, Part, Script, Span};
use super::tree::{Carried, Facts, Operation, Step, Target, Tree};
use super::vocabulary::{Kind, Sign};
use crate::sql::tree::{Effect, Problem};

/// More operations than this in one command are not listed: the rest is unknown.
const MAX_OPERATIONS: usize = 10_000;

/// How deep shell texts may stand in arguments of commands.
const MAX_EMBEDDING: usize = 10;

/// How many bytes of texts in arguments are read: texts that multiply end as unknown.
const MAX_EMBEDDED: usize = 4 << 20;

/// A path longer than this says nothing more.
const MAX_PATH: usize = 24;

/// Where the standard input of a command comes from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Input {
    /// The caller's.
    #[default]
    Inherited,
    /// Another command's output, with its text where it is known.
    Pipe(Option<String>),
    /// A here-document or here-string, with its text where it is known.
    Document(Option<String>),
    /// A file.
    File(String),
    /// What another command's output is at the moment: `< <(x)`.
    Process,
}

pub struct Walker<'t> {
    text: &'t str,
    pub tree: Tree,
    via: Vec<Step>,
    wrappers: Vec<String>,
    remote: bool,
    embedding: usize,
    embedded: usize,
    /// Where the text being walked stands, when it is not the command itself.
    place: Option<Span>,
    functions: HashSet<String>,
    /// Names that are aliases by now.
    aliases: HashSet<String>,
    /// Names of files that this command fetched or made: running one of them is noteworthy.
    fetched: HashSet<String>,
    /// What the wrappers so far add to the commands inside.
    signs: Vec<Sign>,
    /// What variables may be, and where the shell may be: only ever a reason to look closer.
    held: held::Held,
    /// The bodies of functions, and which operation was the first of each.
    bodies: HashMap<String, (Rc<Command>, usize)>,
    /// The functions that are gone through.
    calling: Vec<String>,
    /// What comes on the standard input of what is walked, as far as it names something.
    piped: Option<String>,
    /// The names that a command is given where only the run tells.
    gets: Vec<String>,
    /// How often what is walked was walked before.
    again: usize,
    /// How many words may still be looked at again.
    left: usize,
    /// How much may still be read at all.
    effort: effort::Effort,
    /// Names of files that this command wrote: running one of them is running what nobody reads.
    made: HashSet<String>,
    /// Whether code of others was fetched.
    cloned: bool,
    /// How often a command was taken to begin at a second place.
    doubts: usize,
    /// Variables that hold what was fetched: in arithmetic their text is an expression, which may run commands.
    foreign: HashSet<String>,
}

impl<'t> Walker<'t> {
    pub fn new(text: &'t str) -> Self {
        Self {
            text,
            tree: Tree::default(),
            via: vec![Cow::Borrowed("top")],
            wrappers: Vec::new(),
            remote: false,
            embedding: 0,
            embedded: 0,
            place: None,
            functions: HashSet::new(),
            aliases: HashSet::new(),
            fetched: HashSet::new(),
            signs: Vec::new(),
            held: held::Held::default(),
            bodies: HashMap::new(),
            calling: Vec::new(),
            piped: None,
            gets: Vec::new(),
            again: 0,
            left: ways::MAX_AGAIN,
            effort: effort::Effort::of(text),
            made: HashSet::new(),
            cloned: false,
            doubts: 0,
            foreign: HashSet::new(),
        }
    }

    /// Walks a whole text; a fault in it is an unknown operation beside what stood before.
    pub fn whole(&mut self, outcome: &Outcome) {
        self.script(&outcome.script);
        self.faults(outcome);
        if self.held.overflowed {
            self.problem("too_complex", "variables have more or longer texts than are followed", (0, self.text.len()));
        }
        if self.tree.operations.is_empty() {
            self.operation(Kind::Empty, (0, self.text.len()));
        }
    }

    fn faults(&mut self, outcome: &Outcome) {
        for fault in &outcome.faults {
            self.feature("syntax_error");
            self.incomplete(super::problem_of(fault));
            let span = self.place.unwrap_or((fault.at.min(self.text.len()), self.text.len()));
            self.operation(Kind::Unknown, span);
        }
    }

    pub fn feature(&mut self, name: &'static str) {
        self.tree.features.insert(name);
    }

    /// Says that something could not be seen to the bottom.
    pub fn incomplete(&mut self, problem: Problem) {
        self.tree.incomplete = true;
        if self.tree.problems.len() < 50 && !self.tree.problems.contains(&problem) {
            self.tree.problems.push(problem);
        }
    }

    fn problem(&mut self, code: &'static str, message: &str, span: Span) {
        self.incomplete(Problem::new(code, message, Some(span.0)));
    }

    /// Runs `work` one step further down the path.
    fn within<T>(&mut self, step: impl Into<Step>, work: impl FnOnce(&mut Self) -> T) -> T {
        let grows = self.via.len() < MAX_PATH;
        if grows {
            self.via.push(step.into());
        }
        let result = work(self);
        if grows {
            self.via.pop();
        }
        result
    }

    /// Adds an operation of a kind with its usual effect, and says where it is.
    fn operation(&mut self, kind: Kind, span: Span) -> usize {
        self.push(Operation {
            kind,
            effect: kind.effect(),
            via: self.via.clone(),
            targets: Vec::new(),
            span: self.place.unwrap_or(span),
            facts: Facts { wrappers: self.wrappers.clone(), remote: self.remote, ..Facts::default() },
        })
    }

    /// The place of an operation; none where no more of them are listed.
    fn push(&mut self, operation: Operation) -> usize {
        if !self.affords_operation(&operation) {
            return usize::MAX;
        }
        let index = self.tree.operations.len();
        if index < MAX_OPERATIONS {
            self.tree.operations.push(operation);
        } else {
            self.incomplete(Problem::new("too_many_operations", "the command has too many operations", None));
            if let Some(last) = self.tree.operations.last_mut() {
                last.kind = Kind::Unknown;
                last.effect = Effect::Unknown;
            }
        }
        index.min(MAX_OPERATIONS.saturating_sub(1))
    }

    fn at(&mut self, index: usize) -> Option<&mut Operation> {
        self.tree.operations.get_mut(index)
    }

    fn sign(&mut self, index: usize, sign: Sign) {
        if let Some(operation) = self.at(index) {
            operation.facts.signs.insert(sign);
        }
    }

    fn touch(&mut self, index: usize, target: Target) {
        let is_new = |operation: &Operation| !operation.targets.contains(&target) && operation.targets.len() < 200;
        if self.tree.operations.get(index).is_some_and(is_new) && self.affords_target(&target) {
            if let Some(operation) = self.at(index) {
                operation.targets.push(target);
            }
        }
    }

    /// Reads a text that stands in an argument or a document, and walks it.
    fn embedded(&mut self, text: &str, span: Span, step: impl Into<Step>) {
        self.embedded = self.embedded.saturating_add(text.len());
        if self.embedding >= MAX_EMBEDDING || self.embedded > MAX_EMBEDDED {
            self.problem("too_deep", "shell texts stand in one another too deeply", span);
            self.operation(Kind::Unknown, span);
            return;
        }
        if !self.affords(text.len().saturating_add(effort::READING)) {
            return;
        }
        let place = self.place.unwrap_or(span);
        let outcome = read::read(text, Some(place), self.via.len());
        if !self.affords(text.len().saturating_mul(outcome.retries)) {
            return;
        }
        match self.read_by() {
            Some("bash" | "rbash") | None => {}
            Some("fish" | "csh" | "tcsh") => {
                self.problem("other_shell", "a text for a shell whose quotes are not bash's", span);
            }
            Some(_) if outcome.is_bashs => {
                let what = "`&>`, `[[`, `((`, `$'` or `*(...)` in a text that another shell than bash may run";
                self.problem("other_shell", what, span);
            }
            Some(_) => {}
        }
        let outer = self.place.replace(place);
        self.embedding = self.embedding.saturating_add(1);
        let before = self.tree.operations.len();
        let functions = self.functions.clone();
        self.within(step, |walker| {
            walker.script(&outcome.script);
            walker.faults(&outcome);
            if walker.tree.operations.len() == before {
                walker.operation(Kind::Empty, place);
            }
        });
        self.functions = functions;
        self.embedding = self.embedding.saturating_sub(1);
        self.place = outer;
    }

    /// What runs the text that is walked next, where that is not the shell of the whole command.
    fn read_by(&self) -> Option<&str> {
        let own = ["eval", "trap", "source", ".", "builtin", "command"];
        self.wrappers.iter().rev().map(String::as_str).find(|name| !own.contains(name))
    }

    /// The commands in parts of words.
    fn parts(&mut self, parts: &[Part]) {
        let mut before = "";
        for part in parts {
            match part {
                Part::Text(text) => {
                    before = text;
                    continue;
                }
                Part::Quoted(text) => {
                    // `a['$(x)']` is a subscript in two parts.
                    let opens = before.rfind('[').is_some_and(|at| !before.get(at..).unwrap_or_default().contains(']'));
                    self.hidden_subscript(text, opens);
                }
                Part::Parameter(parameter) => {
                    if parameter.assigns {
                        self.sets(&parameter.name, (0, self.text.len()));
                        let mut texts = self.held.texts(&parameter.name);
                        texts.push(Some(args::shown(&parameter.inside).trim_start_matches([':', '=']).to_owned()));
                        self.held.set(&parameter.name, texts);
                    }
                    if parameter.evaluates {
                        self.problem("evaluated_value", "a value is expanded again", (0, 0));
                        self.operation(Kind::Unknown, (0, self.text.len()));
                    }
                    self.parts(&parameter.inside);
                }
                Part::Arithmetic(inside) => {
                    self.evaluated(inside);
                    self.parts(inside);
                }
                Part::Command(script) => self.substituted("substitution", script),
                Part::Process(script) => self.substituted("process_substitution", script),
            }
            before = "";
        }
    }

    /// Arithmetic takes the texts of its variables for expressions, and those may run commands in a subscript.
    fn evaluated(&mut self, parts: &[Part]) {
        let is_foreign = parts.iter().any(|part| match part {
            Part::Text(text) | Part::Quoted(text) => text
                .split(|char: char| !char.is_ascii_alphanumeric() && char != '_')
                .any(|name| self.foreign.contains(name)),
            Part::Parameter(parameter) => self.foreign.contains(&parameter.name),
            _ => false,
        });
        if is_foreign {
            self.problem("evaluated_value", "what was fetched is evaluated as arithmetic", (0, 0));
            self.operation(Kind::Unknown, (0, self.text.len()));
        }
    }

    fn substituted(&mut self, step: &'static str, script: &Script) {
        let (wrappers, remote) = (std::mem::take(&mut self.wrappers), std::mem::replace(&mut self.remote, false));
        let signs = std::mem::take(&mut self.signs);
        self.within(step, |walker| walker.apart(|walker| walker.script(script)));
        self.wrappers = wrappers;
        self.remote = remote;
        self.signs = signs;
    }

    /// Text that becomes code where a shell takes it for the subscript of an array. `is_open`: one has begun before it.
    fn hidden_subscript(&mut self, text: &str, is_open: bool) {
        let mut open = is_open;
        let mut runs = false;
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            let next = bytes.get(at.saturating_add(1));
            match byte {
                b'[' => open = true,
                b']' => open = false,
                b'`' => runs |= open,
                b'$' | b'<' if next == Some(&b'(') => runs |= open,
                _ => {}
            }
        }
        if runs {
            self.problem("hidden_subscript", "a quoted text runs a command where it is taken for a subscript", (0, 0));
        }
    }
}
