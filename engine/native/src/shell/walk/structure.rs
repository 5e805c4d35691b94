//! Lists, pipelines and compound commands: how a command is reached.

use std::rc::Rc;

use super::super::syntax::{After, Body, Command, Item, Part, Pipeline, Redirect, Script, Word};
use super::super::vocabulary::Kind;
use super::effort;
use super::held::Changes;
use super::redirects::Redirected;
use super::{names, Input, Walker};

/// Operators of `[[ ]]` whose operands are arithmetic.
const COMPARES_NUMBERS: &[&str] = &["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];

/// Functions that call one another more deeply than this are not followed.
const MAX_CALLS: usize = 8;

impl Walker<'_> {
    pub(super) fn script(&mut self, script: &Script) {
        for item in script {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        if item.background {
            self.feature("background");
            self.within("background", |walker| walker.apart(|walker| walker.and_or(item)));
        } else {
            self.and_or(item);
        }
    }

    fn and_or(&mut self, item: &Item) {
        if let [pipeline] = item.pipelines.as_slice() {
            self.pipeline(pipeline);
            self.may_have_failed(Vec::new());
            return;
        }
        self.within("and_or", |walker| walker.list(item));
    }

    /// `A && B || C`: where it may stop, what was held by then is held afterwards too.
    fn list(&mut self, item: &Item) {
        let mut stopped = Changes::new();
        let mut fallen = Vec::new();
        let mut is_negated = false;
        for pipeline in &item.pipelines {
            let failed = self.succeeded();
            let is_either = pipeline.after == After::Failure || is_negated;
            is_negated = pipeline.negated;
            if is_either && ends_shell(pipeline) {
                // Who comes past it did not fail.
                self.apart(|walker| walker.pipeline(pipeline));
                if pipeline.after == After::Failure {
                    stopped.clear();
                    fallen.clear();
                }
                continue;
            }
            fallen.extend(failed);
            if pipeline.after == After::Nothing {
                self.pipeline(pipeline);
                continue;
            }
            if is_either {
                if !self.affords(fallen.len().saturating_mul(effort::COMPARING)) {
                    return;
                }
                self.held.also(&stopped);
                self.also_in(&fallen);
            }
            let mark = self.held.mark();
            self.pipeline(pipeline);
            self.held.held_before(mark, &mut stopped);
            if is_either {
                self.held.also(&stopped);
            }
        }
        fallen.extend(stopped.remove(super::held::FOLDER).unwrap_or_default());
        self.held.also(&stopped);
        self.may_have_failed(fallen);
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
                let outer = walker.piped.clone();
                for (at, command) in commands.iter().enumerate() {
                    // Some shells run the last one themselves.
                    match at.saturating_add(1) == commands.len() {
                        true => walker.perhaps(|walker| walker.command(command, &input)),
                        false => walker.apart(|walker| walker.command(command, &input)),
                    }
                    if walker.is_spent() {
                        break;
                    }
                    input = Input::Pipe(super::pipelines::output_of(command, &input));
                    walker.piped = walker.said_by(command);
                }
                walker.piped = outer;
            }),
        }
        self.pipeline_signs(pipeline, before);
    }

    pub(super) fn command(&mut self, command: &Command, input: &Input) {
        if self.is_spent() {
            return;
        }
        let span = command.span;
        if let Body::Simple { assigns, words } = &command.body {
            self.simple(assigns, words, &command.redirects, span, input);
            return;
        }
        let redirected = self.compound_redirects(&command.redirects);
        let outer = self.piped.clone();
        for found in &redirected {
            if let Some(Input::Document(Some(text))) = &found.input {
                self.piped = Some(text.clone());
            }
        }
        if let Some(said) = self.said_by_process(&command.redirects) {
            self.piped = Some(said);
        }
        match &command.body {
            Body::Simple { .. } => {}
            Body::Group(script) => self.within("group", |walker| walker.script(script)),
            Body::Subshell(script) => {
                self.within("subshell", |walker| walker.apart(|walker| walker.script(script)));
            }
            Body::Loop { name, words, parts, head, body } => self.within("loop", |walker| {
                walker.words(words);
                walker.sets(name.as_deref().unwrap_or_default(), span);
                if !walker.affords_words(words.iter()) {
                    return;
                }
                let texts = walker.texts_of_loop(words);
                walker.parts(parts);
                walker.perhaps(|walker| {
                    walker.rounds(|walker| {
                        if let Some(name) = name {
                            walker.held.set(name, texts.clone());
                        }
                        walker.script(head);
                        walker.script(body);
                    });
                });
                if starts_without_end(head, body) {
                    let last = walker.tree.operations.len().saturating_sub(1);
                    walker.sign(last, super::super::vocabulary::Sign::ResourceExhaustion);
                }
            }),
            Body::If(scripts) => self.within("conditional", |walker| walker.branches(scripts)),
            Body::Case { subject, arms } => self.within("case", |walker| {
                walker.parts(&subject.parts);
                for (patterns, body) in arms {
                    walker.words(patterns);
                    walker.perhaps(|walker| walker.script(body));
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
            Body::Coprocess(command) => self.within("coprocess", |walker| {
                walker.apart(|walker| walker.command(command, &Input::Pipe(None)));
            }),
        }
        self.piped = outer;
        self.redirected(redirected, span);
    }

    /// Conditions and branches in order, of which one is gone.
    fn branches(&mut self, scripts: &[Script]) {
        let mut ways = Vec::new();
        for (at, pair) in scripts.chunks(2).enumerate() {
            let mark = self.held.mark();
            match pair {
                [condition, branch] => {
                    if at == 0 {
                        self.script(condition);
                    } else {
                        self.perhaps(|walker| walker.script(condition));
                    }
                    let mark = self.held.mark();
                    self.script(branch);
                    ways.push(self.held.take(mark));
                }
                [other] => {
                    self.script(other);
                    ways.push(self.held.take(mark));
                }
                _ => {}
            }
        }
        if scripts.len().is_multiple_of(2) {
            ways.push(Changes::new());
        }
        self.held.join(&ways);
    }

    /// A variable is set by something else than an assignment: an operation of its own where that means something.
    pub(super) fn sets(&mut self, name: &str, span: (usize, usize)) {
        if super::tables::is_execution_variable(name) {
            let index = self.operation(Kind::Assign, span);
            self.sign(index, super::super::vocabulary::Sign::ExecutionVariable);
        }
    }

    fn function(&mut self, name: &str, body: &Rc<Command>, span: (usize, usize)) {
        self.feature("function_defined");
        if names::is_program(name) {
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
        let first = self.tree.operations.len();
        self.within("function", |walker| walker.apart(|walker| walker.command(body, &Input::Inherited)));
        self.bodies.insert(name.to_owned(), (Rc::clone(body), first));
    }

    /// The body of a function, gone through with what is held where it is called.
    pub(super) fn call(&mut self, name: &str, args: &[super::args::Arg]) {
        let Some((body, first)) = self.bodies.get(name).cloned() else {
            return;
        };
        if self.calling.iter().any(|called| called == name) {
            return;
        }
        if self.calling.len() >= MAX_CALLS || !self.spend(args.len().saturating_add(4)) {
            self.problem("too_deep", "functions call one another too deeply", body.span);
            return;
        }
        self.calling.push(name.to_owned());
        let new = self.tree.operations.len();
        let mark = self.held.mark();
        let mut all = Vec::new();
        for (at, arg) in args.iter().skip(1).enumerate() {
            let text = Some(arg.shown.clone());
            if at < 9 {
                self.held.set(&at.saturating_add(1).to_string(), vec![text.clone()]);
            }
            all.push(text);
        }
        self.held.set("@", all.clone());
        self.held.set("*", all);
        self.again = self.again.saturating_add(1);
        self.within("function", |walker| walker.command(&body, &Input::Inherited));
        self.again = self.again.saturating_sub(1);
        let mut changes = self.held.take(mark);
        changes.retain(|name, _| !name.starts_with(|char: char| char.is_ascii_digit() || matches!(char, '@' | '*')));
        // What is local to it leaves what was.
        self.held.join(&[changes, Changes::new()]);
        self.merge(first.min(new), new, new);
        self.calling.pop();
    }

    /// What the variable of a loop is set to: each of its words.
    fn texts_of_loop(&mut self, words: &[Word]) -> super::held::Texts {
        if words.is_empty() {
            return self.held.texts("@");
        }
        let mut texts = super::held::Texts::new();
        for word in words {
            let all = self.texts_of(word);
            let is_split = word.parts.iter().any(|part| matches!(part, Part::Command(_)));
            for text in all {
                match text {
                    Some(text) if word.has_braces() => {
                        texts.extend(super::braces::expanded(&text).into_iter().map(Some))
                    }
                    Some(text) if is_split && text.contains(char::is_whitespace) => {
                        texts.extend(super::said::names_in(&text).into_iter().map(Some));
                    }
                    text => texts.push(text),
                }
            }
        }
        texts
    }

    /// Where the shell has no arithmetic command, `((rm x))` is a subshell in a subshell.
    fn other_reading(&mut self, text: &str, span: (usize, usize), index: usize) {
        let first = text.split_whitespace().next().unwrap_or_default();
        if first.len() > 1 && names::is_program(first) && text.trim().contains(char::is_whitespace) {
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

    /// Redirections of a compound command, as they are where it begins.
    fn compound_redirects(&mut self, redirects: &[Redirect]) -> Vec<Redirected> {
        let mut all = Vec::new();
        if !redirects.is_empty() {
            self.within_redirects(redirects);
            let names = super::expansions::names_in(redirects.iter().map(|redirect| &redirect.target));
            self.for_each_text(names, redirects.len(), |walker| all.push(walker.redirects(redirects)));
        }
        all
    }

    /// An operation of their own when they touch something.
    fn redirected(&mut self, all: Vec<Redirected>, span: (usize, usize)) {
        let first = self.tree.operations.len();
        for found in all {
            if found.targets.is_empty() && found.signs.is_empty() {
                continue;
            }
            let index = self.operation(Kind::Redirect, span);
            if let Some(operation) = self.at(index) {
                operation.effect = operation.effect.max(found.effect.unwrap_or(operation.effect));
                operation.targets = found.targets;
                operation.facts.signs.extend(found.signs);
                operation.facts.redirects = found.facts;
            }
            self.merge(first, index, index);
        }
    }
}

/// Whether a pipeline leaves the shell: nothing behind it runs.
fn ends_shell(pipeline: &Pipeline) -> bool {
    let [command] = pipeline.commands.as_slice() else {
        return false;
    };
    match &command.body {
        Body::Simple { words, .. } => {
            words.first().and_then(Word::bare).is_some_and(|word| matches!(word, "exit" | "return"))
        }
        Body::Group(script) => script
            .last()
            .filter(|item| !item.background)
            .and_then(|item| item.pipelines.as_slice().split_first())
            .is_some_and(|(first, rest)| rest.is_empty() && ends_shell(first)),
        _ => false,
    }
}

/// `while true; do x & done`: a loop without an end that starts another process each time and waits for nothing.
fn starts_without_end(head: &[Item], body: &[Item]) -> bool {
    let first = |item: &Item| {
        let command = item.pipelines.first().and_then(|pipeline| pipeline.commands.first());
        match command.map(|command| &command.body) {
            Some(Body::Simple { words, .. }) => words.first().and_then(Word::literal),
            _ => None,
        }
    };
    let is_endless = |item: &Item| matches!(first(item).as_deref(), Some("true" | ":"));
    let waits = |item: &Item| matches!(first(item).as_deref(), Some("wait" | "sleep" | "break" | "exit" | "return"));
    !head.is_empty()
        && head.iter().all(is_endless)
        && body.iter().any(|item| item.background)
        && !body.iter().any(|item| item.pipelines.len() > 1 || waits(item))
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
