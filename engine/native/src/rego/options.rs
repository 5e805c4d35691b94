//! What the caller of `Program.compile` may say.

use std::collections::BTreeSet;

use regorus::Value;

use super::limits::Limits;
use super::schema::Schema;
use super::scope::{Path, Step};
use crate::failure::Failure;

/// Options, by name: `capabilities` (list of builtin names), `limits`, `volatile` (list of paths), `schema`.
pub struct Options {
    pub capabilities: BTreeSet<String>,
    pub limits: Limits,
    /// Paths below `input` whose value differs from request to request and must not be in a cache key.
    pub volatile: Vec<Path>,
    /// What `input` looks like, when it is known.
    pub schema: Option<Schema>,
}

impl Options {
    pub fn read(document: &Value) -> Result<Self, Failure> {
        let wrong = |message: &str| Failure::new("INPUT_INVALID", message);
        let object = document.as_object().map_err(|_| wrong("options must be an object"))?;
        let mut options =
            Self { capabilities: BTreeSet::new(), limits: Limits::default(), volatile: Vec::new(), schema: None };
        for (key, value) in object.iter_sorted() {
            match key.as_string().map(|name| name.as_ref()) {
                Ok("capabilities") => options.capabilities = texts(value).into_iter().collect(),
                Ok("limits") => options.limits = Limits::read(value).map_err(|message| wrong(&message))?,
                Ok("volatile") => options.volatile = texts(value).iter().map(|text| path(text)).collect(),
                Ok("schema") => options.schema = Some(Schema::new(value)),
                _ => return Err(wrong("an option has an unknown name")),
            }
        }
        Ok(options)
    }

    /// Whether one of `paths` touches a volatile part of the input.
    pub fn is_volatile(&self, paths: &BTreeSet<Path>) -> bool {
        self.volatile.iter().any(|volatile| paths.iter().any(|path| overlap(volatile, path)))
    }
}

/// Whether one path lies below the other.
fn overlap(one: &[Step], other: &[Step]) -> bool {
    one.iter().zip(other).all(|(a, b)| a == b || *a == Step::Any || *b == Step::Any)
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().map(|items| items.as_slice()).unwrap_or_default();
    items.iter().filter_map(|item| item.as_string().ok().map(|text| text.to_string())).collect()
}

/// `input.a.b` as a path.
fn path(text: &str) -> Path {
    text.split('.').skip_while(|part| *part == "input").map(Step::key).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Options, Failure> {
        Options::read(&Value::from_json_str(text).unwrap())
    }

    #[test]
    fn nothing_is_allowed_that_is_not_named() {
        assert!(read("{}").unwrap().capabilities.is_empty());
        assert!(read(r#"{"capabilities": ["lower"]}"#).unwrap().capabilities.contains("lower"));
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert_eq!(read(r#"{"capabilites": []}"#).err().unwrap().code, "INPUT_INVALID");
    }

    #[test]
    fn a_path_is_volatile_when_one_lies_below_the_other() {
        let options = read(r#"{"volatile": ["input.context.now"]}"#).unwrap();
        let touches = |text: &str| options.is_volatile(&BTreeSet::from([path(text)]));
        assert!(touches("input.context.now") && touches("input.context") && touches("input"));
        assert!(!touches("input.context.hour") && !touches("input.resource"));
    }
}
