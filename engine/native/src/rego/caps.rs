//! How much a builtin may be asked for, checked before the call.
//!
//! WHY: regorus looks at its timer and memory limit between instructions, not inside a builtin. `numbers.range(0, 1e12)`
//! aborts the process, `sprintf("%1000000000d")` takes seconds; the only guard is not to call.

use regorus::Value;

/// Items a builtin may produce, for instance by `numbers.range` or `net.cidr_expand`.
const ITEMS: u64 = 100_000;
/// Bytes of text a builtin may produce or take.
const BYTES: usize = 4 << 20;
/// Width or precision in a format.
const WIDTH: u64 = 10_000;
/// Bytes of a pattern.
const PATTERN: usize = 4096;

/// Refuses a call whose answer could be too big; the text says what is too big.
pub fn check(name: &str, args: &[Value]) -> Result<(), String> {
    let text = |at: usize| match args.get(at) {
        Some(Value::String(text)) => text.as_ref(),
        _ => "",
    };
    match name {
        "numbers.range" | "numbers.range_step" => range(args),
        "sprintf" => format(text(0), args),
        "net.cidr_expand" => network(text(0)),
        "replace" => replaced(text(0), text(1), text(2)),
        "strings.replace_n" => replaced_many(args),
        "regex.replace" => replaced(text(0), "", text(2)),
        "concat" => joined(text(0), args),
        "bits.lsh" => shift(args),
        "strings.count" | "indexof_n" => size(text(0).len()),
        "format_int" | "units.parse" | "units.parse_bytes" | "to_number" => short(name, text(0).len(), 1000),
        "json.unmarshal" | "yaml.unmarshal" | "json.is_valid" | "yaml.is_valid" => nested(text(0)),
        _ => Ok(()),
    }?;
    if name.starts_with("regex.") || name == "glob.match" {
        let pattern = if matches!(name, "regex.replace" | "regex.find_all_string_submatch_n") {
            text(usize::from(name == "regex.replace"))
        } else {
            text(0)
        };
        short("pattern", pattern.len(), PATTERN)?;
    }
    Ok(())
}

fn size(bytes: usize) -> Result<(), String> {
    if bytes <= BYTES {
        Ok(())
    } else {
        Err(format!("the result would take {bytes} bytes, more than {BYTES}"))
    }
}

fn short(what: &str, bytes: usize, limit: usize) -> Result<(), String> {
    if bytes <= limit {
        Ok(())
    } else {
        Err(format!("{what} of {bytes} bytes, more than {limit}"))
    }
}

fn items(count: u64) -> Result<(), String> {
    if count <= ITEMS {
        Ok(())
    } else {
        Err(format!("the result would have {count} items, more than {ITEMS}"))
    }
}

fn range(args: &[Value]) -> Result<(), String> {
    let whole = |at: usize| args.get(at).and_then(|value| value.as_i64().ok());
    let numbers = args.iter().all(|value| matches!(value, Value::Number(_)));
    match (whole(0), whole(1), args.get(2)) {
        (Some(from), Some(to), None) => items(from.abs_diff(to)),
        (Some(from), Some(to), Some(step)) => {
            let step = step.as_u64().unwrap_or(0);
            // A step that is no positive number is the builtin's own error.
            from.abs_diff(to).checked_div(step).map_or(Ok(()), items)
        }
        // Numbers past 64 bits or with a fraction: the builtin would count or panic.
        _ if numbers && args.len() >= 2 => Err("the bounds must be whole numbers of 64 bits".to_owned()),
        _ => Ok(()),
    }
}

/// Sums widths and precisions in a format, and the sizes of what it prints.
fn format(format: &str, args: &[Value]) -> Result<(), String> {
    let mut widths = 0_u64;
    let mut number = 0_u64;
    let mut inside = false;
    for byte in format.bytes() {
        match byte {
            b'%' => {
                inside = !inside;
                number = 0;
            }
            b'*' if inside => return Err("a width given by `*` is not supported".to_owned()),
            b'0'..=b'9' if inside => {
                number = number.saturating_mul(10).saturating_add(u64::from(byte.wrapping_sub(b'0')))
            }
            b'.' | b'+' | b'-' | b'#' | b' ' | b'[' | b']' if inside => {
                widths = widths.saturating_add(number);
                number = 0;
            }
            _ if inside => {
                widths = widths.saturating_add(number);
                number = 0;
                inside = false;
            }
            _ => {}
        }
    }
    if widths.saturating_add(number) > WIDTH {
        return Err(format!("widths of {} in one format, more than {WIDTH}", widths.saturating_add(number)));
    }
    size(format.len().saturating_add(args.get(1).map_or(0, weight)))
}

