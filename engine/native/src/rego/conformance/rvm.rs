//! A case by the RVM, compiled and hardened as policies are.

use std::sync::Arc;
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::Value;

use super::case::Case;
use super::query::PACKAGE;
use super::texts::{limits, Texts};
use super::{Given, Outcome};
use crate::rego::builtins::{self, Class, Mode};
use crate::rego::harden;
use crate::rego::own;
use crate::rego::places::Places;
use crate::rego::sources;

/// What the RVM says, or None (with the reason) where it cannot compile the case.
pub fn run(case: &Case, texts: &Texts, given: Given<'_>) -> Result<Outcome, String> {
    if let Some(name) = texts.missing.keys().next() {
        return Err(format!("there is no `{name}`"));
    }
    let program = compile(case, texts, given.data)?;
    let limits = limits();
    let mut machine = RegoVM::new();
    machine.load_program(Arc::new(program));
    machine.set_data(given.data.clone()).map_err(|error| error.to_string())?;
    machine.set_max_instructions(limits.instructions);
    machine.set_strict_builtin_errors(false);
    let check_interval = std::num::NonZeroU32::MIN.saturating_add(63);
    machine.set_execution_timer_config(Some(ExecutionTimerConfig { limit: Duration::from_secs(2), check_interval }));
    machine.set_input(given.input.clone());
    builtins::begin(given.now_ns, if case.strict { Mode::Strict } else { Mode::Lenient });
    let result = machine.execute_entry_point_by_index(0);
    Ok(match (result, builtins::take_error()) {
        (_, Some(noted)) => {
            Outcome::Error { class: noted.class, message: format!("{}: {}", noted.builtin, noted.message) }
        }
        (Ok(Value::Set(rows)), None) => Outcome::Rows(rows.iter_sorted().cloned().collect()),
        (Ok(_), None) => Outcome::Rows(Vec::new()),
        (Err(error), None) => Outcome::Error { class: class_of(&error), message: error.to_string() },
    })
}

fn class_of(error: &VmError) -> Class {
    match error {
        VmError::InstructionLimitExceeded { .. }
        | VmError::TimeLimitExceeded { .. }
        | VmError::MemoryLimitExceeded { .. } => Class::Limit,
        _ => Class::Builtin,
    }
}

fn compile(case: &Case, texts: &Texts, data: &Value) -> Result<Program, String> {
    let mut engine = sources::engine(&limits(), case.v0);
    for file in &texts.files {
        engine.add_policy(file.name.clone(), file.text.clone()).map_err(|error| error.to_string())?;
    }
    engine.add_data(data.clone()).map_err(|error| error.to_string())?;
    let entry = format!("data.{PACKAGE}.answer");
    let policy = engine.compile_with_entrypoint(&entry.as_str().into()).map_err(|error| error.to_string())?;
    let ours: Vec<(&str, usize)> = texts
        .builtins
        .keys()
        .filter_map(|name| own::arity(name).map(|arity| (name.as_str(), usize::from(arity))))
        .collect();
    let program =
        Compiler::compile_from_policy_with_host_await(&policy, &[&entry], &ours).map_err(|error| error.to_string())?;
    let mut program = Arc::try_unwrap(program).unwrap_or_else(|shared| shared.as_ref().clone());
    harden::program(&mut program, &Places::new(&texts.rules))?;
    Ok(program)
}
