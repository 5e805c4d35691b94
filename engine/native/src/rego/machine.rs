//! Running entry points: a pool of virtual machines for each program, limits always on, panics contained.

use std::sync::{Arc, Mutex, PoisonError};

use regorus::rvm::program::Program;
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::Value;

use super::builtins::{self, Class, Mode, Noted};
use super::clock::Clock;
use super::encode::Writer;
use super::limits::Limits;
use super::program::RuleFact;
use crate::failure::{guarded, Failure};

/// Instructions between two looks at the clock.
const CLOCK_INTERVAL: std::num::NonZeroU32 = std::num::NonZeroU32::MIN.saturating_add(63);
/// Machines kept for later; more exist only while more threads evaluate at once.
const KEPT: usize = 16;

/// The machines of one program. INVARIANT: a machine is used by one thread at a time; one that panicked is dropped.
pub struct Pool {
    program: Arc<Program>,
    data: Value,
    idle: Mutex<Vec<RegoVM>>,
}

impl Pool {
    pub fn new(program: Arc<Program>, data: Value) -> Self {
        Self { program, data, idle: Mutex::new(Vec::new()) }
    }

    fn take(&self, limits: &Limits) -> Result<RegoVM, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(machine) = idle {
            return Ok(machine);
        }
        let mut machine = RegoVM::new();
        machine.load_program(self.program.clone());
        machine.set_data(self.data.clone()).map_err(|error| Failure::new("DATA", error.to_string()))?;
        machine.set_max_instructions(limits.instructions);
        machine.set_strict_builtin_errors(true);
        Ok(machine)
    }

    fn give_back(&self, machine: RegoVM) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(machine);
        }
    }

    /// Runs `rules`, all of this program, and adds what they give to `answer`.
    pub fn run(
        &self,
        rules: &[(u32, &RuleFact)],
        input: &Value,
        now_ns: i64,
        clock: &Clock,
        limits: &Limits,
        answer: &mut Answer,
    ) {
        let outcome = guarded(|| {
            let mut machine = self.take(limits)?;
            machine.set_input(input.clone());
            for (rule, fact) in rules {
                answer.running = *rule;
                answer.volatile |= fact.volatile;
                match run_one(&mut machine, fact.entry_point, now_ns, clock) {
                    Ok(value) => answer.take(*rule, &value),
                    Err(message) => answer.error(*rule, message),
                }
            }
            machine.set_input(Value::Null);
            Ok(machine)
        });
        match outcome {
            Ok(machine) => self.give_back(machine),
            // The machine went with the panic; so did the rules after it.
            Err(failure) => {
                let message = format!("{}: {}", failure.code, failure.message);
                let running = answer.running;
                answer.error(running, message);
            }
        }
    }
}

fn run_one(machine: &mut RegoVM, entry_point: usize, now_ns: i64, clock: &Clock) -> Result<Value, String> {
    while let Some(limit) = clock.left() {
        machine.set_execution_timer_config(Some(ExecutionTimerConfig { limit, check_interval: CLOCK_INTERVAL }));
        builtins::begin(now_ns, Mode::Policy);
        let result = machine.execute_entry_point_by_index(entry_point);
        match (result, builtins::take_error()) {
            (Err(VmError::TimeLimitExceeded { .. }), _) => {}
            (Err(error), _) => return Err(limit_text(&error)),
            (Ok(_), Some(error)) => return Err(noted_text(&error)),
            (Ok(value), None) => return Ok(value),
        }
    }
    Err("TIMEOUT: the time for this decision is over".to_owned())
}

/// What was noted, as the answer says it.
pub fn noted_text(noted: &Noted) -> String {
    let prefix = if noted.class == Class::Limit { "LIMIT: " } else { "" };
    format!("{prefix}`{}`: {}", noted.builtin, noted.message)
}

fn limit_text(error: &VmError) -> String {
    match error {
        VmError::InstructionLimitExceeded { limit, .. } => format!("LIMIT: more than {limit} instructions"),
        VmError::MemoryLimitExceeded { .. } | VmError::MemoryBudgetExceeded { .. } => {
            "LIMIT: more memory than the core may use".to_owned()
        }
        VmError::RegexSizeLimitExceeded { .. } => "LIMIT: a regular expression is too big".to_owned(),
        other => other.to_string().chars().take(300).collect(),
    }
}

/// Results and errors of one evaluation, written as they come.
pub struct Answer {
    results: Writer,
    count: usize,
    errors: Vec<(u32, String)>,
    pub volatile: bool,
    /// The rule that runs now: who is named when a panic ends the run.
    pub running: u32,
    limits: Limits,
}

impl Answer {
    pub fn new(limits: &Limits) -> Self {
        let results = Writer::new(limits.result_bytes, limits.depth);
        Self { results, count: 0, errors: Vec::new(), volatile: false, running: 0, limits: limits.clone() }
    }

    pub fn error(&mut self, rule: u32, message: String) {
        self.errors.push((rule, message));
    }

    /// Adds the members of a rule's set as results.
    pub fn take(&mut self, rule: u32, value: &Value) {
        let Value::Set(members) = value else {
            return self.error(rule, "the rule's value is not a set".to_owned());
        };
        for member in members.iter_sorted() {
            let mut one = Writer::new(self.limits.result_bytes, self.limits.depth);
            match one.value(member) {
                Ok(()) => self.results.pair(rule, one),
                Err(message) => return self.error(rule, message),
            }
            self.count = self.count.saturating_add(1);
            if self.results.is_full() {
                return self
                    .error(rule, format!("LIMIT: the results take more than {} bytes", self.limits.result_bytes));
            }
        }
    }

    pub fn finish(self, candidates: usize) -> Vec<u8> {
        let mut writer = Writer::new(usize::MAX, 8);
        writer.map(4);
        writer.text("results");
        writer.array(self.count);
        writer.append(self.results);
        writer.text("errors");
        writer.array(self.errors.len());
        for (rule, message) in &self.errors {
            writer.map(2);
            writer.text("rule");
            writer.number(u64::from(*rule));
            writer.text("message");
            writer.text(message);
        }
        writer.text("volatile");
        writer.bool(self.volatile);
        writer.text("candidates");
        writer.number(u64::try_from(candidates).unwrap_or(u64::MAX));
        writer.finish()
    }
}
