//! Semantic versions.

use std::cmp::Ordering;

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::{failed, text};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "semver.is_valid" => Some((is_valid, 1)),
        "semver.compare" => Some((compare, 2)),
        _ => None,
    }
}

struct Version<'a> {
    numbers: [i64; 3],
    before: &'a str,
}

fn is_identifiers(text: &str) -> bool {
    text.split('.').all(|one| !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

fn is_decimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn numeric(text: &str) -> Option<i64> {
    let padded = text.len() > 1 && text.starts_with('0');
    (!text.is_empty() && is_decimal(text) && !padded).then(|| text.parse().ok()).flatten()
}

fn read(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (text, before) = text.split_once('-').map_or((text, None), |(text, before)| (text, Some(before)));
    let padded = |one: &str| one.len() > 1 && one.starts_with('0') && is_decimal(one);
    if build.is_some_and(|build| !is_identifiers(build))
        || before.is_some_and(|before| !is_identifiers(before) || before.split('.').any(padded))
    {
        return None;
    }
    let parts: Vec<&str> = text.split('.').collect();
    let [major, minor, patch] = parts.as_slice() else {
        return None;
    };
    Some(Version { numbers: [numeric(major)?, numeric(minor)?, numeric(patch)?], before: before.unwrap_or_default() })
}

impl Version<'_> {
    fn order(&self, other: &Self) -> Ordering {
        let released = |one: &Self| one.before.is_empty();
        self.numbers.cmp(&other.numbers).then_with(|| match (released(self), released(other)) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => identifiers(self.before, other.before),
        })
    }
}

fn identifiers(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let order = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_decimal(a), is_decimal(b)) {
                (true, true) => a.parse::<i64>().unwrap_or(i64::MAX).cmp(&b.parse::<i64>().unwrap_or(i64::MAX)),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn is_valid(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::Bool(matches!(args.first(), Some(Value::String(text)) if read(text).is_some())))
}

fn compare(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let version = |at: usize| {
        let text = text(args, at)?;
        let place = at.saturating_add(1);
        read(text).ok_or_else(|| failed(format!("operand {place}: string \"{text}\" is not a valid SemVer")))
    };
    Ok(Value::from(match version(0)?.order(&version(1)?) {
        Ordering::Less => -1_i64,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn order(one: &str, other: &str) -> Ordering {
        read(one).unwrap().order(&read(other).unwrap())
    }

    #[test]
    fn the_order_is_that_of_the_specification() {
        let rising =
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.11", "v1.0.0", "1.2.0"];
        for pair in rising.windows(2) {
            assert_eq!(order(pair.first().unwrap(), pair.last().unwrap()), Ordering::Less, "{pair:?}");
        }
        assert_eq!(order("1.0.0+a", "1.0.0+b"), Ordering::Equal);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "-1.0.0", "1.0.0.0"] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
