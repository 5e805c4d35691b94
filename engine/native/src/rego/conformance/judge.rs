//! What to say when two evaluators have spoken.

use regorus::Value;

use super::case::Case;
use super::texts;
use super::{rvm, twin, Given, Outcome};
use crate::rego::builtins::Class;
use crate::rego::checks;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluator {
    Rvm,
    Interpreter,
}

/// An answer line's contents.
#[derive(Clone, Debug)]
pub enum Verdict {
    Result {
        rows: Vec<Value>,
        evaluator: Evaluator,
    },
    /// The evaluators do not agree: what each of them says.
    Split {
        compiled: Box<Verdict>,
        interpreted: Box<Verdict>,
    },
    Error {
        code: String,
        message: String,
        evaluator: Option<Evaluator>,
    },
    Unsupported(String),
}

impl Verdict {
    pub fn wrong(code: &str, message: &str) -> Self {
        Self::Error { code: code.to_owned(), message: message.to_owned(), evaluator: None }
    }
}

pub fn decide(case: &Case, now_ns: i64) -> Verdict {
    match judged(case, now_ns) {
        Ok(verdict) => verdict,
        Err(message) => Verdict::wrong("rego_parse_error", crate::rego::interpret::last_line(&message).as_str()),
    }
}

fn judged(case: &Case, now_ns: i64) -> Result<Verdict, String> {
    let texts = texts::prepare(case)?;
    if let Some(cycle) = checks::recursion(&texts.rules, &texts::limits()) {
        return Ok(Verdict::wrong("rego_recursion_error", &cycle));
    }
    let input = match &case.input_term {
        Some(term) => twin::term(term, case.v0)?,
        None => case.input.clone().unwrap_or(Value::Undefined),
    };
    let given = Given { input: &input, data: &texts.data, now_ns };
    let compiled = checks::rvm_gap(&texts.rules).map_or_else(|| rvm::run(case, &texts, given), Err);
    let interpreted = twin::run(case, &texts, given);
    Ok(choose(compiled, interpreted))
}

fn choose(compiled: Result<Outcome, String>, interpreted: Outcome) -> Verdict {
    match compiled {
        Ok(outcome) if agree(&outcome, &interpreted) => say(outcome, Evaluator::Rvm),
        Ok(outcome) => Verdict::Split {
            compiled: Box::new(say(outcome, Evaluator::Rvm)),
            interpreted: Box::new(say(interpreted, Evaluator::Interpreter)),
        },
        Err(_) => say(interpreted, Evaluator::Interpreter),
    }
}

/// Errors agree whatever their words; of an error's sorts only what is not there at all counts.
fn agree(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Rows(one), Outcome::Rows(other)) => one == other,
        (Outcome::Error { class: one, .. }, Outcome::Error { class: other, .. }) => {
            (*one == Class::Unsupported) == (*other == Class::Unsupported)
        }
        _ => false,
    }
}

fn say(outcome: Outcome, evaluator: Evaluator) -> Verdict {
    match outcome {
        Outcome::Rows(rows) => Verdict::Result { rows, evaluator },
        Outcome::Error { class, message } => {
            let code = match class {
                Class::Builtin => "eval_builtin_error",
                Class::Type => "eval_type_error",
                Class::Conflict => "eval_conflict_error",
                Class::Limit => "LIMIT",
                Class::Unsupported => {
                    return Verdict::Unsupported(message.split(": ").next().unwrap_or_default().to_owned())
                }
            };
            Verdict::Error { code: code.to_owned(), message, evaluator: Some(evaluator) }
        }
    }
}
