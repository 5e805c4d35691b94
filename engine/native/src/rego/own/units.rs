//! Amounts with a unit behind them: `10Ki`, `1.5GB`.

use num_bigint::BigInt;
use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::{failed, text};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "units.parse" => Some((parse, 1)),
        "units.parse_bytes" => Some((parse_bytes, 1)),
        _ => None,
    }
}

/// The number in front and the unit behind it. An `e` belongs to the number when a digit or a sign follows it.
fn split(text: &str) -> anyhow::Result<(&str, &str)> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0_usize;
    while let Some(byte) = bytes.get(at) {
        let next = at.saturating_add(1);
        match byte {
            b'0'..=b'9' | b'.' | b'+' | b'-' => at = next,
            b'e' | b'E' if digit(next) || matches!(bytes.get(next), Some(b'+' | b'-')) => {
                let from = if digit(next) { next } else { next.saturating_add(1) };
                if bytes.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count() > 6 {
                    return Err(failed("exponent too large"));
                }
                at = from;
            }
            _ => break,
        }
    }
    Ok((text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default()))
}

/// A decimal number as `digits` times ten to the `exponent`.
struct Decimal {
    digits: BigInt,
    exponent: i32,
}

/// Powers of ten an amount may have; OPA takes more, and more memory for it.
const EXPONENT: i32 = 1000;

impl Decimal {
    fn read(text: &str) -> anyhow::Result<Self> {
        let bad = || failed("could not parse amount to a number");
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| bad())?),
            None => (text, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let bare = whole.trim_start_matches(['+', '-']);
        let signs = whole.len().saturating_sub(bare.len());
        let all_digits = bare.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
        if signs > 1 || !all_digits || (bare.is_empty() && part.is_empty()) {
            return Err(bad());
        }
        let digits: BigInt = format!("{whole}{part}").parse().map_err(|_| bad())?;
        let exponent = exponent.saturating_sub(i32::try_from(part.len()).unwrap_or(i32::MAX));
        if exponent.saturating_abs() > EXPONENT {
            return Err(failed("exponent too large"));
        }
        Ok(Self { digits, exponent })
    }

    /// Whole part, and the rest in `places` places, rounded half away from zero.
    fn rounded(self, factor: BigInt, places: i32) -> (BigInt, bool) {
        let scaled = self.digits.checked_mul(&factor).unwrap_or_default();
        let shift = self.exponent.saturating_add(places);
        let power = BigInt::from(10_u8).pow(shift.unsigned_abs());
        if shift >= 0 {
            return (scaled.checked_mul(&power).unwrap_or_default(), true);
        }
        let half = power.checked_div(&BigInt::from(2_u8)).unwrap_or_default();
        let is_negative = scaled.sign() == num_bigint::Sign::Minus;
        let size = BigInt::from(scaled.magnitude().clone());
        let quotient = size.checked_add(&half).and_then(|sum| sum.checked_div(&power)).unwrap_or_default();
        let exact = quotient.checked_mul(&power).is_some_and(|back| back == size);
        (if is_negative { BigInt::from(0_u8).checked_sub(&quotient).unwrap_or_default() } else { quotient }, exact)
    }
}

fn value(text: &str) -> anyhow::Result<Value> {
    Value::from_json_str(text).map_err(|_| failed("could not parse amount to a number"))
}

fn amount(text: &str) -> anyhow::Result<(&str, &str)> {
    if text.contains(' ') {
        return Err(failed("spaces not allowed in resource strings"));
    }
    match split(text)? {
        ("", _) => Err(failed("no amount provided")),
        found => Ok(found),
    }
}

fn power(base: u64, exponent: u32) -> BigInt {
    BigInt::from(base).pow(exponent)
}

fn rank(unit: &str) -> Option<u32> {
    Some(match unit {
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return None,
    })
}

fn parse(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let bare = text(args, 0)?.replace('"', "");
    let (number, unit) = amount(&bare)?;
    let known = |name: &str| {
        name.strip_suffix('i')
            .map_or_else(|| rank(name).map(|at| power(1000, at)), |name| rank(name).map(|at| power(1024, at)))
    };
    let factor = match unit {
        "" => Some(power(1, 1)),
        "m" => None,
        "M" => Some(power(1000, 2)),
        other => Some(known(&other.to_lowercase()).ok_or_else(|| failed(format!("unit {other} not recognized")))?),
    };
    let mut decimal = Decimal::read(number)?;
    if factor.is_none() {
        decimal.exponent = decimal.exponent.saturating_sub(3);
    }
    let factor = factor.unwrap_or_else(|| power(1, 1));
    let (tenths, _) = decimal.rounded(factor, 10);
    let shown = tenths.to_string();
    let (sign, digits) = shown.strip_prefix('-').map_or(("", shown.as_str()), |digits| ("-", digits));
    let padded = format!("{digits:0>11}");
    let (whole, part) = padded.split_at(padded.len().saturating_sub(10));
    value(format!("{sign}{whole}.{part}").trim_end_matches('0').trim_end_matches('.'))
}

fn parse_bytes(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let bare = text(args, 0)?.to_lowercase().replace('"', "");
    let (number, unit) = amount(&bare)?;
    let stem = unit.strip_suffix('b').unwrap_or(unit);
    let known = match stem.strip_suffix('i') {
        _ if unit.is_empty() => Some(power(1, 1)),
        Some(stem) => rank(stem).map(|at| power(1024, at)),
        None => rank(stem).map(|at| power(1000, at)),
    };
    let factor = known.ok_or_else(|| failed(format!("byte unit {unit} not recognized")))?;
    let decimal = Decimal::read(number)?;
    // What is less than a byte is cut off.
    let scaled = decimal.rounded(factor, 20).0;
    let bytes = scaled.checked_div(&power(10, 20)).unwrap_or_default();
    value(&bytes.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::builtins::{begin, call_by_name, Mode};

    fn call(name: &str, text: &str) -> Value {
        begin(0, Mode::Lenient);
        call_by_name(name, &[Value::from(text)]).unwrap()
    }

    #[test]
    fn amounts_are_exact() {
        for (text, wanted) in [
            ("10K", "10000"),
            ("10Ki", "10240"),
            ("10m", "0.01"),
            ("1.5M", "1500000"),
            ("1e3", "1000"),
            ("-1.5", "-1.5"),
            ("1Ei", "1152921504606846976"),
        ] {
            assert_eq!(call("units.parse", text), Value::from_json_str(wanted).unwrap(), "{text}");
        }
        for (text, wanted) in [("1.5", "1"), ("1GiB", "1073741824"), ("10kb", "10000"), ("\"1k\"", "1000")] {
            assert_eq!(call("units.parse_bytes", text), Value::from_json_str(wanted).unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_an_error() {
        for text in ["", "K", "10 K", "1q", "1EB", "1GiB", "1..2K", "--1", "1e9999999"] {
            assert_eq!(call("units.parse", text), Value::Undefined, "{text}");
        }
    }
}
