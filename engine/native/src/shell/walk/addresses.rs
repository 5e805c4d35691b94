//! Addresses that a machine of a cloud asks for its own credentials, however they are spelt, and schemes that carry any bytes.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Where clouds give out credentials: of machines, of containers, of functions.
const GIVERS: &[Ipv4Addr] = &[
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

const NAMES: &[&str] =
    &["metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

/// Schemes with which a client of the web says any bytes to any server.
const RAW: &[&str] = &[
    "gopher://",
    "gophers://",
    "dict://",
    "telnet://",
    "tftp://",
    "smtp://",
    "smtps://",
    "ldap://",
    "ldaps://",
    "mqtt://",
];

/// Whether an address is one that gives out credentials, or a text has one in it.
pub(super) fn gives_credentials(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if lower.contains("169.254.169.254") || lower.contains("metadata.google.internal") {
        return true;
    }
    let host = host_of(&lower);
    let is_giver = |address: Ipv4Addr| GIVERS.contains(&address);
    if let Some(inside) = host.strip_prefix('[') {
        let inside = inside.split([']', '%']).next().unwrap_or_default();
        return inside.parse::<Ipv6Addr>().is_ok_and(|address| {
            address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
                || address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)
                || address.to_ipv4().is_some_and(is_giver)
        });
    }
    let host = host.trim_end_matches('.');
    lower.contains("://") && NAMES.contains(&host) || numbers(host).is_some_and(is_giver)
}

/// Whether an address says bytes of anybody's choice to a server that is none of the web.
pub(super) fn carries_bytes(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    RAW.iter().any(|scheme| lower.starts_with(scheme))
}

/// The name of the server in an address, brackets kept, without who asks and the port.
fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.starts_with('[') {
        true => host.split_inclusive(']').next().unwrap_or_default(),
        false => host.split(':').next().unwrap_or_default(),
    }
}

/// An address of one to four numbers, as resolvers take it: decimal, `0x` and octal, the last one for all bytes that are left.
fn numbers(host: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = host.split('.').map(number).collect::<Option<_>>()?;
    let (last, before) = parts.split_last()?;
    if before.len() > 3 {
        return None;
    }
    let mut whole = 0_u32;
    for (at, part) in before.iter().enumerate() {
        let shift = 24_u32.checked_sub(u32::try_from(at).ok()?.checked_mul(8)?)?;
        whole |= u32::from(u8::try_from(*part).ok()?).checked_shl(shift)?;
    }
    let bits = u32::try_from(before.len()).ok()?.checked_mul(8)?;
    if bits > 0 && *last > u32::MAX.checked_shr(bits)? {
        return None;
    }
    Some(Ipv4Addr::from(whole | last))
}

fn number(part: &str) -> Option<u32> {
    if let Some(hex) = part.strip_prefix("0x") {
        return u32::from_str_radix(hex, 16).ok();
    }
    match part.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        Some(octal) => u32::from_str_radix(octal, 8).ok(),
        None => part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_give_credentials_are_known_in_every_spelling() {
        for address in [
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "2852039166/latest",
            "http://0xA9FEA9FE/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://0xa9.0xfe.0xa9.0xfe:80/",
            "http://[fd00:ec2::254]/latest",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://100.100.100.200/latest",
            "http://metadata/computeMetadata/v1/",
            "http://METADATA.google.internal./",
            "http://x@instance-data/latest",
        ] {
            assert!(gives_credentials(address), "{address}");
        }
        for address in [
            "https://example.com/metadata",
            "metadata",
            "10",
            "http://127.0.0.1:8080/",
            "http://[::1]/",
            "http://1.2.3.4.5/",
            "",
        ] {
            assert!(!gives_credentials(address), "{address}");
        }
    }

    #[test]
    fn schemes_that_carry_any_bytes_are_known() {
        assert!(carries_bytes("gopher://localhost:6379/_FLUSHALL"));
        assert!(carries_bytes("DICT://localhost:6379/FLUSHALL"));
        assert!(!carries_bytes("https://example.com/gopher://x"));
    }
}
