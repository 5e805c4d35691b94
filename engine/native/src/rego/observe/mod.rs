//! Which conditions of the policies held and which did not: what coverage counts and explanations tell.
//!
//! Each condition of a body, nested ones too, is wrapped in a call of ours that writes down how it came out and lets it
//! be what it was: `op.kind == "drop"` becomes `internal.seen(7, [1 | op.kind == "drop"], [op])`. The rewritten policies
//! run in the interpreter, in the order in which they are written. What binds names (`:=`, `some ... in`, a unification
//! with a name of nobody's) cannot be wrapped and is no condition; it is listed, because it may find nothing.

mod find;
mod record;
mod refs;
mod told;

use regorus::{Engine, Value};

use super::builtins::{self, Mode};
use super::focus::Test;
use super::interpret::{self, Interpreter};
use super::limits::Limits;
use super::program::RuleFact;
use super::rules::Rules;
use super::sources::{self, SourceFile};
use super::trial;
use find::Found;

pub use find::Place;

/// The call that each condition becomes. A policy cannot name it: it is in nobody's capabilities.
const SEEN: &str = "internal.seen";
/// How much longer the rewritten texts may be.
const LONGER: usize = 16;

/// Policies that tell how their conditions came out.
pub struct Observed {
    places: Vec<Place>,
    engine: Engine,
}

impl Observed {
    /// Rewrites `files`. An error says why they cannot be watched.
    pub fn new(files: &[SourceFile], interpreter: &Interpreter, limits: &Limits) -> Result<Self, String> {
        let rules = Rules::new(sources::parse(files, limits).trees());
        let found = Found::in_all(&rules, files);
        let wide = Limits {
            source_bytes: limits.source_bytes.saturating_mul(LONGER),
            source_columns: u32::MAX,
            ..limits.clone()
        };
        let mut engine = interpreter.engine_of(&found.files, &wide).map_err(|error| format!("{error:#}"))?;
        engine
            .add_extension(SEEN.to_owned(), 3, Box::new(|arguments: Vec<Value>| Ok(record::write_down(&arguments))))
            .map_err(|error| error.to_string())?;
        prepare(&mut engine)?;
        Ok(Self { places: found.places, engine })
    }

    /// Every condition and every binding: list of {file, line, column, end_line, end_column, rule, rule_line, text, parent,
    /// binds, negated}.
    pub fn describe(&self) -> Vec<u8> {
        told::places(&self.places)
    }

    /// Runs every policy set: {"seen": [[condition, 1 true | 2 false | 3 both]], "values": {condition: {path: value}},
    /// "errors": [text]}. The values are those of the first time a condition did not hold.
    pub fn run(&self, facts: &[RuleFact], input: &Value, now_ns: i64, limits: &Limits) -> Vec<u8> {
        let mut engine = self.engine.clone();
        engine.set_input(input.clone());
        record::begin(self.places.len());
        let mut errors = Vec::new();
        let mut sets = std::collections::BTreeSet::new();
        for fact in facts {
            if sets.insert((&fact.package, fact.kind)) {
                interpret::timed(&mut engine, limits.time.saturating_mul(20));
                builtins::begin(now_ns, Mode::Policy);
                if let Err(error) = engine.eval_rule(format!("data.{}.{}", fact.package, fact.kind)) {
                    errors.push(interpret::last_line(&format!("{error:#}")));
                }
            }
        }
        told::outcomes(&self.places, &record::take(), input, &errors, limits)
    }

    /// Runs the `test_` rules in the same way.
    ///
    /// One after the other: what is seen is written down for the thread.
    pub fn run_tests(&self, tests: &[Test], now_ns: i64, limits: &Limits) -> Vec<u8> {
        record::begin(self.places.len());
        let mut engine = self.engine.clone();
        let outcomes = tests.iter().map(|test| trial::run(&mut engine, &test.name, now_ns));
        let errors: Vec<String> = outcomes.filter_map(Result::err).collect();
        told::outcomes(&self.places, &record::take(), &Value::Undefined, &errors, limits)
    }
}

