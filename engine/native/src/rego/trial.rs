//! Runs the `test_` rules of a set of policies by the interpreter (they need `with`), on as many threads as there are
//! processors, each on as much of the policies as it can concern (`focus`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;
use std::time::Duration;

use regorus::{Engine, Value};

use super::builtins::{self, Mode};
use super::encode::Writer;
use super::focus::{Focus, Group, Test};
use super::interpret::{last_line, timed, Interpreter};
use crate::failure::guarded;
use crate::stack::SEGMENT;

/// The time one test rule may take.
const TEST_TIME: Duration = Duration::from_secs(5);
const THREADS: usize = 16;

/// Whether a test is true, or why it has no answer.
type Outcome = Result<bool, String>;

/// Runs every `test_` rule, in source order: list of {name, file, line, passed, error}.
pub fn run_all(interpreter: &Interpreter, focus: &Focus, now_ns: i64) -> Vec<u8> {
    let outcomes = outcomes(interpreter, focus, &focus.groups(), now_ns);
    let mut writer = Writer::new(usize::MAX, 8);
    writer.array(outcomes.len());
    for (test, outcome) in focus.tests.iter().zip(&outcomes) {
        writer.map(5);
        for (key, text) in [("name", &test.name), ("file", &test.file)] {
            writer.text(key);
            writer.text(text);
        }
        writer.text("line");
        writer.number(u64::from(test.line));
        writer.text("passed");
        writer.bool(matches!(outcome, Ok(true)));
        writer.text("error");
        writer.text(outcome.as_ref().err().map_or("", String::as_str));
    }
    writer.finish()
}

/// Runs one rule as a test.
pub fn run(engine: &mut Engine, name: &str, now_ns: i64) -> Outcome {
    timed(engine, TEST_TIME);
    builtins::begin(now_ns, Mode::Policy);
    let outcome = engine.eval_rule(name.to_owned()).map(|value| value == Value::Bool(true));
    outcome.map_err(|error| last_line(&format!("{error:#}")))
}

/// What came of each test, by its place in `focus.tests`.
fn outcomes(interpreter: &Interpreter, focus: &Focus, groups: &[Group], now_ns: i64) -> Vec<Outcome> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let trial = Trial { interpreter, focus, groups, now_ns, next: AtomicUsize::new(0), whole: OnceLock::new() };
    let ran: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads.min(THREADS).min(groups.len()))
            .map(|_| {
                let builder = std::thread::Builder::new().stack_size(SEGMENT);
                builder.spawn_scoped(scope, || guarded(|| Ok(trial.run_some())))
            })
            .collect();
        let ended = running.into_iter().filter_map(|thread| thread.ok()?.join().ok()?.ok());
        ended.flatten().collect()
    });
    let mut outcomes = vec![Err("the test could not be run to its end".to_owned()); focus.tests.len()];
    for (test, outcome) in ran {
        if let Some(place) = outcomes.get_mut(test) {
            *place = outcome;
        }
    }
    outcomes
}

/// What the threads share.
struct Trial<'a> {
    interpreter: &'a Interpreter,
    focus: &'a Focus,
    groups: &'a [Group],
    now_ns: i64,
    next: AtomicUsize,
    /// With all texts; made by the first who needs it.
    whole: OnceLock<Result<Engine, String>>,
}

