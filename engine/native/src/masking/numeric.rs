//! `numeric`: its text and its bytes, and what masks make of it.

// No operation on a `BigUint` overflows.
#![allow(clippy::arithmetic_side_effects)]

use num_bigint::BigUint;

use crate::masking::keyed::Keyed;
use crate::masking::numbers;
use crate::masking::permute::Permuter;

/// Digits of what is permuted; a number of more is NULL.
const MAX_DIGITS: usize = 512;
const HASH_DIGITS: u32 = 38;
const NEGATIVE: u16 = 0x4000;
const GROUP: usize = 4;

/// A number: its digits without leading zeros, of which `scale` stand behind the point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    pub is_negative: bool,
    pub digits: String,
    pub scale: usize,
}

impl Decimal {
    /// Reads `-12.50`. None for `NaN`, infinities, exponents and what is too long.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
        let is_plain = !whole.is_empty() && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
        (is_plain && !rest.ends_with('.')).then(|| Self::of(is_negative, whole, part)).flatten()
    }

    fn of(is_negative: bool, whole: &str, part: &str) -> Option<Self> {
        let digits = format!("{whole}{part}").trim_start_matches('0').to_owned();
        let is_fit = digits.len() <= MAX_DIGITS && part.len() <= MAX_DIGITS;
        is_fit.then_some(Self { is_negative, digits, scale: part.len() })
    }

    /// Reads the binary form.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut words = bytes.chunks(2).map(|pair| pair.try_into().ok().map(u16::from_be_bytes));
        let mut word = || words.next().flatten();
        let count = usize::from(word()?);
        let weight = i64::from(i16::from_be_bytes(word()?.to_be_bytes()));
        let sign = word()?;
        let scale = usize::from(word()?);
        if (sign != 0 && sign != NEGATIVE)
            || !(-129..=128).contains(&weight)
            || scale > MAX_DIGITS
            || bytes.len() != 8 + 2 * count
        {
            return None;
        }
        let groups: Vec<u16> = words.collect::<Option<_>>()?;
        let group = |at: i64| usize::try_from(weight - at).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0);
        let (mut whole, mut part) = (String::new(), String::new());
        for at in (0..=weight.max(0)).rev() {
            whole.push_str(&format!("{:04}", group(at)));
        }
        for at in 1..=i64::try_from(scale.div_ceil(GROUP)).ok()? {
            part.push_str(&format!("{:04}", group(-at)));
        }
        Self::of(sign == NEGATIVE, &whole, part.get(..scale)?)
    }

    fn parts(&self) -> (String, String) {
        let padded = format!("{:0>width$}", self.digits, width = self.scale + 1);
        let (whole, part) = padded.split_at(padded.len().saturating_sub(self.scale));
        (whole.to_owned(), part.to_owned())
    }

    pub fn print(&self) -> String {
        let (whole, part) = self.parts();
        let (sign, point) = (if self.is_negative { "-" } else { "" }, if part.is_empty() { "" } else { "." });
        format!("{sign}{whole}{point}{part}")
    }

    pub fn encode(&self) -> Vec<u8> {
        let (whole, part) = self.parts();
        let whole = format!("{}{whole}", "0".repeat((GROUP - whole.len() % GROUP) % GROUP));
        let part = format!("{part}{}", "0".repeat((GROUP - part.len() % GROUP) % GROUP));
        let value = |chunk: &[u8]| {
            chunk
                .iter()
                .fold(0_u16, |sum, digit| sum.wrapping_mul(10).wrapping_add(u16::from(digit.wrapping_sub(b'0'))))
        };
        let groups: Vec<u16> = format!("{whole}{part}").as_bytes().chunks(GROUP).map(value).collect();
        let leading = groups.iter().take_while(|group| **group == 0).count();
        let kept: Vec<u16> = {
            let end = groups.iter().rposition(|group| *group != 0).map_or(0, |at| at + 1);
            groups.get(leading..end).unwrap_or_default().to_vec()
        };
        let weight = if kept.is_empty() { 0 } else { (whole.len() / GROUP) as i64 - 1 - leading as i64 };
        let mut out = u16::try_from(kept.len()).unwrap_or(0).to_be_bytes().to_vec();
        out.extend_from_slice(&i16::try_from(weight).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(&(if self.is_negative { NEGATIVE } else { 0 }).to_be_bytes());
        out.extend_from_slice(&u16::try_from(self.scale).unwrap_or(0).to_be_bytes());
        for group in kept {
            out.extend_from_slice(&group.to_be_bytes());
        }
        out
    }

    /// Sign, digits behind the point and, from seven digits, how many there are stay.
    pub fn token(&self, permuter: &Permuter) -> Option<Self> {
        if self.is_negative && self.digits.is_empty() {
            return None;
        }
        let digits = match self.digits.parse::<u128>() {
            Ok(magnitude) if self.digits.len() < 38 => {
                numbers::moved(permuter, self.is_negative, magnitude, u128::MAX, self.scale)?.to_string()
            }
            _ if self.digits.is_empty() => {
                numbers::moved(permuter, self.is_negative, 0, u128::MAX, self.scale)?.to_string()
            }
            _ => self.moved_far(permuter)?,
        };
        let digits = digits.trim_start_matches('0').to_owned();
        Some(Self { is_negative: self.is_negative, digits, scale: self.scale })
    }

    fn moved_far(&self, permuter: &Permuter) -> Option<String> {
        let low = BigUint::from(10_u32).pow(u32::try_from(self.digits.len()).ok()?.checked_sub(1)?);
        let high = &low * 10_u32 - 1_u32;
        let size = &high - &low + 1_u32;
        let rank = BigUint::parse_bytes(self.digits.as_bytes(), 10)? - &low;
        let detail = numbers::detail(self.is_negative, &low.to_string(), &high.to_string(), self.scale);
        Some((permuter.below_large(&size, &rank, numbers::FAMILY, detail.as_bytes())? + low).to_string())
    }

    /// One spelling for equal numbers.
    pub fn canonical(&self) -> String {
        let text = self.print();
        if self.scale == 0 {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// A number of up to 38 digits that stands for the spelling of another.
pub fn hash(code: &Keyed, spelling: &str) -> Decimal {
    let mut bytes = [0; 16];
    for (slot, byte) in bytes.iter_mut().zip(code.bytes(spelling.as_bytes())) {
        *slot = byte;
    }
    let digits = (u128::from_be_bytes(bytes) % 10_u128.pow(HASH_DIGITS)).to_string();
    Decimal { is_negative: false, digits: digits.trim_start_matches('0').to_owned(), scale: 0 }
}

/// The spelling of a binary value, also of those that are no digits.
pub fn spelling(bytes: &[u8]) -> Option<String> {
    match bytes.get(4..6) {
        Some([0xc0, 0]) => Some("NaN".to_owned()),
        Some([0xd0, 0]) => Some("Infinity".to_owned()),
        Some([0xf0, 0]) => Some("-Infinity".to_owned()),
        _ => Decimal::decode(bytes).map(|decimal| decimal.canonical()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    #[test]
    fn text_and_bytes_say_the_same_number() {
        for text in [
            "0",
            "0.00",
            "-0.05",
            "1",
            "-12.50",
            "10000",
            "100000000.0001",
            "0.00000001",
            "99999999999999999999999999999999999999999999.5",
        ] {
            let read = Decimal::parse(text).expect("a number");
            assert_eq!(read.print(), text);
            assert_eq!(Decimal::decode(&read.encode()), Some(read), "{text}");
        }
        // 12.50 as PostgreSQL sends it.
        assert_eq!(Decimal::decode(b"\0\x02\0\0\0\0\0\x02\0\x0c\x13\x88").map(|d| d.print()), Some("12.50".to_owned()));
        for bad in ["", "-", "1e5", "NaN", "1.", ".5", "+1", "1_0"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
        for bad in [b"".as_slice(), b"\0\x01\0\0\0\0\0\0", b"\0\0\0\0\xc0\0\0\0", b"\0\x01\x7f\xff\0\0\0\0\0\x01"] {
            assert_eq!(Decimal::decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_token_keeps_sign_scale_and_many_digits() {
        let permuter = Permuter::new(b"a key of sixteen", b"tokenize", b"").expect("a key");
        let long = "9".repeat(60);
        for text in ["-1234567.89", "1234567", "99999.999", &long, "-10000000000000000000000000000000000000000.25"] {
            let read = Decimal::parse(text).expect("a number");
            let token = read.token(&permuter).expect("a token");
            assert_eq!(
                (token.is_negative, token.scale, token.digits.len()),
                (read.is_negative, read.scale, read.digits.len())
            );
            assert_ne!(token, read);
        }
        let small = Decimal::parse("0.50").and_then(|read| read.token(&permuter)).expect("a token");
        assert!(small.scale == 2 && small.digits.len() <= 6);
        assert_eq!(Decimal::parse("-0.0").and_then(|read| read.token(&permuter)), None);
        let whole = Decimal::parse("12345678").and_then(|read| read.token(&permuter)).map(|token| token.print());
        assert_eq!(whole, numbers::token(&permuter, 12_345_678, 8).map(|token| token.to_string()));
    }

    #[test]
    fn equal_numbers_have_one_spelling() {
        for (text, canonical) in [("1.50", "1.5"), ("100", "100"), ("100.00", "100"), ("0.00", "0"), ("-3.10", "-3.1")]
        {
            assert_eq!(Decimal::parse(text).map(|read| read.canonical()).as_deref(), Some(canonical));
        }
        assert_eq!(spelling(b"\0\0\0\0\xc0\0\0\0").as_deref(), Some("NaN"));
    }
}
