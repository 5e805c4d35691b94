//! The same policies by regorus' interpreter: the twin that tests compare with, and what runs Rego `test_` rules.
//!
//! It runs the texts as they were written, so that a mistake in our rewriting or hardening shows as a difference.

use std::collections::BTreeSet;

use regorus::unstable::{Rule, RuleHead};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};

use super::builtins::{self, Mode};
use super::encode::Writer;
use super::limits::Limits;
use super::machine::Answer;
use super::names;
use super::options::Options;
use super::program::RuleFact;
use super::sources::{self, SourceFile};

/// The time one test rule may take.
const TEST_TIME: std::time::Duration = std::time::Duration::from_secs(5);

pub struct Interpreter {
    files: Vec<SourceFile>,
    data: Value,
    capabilities: Vec<String>,
    limits: Limits,
}

impl Interpreter {
    pub fn new(files: Vec<SourceFile>, data: Value, options: &Options) -> Self {
        Self {
            files,
            data,
            capabilities: options.capabilities.iter().cloned().collect(),
            limits: options.limits.clone(),
        }
    }

    fn engine(&self) -> anyhow::Result<Engine> {
        let mut engine = sources::engine(&self.limits, false);
        engine.set_strict_builtin_errors(true);
        for file in &self.files {
            engine.add_policy(file.name.clone(), file.text.clone())?;
        }
        engine.add_data(self.data.clone())?;
        for name in &self.capabilities {
            extend(&mut engine, name)?;
        }
        Ok(engine)
    }

    /// The sets of all policy packages, whole; each member is reported under the first rule of its set.
    pub fn evaluate(&self, facts: &[RuleFact], input: &Value, now_ns: i64, limits: &Limits) -> Vec<u8> {
        let mut answer = Answer::new(limits);
        let mut sets = BTreeSet::new();
        let made = self.engine();
        for (fact, id) in facts.iter().zip(0_u32..) {
            if !sets.insert((&fact.package, fact.kind)) {
                continue;
            }
            let evaluated = made.as_ref().map_err(|error| format!("{error:#}")).and_then(|engine| {
                let mut engine = engine.clone();
                engine.set_input(input.clone());
                timed(&mut engine, limits.time.saturating_mul(20));
                builtins::begin(now_ns, Mode::Policy);
                engine.eval_rule(format!("data.{}.{}", fact.package, fact.kind)).map_err(|error| format!("{error:#}"))
            });
            match evaluated {
                Ok(value) => answer.take(id, &value),
                Err(error) => answer.error(id, last_line(&error)),
            }
        }
        answer.finish(facts.len())
    }

    /// Runs every `test_` rule: list of {name, file, line, passed, error}.
    pub fn run_tests(&self, now_ns: i64) -> Vec<u8> {
        let mut outcomes: Vec<(String, String, u32, Result<bool, String>)> = Vec::new();
        match self.engine() {
            Err(error) => outcomes.push((String::new(), String::new(), 0, Err(last_line(&format!("{error:#}"))))),
            Ok(mut engine) => {
                for (name, file, line) in tests(&mut engine) {
                    let mut fresh = engine.clone();
                    timed(&mut fresh, TEST_TIME);
                    builtins::begin(now_ns, Mode::Policy);
                    let outcome = fresh.eval_rule(name.clone()).map(|value| value == Value::Bool(true));
                    outcomes.push((name, file, line, outcome.map_err(|error| last_line(&format!("{error:#}")))));
                }
            }
        }
        let mut writer = Writer::new(usize::MAX, 8);
        writer.array(outcomes.len());
        for (name, file, line, outcome) in &outcomes {
            writer.map(5);
            for (key, text) in [("name", name), ("file", file)] {
                writer.text(key);
                writer.text(text);
            }
            writer.text("line");
            writer.number(u64::from(*line));
            writer.text("passed");
            writer.bool(matches!(outcome, Ok(true)));
            writer.text("error");
            writer.text(outcome.as_ref().err().map_or("", String::as_str));
        }
        writer.finish()
    }
}

fn timed(engine: &mut Engine, limit: std::time::Duration) {
    let check_interval = std::num::NonZeroU32::MIN.saturating_add(63);
    engine.set_execution_timer_config(ExecutionTimerConfig { limit, check_interval });
}

/// Lets the interpreter call `name` through our wrapper.
pub fn extend(engine: &mut Engine, name: &str) -> anyhow::Result<()> {
    // `walk` is a loop in the interpreter, not a call.
    if name == "walk" {
        return Ok(());
    }
    let Some((_, arity)) = builtins::find(name) else {
        return Ok(());
    };
    let owned = name.to_owned();
    engine.add_extension(
        name.to_owned(),
        arity,
        Box::new(move |args: Vec<Value>| builtins::call_by_name(&owned, &args)),
    )
}

/// Full names of the `test_` rules with their places, in source order.
fn tests(engine: &mut Engine) -> Vec<(String, String, u32)> {
    let mut found = Vec::new();
    for module in engine.get_modules().iter() {
        let package = names::package(module);
        for rule in &module.policy {
            let own = names::rule(rule);
            let Rule::Spec { head: RuleHead::Compr { .. }, span, .. } = rule.as_ref() else {
                continue;
            };
            if own.last().is_some_and(|last| last.starts_with("test_")) {
                let full: Vec<String> =
                    std::iter::once("data".to_owned()).chain(package.iter().cloned()).chain(own).collect();
                let name = names::print(&full);
                if !found.iter().any(|(known, _, _)| *known == name) {
                    found.push((name, span.source.get_path().clone(), span.line));
                }
            }
        }
    }
    found
}

pub fn last_line(text: &str) -> String {
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("failed");
    line.strip_prefix("error: ").unwrap_or(line).chars().take(300).collect()
}
