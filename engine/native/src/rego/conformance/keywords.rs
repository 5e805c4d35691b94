//! Keywords as parts of names (`foo.as`, `package a.default`): Rego allows them, the parser does not.
//!
//! Part of the name of a rule or package: another name, undone when the answer is printed. Part of a path into a value: a
//! key in brackets, which means the same. Where data lies below the same path as a package, its keys are renamed alike.

use std::collections::HashSet;

use regorus::Value;

const KEYWORDS: [&str; 14] = [
    "as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not", "null", "some",
];
const MORE: [&str; 3] = ["package", "true", "with"];

/// What a renamed keyword begins with.
pub const PREFIX: &str = "sallyport_word_";

fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word) || MORE.contains(&word)
}

/// A name in code, with dots between its parts: `data.foo.as`.
struct Chain {
    start: usize,
    /// Beginnings and ends of the parts.
    parts: Vec<(usize, usize)>,
}

/// Paths of packages with a keyword in them, without the leading `data`.
pub struct Packages(Vec<Vec<String>>);

impl Packages {
    /// Those that the modules declare.
    pub fn of(modules: &[String]) -> Self {
        let mut found = Vec::new();
        for text in modules {
            for chain in chains(text).iter().filter(|chain| declares(text, chain)) {
                let part = |part: &(usize, usize)| text.get(part.0..part.1).unwrap_or_default().to_owned();
                found.push(chain.parts.iter().map(part).collect::<Vec<String>>());
            }
        }
        found.retain(|path| path.iter().any(|word| is_keyword(word)));
        Self(found)
    }

    /// Whether some package lies at this path or below it.
    fn reach(&self, path: &[&str]) -> bool {
        self.0
            .iter()
            .any(|package| package.len() >= path.len() && package.iter().zip(path).all(|(one, other)| one == other))
    }

    /// `data` with the keys renamed that these packages share with it.
    pub fn rename(&self, data: &Value) -> Value {
        self.0.iter().fold(data.clone(), |data, path| renamed(&data, path))
    }
}

fn renamed(data: &Value, path: &[String]) -> Value {
    let (Value::Object(fields), Some((first, rest))) = (data, path.split_first()) else {
        return data.clone();
    };
    let fields: regorus::value::Object = fields
        .iter()
        .map(|(key, value)| match key {
            Value::String(name) if name.as_ref() == first && is_keyword(first) => {
                (Value::from(format!("{PREFIX}{first}")), renamed(value, rest))
            }
            Value::String(name) if name.strip_prefix(PREFIX).unwrap_or(name) == first => {
                (key.clone(), renamed(value, rest))
            }
            _ => (key.clone(), value.clone()),
        })
        .collect();
    fields.into_value()
}

/// `text` with keywords in names written otherwise. `data` is the case's: what is in it are values.
pub fn rewrite(text: &str, data: &Value, packages: &Packages) -> String {
    let chains = chains(text);
    let of = |part: &(usize, usize)| text.get(part.0..part.1).unwrap_or_default();
    let has_keyword = |chain: &Chain| {
        chain.parts.len() > 1
            && chain
                .parts
                .iter()
                .enumerate()
                .any(|(at, part)| is_keyword(of(part)) && !(at == 0 && matches!(of(part), "input" | "data")))
    };
    if !chains.iter().any(has_keyword) {
        return text.to_owned();
    }
    let rules: HashSet<&str> = chains
        .iter()
        .filter(|chain| begins_rule(text, chain))
        .filter_map(|chain| chain.parts.first())
        .map(of)
        .collect();
    let mut out = String::new();
    let mut at = 0;
    for chain in chains.iter().filter(|chain| has_keyword(chain)) {
        let words: Vec<&str> = chain.parts.iter().map(of).collect();
        out.push_str(text.get(at..chain.start).unwrap_or_default());
        let named = |at: usize| {
            declares(text, chain)
                || match words.first().copied().unwrap_or_default() {
                    "input" => false,
                    "data" => {
                        let path = words.get(1..=at).unwrap_or_default();
                        packages.reach(path) || !in_data(path, data)
                    }
                    other => rules.contains(other) || is_keyword(other),
                }
        };
        out.push_str(&written(&words, named));
        at = chain.parts.last().map_or(at, |part| part.1);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// A chain with its keywords written otherwise; `named` says of a part whether it is one of the name of a rule or package.
fn written(words: &[&str], named: impl Fn(usize) -> bool) -> String {
    let mut out = String::new();
    for (at, word) in words.iter().enumerate() {
        let keyword = is_keyword(word) && !(at == 0 && matches!(*word, "input" | "data"));
        match (keyword, keyword && named(at)) {
            (true, true) => {
                if at > 0 {
                    out.push('.');
                }
                out.push_str(PREFIX);
                out.push_str(word);
            }
            (true, false) => {
                out.push_str("[\"");
                out.push_str(word);
                out.push_str("\"]");
            }
            (false, _) => {
                if at > 0 {
                    out.push('.');
                }
                out.push_str(word);
            }
        }
    }
    out
}

/// Whether a path is in the data, whose keys have been renamed.
fn in_data(words: &[&str], data: &Value) -> bool {
    let below = |at: &'_ Value, word: &str| -> Option<Value> {
        let fields = at.as_object().ok()?;
        let renamed = || fields.get(&Value::from(format!("{PREFIX}{word}")));
        fields.get(&Value::from(word)).or_else(renamed).cloned()
    };
    words.iter().try_fold(data.clone(), |at, word| below(&at, word)).is_some()
}

/// Whether a name stands where a rule begins: first on its line, or after `default`.
fn begins_rule(text: &str, chain: &Chain) -> bool {
    let before = text.get(..chain.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.is_empty() || line == "default "
}

/// Whether a name is that of a package or an import.
fn declares(text: &str, chain: &Chain) -> bool {
    let before = text.get(..chain.start).unwrap_or_default();
    matches!(before.rsplit('\n').next().unwrap_or_default().trim_start(), "package ")
}

fn chains(text: &str) -> Vec<Chain> {
    let bytes = text.as_bytes();
    let mut found: Vec<Chain> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'"' => at = after_string(bytes, at.saturating_add(1)),
            b'`' => at = after(bytes, at.saturating_add(1), b'`'),
            b'#' => at = after(bytes, at, b'\n'),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                let chain = chain(bytes, at);
                at = chain.parts.last().map_or(at.saturating_add(1), |part| part.1);
                found.push(chain);
            }
            b'0'..=b'9' => at = word_end(bytes, at),
            _ => at = at.saturating_add(1),
        }
    }
    found
}

