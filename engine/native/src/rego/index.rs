//! Which rules a request can concern: hash look-ups instead of running every rule.
//!
//! INVARIANT: a rule that could give a result is always a candidate. Each body of a rule stands under its rarest
//! condition; a rule with a body that has none is a candidate for every request.

use std::collections::{BTreeMap, HashMap};

use regorus::Value;

use super::conditions::{visit, Condition};
use super::scope::Path;

#[derive(Default)]
struct Bucket {
    texts: HashMap<String, Vec<u32>>,
    others: BTreeMap<Value, Vec<u32>>,
    /// Rules that also match where there is nothing at the path.
    absent: Vec<u32>,
}

pub struct Index {
    buckets: Vec<(Path, Bucket)>,
    always: Vec<u32>,
    /// For each rule the conditions of each of its bodies.
    bodies: Vec<Vec<Vec<Condition>>>,
}

impl Index {
    /// `bodies`: for each rule, the conditions of each of its bodies.
    pub fn new(bodies: Vec<Vec<Vec<Condition>>>) -> Self {
        let mut counts: BTreeMap<(&Path, &Value), usize> = BTreeMap::new();
        for condition in bodies.iter().flatten().flatten() {
            for value in &condition.values {
                let count = counts.entry((&condition.path, value)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let cost = |condition: &Condition| -> usize {
            condition.values.iter().filter_map(|value| counts.get(&(&condition.path, value))).sum()
        };
        let mut buckets: BTreeMap<Path, Bucket> = BTreeMap::new();
        let mut always = Vec::new();
        for (number, rule) in bodies.iter().enumerate() {
            let id = u32::try_from(number).unwrap_or(u32::MAX);
            let rarest: Option<Vec<&Condition>> =
                rule.iter().map(|body| body.iter().min_by_key(|condition| cost(condition))).collect();
            match rarest {
                Some(conditions) if !conditions.is_empty() => {
                    for condition in conditions {
                        buckets.entry(condition.path.clone()).or_default().add(condition, id);
                    }
                }
                _ => always.push(id),
            }
        }
        Self { buckets: buckets.into_iter().collect(), always, bodies }
    }

    pub fn is_always(&self, rule: u32) -> bool {
        self.always.binary_search(&rule).is_ok()
    }

    /// The rules that may give a result for `input`, ascending, each once.
    pub fn candidates(&self, input: &Value) -> Vec<u32> {
        let mut found = self.always.clone();
        for (path, bucket) in &self.buckets {
            let mut present = false;
            visit(input, path, &mut |value| {
                present = true;
                self.take(bucket.at(value), input, &mut found);
            });
            if !present {
                self.take(&bucket.absent, input, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn take(&self, rules: &[u32], input: &Value, found: &mut Vec<u32>) {
        found.extend(rules.iter().copied().filter(|rule| self.may_hold(*rule, input)));
    }

    /// Whether all conditions of some body hold.
    fn may_hold(&self, rule: u32, input: &Value) -> bool {
        let rule = usize::try_from(rule).ok().and_then(|number| self.bodies.get(number));
        rule.is_none_or(|bodies| bodies.iter().any(|body| body.iter().all(|condition| condition.holds(input))))
    }
}

impl Bucket {
    fn add(&mut self, condition: &Condition, rule: u32) {
        for value in &condition.values {
            match value {
                Value::String(text) => self.texts.entry(text.to_string()).or_default().push(rule),
                other => self.others.entry(other.clone()).or_default().push(rule),
            }
        }
        if condition.or_absent {
            self.absent.push(rule);
        }
    }

    fn at(&self, value: &Value) -> &[u32] {
        let found = match value {
            Value::String(text) => self.texts.get(text.as_ref()),
            other => self.others.get(other),
        };
        found.map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::scope::Step;

    fn condition(path: &[&str], values: &[&str]) -> Condition {
        let step = |part: &&str| if *part == "_" { Step::Any } else { Step::key(part) };
        Condition {
            path: path.iter().map(step).collect(),
            values: values.iter().map(|value| Value::from(*value)).collect(),
            or_absent: false,
        }
    }

    fn input(text: &str) -> Value {
        Value::from_json_str(text).unwrap()
    }

    #[test]
    fn only_rules_whose_conditions_hold_are_candidates() {
        let index = Index::new(vec![
            vec![vec![condition(&["name"], &["a"])]],
            vec![vec![condition(&["name"], &["b"])]],
            vec![vec![condition(&["name"], &["a"]), condition(&["ops", "_", "kind"], &["drop"])]],
        ]);
        assert_eq!(index.candidates(&input(r#"{"name": "a"}"#)), [0]);
        assert_eq!(index.candidates(&input(r#"{"name": "a", "ops": [{"kind": "read"}, {"kind": "drop"}]}"#)), [0, 2]);
        assert!(index.candidates(&input("{}")).is_empty());
    }

    #[test]
    fn a_rule_without_a_condition_in_some_body_is_always_one() {
        let index = Index::new(vec![vec![vec![condition(&["name"], &["a"])], vec![]], vec![vec![]], vec![]]);
        assert_eq!(index.candidates(&input("{}")), [0, 1, 2]);
        assert!(index.is_always(0) && index.is_always(2));
    }

    #[test]
    fn numbers_are_found_however_they_are_written() {
        let mut found = condition(&["n"], &[]);
        found.values = vec![Value::from(1_u64)];
        let index = Index::new(vec![vec![vec![found]]]);
        assert_eq!(index.candidates(&input(r#"{"n": 1.0}"#)), [0]);
        assert!(index.candidates(&input(r#"{"n": "1"}"#)).is_empty());
    }

    #[test]
    fn absence_selects_where_it_is_asked_for() {
        let lenient = Condition { or_absent: true, ..condition(&["env"], &["prod"]) };
        let index = Index::new(vec![vec![vec![lenient]], vec![vec![condition(&["env"], &["prod"])]]]);
        assert_eq!(index.candidates(&input("{}")), [0]);
        assert_eq!(index.candidates(&input(r#"{"env": "prod"}"#)), [0, 1]);
        assert!(index.candidates(&input(r#"{"env": "dev"}"#)).is_empty());
    }
}