/// About how many bytes a value takes when printed.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).fold(2, usize::saturating_add),
        Value::Set(items) => items.iter().map(weight).fold(2, usize::saturating_add),
        Value::Object(fields) => {
            fields.iter().map(|(key, field)| weight(key).saturating_add(weight(field))).fold(2, usize::saturating_add)
        }
        _ => 8,
    }
}

fn network(cidr: &str) -> Result<(), String> {
    let Some((address, length)) = cidr.split_once('/') else {
        return Ok(());
    };
    let bits: u32 = if address.contains(':') { 128 } else { 32 };
    let Ok(length) = length.parse::<u32>() else {
        return Ok(());
    };
    items(1_u64.checked_shl(bits.saturating_sub(length)).unwrap_or(u64::MAX))
}

fn replaced(text: &str, old: &str, new: &str) -> Result<(), String> {
    let places = if old.is_empty() { text.len().saturating_add(1) } else { text.matches(old).count() };
    size(text.len().saturating_add(places.saturating_mul(new.len())))
}

fn replaced_many(args: &[Value]) -> Result<(), String> {
    let (Some(Value::Object(pairs)), Some(Value::String(text))) = (args.first(), args.get(1)) else {
        return Ok(());
    };
    let longest = pairs.values().map(weight).max().unwrap_or(0);
    size(text.len().saturating_mul(longest.max(1)))
}

fn joined(separator: &str, args: &[Value]) -> Result<(), String> {
    let Some(list) = args.get(1) else {
        return Ok(());
    };
    let count = match list {
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        _ => 0,
    };
    size(weight(list).saturating_add(count.saturating_mul(separator.len())))
}

fn shift(args: &[Value]) -> Result<(), String> {
    match args.get(1).map(Value::as_u64) {
        Some(Ok(places)) if places > WIDTH => Err(format!("a shift by {places} places, more than {WIDTH}")),
        _ => Ok(()),
    }
}

/// Text that will be parsed: not deeper than the parsers' recursion bears.
fn nested(text: &str) -> Result<(), String> {
    let mut depth = 0_u32;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 100 {
            return Err("the text is nested deeper than 100".to_owned());
        }
    }
    size(text.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(name: &str, args: &str) -> bool {
        let Value::Array(args) = Value::from_json_str(args).unwrap() else {
            return false;
        };
        check(name, args.as_slice()).is_err()
    }

    #[test]
    fn ranges_are_bounded_whatever_their_direction() {
        assert!(!refused("numbers.range", "[0, 1000]"));
        for args in [
            "[0, 100000000]",
            "[100000000, 0]",
            "[0, 1000000000000]",
            "[-9000000000000000000, 9000000000000000000]",
            "[0, 1e30]",
        ] {
            assert!(refused("numbers.range", args), "{args}");
        }
        assert!(!refused("numbers.range_step", "[0, 1000000, 100]"));
        assert!(refused("numbers.range_step", "[0, 1000000, 1]"));
    }

    #[test]
    fn widths_in_a_format_are_bounded() {
        assert!(!refused("sprintf", r#"["%5d %-10s %%", [1, "a"]]"#));
        for format in
            ["%1000000000d", "%.99999999f", "%5000d%5000d%5000d", "%*d", "%-0999999999999999999999d", "%[1]99999d"]
        {
            assert!(refused("sprintf", &format!("[\"{format}\", [1]]")), "{format}");
        }
    }

    #[test]
    fn networks_and_replacements_are_bounded() {
        assert!(!refused("net.cidr_expand", r#"["10.0.0.0/24"]"#));
        assert!(refused("net.cidr_expand", r#"["10.0.0.0/8"]"#));
        assert!(refused("net.cidr_expand", r#"["fe80::/64"]"#));
        let long = "a".repeat(5000);
        assert!(refused("replace", &format!("[\"{long}\", \"a\", \"{long}\"]")));
        assert!(!refused("replace", &format!("[\"{long}\", \"b\", \"{long}\"]")));
    }

    #[test]
    fn patterns_are_bounded() {
        assert!(!refused("regex.match", r#"["^a+$", "aaa"]"#));
        assert!(refused("regex.match", &format!("[\"{}\", \"aaa\"]", "a".repeat(5000))));
    }

    #[test]
    fn deep_text_is_not_parsed() {
        assert!(refused("json.unmarshal", &format!("[\"{}\"]", "[".repeat(500))));
    }
}
