//! Times as Go prints them.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::failed;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    (name == "time.format").then_some((format, 1))
}

/// Without a layout, zeros at the end of the fraction are left out.
fn format(span: &Span, params: &[Ref<Expr>], args: &[Value], strict: bool) -> anyhow::Result<Value> {
    let Some((function, _)) = BUILTINS.get("time.format") else {
        return Err(failed("`time.format` is not there"));
    };
    let has_layout = matches!(args.first(), Some(Value::Array(parts)) if parts.len() > 2);
    Ok(match function(span, params, args, strict)? {
        Value::String(text) if !has_layout => Value::from(shortened(&text)),
        other => other,
    })
}

fn shortened(text: &str) -> String {
    let Some((whole, rest)) = text.split_once('.') else {
        return text.to_owned();
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, zone) = rest.split_at(digits);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}{zone}"),
        fraction => format!("{whole}.{fraction}{zone}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_at_the_end_of_a_fraction_are_left_out() {
        assert_eq!(shortened("1970-01-01T00:00:00.000000100Z"), "1970-01-01T00:00:00.0000001Z");
        assert_eq!(shortened("1970-01-01T00:00:00.000+01:00"), "1970-01-01T00:00:00+01:00");
        assert_eq!(shortened("1970-01-01T00:00:00Z"), "1970-01-01T00:00:00Z");
    }
}
