//! Networks: overlap, containment of many in many, merging.

use std::net::IpAddr;

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span, BUILTINS};
use regorus::Value;

use super::{failed, text};

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    Some(match name {
        "net.cidr_intersects" | "net.cidr_overlap" => (intersects, 2),
        "net.cidr_contains_matches" => (contains_matches, 2),
        "net.cidr_merge" => (merge, 1),
        "net.cidr_expand" => (expand, 1),
        _ => return None,
    })
}

/// A range of addresses of one family, as numbers; `bits` is 32 or 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Network {
    bits: u32,
    first: u128,
    last: u128,
}

impl Network {
    fn new(address: IpAddr, prefix: u32) -> Option<Self> {
        let (bits, number) = match address {
            IpAddr::V4(four) => (32_u32, u128::from(u32::from(four))),
            IpAddr::V6(six) => (128, u128::from(six)),
        };
        let free = bits.checked_sub(prefix)?;
        let mask = if free == 128 { u128::MAX } else { 1_u128.checked_shl(free)?.wrapping_sub(1) };
        Some(Self { bits, first: number & !mask, last: number | mask })
    }

    /// `10.0.0.0/8`; a bare address too where `bare` says so.
    fn read(text: &str, bare: bool) -> Option<Self> {
        match text.split_once('/') {
            Some((address, prefix)) => Self::new(address.parse().ok()?, prefix.parse().ok()?),
            None if bare => {
                let address: IpAddr = text.parse().ok()?;
                Self::new(address, if address.is_ipv4() { 32 } else { 128 })
            }
            None => None,
        }
    }

    fn contains(self, other: Self) -> bool {
        self.bits == other.bits && self.first <= other.first && other.last <= self.last
    }

    fn print(self, prefix: u32) -> String {
        match self.bits {
            32 => format!("{}/{prefix}", std::net::Ipv4Addr::from(u32::try_from(self.first).unwrap_or(0))),
            _ => format!("{}/{prefix}", std::net::Ipv6Addr::from(self.first)),
        }
    }
}

fn network(text: &str) -> anyhow::Result<Network> {
    Network::read(text, false).ok_or_else(|| failed(format!("invalid CIDR address: {text}")))
}

fn intersects(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let (one, other) = (network(text(args, 0)?)?, network(text(args, 1)?)?);
    Ok(Value::Bool(one.bits == other.bits && one.first <= other.last && other.first <= one.last))
}

/// The addresses of a network, as a set.
fn expand(span: &Span, params: Params<'_>, args: &[Value], strict: bool) -> anyhow::Result<Value> {
    let Some((function, _)) = BUILTINS.get("net.cidr_expand") else {
        return Err(failed("`net.cidr_expand` is not there"));
    };
    Ok(match function(span, params, args, strict)? {
        Value::Array(addresses) => super::set_of(addresses.iter().cloned()),
        other => other,
    })
}

/// The networks of an operand with the keys they stand under: indexes of arrays, keys of objects, members of sets.
fn keyed(operand: Option<&Value>, place: u32, bare: bool) -> anyhow::Result<Vec<(Value, Network)>> {
    let read = |key: Value, value: &Value| -> anyhow::Result<(Value, Network)> {
        let text = match value {
            Value::String(text) => Some(text.as_ref()),
            Value::Array(tuple) => match tuple.first() {
                Some(Value::String(text)) => Some(text.as_ref()),
                _ => None,
            },
            _ => None,
        };
        let text = text.ok_or_else(|| failed(format!("operand {place}: element must be string or non-empty array")))?;
        let network = Network::read(text, bare).ok_or_else(|| failed(format!("invalid CIDR address: {text}")))?;
        Ok((key, network))
    };
    match operand {
        Some(value @ Value::String(_)) => Ok(vec![read(value.clone(), value)?]),
        Some(Value::Array(items)) => items.iter().zip(0_u64..).map(|(item, at)| read(Value::from(at), item)).collect(),
        Some(Value::Set(items)) => items.iter_sorted().map(|item| read(item.clone(), item)).collect(),
        Some(Value::Object(fields)) => fields.iter_sorted().map(|(key, item)| read(key.clone(), item)).collect(),
        _ => Ok(Vec::new()),
    }
}

/// Whether there is nothing in an operand to compare: then the other one is not looked at.
fn is_empty(operand: Option<&Value>) -> bool {
    match operand {
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Set(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::String(_)) => false,
        _ => true,
    }
}

