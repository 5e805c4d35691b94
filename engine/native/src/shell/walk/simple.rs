//! One simple command: its assignments, redirections and words; what is run in the end.

use super::super::syntax::{Assign, Redirect, Span, Value, Word};
use super::super::tree::Target;
use super::super::vocabulary::{Kind, Sign};
use super::args::Arg;
use super::effort::bytes_of;
use super::expansions::names_in;
use super::held::{Changes, Texts};
use super::redirects::Redirected;
use super::tables;
use super::unwrap::Unwrapped;
use super::{names, paths, Input, Walker};
use crate::sql::tree::{Access, Effect};

/// More words than this are not followed through wrappers: each takes a copy.
const MAX_WRAPPED: usize = 4_000;
/// How many words of a command are listed. One that has more is not wholly seen.
const MOST_WORDS: usize = 500;

/// What surrounds a command's words.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub env: Vec<(String, Option<String>)>,
    pub redirected: Redirected,
    pub signs: Vec<Sign>,
    pub input: Input,
    pub span: Span,
}

impl Around {
    /// The same, for one operation of several.
    pub(super) fn clone_plain(&self) -> Around {
        Around {
            env: self.env.clone(),
            redirected: Redirected {
                facts: self.redirected.facts.clone(),
                targets: self.redirected.targets.clone(),
                signs: self.redirected.signs.clone(),
                effect: self.redirected.effect,
                input: None,
            },
            signs: self.signs.clone(),
            input: self.input.clone(),
            span: self.span,
        }
    }
}

