//! `sprintf` as Go prints: verbs, flags, widths, and what it says where verb and value do not fit.

use num_bigint::BigUint;
use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::templates::rego_text;
use super::text;
use crate::rego::conformance::json_text;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    (name == "sprintf").then_some((sprintf, 2))
}

/// A value as Go's printing sees it.
enum Printed {
    Whole(String),
    /// A whole number past 64 bits.
    Big(String),
    Real(f64),
    Text(String),
}

impl Printed {
    fn new(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.to_string()),
            Value::Number(number) if number.is_integer() && number.as_i64().is_some() => Self::Whole(json_text(value)),
            Value::Number(number) => {
                let shown = json_text(value);
                if shown.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                    return Self::Big(shown);
                }
                number.as_f64().map_or(Self::Text(shown), Self::Real)
            }
            other => Self::Text(rego_text(other)),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Whole(_) => "int",
            Self::Big(_) => "*big.Int",
            Self::Real(_) => "float64",
            Self::Text(_) => "string",
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

fn sprintf(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let values: Vec<Printed> = super::items(args.get(1)).into_iter().map(Printed::new).collect();
    let mut printer = Printer { rest: text(args, 0)?, values: &values, next: 0, reordered: false, out: String::new() };
    printer.run();
    Ok(Value::from(printer.out))
}

struct Printer<'a> {
    rest: &'a str,
    values: &'a [Printed],
    next: usize,
    reordered: bool,
    out: String,
}

impl Printer<'_> {
    fn letter(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next();
        self.rest = letters.as_str();
        letter
    }

    fn run(&mut self) {
        while let Some((before, after)) = self.rest.split_once('%') {
            self.out.push_str(before);
            self.rest = after;
            self.directive();
        }
        self.out.push_str(self.rest);
        let left = self.values.get(self.next..).unwrap_or_default();
        if !self.reordered && !left.is_empty() {
            let shown: Vec<String> = left.iter().map(|one| format!("{}={}", one.kind(), bare(one))).collect();
            self.out.push_str(&format!("%!(EXTRA {})", shown.join(", ")));
        }
    }

    fn directive(&mut self) {
        let mut flags = Flags::default();
        while let Some(flag) = self.rest.chars().next() {
            match flag {
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                '0' => flags.zero = true,
                _ => break,
            }
            self.letter();
        }
        let mut good = self.index();
        flags.width = self.number();
        if let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            good = self.index() && good;
            flags.precision = Some(self.number().unwrap_or(0));
        }
        good = self.index() && good;
        flags.zero = flags.zero && !flags.minus;
        let Some(verb) = self.letter() else {
            self.out.push_str("%!(NOVERB)");
            return;
        };
        if verb == '%' {
            self.out.push('%');
        } else if !good {
            self.out.push_str(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(value) = self.values.get(self.next) {
            self.next = self.next.saturating_add(1);
            let shown = shown(value, verb, flags);
            self.out.push_str(&shown);
        } else {
            self.out.push_str(&format!("%!{verb}(MISSING)"));
        }
    }

    fn number(&mut self) -> Option<usize> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest.get(..digits)?.parse().ok();
        self.rest = self.rest.get(digits..).unwrap_or_default();
        number
    }

    /// `[n]`: which value comes next; false where there is none of that number.
    fn index(&mut self) -> bool {
        let Some(after) = self.rest.strip_prefix('[') else {
            return true;
        };
        self.reordered = true;
        let Some((inside, rest)) = after.split_once(']') else {
            self.rest = after;
            return false;
        };
        self.rest = rest;
        let wanted = inside.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match wanted.filter(|wanted| *wanted < self.values.len()) {
            Some(wanted) => {
                self.next = wanted;
                true
            }
            None => false,
        }
    }
}

/// As `%v`, which fits everything.
fn bare(value: &Printed) -> String {
    shown(value, 'v', Flags::default())
}

fn shown(value: &Printed, verb: char, flags: Flags) -> String {
    if verb == 'T' {
        return pad(value.kind().to_owned(), Flags { zero: false, ..flags });
    }
    let printed = match value {
        Printed::Whole(digits) => whole(digits, verb, flags),
        Printed::Big(digits) => return big(digits, verb, flags),
        Printed::Real(number) => real(*number, verb, flags),
        Printed::Text(text) => string(text, verb, flags),
    };
    printed.unwrap_or_else(|| format!("%!{verb}({}={})", value.kind(), bare(value)))
}