fn contains_matches(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    if is_empty(args.first()) || is_empty(args.get(1)) {
        return Ok(super::set_of([]));
    }
    let outer = keyed(args.first(), 1, false)?;
    let inner = keyed(args.get(1), 2, true)?;
    if outer.len().saturating_mul(inner.len()) > 1_000_000 {
        return Err(failed("too many networks to compare"));
    }
    let mut found = Vec::new();
    for (left, network) in &outer {
        for (right, address) in &inner {
            if network.contains(*address) {
                found.push(Value::from(vec![left.clone(), right.clone()]));
            }
        }
    }
    Ok(super::set_of(found))
}

/// A network; an address alone stands for that of its class, as Go's `DefaultMask` has it.
fn classful(text: &str) -> Option<(Network, Option<String>)> {
    let Ok(IpAddr::V4(address)) = text.parse::<IpAddr>() else {
        return Some((Network::read(text, false)?, None));
    };
    let [first, ..] = address.octets();
    let prefix = match first {
        0..=127 => 8,
        128..=191 => 16,
        192..=223 => 24,
        _ => 32,
    };
    Some((Network::new(IpAddr::V4(address), prefix)?, Some(format!("{address}/{prefix}"))))
}

/// The fewest networks that hold the same addresses.
fn merge(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    let mut networks = Vec::new();
    for item in super::items(args.first()) {
        let Value::String(text) = item else {
            return Err(super::wrong("operand 1 must be a collection of strings"));
        };
        if !text.contains('/') && text.contains(':') {
            return Err(failed("IPv6 invalid: needs prefix length"));
        }
        let (network, shown) = classful(text).ok_or_else(|| failed(format!("invalid CIDR address: {text}")))?;
        networks.push((network, shown));
    }
    networks.sort();
    // A network that merges with no other keeps the way it was written.
    let mut runs: Vec<(Network, Option<String>)> = Vec::new();
    for (network, shown) in networks {
        match runs.last_mut() {
            Some((run, alone)) if run.bits == network.bits && network.first <= run.last.saturating_add(1) => {
                run.last = run.last.max(network.last);
                *alone = None;
            }
            _ => runs.push((network, shown)),
        }
    }
    let mut merged = Vec::new();
    for (run, alone) in runs {
        match alone {
            Some(shown) => merged.push(shown),
            None => cover(run, &mut merged)?,
        }
    }
    Ok(super::set_of(merged.into_iter().map(Value::from)))
}

/// Writes a run of addresses as networks, the biggest that fit one after the other.
fn cover(run: Network, into: &mut Vec<String>) -> anyhow::Result<()> {
    let mut first = run.first;
    loop {
        let room = run.last.wrapping_sub(first);
        let aligned = if first == 0 { run.bits } else { first.trailing_zeros().min(run.bits) };
        let fits = if room == u128::MAX { 128 } else { 127_u32.saturating_sub(room.saturating_add(1).leading_zeros()) };
        let free = aligned.min(fits);
        into.push(Network { first, ..run }.print(run.bits.saturating_sub(free)));
        if into.len() > 10_000 {
            return Err(failed("too many networks"));
        }
        let size = 1_u128.checked_shl(free).unwrap_or(0);
        match first.checked_add(size) {
            Some(next) if size > 0 && next <= run.last => first = next,
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn merged(networks: &[&str]) -> Vec<String> {
        let value = Value::from(networks.iter().map(|text| Value::from(*text)).collect::<Vec<_>>());
        let source = regorus::Source::from_contents("a".to_owned(), String::new()).unwrap();
        let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
        let Value::Set(found) = merge(&span, &[], &[value], true).unwrap() else {
            return Vec::new();
        };
        found.iter_sorted().map(|item| item.as_string().unwrap().to_string()).collect()
    }

    #[test]
    fn neighbours_and_overlaps_become_one() {
        assert_eq!(merged(&["192.0.128.0/24", "192.0.129.0/24"]), ["192.0.128.0/23"]);
        assert_eq!(merged(&["10.0.0.0/8", "10.1.0.0/16"]), ["10.0.0.0/8"]);
        assert_eq!(merged(&["10.0.0.1/32", "10.0.0.2/32"]), ["10.0.0.1/32", "10.0.0.2/32"]);
        assert_eq!(merged(&["0.0.0.0/0", "1.1.1.1"]), ["0.0.0.0/0"]);
        assert_eq!(merged(&["::/0"]), ["::/0"]);
        assert_eq!(merged(&["fe80::1/128", "fe80::/127"]), ["fe80::/127"]);
    }

    #[test]
    fn families_do_not_mix() {
        let (four, six) = (Network::read("0.0.0.0/0", false).unwrap(), Network::read("::/0", false).unwrap());
        assert!(!four.contains(six) && !six.contains(four));
        assert!(Network::read("10.0.0.0/33", false).is_none());
    }
}