impl Walker<'_> {
    pub(super) fn simple(
        &mut self,
        assigns: &[Assign],
        words: &[Word],
        redirects: &[Redirect],
        span: Span,
        input: &Input,
    ) {
        let weight = words.len().saturating_add(redirects.len());
        if self.again > 0 && !self.spend(weight.saturating_add(1)) {
            return;
        }
        let values = assigns.iter().flat_map(|assign| match &assign.value {
            Value::Word(word) => std::slice::from_ref(word),
            Value::Array(words) => words,
        });
        if !self.affords_words(values) {
            return;
        }
        let mut around = Around { span, input: input.clone(), ..Around::default() };
        let mut set: Vec<(&str, Texts)> = Vec::new();
        for assign in assigns {
            self.parts(&assign.subscript);
            let value = match &assign.value {
                Value::Word(word) => {
                    let before = self.tree.operations.len();
                    self.parts(&word.parts);
                    let made = self.tree.operations.get(before..).unwrap_or_default();
                    if made.iter().any(|operation| operation.kind == Kind::Fetch) {
                        self.foreign.insert(assign.name.clone());
                    } else {
                        self.foreign.remove(&assign.name);
                    }
                    let value = Arg::of(word, self.held.constants());
                    self.shell_variable(&assign.name, &value.shown, value.literal.is_some(), span);
                    let mut texts = self.texts_of(word);
                    if assign.appends {
                        texts = self.behind(&assign.name, &texts);
                    }
                    if words.is_empty() && assign.subscript.is_empty() {
                        self.held.set(&assign.name, texts);
                    } else {
                        set.push((&assign.name, texts));
                    }
                    if word.parts.is_empty() {
                        Some(String::new())
                    } else {
                        value.literal
                    }
                }
                Value::Array(words) => {
                    self.shell_variable(&assign.name, "()", false, span);
                    self.words(words);
                    let texts = words.iter().flat_map(|word| self.texts_of(word)).collect();
                    set.push((&assign.name, texts));
                    None
                }
            };
            around.signs.extend(variable_signs(&assign.name, value.as_deref()));
            around.env.push((assign.name.clone(), value));
        }
        self.words(words);
        self.within_redirects(redirects);
        let names = names_in(words.iter().chain(redirects.iter().map(|redirect| &redirect.target)));
        self.for_each_text(names, weight, |walker| {
            if !walker.affords_words(words.iter().chain(redirects.iter().map(|redirect| &redirect.target))) {
                return;
            }
            let mut around = around.clone_plain();
            let mut redirected = walker.redirects(redirects);
            if let Some(input) = redirected.input.take() {
                around.input = input;
            }
            around.redirected = redirected;
            // WHY before they are set: a command's own words do not see what is set for it alone.
            let args: Vec<Arg> = words.iter().map(|word| Arg::of(word, walker.held.constants())).collect();
            let outer = walker.piped.clone();
            if let Some(said) = walker.said_by_process(redirects) {
                walker.piped = Some(said);
            }
            let mark = walker.held.mark();
            for (name, texts) in &set {
                walker.held.set(name, texts.clone());
            }
            if args.is_empty() {
                walker.nothing_but_assignments(around);
            } else {
                walker.run(&args, around);
            }
            walker.piped = outer;
            if !set.is_empty() {
                // Some shells keep what is set for a builtin; of an array the other elements stay.
                let changes = walker.held.take(mark);
                walker.held.join(&[changes, Changes::new()]);
            }
        });
    }

    /// Texts put behind what a variable holds.
    fn behind(&mut self, name: &str, texts: &Texts) -> Texts {
        let before = self.held.texts(name);
        let joined =
            |one: &Option<String>, other: &Option<String>| Some(format!("{}{}", one.as_deref()?, other.as_deref()?));
        before.iter().flat_map(|one| texts.iter().map(move |other| joined(one, other))).collect()
    }

    /// The texts that a word may be.
    pub(super) fn texts_of(&mut self, word: &Word) -> Texts {
        let mut texts = Vec::new();
        let mut names = names_in(std::iter::once(word));
        names.retain(|name| self.held.is_several(name));
        if names.is_empty() {
            return vec![Some(Arg::of(word, self.held.constants()).shown)];
        }
        self.for_each_text(names, 1, |walker| texts.push(Some(Arg::of(word, walker.held.constants()).shown)));
        texts
    }

    /// What a variable was last set to, as far as it is known.
    pub(super) fn remember(&mut self, name: &str, value: &str) {
        self.held.set(name, vec![Some(value.to_owned())]);
    }

    fn nothing_but_assignments(&mut self, around: Around) {
        let kind = if around.env.is_empty() { Kind::Redirect } else { Kind::Assign };
        let names: Vec<String> = around.env.iter().map(|(name, _)| name.clone()).collect();
        let index = self.described(kind, &[], around);
        for name in names {
            self.touch(index, Target { class: "variable", name, access: Access::Set, literal: true });
        }
    }

    /// What runs when these words are run: wrappers are taken off until a program is left.
    pub(super) fn run(&mut self, args: &[Arg], around: Around) {
        if self.wrappers.len() >= 24 || !self.wrappers.is_empty() && args.len() > MAX_WRAPPED {
            self.unknown(args, around, "too_deep", "commands start one another too deeply, or with too many words");
            return;
        }
        if !self.affords(bytes_of(args)) {
            return;
        }
        let Some(first) = args.first() else {
            self.described(Kind::Control, args, around);
            return;
        };
        let Some(word) = first.literal.clone().filter(|word| !word.is_empty()) else {
            self.feature("dynamic_command");
            let message = "which command runs is only known when it runs";
            self.unknown(args, around.clone_plain(), "dynamic_command", message);
            if let Some(name) = names::known(&first.shown) {
                self.run_as(&name, args, around);
            }
            return;
        };
        let is_file = names::is_file(&word);
        let is_function = self.functions.contains(&word);
        if is_function {
            self.described(Kind::CallFunction, args, around.clone_plain());
        }
        self.call(&word, args);
        // Some shells take no file's name for a function: they run the file.
        if is_function && !is_file {
            return;
        }
        if self.aliases.contains(&word) {
            self.unknown(args, around, "shadowed_program", "a name is used that is an alias by then");
            return;
        }
        if !self.wrappers.is_empty() && word.trim().contains(char::is_whitespace) {
            // A tool that hands its words to a shell runs this as a text; none has a program of such a name.
            let span = around.span;
            self.problem("dynamic_command", "a program's name has blanks: it may be run as a text", span);
            self.embedded(&word, span, "argument");
        }
        let name = names::program_name(&word);
        let other = names::alike(&word);
        let beside = other.as_ref().map(|_| around.clone_plain());
        match is_file {
            true => self.apart(|walker| walker.program_or_wrapper(name, args, around)),
            false => self.program_or_wrapper(name, args, around),
        }
        if let (Some(other), Some(around)) = (other, beside) {
            self.run_as(&other, args, around);
        }
    }

    /// What these words would do to the program that the first of them is called like. It is a file: nothing of the shell changes.
    fn run_as(&mut self, name: &str, args: &[Arg], around: Around) {
        if !self.affords(bytes_of(args)) {
            return;
        }
        let mut words = args.to_vec();
        if let Some(first) = words.first_mut() {
            *first = Arg::text(name, first.span);
        }
        self.apart(|walker| walker.program_or_wrapper(name, &words, around));
    }

    fn program_or_wrapper(&mut self, name: &str, args: &[Arg], around: Around) {
        match self.unwrap(name, args, &around) {
            Unwrapped::Program => self.program(name, args, around),
            Unwrapped::Inner { wrapper, args: inner, signs, remote } => {
                self.inside(&wrapper, remote, &signs, |walker| {
                    walker.runs_in(name, args);
                    walker.run(&inner, around);
                });
            }
            Unwrapped::Texts { wrapper, texts, signs, remote } => {
                self.texts(&wrapper, &texts, &signs, remote, args, around)
            }
            Unwrapped::Unknown { code, message } => {
                self.unknown(args, around, code, &message);
            }
        }
    }

    /// Runs `work` with one wrapper more around it.
    pub(super) fn inside<T>(
        &mut self,
        wrapper: &str,
        remote: bool,
        signs: &[Sign],
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let (was_remote, kept) = (self.remote, self.signs.len());
        self.wrappers.push(wrapper.to_owned());
        self.remote |= remote;
        if remote {
            self.feature("remote");
        }
        if signs.contains(&Sign::PrivilegeChange) {
            self.feature("privilege");
        }
        self.signs.extend_from_slice(signs);
        let step = format!("wrapper:{wrapper}");
        let result = match wrapper {
            // They run in the shell itself.
            "eval" | "command" | "builtin" | "source" | "." | "time" => self.within(step, work),
            "trap" => self.perhaps(|walker| walker.within(step, work)),
            _ => self.apart(|walker| {
                if remote {
                    walker.begins_elsewhere();
                }
                walker.within(step, work)
            }),
        };
        self.signs.truncate(kept);
        self.remote = was_remote;
        self.wrappers.pop();
        result
    }

    /// An operation of a kind, with everything that the words and what surrounds them say.
    pub(super) fn described(&mut self, kind: Kind, args: &[Arg], around: Around) -> usize {
        if args.len() > MOST_WORDS {
            self.problem("too_many_words", "a command has more words than are listed of it", around.span);
        }
        let around_words = around.env.len().saturating_add(around.redirected.facts.len()).saturating_mul(48);
        let words = bytes_of(args.get(..MOST_WORDS.min(args.len())).unwrap_or_default());
        if !self.affords(words.saturating_add(around_words)) {
            return usize::MAX;
        }
        let index = self.operation(kind, around.span);
        let inherited = self.signs.clone();
        for written in around.redirected.targets.iter().filter(|target| target.access == Access::Write) {
            self.made.insert(paths::file_name(&written.name).to_owned());
        }
        if let Some(operation) = self.at(index) {
            operation.effect = operation.effect.max(around.redirected.effect.unwrap_or(operation.effect));
            operation.targets = around.redirected.targets;
            let facts = &mut operation.facts;
            facts.program = args.first().and_then(|arg| arg.literal.clone());
            facts.argv = args.iter().take(MOST_WORDS).map(|arg| arg.literal.clone()).collect();
            facts.env = around.env;
            facts.redirects = around.redirected.facts;
            facts.signs.extend(around.redirected.signs);
            facts.signs.extend(around.signs);
            facts.signs.extend(inherited);
        }
        index
    }

    /// A command that nobody can see.
    pub(super) fn unknown(&mut self, args: &[Arg], around: Around, code: &'static str, message: &str) -> usize {
        self.problem(code, message, around.span);
        let index = self.described(Kind::Unknown, args, around);
        if let Some(operation) = self.at(index) {
            operation.effect = Effect::Unknown;
        }
        index
    }

    /// Texts that a wrapper runs as shell commands.
    fn texts(&mut self, wrapper: &str, texts: &[Arg], signs: &[Sign], remote: bool, args: &[Arg], around: Around) {
        if texts.is_empty() {
            return;
        }
        let span = around.span;
        let mut around = Some(around);
        let redirected = around.as_ref().is_some_and(|around| {
            !around.redirected.targets.is_empty() || !around.redirected.signs.is_empty() || !around.signs.is_empty()
        });
        if redirected {
            if let Some(around) = around.take() {
                self.described(Kind::RunCode, args, around);
            }
        }
        self.inside(wrapper, remote, signs, |walker| {
            for text in texts {
                match &text.literal {
                    Some(literal) => walker.embedded(literal, span, "argument"),
                    None => {
                        walker.feature("opaque_code");
                        let rest = Around { span, ..Around::default() };
                        let index =
                            walker.unknown(args, rest, "opaque_code", "a text that is only known when it runs is run");
                        walker.sign(index, Sign::OpaqueCode);
                        walker.sets_anything();
                        walker.partly(&text.shown, index);
                        if text.shown != "${ARG}" {
                            // What is known of it is looked at all the same.
                            walker.embedded(&text.shown, span, "argument");
                        }
                    }
                }
            }
        });
    }

    /// Signs of a shell text that is not known to the bottom: what its known parts already say.
    fn partly(&mut self, shown: &str, index: usize) {
        for sign in super::code::signs_of(shown) {
            self.sign(index, sign);
        }
    }
}

/// What setting a variable means.
pub(super) fn variable_signs(name: &str, value: Option<&str>) -> Option<Sign> {
    tables::is_changed_by(name, value).then_some(Sign::ExecutionVariable)
}
