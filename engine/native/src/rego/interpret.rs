//! The same policies by regorus' interpreter: the twin that tests compare with, and what runs Rego `test_` rules (`trial`).
//!
//! It runs the texts as they were written, so that a mistake in our rewriting or hardening shows as a difference.

use std::collections::BTreeSet;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};

use super::builtins::{self, Mode};
use super::limits::Limits;
use super::machine::Answer;
use super::observe::Observed;
use super::options::Options;
use super::program::RuleFact;
use super::sources::{self, SourceFile};

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

    /// The texts it runs.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    fn engine(&self) -> anyhow::Result<Engine> {
        self.engine_of(&self.files, &self.limits)
    }

    /// An engine with these texts or with others in their place, analysed: its clones need not be.
    pub fn prepared(&self, files: &[SourceFile]) -> anyhow::Result<Engine> {
        let mut engine = self.engine_of(files, &self.limits)?;
        engine.eval_query("true".to_owned(), false)?;
        Ok(engine)
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

pub fn last_line(text: &str) -> String {
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("failed");
    line.strip_prefix("error: ").unwrap_or(line).chars().take(300).collect()
}
