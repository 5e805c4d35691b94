//! One OPA conformance case to its answer line: JSON in, JSON out, never a panic, bounded in time and memory.
//!
//! `case` reads it, `query` makes the question a rule, `texts` prepares the modules, `rvm` and `twin` run them (the RVM
//! wherever it compiles, and always the interpreter beside it), `judge` decides what to say, `print` writes it as OPA does.

mod absent;
mod case;
mod edits;
mod judge;
mod keywords;
mod mocks;
mod print;
mod query;
mod rvm;
mod template;
mod texts;
mod twin;
mod whole;

use regorus::Value;

use self::case::Case;
use self::judge::Verdict;
use super::builtins::Class;
use crate::failure::guarded;
use crate::stack::with_room;

/// What a case is evaluated on.
#[derive(Clone, Copy)]
struct Given<'a> {
    input: &'a Value,
    data: &'a Value,
    now_ns: i64,
}

/// What running a case by one evaluator gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The sets of bindings, each an object.
    Rows(Vec<Value>),
    Error {
        class: Class,
        message: String,
    },
}

/// A value as OPA prints it.
pub fn json_text(value: &Value) -> String {
    let mut text = String::new();
    print::value(value, &mut text);
    text
}

/// The answer line for a case line, without the line's end. `now_ns` is what time it is for the case.
pub fn answer(line: &[u8], now_ns: i64) -> Vec<u8> {
    let outcome = with_room(|| {
        guarded(|| {
            let case = Case::read(line);
            let id = case.as_ref().map(|case| case.id.clone()).unwrap_or_else(|error| error.id.clone());
            let verdict = match &case {
                Ok(case) => judge::decide(case, now_ns),
                Err(error) => Verdict::wrong("INPUT_INVALID", &error.message),
            };
            Ok((id, verdict))
        })
    });
    let (id, verdict) =
        outcome.unwrap_or_else(|failure| (case::id_of(line), Verdict::wrong(failure.code, &failure.message)));
    print::line(&id, &verdict).into_bytes()
}