/// Fills up to the width, with zeros behind the sign where asked.
fn pad(text: String, flags: Flags) -> String {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    if missing == 0 {
        text
    } else if flags.minus {
        format!("{text}{}", " ".repeat(missing))
    } else if flags.zero {
        let sign = usize::from(text.starts_with(['+', '-', ' ']));
        let (sign, digits) = text.split_at(sign);
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        format!("{}{text}", " ".repeat(missing))
    }
}

fn signed(digits: String, is_negative: bool, flags: Flags) -> String {
    let sign = match (is_negative, flags.plus, flags.space) {
        (true, _, _) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    format!("{sign}{digits}")
}

fn whole(digits: &str, verb: char, flags: Flags) -> Option<String> {
    let (is_negative, size) = digits.strip_prefix('-').map_or((false, digits), |size| (true, size));
    let number = |radix: u32| BigUint::parse_bytes(size.as_bytes(), 10).map(|number| number.to_str_radix(radix));
    let body = match verb {
        'd' | 'v' => size.to_owned(),
        'b' => format!("{}{}", if flags.sharp { "0b" } else { "" }, number(2)?),
        'o' => format!("{}{}", if flags.sharp { "0" } else { "" }, number(8)?),
        'O' => format!("0o{}", number(8)?),
        'x' => format!("{}{}", if flags.sharp { "0x" } else { "" }, number(16)?),
        'X' => format!("{}{}", if flags.sharp { "0X" } else { "" }, number(16)?.to_uppercase()),
        'c' | 'q' | 'U' => return Some(pad(letter(digits, verb, flags), Flags { zero: false, ..flags })),
        _ => return None,
    };
    let body = match flags.precision {
        Some(0) if size == "0" => String::new(),
        Some(precision) => format!("{body:0>precision$}"),
        None => body,
    };
    let zero = flags.zero && flags.precision.is_none();
    Some(pad(signed(body, is_negative, flags), Flags { zero, ..flags }))
}

/// A big number prints itself: it knows `%s`, no letters, and names its type without the star.
fn big(digits: &str, verb: char, flags: Flags) -> String {
    let verb_of_digits = if verb == 's' { 'd' } else { verb };
    let printed = match verb {
        'c' | 'q' | 'U' => None,
        _ => whole(digits, verb_of_digits, flags),
    };
    printed.unwrap_or_else(|| format!("%!{verb}(big.Int={digits})"))
}

fn letter(digits: &str, verb: char, flags: Flags) -> String {
    let letter = digits.parse::<u32>().ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    match verb {
        'c' => letter.to_string(),
        'q' => format!("'{}'", if letter == '\'' { "\\'".to_owned() } else { letter.to_string() }),
        _ if flags.sharp => format!("U+{:04X} '{letter}'", u32::from(letter)),
        _ => format!("U+{:04X}", u32::from(letter)),
    }
}

fn real(number: f64, verb: char, flags: Flags) -> Option<String> {
    let size = number.abs();
    let body = match verb {
        'e' => exponential(size, flags.precision.unwrap_or(6)),
        'E' => exponential(size, flags.precision.unwrap_or(6)).to_uppercase(),
        'f' | 'F' => format!("{size:.*}", flags.precision.unwrap_or(6)),
        'v' | 'g' => general(size, flags.precision),
        'G' => general(size, flags.precision).to_uppercase(),
        _ => return None,
    };
    Some(pad(signed(body, number.is_sign_negative(), flags), flags))
}

/// `1.5e+06`: at least two digits in the exponent.
fn exponential(size: f64, precision: usize) -> String {
    go_exponent(&format!("{size:.precision$e}"))
}

fn go_exponent(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// The shorter of the two forms; without a precision the fewest digits that name the number.
fn general(size: f64, precision: Option<usize>) -> String {
    let scientific = match precision {
        Some(precision) => format!("{size:.*e}", precision.max(1).saturating_sub(1)),
        None => format!("{size:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let count = i32::try_from(digits).unwrap_or(i32::MAX);
    let limit = match precision.map(|precision| i32::try_from(precision.max(1)).unwrap_or(i32::MAX)) {
        None => 6,
        Some(precision) if precision > count && count > exponent => count,
        Some(precision) => precision,
    };
    if exponent < -4 || exponent >= limit {
        return go_exponent(&format!("{mantissa}e{exponent}"));
    }
    let places = count.saturating_sub(1).saturating_sub(exponent).max(0);
    format!("{size:.*}", usize::try_from(places).unwrap_or(0))
}

fn string(text: &str, verb: char, flags: Flags) -> Option<String> {
    let cut: String = match flags.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    let hex = |upper: bool| {
        let bytes = text.bytes().take(flags.precision.unwrap_or(usize::MAX));
        let digits: String =
            bytes.map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect();
        let prefix = match (flags.sharp && !digits.is_empty(), upper) {
            (true, true) => "0X",
            (true, false) => "0x",
            _ => "",
        };
        format!("{prefix}{digits}")
    };
    let body = match verb {
        'v' if flags.sharp => quoted(text, false),
        's' | 'v' => cut,
        'q' if flags.sharp && !text.contains(['`', '\n', '\r']) => format!("`{cut}`"),
        'q' => quoted(&cut, flags.plus),
        'x' => hex(false),
        'X' => hex(true),
        _ => return None,
    };
    Some(pad(body, flags))
}

/// A text as Go writes it in source.
fn quoted(text: &str, ascii: bool) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            other if u32::from(other) < 0x20 || other == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(other)))
            }
            other if (ascii && !other.is_ascii()) || is_unprintable(other) => {
                let number = u32::from(other);
                out.push_str(&if number > 0xffff { format!("\\U{number:08x}") } else { format!("\\u{number:04x}") });
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || (letter.is_whitespace() && letter != ' ')
        || matches!(letter, '\u{feff}' | '\u{200b}'..='\u{200f}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rego::builtins::{begin, call_by_name, Mode};

    fn print(format: &str, args: &str) -> String {
        begin(0, Mode::Lenient);
        let args = [Value::from(format), Value::from_json_str(args).unwrap()];
        call_by_name("sprintf", &args).unwrap().as_string().unwrap().to_string()
    }

    #[test]
    fn verbs_print_as_go_prints() {
        for (format, args, wanted) in [
            ("%s is %d", "[\"a\", 7]", "a is 7"),
            ("%05d|%-4d|%+d", "[42, 7, 3]", "00042|7   |+3"),
            ("%x %X %o %b %c %U", "[255, 255, 8, 5, 65, 65]", "ff FF 10 101 A U+0041"),
            ("%.2f %e %g %v", "[1.005, 1.5, 2.5, 1e100]", "1.00 1.500000e+00 2.5 1e+100"),
            ("%q %10s|%-5s|%.1s", "[\"a\\\"\", \"b\", \"c\", \"de\"]", "\"a\\\"\"          b|c    |d"),
            ("%v %v %v", "[[1, \"a\"], {\"k\": null}, true]", "[1, \"a\"] {\"k\": null} true"),
            ("%[2]d %[1]d", "[1, 2]", "2 1"),
            ("100%%", "[]", "100%"),
        ] {
            assert_eq!(print(format, args), wanted, "{format}");
        }
    }

    #[test]
    fn whole_numbers_past_64_bits_print_to_their_last_digit() {
        for (format, number, wanted) in [
            ("%s", "123456789123456789123", "123456789123456789123"),
            ("%d", "-1208925819614629174706175", "-1208925819614629174706175"),
            ("%v", "18446744073709551616", "18446744073709551616"),
            ("%T", "9223372036854775808", "*big.Int"),
            ("%x", "340282366920938463463374607431768211456", "100000000000000000000000000000000"),
            ("%#X", "18446744073709551615", "0XFFFFFFFFFFFFFFFF"),
            ("%#o", "9223372036854775808", "01000000000000000000000"),
            ("%25d", "-123456789123456789123", "   -123456789123456789123"),
            ("%-24d|", "123456789123456789123", "123456789123456789123   |"),
            ("%025d", "-123456789123456789123", "-000123456789123456789123"),
            ("%c", "123456789123456789123", "%!c(big.Int=123456789123456789123)"),
            ("", "123456789123456789123", "%!(EXTRA *big.Int=123456789123456789123)"),
        ] {
            begin(0, Mode::Strict);
            let number = Value::from_numeric_string(number).unwrap();
            let printed = call_by_name("sprintf", &[Value::from(format), Value::from(vec![number])]).unwrap();
            assert_eq!(printed, Value::from(wanted), "{format}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said_in_the_text() {
        for (format, args, wanted) in [
            ("%d", "[\"a\"]", "%!d(string=a)"),
            ("%s", "[7]", "%!s(int=7)"),
            ("%d %d", "[1]", "1 %!d(MISSING)"),
            ("a", "[1, \"x\"]", "a%!(EXTRA int=1, string=x)"),
            ("%", "[]", "%!(NOVERB)"),
            ("%[5]d", "[1]", "%!d(BADINDEX)"),
            ("%!", "[1]", "%!!(int=1)"),
        ] {
            assert_eq!(print(format, args), wanted, "{format}");
        }
    }
}
