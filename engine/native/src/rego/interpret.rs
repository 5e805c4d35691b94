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
use super::observe::Observed;
use super::options::Options;
use super::program::RuleFact;
use super::sources::{self, SourceFile};
use crate::failure::guarded;
use crate::stack::SEGMENT;

/// The time one test rule may take.
const TEST_TIME: std::time::Duration = std::time::Duration::from_secs(5);
/// Fewer tests than this are not worth a thread.
const FEWEST_TESTS: usize = 16;

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
        self.engine_of(&self.files, &self.limits)
    }

    /// An engine with other texts in place of these, and the same data and builtins.
    pub fn engine_of(&self, files: &[SourceFile], limits: &Limits) -> anyhow::Result<Engine> {
        let mut engine = sources::engine(limits, false);
        engine.set_strict_builtin_errors(true);
        for file in files {
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

    /// Policies that tell how their conditions came out. An error says why they cannot.
    pub fn observed(&self) -> Result<Observed, String> {
        Observed::new(&self.files, self, &self.limits)
    }

    /// Runs every `test_` rule: list of {name, file, line, passed, error}.
    pub fn run_tests(&self, now_ns: i64) -> Vec<u8> {
        let prepared = self.engine().and_then(|mut engine| {
            engine.eval_query("true".to_owned(), false)?;
            Ok(engine)
        });
        let outcomes = match prepared {
            Err(error) => {
                vec![TestOutcome { outcome: Err(last_line(&format!("{error:#}"))), ..TestOutcome::default() }]
            }
            Ok(engine) => outcomes_at_once(&engine, now_ns),
        };
        let mut writer = Writer::new(usize::MAX, 8);
        writer.array(outcomes.len());
        for one in &outcomes {
            writer.map(5);
            for (key, text) in [("name", &one.name), ("file", &one.file)] {
                writer.text(key);
                writer.text(text);
            }
            writer.text("line");
            writer.number(u64::from(one.line));
            writer.text("passed");
            writer.bool(matches!(one.outcome, Ok(true)));
            writer.text("error");
            writer.text(one.outcome.as_ref().err().map_or("", String::as_str));
        }
        writer.finish()
    }
}

/// What one `test_` rule came to: whether it is true, or why it has no answer.
pub struct TestOutcome {
    pub name: String,
    pub file: String,
    pub line: u32,
    pub outcome: Result<bool, String>,
}

/// Full name, file and line of a `test_` rule.
type Test = (String, String, u32);

impl TestOutcome {
    fn unanswered(test: &Test) -> Self {
        let (name, file, line) = test.clone();
        Self { name, file, line, outcome: Err("the test could not be run to its end".to_owned()) }
    }
}

impl Default for TestOutcome {
    fn default() -> Self {
        Self { name: String::new(), file: String::new(), line: 0, outcome: Ok(false) }
    }
}

/// Runs every `test_` rule of an engine, in source order, one after the other.
pub fn outcomes_of_tests(engine: &Engine, now_ns: i64) -> Vec<TestOutcome> {
    let mut engine = engine.clone();
    let found = tests(&mut engine);
    run_some(engine, &found, now_ns)
}

/// The same on as many threads as there are processors. The engine has been prepared: its clones need not be.
fn outcomes_at_once(engine: &Engine, now_ns: i64) -> Vec<TestOutcome> {
    let found = tests(&mut engine.clone());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).min(16);
    let share = found.len().div_ceil(threads).max(FEWEST_TESTS);
    if found.len() <= share {
        return run_some(engine.clone(), &found, now_ns);
    }
    std::thread::scope(|scope| {
        let running: Vec<_> = found
            .chunks(share)
            .map(|part| {
                let engine = engine.clone();
                let builder = std::thread::Builder::new().stack_size(SEGMENT);
                (part, builder.spawn_scoped(scope, move || guarded(|| Ok(run_some(engine, part, now_ns)))))
            })
            .collect();
        running
            .into_iter()
            .flat_map(|(part, thread)| {
                let ran = thread.ok().and_then(|thread| thread.join().ok()).and_then(Result::ok);
                ran.unwrap_or_else(|| part.iter().map(TestOutcome::unanswered).collect())
            })
            .collect()
    })
}

fn run_some(mut engine: Engine, tests: &[Test], now_ns: i64) -> Vec<TestOutcome> {
    let mut run = |name: &str| {
        timed(&mut engine, TEST_TIME);
        builtins::begin(now_ns, Mode::Policy);
        let outcome = engine.eval_rule(name.to_owned()).map(|value| value == Value::Bool(true));
        outcome.map_err(|error| last_line(&format!("{error:#}")))
    };
    tests
        .iter()
        .map(|(name, file, line)| TestOutcome {
            name: name.clone(),
            file: file.clone(),
            line: *line,
            outcome: run(name),
        })
        .collect()
}

pub fn timed(engine: &mut Engine, limit: std::time::Duration) {
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
fn tests(engine: &mut Engine) -> Vec<Test> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
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
                if known.insert(name.clone()) {
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
