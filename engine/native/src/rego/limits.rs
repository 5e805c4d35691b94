//! The limits of everything in `rego`. They are always set: an option may move one, none can be switched off.

use std::time::Duration;

use regorus::Value;

/// Ceilings for sources, inputs, evaluation and results.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Instructions of one entry point. Call cycles are refused, so this bounds time, not the stack.
    pub instructions: usize,
    /// The processor's time of one whole evaluation, all candidates together; by the wall it may take longer (`clock`).
    pub time: Duration,
    /// Bytes the core's allocator may hold altogether.
    pub memory_bytes: u64,
    /// Bytes of an encoded input or data document.
    pub input_bytes: usize,
    /// Values in one document, so that many tiny ones cannot outgrow the byte limit.
    pub input_values: usize,
    /// Nesting of a document, and of a result.
    pub depth: usize,
    /// Bytes of all results of one evaluation.
    pub result_bytes: usize,
    pub modules: usize,
    pub source_bytes: usize,
    pub source_columns: u32,
    pub source_lines: usize,
    /// Nesting of brackets in a source; the parser's time doubles with each level.
    pub nesting: u32,
    /// Longest chain of rules that call each other.
    pub call_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instructions: 250_000,
            time: Duration::from_millis(100),
            memory_bytes: 512 << 20,
            input_bytes: 8 << 20,
            input_values: 400_000,
            depth: 64,
            result_bytes: 1 << 20,
            modules: 20_000,
            source_bytes: 1 << 20,
            source_columns: 4096,
            source_lines: 20_000,
            nesting: 16,
            call_depth: 64,
        }
    }
}

impl Limits {
    /// The defaults, moved by the numbers in `named`; an unknown name or a number that is not positive is an error text.
    pub fn read(named: &Value) -> Result<Self, String> {
        let mut limits = Self::default();
        let Ok(object) = named.as_object() else {
            return Err("limits must be an object".to_owned());
        };
        for (key, value) in object.iter_sorted() {
            let name = key.as_string().map_err(|_| "a limit's name must be a string".to_owned())?;
            let number = value.as_u64().ok().filter(|number| *number > 0);
            let Some(number) = number else {
                return Err(format!("limit `{name}` must be a positive whole number"));
            };
            let small = u32::try_from(number).unwrap_or(u32::MAX);
            let size = usize::try_from(number).unwrap_or(usize::MAX);
            match name.as_ref() {
                "instructions" => limits.instructions = size,
                "milliseconds" => limits.time = Duration::from_millis(number),
                "memory_bytes" => limits.memory_bytes = number,
                "input_bytes" => limits.input_bytes = size,
                "input_values" => limits.input_values = size,
                "depth" => limits.depth = size.min(128),
                "result_bytes" => limits.result_bytes = size,
                "modules" => limits.modules = size,
                "source_bytes" => limits.source_bytes = size,
                "source_columns" => limits.source_columns = small,
                "source_lines" => limits.source_lines = size,
                "nesting" => limits.nesting = small.min(20),
                "call_depth" => limits.call_depth = size.min(128),
                _ => return Err(format!("no limit is named `{name}`")),
            }
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_limit_is_moved_by_its_name() {
        let named = Value::from_json_str(r#"{"instructions": 7, "milliseconds": 5}"#).unwrap();
        let limits = Limits::read(&named).unwrap();
        assert_eq!((limits.instructions, limits.time), (7, Duration::from_millis(5)));
    }

    #[test]
    fn no_limit_can_be_switched_off() {
        for text in [r#"{"instructions": 0}"#, r#"{"depth": -1}"#, r#"{"depth": null}"#] {
            assert!(Limits::read(&Value::from_json_str(text).unwrap()).is_err());
        }
    }

    #[test]
    fn an_unknown_limit_is_refused() {
        assert!(Limits::read(&Value::from_json_str(r#"{"instrucions": 5}"#).unwrap()).is_err());
    }

    #[test]
    fn depths_that_would_endanger_the_stack_are_cut() {
        let named = Value::from_json_str(r#"{"depth": 100000, "call_depth": 100000, "nesting": 100}"#).unwrap();
        let limits = Limits::read(&named).unwrap();
        assert_eq!((limits.depth, limits.call_depth, limits.nesting), (128, 128, 20));
    }
}
