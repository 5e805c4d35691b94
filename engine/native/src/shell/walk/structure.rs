//! Lists, pipelines and compound commands: how a command is reached.

use super::super::syntax::{Body, Command, Item, Pipeline, Redirect, Script, Word};
use super::super::vocabulary::Kind;
use super::{Input, Walker};

/// Operators of `[[ ]]` whose operands are arithmetic.
const COMPARES_NUMBERS: &[&str] = &["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];

impl Walker<'_> {
    pub(super) fn script(&mut self, script: &Script) {
        for item in script {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        if item.background {
            self.feature("background");
            self.within("background", |walker| walker.and_or(item));
        } else {
            self.and_or(item);
        }
    }

    fn and_or(&mut self, item: &Item) {
        if let [pipeline] = item.pipelines.as_slice() {
            self.pipeline(pipeline);
            return;
        }
        self.within("and_or", |walker| {
            for pipeline in &item.pipelines {
                walker.pipeline(pipeline);
            }
        });
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        if pipeline.timed {
            self.wrappers.push("time".to_owned());
            self.within("wrapper:time", |walker| walker.commands(pipeline));
            self.wrappers.pop();
        } else {
            self.commands(pipeline);
        }
    }

    fn commands(&mut self, pipeline: &Pipeline) {
        let before = self.tree.operations.len();
        match pipeline.commands.as_slice() {
            [] => {
                self.operation(Kind::Control, (0, 0));
            }
            [command] => self.command(command, &Input::Inherited),
            commands => self.within("pipeline", |walker| {
                let mut input = Input::Inherited;
                for command in commands {
                    walker.command(command, &input);
                    input = Input::Pipe(super::pipelines::output_of(command, &input));
                }
            }),
        }
        self.pipeline_signs(pipeline, before);
    }

    pub(super) fn command(&mut self, command: &Command, input: &Input) {
        let span = command.span;
        match &command.body {
            Body::Simple { assigns, words } => {
                self.simple(assigns, words, &command.redirects, span, input);
                return;
            }
            Body::Group(script) => self.within("group", |walker| walker.script(script)),
            Body::Subshell(script) => self.within("subshell", |walker| walker.script(script)),
            Body::Loop { name, words, parts, head, body } => self.within("loop", |walker| {
                walker.words(words);
                walker.sets(name.as_deref().unwrap_or_default(), span);
                if let (Some(name), Some(first)) = (name, words.first()) {
                    let value = super::args::Arg::of(first, &walker.constants);
                    walker.remember(name, &value.shown);
                }
                walker.parts(parts);
                walker.script(head);
                walker.script(body);
            }),
            Body::If(scripts) => {
                self.within("conditional", |walker| scripts.iter().for_each(|part| walker.script(part)))
            }
            Body::Case { subject, arms } => self.within("case", |walker| {
                walker.parts(&subject.parts);
                for (patterns, body) in arms {
                    walker.words(patterns);
                    walker.script(body);
                }
            }),
            Body::Function { name, body } => self.function(name, body, span),
            Body::Arithmetic { text, parts } => {
                let index = self.operation(Kind::Compare, span);
                self.evaluated(parts);
                self.parts(parts);
                self.other_reading(text, span, index);
            }
            Body::Test(words) => {
                self.operation(Kind::Compare, span);
                self.words(words);
                if words.iter().filter_map(Word::bare).any(|word| COMPARES_NUMBERS.contains(&word)) {
                    words.iter().for_each(|word| self.evaluated(&word.parts));
                }
            }
            Body::Coprocess(command) => self.within("coprocess", |walker| walker.command(command, &Input::Pipe(None))),
        }
        self.compound_redirects(&command.redirects, span);
    }

    /// A variable is set by something else than an assignment: an operation of its own where that means something.
    pub(super) fn sets(&mut self, name: &str, span: (usize, usize)) {
        if super::tables::is_execution_variable(name) {
            let index = self.operation(Kind::Assign, span);
            self.sign(index, super::super::vocabulary::Sign::ExecutionVariable);
        }
    }

    fn function(&mut self, name: &str, body: &Command, span: (usize, usize)) {
        self.feature("function_defined");
        if super::tables::knows(name) {
            self.feature("shadowed_program");
            self.problem("shadowed_program", &format!("a function takes the name of the program `{name}`"), span);
        }
        self.operation(Kind::DefineFunction, span);
        // INVARIANT: only what is surely declared by now is a function when its name is called; else a program runs.
        if self.via.iter().all(|step| matches!(&**step, "top" | "group" | "function" | "argument")) {
            self.functions.insert(name.to_owned());
        }
        if calls_itself_twice(name, body) {
            let index = self.tree.operations.len().saturating_sub(1);
            self.sign(index, super::super::vocabulary::Sign::ResourceExhaustion);
        }
        self.within("function", |walker| walker.command(body, &Input::Inherited));
    }

    /// Where the shell has no arithmetic command, `((rm x))` is a subshell in a subshell.
    fn other_reading(&mut self, text: &str, span: (usize, usize), index: usize) {
        let first = text.split_whitespace().next().unwrap_or_default();
        if first.len() > 1 && super::tables::knows(first) && text.trim().contains(char::is_whitespace) {
            self.problem("two_readings", "some shells run this as commands, others as arithmetic", span);
            if let Some(operation) = self.at(index) {
                operation.kind = Kind::Unknown;
                operation.effect = Kind::Unknown.effect();
            }
        }
    }

    pub(super) fn words(&mut self, words: &[Word]) {
        for word in words {
            self.parts(&word.parts);
        }
    }

    /// Redirections of a compound command: an operation of their own when they touch something.
    fn compound_redirects(&mut self, redirects: &[Redirect], span: (usize, usize)) {
        if redirects.is_empty() {
            return;
        }
        let found = self.redirects(redirects);
        if found.targets.is_empty() && found.signs.is_empty() {
            return;
        }
        let index = self.operation(Kind::Redirect, span);
        if let Some(operation) = self.at(index) {
            operation.effect = operation.effect.max(found.effect.unwrap_or(operation.effect));
            operation.targets = found.targets;
            operation.facts.signs.extend(found.signs);
            operation.facts.redirects = found.facts;
        }
    }
}

/// `f() { f | f & }`: a function that only starts itself.
fn calls_itself_twice(name: &str, body: &Command) -> bool {
    let mut calls = 0_usize;
    let mut background = false;
    if let Body::Group(script) | Body::Subshell(script) = &body.body {
        for item in script {
            background |= item.background;
            for command in item.pipelines.iter().flat_map(|pipeline| &pipeline.commands) {
                if let Body::Simple { words, .. } = &command.body {
                    if words.first().and_then(Word::literal).is_some_and(|word| word == name) {
                        calls = calls.saturating_add(1);
                    }
                }
            }
        }
    }
    calls >= 2 || (calls >= 1 && background)
}