fn chain(bytes: &[u8], start: usize) -> Chain {
    let mut end = word_end(bytes, start);
    let mut parts = vec![(start, end)];
    while bytes.get(end) == Some(&b'.')
        && bytes.get(end.saturating_add(1)).is_some_and(|next| next.is_ascii_alphabetic() || *next == b'_')
    {
        let next = end.saturating_add(1);
        end = word_end(bytes, next);
        parts.push((next, end));
    }
    Chain { start, parts }
}

fn word_end(bytes: &[u8], start: usize) -> usize {
    let length = bytes
        .get(start..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    start.saturating_add(length)
}

fn after(bytes: &[u8], start: usize, end: u8) -> usize {
    let length = bytes.get(start..).unwrap_or_default().iter().take_while(|byte| **byte != end).count();
    start.saturating_add(length).saturating_add(1)
}

fn after_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at = at.saturating_add(2),
            b'"' => return at.saturating_add(1),
            _ => at = at.saturating_add(1),
        }
    }
    at
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rewritten(text: &str) -> String {
        rewrite(text, &Value::from_json_str(r#"{"base": {"as": 1}}"#).unwrap(), &Packages(Vec::new()))
    }

    #[test]
    fn data_below_the_path_of_a_package_is_renamed_with_it() {
        let packages = Packages::of(&["package a.if.b\nx := 1".to_owned(), "package c".to_owned()]);
        let data = Value::from_json_str(r#"{"a": {"if": {"b": 1, "else": 2}, "in": 3}}"#).unwrap();
        let renamed = packages.rename(&data);
        let wanted = r#"{"a": {"sallyport_word_if": {"b": 1, "else": 2}, "in": 3}}"#;
        assert_eq!(renamed, Value::from_json_str(wanted).unwrap());
        assert_eq!(
            rewrite("x := [data.a.if.b, data.a.if.else, data.a.in]", &renamed, &packages),
            "x := [data.a.sallyport_word_if.b, data.a.sallyport_word_if[\"else\"], data.a[\"in\"]]"
        );
    }

    #[test]
    fn names_of_rules_and_packages_are_renamed() {
        assert_eq!(
            rewritten("package a.as\n\nfoo.if := 1\n"),
            "package a.sallyport_word_as\n\nfoo.sallyport_word_if := 1\n"
        );
        assert_eq!(rewritten("default as.foo(_) := 2"), "default sallyport_word_as.foo(_) := 2");
        assert_eq!(rewritten("x := data.a.as.y"), "x := data.a.sallyport_word_as.y");
    }

    #[test]
    fn paths_into_values_get_brackets() {
        assert_eq!(rewritten("x := input.as.y"), "x := input[\"as\"].y");
        assert_eq!(rewritten("x := data.base.as"), "x := data.base[\"as\"]");
        assert_eq!(rewritten("p if {\n\ty := input\n\ty.not == 1\n}"), "p if {\n\ty := input\n\ty[\"not\"] == 1\n}");
    }

    #[test]
    fn other_texts_are_left_alone() {
        for text in
            ["package a\nimport data.x as y\nx := input.y", "x := \"foo.as\" # foo.as", "x := `a.as`", "default x := 1"]
        {
            assert_eq!(rewritten(text), text);
        }
    }
}
