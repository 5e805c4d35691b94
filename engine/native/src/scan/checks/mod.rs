//! What a shape cannot say: check digits, issuers, entropy, structure. One name in `detectors.tsv` is one check here.

use crate::scan::checks::random::{Alone, Facts};
use crate::scan::values::Values;

pub mod business;
pub mod contact;
pub mod digits;
pub mod europe;
pub mod iban;
pub mod pem;
pub mod people;
pub mod random;
pub mod tally;
pub mod tokens;

/// Where a finding is, when a check holds; most leave it as it is.
pub type Place = (usize, usize);

/// One check of a row.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// About the value alone.
    Value(fn(&[u8]) -> bool),
    /// About the value and what stands around it; may move its borders.
    Around(fn(&[u8], usize, usize) -> Option<Place>),
    /// At least so many bits a byte, in hundredths.
    Entropy(u32),
    /// Not one character over and over.
    Mixed,
    /// No placeholder.
    Real,
    /// As chance makes tokens.
    Token,
    /// A user and a password on a command line.
    Curl,
    MinimalLength(usize),
}

impl Check {
    /// The check of a name.
    pub fn of(name: &str) -> Result<Self, String> {
        let unknown = || format!("no check `{name}`");
        if let Some((head, argument)) = name.split_once(':') {
            return match head {
                "entropy" => argument.parse::<f64>().map(random::hundredths).map(Self::Entropy).map_err(|_| unknown()),
                "minlen" => argument.parse().map(Self::MinimalLength).map_err(|_| unknown()),
                "phone" => contact::phone(argument).map(Self::Around).ok_or_else(unknown),
                _ => Err(unknown()),
            };
        }
        match name {
            "mixed" => return Ok(Self::Mixed),
            "real" => return Ok(Self::Real),
            "token" => return Ok(Self::Token),
            "curl" => return Ok(Self::Curl),
            _ => {}
        }
        let value = tokens::of(name)
            .or_else(|| people::of(name))
            .or_else(|| europe::of(name))
            .or_else(|| business::of(name))
            .or_else(|| digits::of(name));
        if let Some(check) = value {
            return Ok(Self::Value(check));
        }
        tokens::around(name).or_else(|| contact::around(name)).map(Self::Around).ok_or_else(unknown)
    }

    /// Whether it asks about the bytes of the value alone.
    pub fn is_plain(&self) -> bool {
        !matches!(self, Self::Around(_) | Self::Curl)
    }

    /// The finding's place when the check holds; `values` keeps what is known of it from those before.
    pub fn holds(&self, values: &mut Values, text: &[u8], start: usize, end: usize) -> Option<Place> {
        let value = text.get(start..end)?;
        let same = |holds: bool| holds.then_some((start, end));
        match self {
            Self::Mixed => same(match values.counted(text, start, end) {
                Some(mut kept) => tokens::mixed(&mut kept),
                None => tokens::mixed(&mut Alone(value)),
            }),
            Self::Real => same(match values.of(text, start, end) {
                Some(mut kept) => !random::stands_for(&mut kept),
                None => !random::is_placeholder(value),
            }),
            Self::Token => same(match values.of(text, start, end) {
                Some(mut kept) => random::is_random(&mut kept, random::KEY),
                None => random::looks_random(value, random::KEY),
            }),
            Self::Curl if values.has_login(text, end, text.len().min(end.saturating_add(tokens::REACH))) => {
                tokens::curl(text, end)
            }
            Self::Curl => None,
            Self::Entropy(least) => same(match values.counted(text, start, end) {
                Some(mut kept) => kept.entropy() >= *least,
                None => random::entropy(value) >= *least,
            }),
            Self::Value(check) => same(check(value)),
            Self::Around(check) => check(text, start, end),
            Self::MinimalLength(least) => same(value.len() >= *least),
        }
    }
}