/// Analyses the policies once, so that clones need not.
fn prepare(engine: &mut Engine) -> Result<(), String> {
    engine.eval_query("true".to_owned(), false).map(|_| ()).map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::options::Options;

    const KIND: &str = "deny";

    fn observed(text: &str) -> Observed {
        let files = vec![SourceFile { name: "a.rego".to_owned(), text: text.to_owned() }];
        let options = Options::read(&Value::from_json_str(r#"{"capabilities": ["count", "startswith"]}"#).unwrap());
        let options = options.unwrap();
        let interpreter = Interpreter::new(files.clone(), Value::new_object(), &options);
        Observed::new(&files, &interpreter, &options.limits).unwrap()
    }

    fn fact() -> RuleFact {
        RuleFact {
            package: "policies.a".to_owned(),
            kind: KIND,
            file: "a.rego".to_owned(),
            line: 1,
            code: None,
            head: None,
            reads: Vec::new(),
            volatile: false,
            shard: 0,
            entry_point: 0,
        }
    }

    /// For each condition its text and how it came out: `t`, `f`, `tf` or nothing.
    fn outcomes(text: &str, inputs: &[&str]) -> Vec<(String, String)> {
        let observed = observed(text);
        let mut bits = vec![0_u64; observed.places.len()];
        for input in inputs {
            let input = Value::from_json_str(input).unwrap();
            let said = observed.run(&[fact()], &input, 0, &Limits::default());
            let said = crate::rego::decode::document(&said, &Limits::default()).unwrap();
            let said = said.as_object().unwrap();
            assert_eq!(said.get(&Value::from("errors")).unwrap().as_array().unwrap().len(), 0, "{said:?}");
            for pair in said.get(&Value::from("seen")).unwrap().as_array().unwrap().iter() {
                let pair = pair.as_array().unwrap();
                let id = usize::try_from(pair.first().unwrap().as_u64().unwrap()).unwrap();
                *bits.get_mut(id).unwrap() |= pair.get(1).unwrap().as_u64().unwrap();
            }
        }
        let shown = |bits: u64| ["", "t", "f", "tf"].get(usize::try_from(bits).unwrap()).unwrap().to_string();
        let all = observed.places.iter().zip(bits);
        all.filter(|(place, _)| !place.binds).map(|(place, bits)| (place.text.clone(), shown(bits))).collect()
    }

    fn one(text: &str, inputs: &[&str]) -> Vec<String> {
        let text = format!("package policies.a\n{text}\n");
        outcomes(&text, inputs).into_iter().map(|(_, seen)| seen).collect()
    }

    #[test]
    fn each_condition_is_seen_as_it_comes_out() {
        let rule = "deny contains 1 if {\n input.a == 1\n not input.b == 2\n}";
        assert_eq!(one(rule, &[r#"{"a": 1, "b": 2}"#]), ["t", "f"]);
        assert_eq!(one(rule, &[r#"{"a": 2, "b": 2}"#]), ["f", ""]);
        assert_eq!(one(rule, &[r#"{"a": 1, "b": 2}"#, r#"{"a": 1}"#]), ["t", "tf"]);
        assert_eq!(one(rule, &["{}"]), ["f", ""], "undefined is not true");
    }

    #[test]
    fn conditions_are_tried_in_the_order_in_which_they_are_written() {
        let rule = "deny contains 1 if {\n some op in input.ops\n op.kind == \"drop\"\n not \"dba\" in input.groups\n}";
        assert_eq!(one(rule, &[r#"{"ops": [{"kind": "read"}], "groups": ["dba"]}"#]), ["f", ""]);
        assert_eq!(one(rule, &[r#"{"ops": [{"kind": "read"}, {"kind": "drop"}], "groups": ["dba"]}"#]), ["tf", "f"]);
    }

    #[test]
    fn helpers_quantifiers_and_comprehensions_are_watched_inside() {
        let rule = "deny contains 1 if {\n every op in input.ops { reads(op) }\n count([1 | some x in input.xs; x > 2]) > 0\n}\nreads(op) if op.e == \"read\"\nreads(op) if op.e == \"session\"";
        assert_eq!(
            one(rule, &[r#"{"ops": [{"e": "read"}, {"e": "session"}], "xs": [1, 3]}"#]),
            ["t", "t", "t", "tf", "tf", "tf"]
        );
        assert_eq!(one(rule, &[r#"{"ops": [{"e": "write"}], "xs": []}"#]), ["f", "f", "", "", "f", "f"]);
    }

    #[test]
    fn what_binds_a_name_is_no_condition_and_still_works() {
        let rule = "deny contains x if {\n x := input.a\n [y, _] = input.pair\n some i\n input.list[i] == y\n i > 0\n}";
        assert_eq!(one(rule, &[r#"{"a": 1, "pair": [5, 6], "list": [5, 7, 5]}"#]), ["tf"]);
    }

    #[test]
    fn a_wrapped_policy_says_what_the_plain_one_says() {
        let text = "package policies.a\ndeny contains v if {\n some v in input.xs\n v > 1; not v == 3\n (v < 9)\n}\nelse_ := 1 if input.a else := 2 if {\n input.b\n}\ndeny contains else_ if input.c";
        let observed = observed(text);
        let mut engine = observed.engine.clone();
        engine.set_input(Value::from_json_str(r#"{"xs": [1, 2, 3, 4, 12], "b": true, "c": true}"#).unwrap());
        record::begin(observed.places.len());
        let said = engine.eval_rule("data.policies.a.deny".to_owned()).unwrap();
        assert_eq!(said.to_json_str().unwrap().replace(char::is_whitespace, ""), "[2,4]");
    }

    #[test]
    fn the_values_are_those_of_the_first_time_it_did_not_hold() {
        let observed = observed(
            "package policies.a\ndeny contains 1 if {\n some op in input.ops\n op.kind == input.resource.labels.want\n}\n",
        );
        let input = Value::from_json_str(
            r#"{"ops": [{"kind": "read"}, {"kind": "write"}], "resource": {"labels": {"want": "drop"}}}"#,
        );
        let said = observed.run(&[fact()], &input.unwrap(), 0, &Limits::default());
        let said = crate::rego::decode::document(&said, &Limits::default()).unwrap();
        let values = said.as_object().unwrap().get(&Value::from("values")).unwrap().to_json_str().unwrap();
        let values = values.replace(char::is_whitespace, "");
        assert_eq!(values, r#"[[1,{"input.resource.labels.want":"drop","op.kind":"read"}]]"#);
    }
}
