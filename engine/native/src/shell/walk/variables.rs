//! Variables that change what later programs run, load or say, and values of them that change nothing: `variables.tsv`.

use std::collections::{HashMap, HashSet};

use super::paths::matches;

/// Beginnings of names that mean it whatever follows.
const BEGINNINGS: &[&str] = &["LD_", "DYLD_", "BASH_FUNC_", "GIT_CONFIG"];

#[derive(Default)]
pub struct Variables {
    names: HashSet<String>,
    /// Names with a `*`.
    families: Vec<String>,
    /// Variables that hold options or a program, with the words that change nothing that is run.
    plain: HashMap<String, Vec<String>>,
}

fn is_named(known: &str, word: &str) -> bool {
    known == word || known.contains('*') && matches(known, word)
}

impl Variables {
    pub fn know(&mut self, names: Vec<String>) {
        let (families, names): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| name.contains('*'));
        self.names.extend(names);
        self.families.extend(families);
    }

    pub fn take_for_plain(&mut self, names: Vec<String>, words: &[String]) {
        for name in names {
            self.plain.entry(name).or_default().extend_from_slice(words);
        }
    }

    pub fn change_runs(&self, name: &str) -> bool {
        self.names.contains(name)
            || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
            || self.families.iter().any(|family| matches(family, name))
    }

    /// `value`: None where only the run tells it.
    pub fn change_runs_with(&self, name: &str, value: Option<&str>) -> bool {
        let plain = self.plain.iter().filter(|(known, _)| is_named(known, name)).flat_map(|(_, words)| words);
        let plain: Vec<&String> = plain.collect();
        let changes_nothing = !plain.is_empty()
            && value.is_some_and(|value| {
                value.split_whitespace().all(|word| plain.iter().any(|known| is_named(known, word)))
            });
        !changes_nothing && self.change_runs(name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::is_changed_by;

    #[test]
    fn a_variable_is_judged_by_its_value_where_that_changes_nothing() {
        for (name, value) in [
            ("JAVA_OPTS", "-Xmx2g -XX:MaxMetaspaceSize=1g"),
            ("PYTEST_ADDOPTS", "-q --tb=short"),
            ("GIT_PAGER", "cat"),
            ("PAGER", ""),
            ("TF_CLI_ARGS_plan", "-no-color"),
            ("RUST_LOG", "debug"),
        ] {
            assert!(!is_changed_by(name, Some(value)), "{name}={value}");
        }
        for (name, value) in [
            ("JAVA_OPTS", "-Xmx2g -javaagent:/tmp/x"),
            ("PYTEST_ADDOPTS", "-p evil"),
            ("GIT_PAGER", "sh x"),
            ("TF_CLI_ARGS_apply", "-auto-approve"),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", "sh x"),
            ("MAKEFILES", "/tmp/x"),
            ("LD_PRELOAD", ""),
        ] {
            assert!(is_changed_by(name, Some(value)), "{name}={value}");
        }
        assert!(is_changed_by("JAVA_OPTS", None));
        assert!(is_changed_by("DYLD_X", None));
    }
}
