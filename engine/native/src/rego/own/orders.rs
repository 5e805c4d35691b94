//! What goes by Rego's order of values, in which sets come after objects.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::items;
use super::operators::compare;

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "sort" => Some((sort, 1)),
        "max" => Some((max, 1)),
        "min" => Some((min, 1)),
        _ => None,
    }
}

fn sort(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let mut all: Vec<Value> = items(args.first()).into_iter().cloned().collect();
    all.sort_by(compare);
    Ok(Value::from(all))
}

fn max(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let greatest = items(args.first()).into_iter().max_by(|one, other| compare(one, other));
    Ok(greatest.cloned().unwrap_or(Value::Undefined))
}

fn min(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let least = items(args.first()).into_iter().min_by(|one, other| compare(one, other));
    Ok(least.cloned().unwrap_or(Value::Undefined))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_set_is_the_greatest() {
        let set = super::super::set_of([Value::Null]);
        let all = Value::from(vec![set.clone(), Value::new_object(), Value::from(1_u64)]);
        let source = regorus::Source::from_contents("a".to_owned(), String::new()).unwrap();
        let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
        assert_eq!(max(&span, &[], std::slice::from_ref(&all), true).unwrap(), set);
        assert_eq!(min(&span, &[], std::slice::from_ref(&all), true).unwrap(), Value::from(1_u64));
        assert_eq!(sort(&span, &[], &[all], true).unwrap().as_array().unwrap().last(), Some(&set));
    }
}