impl Trial<'_> {
    /// Takes groups until there are none.
    fn run_some(&self) -> Vec<(usize, Outcome)> {
        let mut found = Vec::new();
        while let Some(group) = self.groups.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let mut engine = self.engine(group);
            for number in &group.tests {
                let name = self.focus.tests.get(*number).map_or("", |test: &Test| test.name.as_str());
                let outcome =
                    engine.as_mut().map_err(|error| error.clone()).and_then(|engine| run(engine, name, self.now_ns));
                found.push((*number, outcome));
            }
        }
        found
    }

    fn engine(&self, group: &Group) -> Result<Engine, String> {
        let reduced = self.focus.texts(group, self.interpreter.files());
        if let Some(engine) = reduced.and_then(|files| self.interpreter.prepared(&files).ok()) {
            return Ok(engine);
        }
        let whole = self.whole.get_or_init(|| {
            let made = self.interpreter.prepared(self.interpreter.files());
            made.map_err(|error| last_line(&format!("{error:#}")))
        });
        whole.clone()
    }
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::program::Program;

    /// A set of so many rules, each for one name.
    pub fn many(rules: usize) -> String {
        let rules = (0..rules).map(|number| {
            format!("deny contains {{\"code\": \"C{number}\", \"reason\": \"no\"}} if {{\n\tinput.name == \"n{number}\"\n\tinput.size > {}\n}}\n", number % 3)
        });
        format!("package policies.big\n\n{}", rules.collect::<String>())
    }

    pub fn compile(texts: &[&str]) -> Program {
        let packed = |value: &Value| {
            let mut writer = Writer::new(usize::MAX, 128);
            writer.value(value).unwrap();
            writer.finish()
        };
        let files: Vec<Value> = texts
            .iter()
            .zip(0..)
            .map(|(text, number)| Value::from(vec![Value::from(format!("{number}.rego")), Value::from(*text)]))
            .collect();
        let options = Value::from_json_str(r#"{"capabilities": ["count", "object.union"]}"#).unwrap();
        let compiled = Program::compile(&packed(&Value::from(files)), &packed(&Value::new_object()), &packed(&options));
        compiled
            .map_err(|failure| {
                format!("{} {}", failure.message, String::from_utf8_lossy(&failure.payload.unwrap_or_default()))
            })
            .unwrap()
    }

    fn both(texts: &[&str]) -> (Vec<Outcome>, Vec<Outcome>) {
        let program = compile(texts);
        let (interpreter, focus) = program.on_trial();
        let groups = focus.groups();
        assert!(groups.iter().any(|group| focus.texts(group, interpreter.files()).is_some()), "nothing was left out");
        (outcomes(interpreter, focus, &groups, 0), outcomes(interpreter, focus, &focus.unfocused(), 0))
    }

    /// Tests that pass, that fail, that state their input in every way, that go over the whole set and over other rules.
    fn tests_of(count: usize) -> String {
        let mut text = String::from(
            "package policies.big_test\nimport data.policies.big\nbase := {\"name\": \"n3\", \"size\": 9}\nmade(name) := {\"name\": name, \"size\": 9}\n",
        );
        for number in 0..count {
            let body = match number % 9 {
                0 => format!("some one in big.deny with input as {{\"name\": \"n{number}\", \"size\": 9}}\n\tone.code == \"C{number}\""),
                1 => format!("count(big.deny) == 1 with input as {{\"name\": \"n{number}\", \"size\": {}}}", number % 4),
                2 => "big.deny == set() with input as {\"name\": \"nobody\"}".to_owned(),
                3 => "count(big.deny) == 1 with input as base".to_owned(),
                4 => format!("asked := object.union(base, {{\"name\": \"n{number}\"}})\n\tcount(big.deny) == 1 with input as asked"),
                5 => "count(big.deny) == 0\n\tcount(big.deny) == 1 with input as base".to_owned(),
                6 => format!("count(big.deny) == 1 with input as made(\"n{number}\")"),
                7 => format!("every name in [\"n1\", \"n2\"] {{\n\t\tcount(big.deny) == 1 with input as {{\"name\": \"n{number}\", \"size\": 5}}\n\t\tname\n\t}}"),
                _ => "count(big.deny) == 7 with big.deny as {1, 2, 3, 4, 5, 6, 7}".to_owned(),
            };
            text.push_str(&format!("test_{number} if {{\n\t{body}\n}}\n"));
        }
        text
    }

    #[test]
    fn tests_come_out_alike_with_rules_left_out_and_without() {
        let other = "package policies.sum\nallow contains {\"code\": \"ALL\"} if count(data.policies.big.deny) == 0\n";
        let (focused, whole) = both(&[&many(400), &tests_of(120), other]);
        assert_eq!(focused, whole);
        let passed = focused.iter().filter(|outcome| **outcome == Ok(true)).count();
        assert!((80..120).contains(&passed), "{passed}");
    }

    #[test]
    fn an_empty_set_is_there_though_none_of_its_rules_is_needed() {
        let test =
            "package policies.big_test\ntest_none if data.policies.big.deny == set() with input as {\"name\": \"x\"}\n";
        assert_eq!(both(&[&many(400), test]).0, [Ok(true)]);
    }

    #[test]
    fn what_cannot_be_run_fails_and_says_why() {
        let test = "package policies.big_test\ntest_wrong if object.union(1, 2) == 3 with input as {}\n";
        let (focused, whole) = both(&[&many(400), test]);
        assert_eq!(focused, whole);
        assert!(focused.first().unwrap().is_err());
    }
}
