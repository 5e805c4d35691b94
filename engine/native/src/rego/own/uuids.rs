//! Reading UUIDs.

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "uuid.parse" => Some((parse, 1)),
        _ => None,
    }
}

/// Seconds from the Gregorian reform, where UUIDs begin to count, to 1970, in units of 100 ns.
const EPOCH: i128 = 0x01b2_1dd2_1381_4000;

fn parse(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let Some(Value::String(text)) = args.first() else {
        return Ok(Value::Undefined);
    };
    let Some(number) = read(text) else {
        return Ok(Value::Undefined);
    };
    let part = |shift: u32, mask: u128| number.wrapping_shr(shift) & mask;
    let version = u64::try_from(part(76, 0xf)).unwrap_or(0);
    let mut fields = vec![("version", Value::from(version)), ("variant", Value::from(variant(part(60, 0xf))))];
    if matches!(version, 1 | 2) {
        let node: Vec<u8> = number.to_be_bytes().get(10..).unwrap_or_default().to_vec();
        let first = node.first().copied().unwrap_or(0);
        let local = if first & 2 == 2 { "local" } else { "global" };
        let cast = if first & 1 == 1 { "multicast" } else { "unicast" };
        let shown: Vec<String> = node.iter().map(|byte| format!("{byte:02x}")).collect();
        fields.push(("macvariables", Value::from(format!("{local}:{cast}"))));
        fields.push(("nodeid", Value::from(shown.join("-"))));
        fields.push(("clocksequence", Value::from(u64::try_from(part(48, 0x3fff)).unwrap_or(0))));
        let ticks = part(64, 0x0fff) << 48 | part(80, 0xffff) << 32 | part(96, 0xffff_ffff);
        let nanoseconds = i128::try_from(ticks).unwrap_or(0).saturating_sub(EPOCH).saturating_mul(100);
        fields.push(("time", Value::from(nanoseconds)));
    }
    if version == 2 {
        fields.push(("id", Value::from(u64::try_from(part(96, 0xffff_ffff)).unwrap_or(0))));
        let domain = match part(48, 0xff) {
            0 => "Person",
            1 => "Group",
            2 => "Org",
            _ => "Domain",
        };
        fields.push(("domain", Value::from(domain)));
    }
    Ok(super::object_of(fields))
}

fn variant(bits: u128) -> &'static str {
    match bits {
        0x0..=0x7 => "Reserved",
        0x8..=0xb => "RFC4122",
        0xc | 0xd => "Microsoft",
        _ => "Future",
    }
}

/// The four spellings: with dashes, without, in braces, as a URN.
fn read(text: &str) -> Option<u128> {
    let bare = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let bare = bare.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(bare);
    let dashes: Vec<usize> = bare.match_indices('-').map(|(at, _)| at).collect();
    let shaped = (bare.len() == 36 && dashes == [8, 13, 18, 23]) || (bare.len() == 32 && dashes.is_empty());
    let digits: String = bare.chars().filter(|letter| *letter != '-').collect();
    if shaped && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u128::from_str_radix(&digits, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read_and_nothing_else() {
        let plain = read("00000000-0000-4000-8000-000000000001");
        assert!(plain.is_some());
        for text in [
            "{00000000-0000-4000-8000-000000000001}",
            "urn:uuid:00000000-0000-4000-8000-000000000001",
            "00000000000040008000000000000001",
        ] {
            assert_eq!(read(text), plain);
        }
        for text in [
            "",
            "0-0",
            "00000000-0000-4000-8000-00000000000g",
            "00000000-00004-000-8000-000000000001",
            "\u{e9}0000000-0000-4000-8000-0000000000",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
