//! Patterns: `regex.*` with Go's reading of them, and what regorus leaves out.

use regex::RegexBuilder;
use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::syntax::translate;
use super::{failed, text};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    Some(match name {
        "regex.match" | "re_match" => (is_match, 2),
        "regex.is_valid" => (is_valid, 1),
        "regex.find_n" => (find_n, 3),
        "regex.split" => (split, 2),
        "regex.replace" => (replace, 3),
        "regex.template_match" => (template_match, 4),
        "regex.find_all_string_submatch_n" => (submatches, 3),
        "regex.globs_match" => (globs_match, 2),
        "glob.quote_meta" => (quote_meta, 1),
        _ => return None,
    })
}

fn compiled(pattern: &str) -> anyhow::Result<regex::Regex> {
    let built = RegexBuilder::new(&translate(pattern)?).size_limit(COMPILED).build();
    built.map_err(|error| failed(format!("error parsing regexp: {error}")))
}

/// regorus keeps what it compiled.
fn is_match(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    let Some((function, _)) = BUILTINS.get("regex.match") else {
        return Err(failed("`regex.match` is not there"));
    };
    let pattern = text(args, 0)?;
    match translate(pattern)? {
        std::borrow::Cow::Borrowed(_) => function(span, params, args, strict),
        std::borrow::Cow::Owned(pattern) => {
            let args = [Value::from(pattern), args.get(1).cloned().unwrap_or(Value::Undefined)];
            function(span, params, &args, strict)
        }
    }
}

fn is_valid(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::Bool(matches!(args.first(), Some(Value::String(pattern)) if compiled(pattern).is_ok())))
}

/// How many matches are wanted: all, where the number is negative.
fn wanted(args: &[Value]) -> anyhow::Result<usize> {
    match args.get(2).map(Value::as_i64) {
        Some(Ok(number)) => Ok(usize::try_from(number).unwrap_or(MATCHES).min(MATCHES)),
        _ => Err(super::wrong("operand 3 must be integer number but got floating-point number")),
    }
}

fn find_n(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let found = compiled(text(args, 0)?)?;
    let all = found.find_iter(text(args, 1)?).take(wanted(args)?).map(|found| Value::from(found.as_str()));
    Ok(Value::from(all.collect::<Vec<_>>()))
}

/// As Go splits: a match of nothing at the beginning or at the end cuts nothing off.
fn split(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (pattern, base) = (text(args, 0)?, text(args, 1)?);
    let found = compiled(pattern)?;
    if !pattern.is_empty() && base.is_empty() {
        return Ok(Value::from(vec![Value::from("")]));
    }
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    for one in found.find_iter(base).take(MATCHES) {
        end = one.start();
        if one.end() != 0 {
            parts.push(Value::from(base.get(begin..end).unwrap_or_default()));
        }
        begin = one.end();
    }
    if end != base.len() {
        parts.push(Value::from(base.get(begin..).unwrap_or_default()));
    }
    Ok(Value::from(parts))
}

fn replace(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (base, found, by) = (text(args, 0)?, compiled(text(args, 1)?)?, text(args, 2)?);
    let pieces = found.find_iter(base).count();
    if pieces.saturating_add(1).saturating_mul(by.len().saturating_add(1)).saturating_add(base.len()) > RESULT {
        return Err(crate::rego::builtins::Raised::error(
            crate::rego::builtins::Class::Limit,
            format!("the result would take more than {RESULT} bytes"),
        ));
    }
    Ok(Value::from(found.replace_all(base, by).into_owned()))
}

/// A text with patterns between two delimiters.
fn template_match(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (template, base) = (text(args, 0)?, text(args, 1)?);
    let delimiter = |at: usize, which: &str| match text(args, at)?.as_bytes() {
        [one] => Ok(*one),
        other => {
            Err(failed(format!("{which} delimiter has to be exactly one character long but is {} long", other.len())))
        }
    };
    let (open, close) = (delimiter(2, "start")?, delimiter(3, "end")?);
    let unbalanced = || failed(format!("unbalanced braces in {template:?}"));
    let (mut depth, mut from, mut pattern) = (0_usize, 0_usize, "^".to_owned());
    let mut begin = 0_usize;
    for (at, byte) in template.bytes().enumerate() {
        let next = at.saturating_add(1);
        if byte == open {
            depth = depth.saturating_add(1);
            if depth == 1 {
                begin = at;
            }
        } else if byte == close {
            depth = depth.checked_sub(1).ok_or_else(unbalanced)?;
            if depth == 0 {
                let inside = template.get(begin.saturating_add(1)..at).ok_or_else(unbalanced)?;
                compiled(&format!("^{inside}$"))?;
                pattern.push_str(&regex::escape(template.get(from..begin).unwrap_or_default()));
                pattern.push_str(&format!("({})", translate(inside)?));
                from = next;
            }
        }
    }
    if depth != 0 {
        return Err(unbalanced());
    }
    pattern.push_str(&regex::escape(template.get(from..).unwrap_or_default()));
    pattern.push('$');
    let built = RegexBuilder::new(&pattern).size_limit(COMPILED).build().map_err(|error| failed(error.to_string()))?;
    Ok(Value::Bool(built.is_match(base)))
}

/// A backslash before each letter that means something in a glob.
fn quote_meta(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let mut out = String::new();
    for letter in text(args, 0)?.chars() {
        if matches!(letter, '*' | '?' | '\\' | '[' | ']' | '{' | '}') {
            out.push('\\');
        }
        out.push(letter);
    }
    Ok(Value::from(out))
}

/// Bytes a compiled pattern may take.
const COMPILED: usize = 1 << 20;
/// Matches of one call.
const MATCHES: usize = 100_000;
/// Bytes of a text after replacing.
const RESULT: usize = 4 << 20;

/// Each match with its groups; a negative number asks for all.
fn submatches(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (pattern, wanted) = (compiled(text(args, 0)?)?, wanted(args)?);
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
