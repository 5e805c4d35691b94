//! A case by regorus' interpreter, with our builtins.

use std::time::Duration;

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};

use super::case::Case;
use super::query::PACKAGE;
use super::texts::{limits, Texts};
use super::{Given, Outcome};
use crate::rego::builtins::{self, Class, Mode};
use crate::rego::interpret::{extend, last_line};
use crate::rego::sources;

/// An engine with the case's modules, data and builtins.
fn engine(case: &Case, texts: &Texts, data: &Value) -> anyhow::Result<Engine> {
    let mut engine = sources::engine(&limits(), case.v0);
    engine.set_strict_builtin_errors(case.strict);
    for file in &texts.files {
        engine.add_policy(file.name.clone(), file.text.clone())?;
    }
    engine.add_data(data.clone())?;
    for name in texts.builtins.keys() {
        extend(&mut engine, name)?;
    }
    for (name, arity) in &texts.missing {
        let owned = name.clone();
        engine.add_extension(name.clone(), *arity, Box::new(move |_| builtins::lacking(&owned)))?;
    }
    let check_interval = std::num::NonZeroU32::MIN.saturating_add(63);
    engine.set_execution_timer_config(ExecutionTimerConfig { limit: Duration::from_secs(3), check_interval });
    engine.set_gather_prints(true);
    Ok(engine)
}

pub fn run(case: &Case, texts: &Texts, given: Given<'_>) -> Outcome {
    let mode = if case.strict { Mode::Strict } else { Mode::Lenient };
    builtins::begin(given.now_ns, mode);
    let result = engine(case, texts, given.data).and_then(|mut engine| {
        engine.set_input(given.input.clone());
        engine.eval_rule(format!("data.{PACKAGE}.answer"))
    });
    let noted = builtins::take_error();
    match (result, noted) {
        (_, Some(noted)) => {
            Outcome::Error { class: noted.class, message: format!("{}: {}", noted.builtin, noted.message) }
        }
        (Ok(Value::Set(rows)), None) => Outcome::Rows(rows.iter_sorted().cloned().collect()),
        (Ok(_), None) => Outcome::Rows(Vec::new()),
        (Err(error), None) => {
            let message = last_line(&format!("{error:#}"));
            Outcome::Error { class: class_of(&message), message }
        }
    }
}

/// The class of an error of the interpreter's own, by what it says.
fn class_of(message: &str) -> Class {
    let conflict = ["conflict", "multiple outputs", "generated multiple times", "must not produce", "must be unique"];
    if conflict.iter().any(|word| message.contains(word)) {
        Class::Conflict
    } else if message.contains("exceeded") || message.contains("limit") {
        Class::Limit
    } else {
        Class::Builtin
    }
}

/// A Rego term's value: the `input_term` of a case.
pub fn term(text: &str, v0: bool) -> Result<Value, String> {
    let mut engine = sources::engine(&limits(), v0);
    engine
        .add_policy("input.rego".to_owned(), format!("package {PACKAGE}_input\n\nvalue = {text}\n"))
        .map_err(|error| error.to_string())?;
    engine.eval_rule(format!("data.{PACKAGE}_input.value")).map_err(|error| error.to_string())
}
