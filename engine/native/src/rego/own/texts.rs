//! Texts, counted and changed letter by letter as Go does it.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::{failed, text};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    Some(match name {
        "count" => (count, 1),
        "upper" => (upper, 1),
        "lower" => (lower, 1),
        "indexof" => (indexof, 2),
        "indexof_n" => (indexof_n, 2),
        "strings.count" => (strings_count, 2),
        _ => return None,
    })
}

/// Letters of a text; the rest as regorus counts.
fn count(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    match (args.first(), BUILTINS.get("count")) {
        (Some(Value::String(text)), _) => Ok(number(text.chars().count())),
        (_, Some((function, _))) => function(span, params, args, strict),
        _ => Err(failed("`count` is not there")),
    }
}

fn number(of: usize) -> Value {
    Value::from(u64::try_from(of).unwrap_or(u64::MAX))
}

/// One letter for one letter: what would become several stays as it is.
fn upper(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::from(text(args, 0)?.chars().map(|letter| alone(letter, letter.to_uppercase())).collect::<String>()))
}

fn lower(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let one = |letter: char| if letter == '\u{130}' { 'i' } else { alone(letter, letter.to_lowercase()) };
    Ok(Value::from(text(args, 0)?.chars().map(one).collect::<String>()))
}

fn alone(letter: char, mut changed: impl Iterator<Item = char>) -> char {
    match (changed.next(), changed.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

fn indexof(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (base, search) = (text(args, 0)?, sought(args)?);
    let place = base.find(search).and_then(|at| base.get(..at)).map(|before| number(before.chars().count()));
    Ok(place.unwrap_or_else(|| Value::from(-1_i64)))
}

/// Every place, overlapping ones too.
fn indexof_n(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (base, search) = (text(args, 0)?, sought(args)?);
    let places = base
        .char_indices()
        .enumerate()
        .filter(|(_, (at, _))| base.get(*at..).is_some_and(|rest| rest.starts_with(search)));
    Ok(Value::from(places.map(|(place, _)| number(place)).collect::<Vec<_>>()))
}

fn sought(args: &[Value]) -> anyhow::Result<&str> {
    let search = text(args, 1)?;
    if search.is_empty() {
        return Err(failed("empty search character"));
    }
    Ok(search)
}

fn strings_count(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (base, search) = (text(args, 0)?, text(args, 1)?);
    Ok(number(if search.is_empty() { base.chars().count().saturating_add(1) } else { base.matches(search).count() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::builtins::{begin, call_by_name, Mode};

    fn call(name: &str, args: &str) -> Value {
        begin(0, Mode::Lenient);
        let args = Value::from_json_str(args).unwrap();
        let args: Vec<Value> = args.as_array().unwrap().iter().cloned().collect();
        call_by_name(name, &args).unwrap()
    }

    #[test]
    fn letters_are_counted_not_bytes() {
        assert_eq!(call("count", "[\"😀a😀\"]"), Value::from(3_u64));
        assert_eq!(call("indexof", "[\"😀ab\", \"b\"]"), Value::from(2_u64));
        assert_eq!(call("strings.count", "[\"ab\", \"\"]"), Value::from(3_u64));
        assert_eq!(call("indexof", "[\"ab\", \"\"]"), Value::Undefined);
    }

    #[test]
    fn one_letter_becomes_one_letter() {
        assert_eq!(call("upper", "[\"ßa\"]"), Value::from("ßA"));
        assert_eq!(call("lower", "[\"İA\"]"), Value::from("ia"));
    }
}
