//! What types builtins take, checked before the call: the same type error from every builtin, in OPA's words.

use regorus::Value;

use super::own::operators::type_name;

/// Operands as letters: `n`umber, `i`nteger, `j` an integer of 64 bits, `u`nsigned integer, `s`tring, `b`oolean, `a`rray, `o`bject, se`t`,
/// nul`z`; `*` is anything. None for builtins that take anything.
fn operands(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "abs" | "ceil" | "floor" | "round" => &["n"],
        "numbers.range" => &["i", "i"],
        "numbers.range_step" => &["i", "i", "i"],
        "format_int" => &["n", "n"],
        "to_number" => &["znbs"],
        "bits.and" | "bits.or" | "bits.xor" => &["i", "i"],
        "bits.lsh" | "bits.rsh" => &["i", "u"],
        "bits.negate" => &["i"],
        "count" => &["aots"],
        "max" | "min" | "sort" | "sum" | "product" => &["at"],
        "array.concat" => &["a", "a"],
        "array.slice" => &["a", "j", "j"],
        "array.reverse" | "array.flatten" => &["a"],
        "object.get" => &["o", "*", "*"],
        "object.keys" => &["o"],
        "object.remove" | "object.filter" => &["o", "aot"],
        "object.union" => &["o", "o"],
        "object.union_n" => &["a"],
        "object.subset" => &["oat", "oat"],
        "json.match_schema" => &["so", "so"],
        "json.filter" | "json.remove" => &["o", "at"],
        "json.patch" => &["*", "a"],
        "json.unmarshal" | "yaml.unmarshal" => &["s"],
        "base64.encode" | "base64.decode" | "base64url.encode" | "base64url.encode_no_pad" | "base64url.decode" => {
            &["s"]
        }
        "hex.encode" | "hex.decode" | "urlquery.encode" | "urlquery.decode" | "urlquery.decode_object" => &["s"],
        "urlquery.encode_object" => &["o"],
        "concat" => &["s", "at"],
        "contains" | "startswith" | "endswith" | "indexof" | "indexof_n" | "split" | "strings.count" => &["s", "s"],
        "trim" | "trim_left" | "trim_prefix" | "trim_right" | "trim_suffix" => &["s", "s"],
        "lower" | "upper" | "trim_space" | "strings.reverse" => &["s"],
        "replace" | "regex.replace" => &["s", "s", "s"],
        "sprintf" => &["s", "a"],
        "substring" => &["s", "j", "j"],
        "strings.replace_n" => &["o", "s"],
        "strings.any_prefix_match" | "strings.any_suffix_match" => &["sat", "sat"],
        "regex.match" | "regex.split" | "regex.globs_match" => &["s", "s"],
        "regex.find_n" | "regex.find_all_string_submatch_n" => &["s", "s", "j"],
        "regex.template_match" => &["s", "s", "s", "s"],
        "glob.match" => &["s", "za", "s"],
        "glob.quote_meta" => &["s"],
        "graph.reachable" | "graph.reachable_paths" => &["o", "at"],
        "net.cidr_contains" | "net.cidr_intersects" => &["s", "s"],
        "net.cidr_expand" => &["s"],
        "net.cidr_merge" => &["at"],
        "semver.compare" => &["s", "s"],
        "time.date" | "time.clock" | "time.weekday" | "time.format" => &["na"],
        "time.diff" => &["na", "na"],
        "time.add_date" => &["n", "n", "n", "n"],
        "time.parse_ns" => &["s", "s"],
        "time.parse_rfc3339_ns" | "time.parse_duration_ns" => &["s"],
        "units.parse" | "units.parse_bytes" => &["s"],
        "intersection" | "union" => &["t"],
        "__builtin_sets.intersection" | "__builtin_sets.union" => &["t", "t"],
        "crypto.md5" | "crypto.sha1" | "crypto.sha256" | "io.jwt.decode" => &["s"],
        "crypto.hmac.md5" | "crypto.hmac.sha1" | "crypto.hmac.sha256" | "crypto.hmac.sha512" | "crypto.hmac.equal" => {
            &["s", "s"]
        }
        _ if name.starts_with("io.jwt.verify_") => &["s", "s"],
        "io.jwt.decode_verify" => &["s", "o"],
        "io.jwt.encode_sign_raw" => &["s", "s", "s"],
        "io.jwt.encode_sign" => &["o", "o", "o"],
        "graphql.parse_query" | "graphql.parse_schema" => &["s"],
        _ => return None,
    })
}

/// Refuses operands of a wrong type; the text says which, and what it should have been.
pub fn check(name: &str, args: &[Value]) -> Result<(), String> {
    let Some(expected) = operands(name) else {
        return Ok(());
    };
    for ((letters, value), place) in expected.iter().zip(args).zip(1_u32..) {
        if !letters.chars().any(|letter| fits(letter, value)) {
            return Err(format!("operand {place} must be {}", wanted(letters, value)));
        }
    }
    Ok(())
}

fn fits(letter: char, value: &Value) -> bool {
    match (letter, value) {
        ('*', _) | ('z', Value::Null) | ('b', Value::Bool(_)) | ('n', Value::Number(_)) | ('s', Value::String(_)) => {
            true
        }
        ('a', Value::Array(_)) | ('o', Value::Object(_)) | ('t', Value::Set(_)) => true,
        ('i', Value::Number(number)) => number.is_integer(),
        ('j', Value::Number(number)) => number.as_i64().is_some(),
        ('u', Value::Number(number)) => number.is_integer() && (number.is_positive() || *value == Value::from(0_u64)),
        _ => false,
    }
}

fn word(letter: char) -> &'static str {
    match letter {
        'z' => "null",
        'b' => "boolean",
        'n' => "number",
        'i' | 'j' => "integer number",
        'u' => "unsigned integer number",
        's' => "string",
        'a' => "array",
        'o' => "object",
        't' => "set",
        _ => "any",
    }
}

fn wanted(letters: &str, value: &Value) -> String {
    let got = match value {
        Value::Number(number) if number.as_i64().is_none() && letters != "u" => "floating-point number",
        other => type_name(other),
    };
    let mut words: Vec<&str> = letters.chars().map(word).collect();
    words.sort_unstable();
    match words.as_slice() {
        [one] => format!("{one} but got {got}"),
        many => format!("one of {{{}}} but got {got}", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refusal(name: &str, args: &str) -> Option<String> {
        let Value::Array(args) = Value::from_json_str(args).unwrap() else {
            return None;
        };
        check(name, args.as_slice()).err()
    }

    #[test]
    fn the_text_is_opas() {
        assert_eq!(
            refusal("count", "[null]").unwrap(),
            "operand 1 must be one of {array, object, set, string} but got null"
        );
        assert_eq!(
            refusal("bits.and", "[7.2, 42]").unwrap(),
            "operand 1 must be integer number but got floating-point number"
        );
        assert_eq!(refusal("json.unmarshal", "[1]").unwrap(), "operand 1 must be string but got number");
    }

    #[test]
    fn what_fits_passes() {
        assert!(refusal("count", "[\"abc\"]").is_none());
        assert!(refusal("bits.lsh", "[1, 0]").is_none());
        assert!(refusal("bits.lsh", "[1, -1]").is_some());
        assert!(refusal("type_name", "[null]").is_none());
    }
}
