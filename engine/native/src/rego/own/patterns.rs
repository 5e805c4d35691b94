//! Patterns: what regorus leaves out of `regex.*`.

use regex::RegexBuilder;
use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::{failed, text};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "regex.find_all_string_submatch_n" => Some((submatches, 3)),
        "regex.globs_match" => Some((globs_match, 2)),
        _ => None,
    }
}

/// Bytes a compiled pattern may take.
const COMPILED: usize = 1 << 20;
/// Matches of one call.
const MATCHES: usize = 100_000;

/// Each match with its groups; a negative number asks for all.
fn submatches(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let pattern =
        RegexBuilder::new(text(args, 0)?).size_limit(COMPILED).build().map_err(|error| failed(error.to_string()))?;
    let wanted = match args.get(2).map(Value::as_i64) {
        Some(Ok(number)) => usize::try_from(number).unwrap_or(MATCHES).min(MATCHES),
        _ => return Err(super::wrong("operand 3 must be integer number")),
    };
    let groups = |found: regex::Captures<'_>| {
        Value::from(found.iter().map(|group| Value::from(group.map_or("", |group| group.as_str()))).collect::<Vec<_>>())
    };
    Ok(Value::from(pattern.captures_iter(text(args, 1)?).take(wanted).map(groups).collect::<Vec<_>>()))
}

/// One token of a glob-like pattern: the letters it matches, and whether it may be left out or repeated.
struct Token {
    /// Ranges of letters; None matches every letter.
    letters: Option<Vec<(char, char)>>,
    optional: bool,
    repeated: bool,
}

impl Token {
    fn meets(&self, other: &Self) -> bool {
        match (&self.letters, &other.letters) {
            (Some(own), Some(theirs)) => own.iter().any(|a| theirs.iter().any(|b| a.0 <= b.1 && b.0 <= a.1)),
            (Some(only), None) | (None, Some(only)) => !only.is_empty(),
            (None, None) => true,
        }
    }
}

/// Reads a pattern of letters, `.`, sets in brackets, and `*` or `+` after them.
fn tokens(pattern: &str) -> anyhow::Result<Vec<Token>> {
    let mut found: Vec<Token> = Vec::new();
    let mut letters = pattern.chars().peekable();
    let bad = |what: &str| failed(format!("input:{pattern}, {what}: the input provided is invalid"));
    while let Some(letter) = letters.next() {
        let ranges = match letter {
            '*' | '+' => return Err(bad("a flag with nothing before it")),
            ']' => return Err(bad("set-close ']' with no preceding '['")),
            '.' => None,
            '[' => Some(set(&mut letters).ok_or_else(|| bad("a set without an end"))?),
            '\\' => letters
                .next()
                .map(|escaped| vec![(escaped, escaped)])
                .map_or_else(|| Err(bad("an escape of nothing")), |one| Ok(Some(one)))?,
            plain => Some(vec![(plain, plain)]),
        };
        let flag = letters.next_if(|next| matches!(next, '*' | '+'));
        found.push(Token { letters: ranges, optional: flag == Some('*'), repeated: flag.is_some() });
    }
    Ok(found)
}

fn set(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Vec<(char, char)>> {
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let first = match letters.next()? {
            ']' => return Some(ranges),
            '\\' => letters.next()?,
            plain => plain,
        };
        if letters.next_if_eq(&'-').is_some() {
            let last = letters.next()?;
            ranges.push((first, last));
        } else {
            ranges.push((first, first));
        }
    }
}

/// Whether there is a text, not empty, that both patterns match.
fn globs_match(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (one, other) = (tokens(text(args, 0)?)?, tokens(text(args, 1)?)?);
    if one.len().saturating_mul(other.len()) > 1_000_000 {
        return Err(failed("the patterns are too long"));
    }
    let width = other.len().saturating_add(1);
    let place = |i: usize, j: usize| i.saturating_mul(width).saturating_add(j);
    let mut seen = vec![false; place(one.len(), other.len()).saturating_add(1)];
    let mut open = vec![(0_usize, 0_usize)];
    while let Some((i, j)) = open.pop() {
        if let Some(mark) = seen.get_mut(place(i, j)) {
            if std::mem::replace(mark, true) {
                continue;
            }
        }
        let (next_i, next_j) = (i.saturating_add(1), j.saturating_add(1));
        match (one.get(i), other.get(j)) {
            (None, None) => return Ok(Value::Bool(true)),
            (Some(a), b) if a.optional && b.is_none() => open.push((next_i, j)),
            (a, Some(b)) if b.optional && a.is_none() => open.push((i, next_j)),
            (Some(a), Some(b)) => {
                if a.optional {
                    open.push((next_i, j));
                }
                if b.optional {
                    open.push((i, next_j));
                }
                if a.meets(b) {
                    open.push((next_i, next_j));
                    if a.repeated {
                        open.push((i, next_j));
                    }
                    if b.repeated {
                        open.push((next_i, j));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Value::Bool(false))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn both(one: &str, other: &str) -> bool {
        let source = regorus::Source::from_contents("a".to_owned(), String::new()).unwrap();
        let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
        globs_match(&span, &[], &[Value::from(one), Value::from(other)], true).unwrap() == Value::Bool(true)
    }

    #[test]
    fn patterns_meet_where_a_text_fits_both() {
        assert!(both("a.a.[0-9]+z", ".b.b2359825792*594823z"));
        assert!(both("b.*", "bar") && both("[a-z]+\\[[0-9]+\\]", "foo\\[1\\]"));
        assert!(!both("[a-z]+", "[0-9]+") && !both("abc", "abd") && !both("a+", "b"));
    }

    #[test]
    fn broken_patterns_are_errors() {
        for pattern in ["pqrs]", "[abc", "*a", "a\\"] {
            assert!(tokens(pattern).is_err(), "{pattern}");
        }
    }
}
