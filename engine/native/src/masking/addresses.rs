//! Addresses of networks and of cards: family and length of the prefix stay.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::masking::permute::Permuter;

/// PostgreSQL's numbers of the families.
const V4: u8 = 2;
const V6: u8 = 3;

/// An `inet` or, where `is_network`, a `cidr`, whose bits behind the prefix are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub is_v6: bool,
    pub prefix: u8,
    pub is_network: bool,
    pub bits: u128,
}

impl Address {
    fn width(self) -> u8 {
        if self.is_v6 {
            128
        } else {
            32
        }
    }

    pub fn parse(text: &str, is_network: bool) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let is_v6 = address.contains(':');
        let bits = if is_v6 {
            address.parse::<Ipv6Addr>().ok()?.to_bits()
        } else {
            u128::from(address.parse::<Ipv4Addr>().ok()?.to_bits())
        };
        let all = Self { is_v6, prefix: 0, is_network, bits }.width();
        let prefix = match prefix {
            None => all,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
        };
        (prefix <= all).then_some(Self { is_v6, prefix, is_network, bits })
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[family, prefix, flag, length], rest) = bytes.split_first_chunk::<4>()?;
        let bits = match (family, length) {
            (V4, 4) => u128::from(u32::from_be_bytes(rest.try_into().ok()?)),
            (V6, 16) => u128::from_be_bytes(rest.try_into().ok()?),
            _ => return None,
        };
        let found = Self { is_v6: family == V6, prefix, is_network: flag == 1, bits };
        (prefix <= found.width() && flag <= 1).then_some(found)
    }

    pub fn encode(self) -> Vec<u8> {
        let bytes = self.bits.to_be_bytes();
        let from = if self.is_v6 { 0 } else { 12 };
        let rest = bytes.get(from..).unwrap_or_default();
        let length = if self.is_v6 { 16 } else { 4 };
        let mut out = vec![if self.is_v6 { V6 } else { V4 }, self.prefix, u8::from(self.is_network), length];
        out.extend_from_slice(rest);
        out
    }

    pub fn print(self) -> String {
        let address = if self.is_v6 {
            // WHY not shortened: there is one long spelling, and several habits of shortening.
            Ipv6Addr::from_bits(self.bits).segments().map(|part| format!("{part:x}")).join(":")
        } else {
            Ipv4Addr::from_bits(u32::try_from(self.bits).unwrap_or(0)).to_string()
        };
        if self.prefix == self.width() && !self.is_network {
            address
        } else {
            format!("{address}/{}", self.prefix)
        }
    }

    /// Another address of the family, of a network one whose prefix is as long.
    pub fn moved(self, permuter: &Permuter) -> Option<Self> {
        let (width, kind) = (self.width(), u8::from(self.is_network));
        let moving = if self.is_network { self.prefix } else { width };
        let shift = u32::from(width.checked_sub(moving)?);
        let rank = self.bits.checked_shr(shift)?;
        let found = permuter.short(2, u32::from(moving), rank, "address", &[width, self.prefix, kind])?;
        Some(Self { bits: found.checked_shl(shift)?, ..self })
    }
}

/// A MAC address of 6 or 8 bytes.
pub fn mac(permuter: &Permuter, bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(bytes.len()).ok().filter(|length| matches!(length, 6 | 8))?;
    let rank = bytes.iter().fold(0_u128, |sum, byte| sum.wrapping_shl(8) | u128::from(*byte));
    let found = permuter.short(2, u32::from(length).wrapping_mul(8), rank, "mac", &[length])?.to_be_bytes();
    Some(found.get(found.len().checked_sub(bytes.len())?..)?.to_vec())
}

pub fn parse_mac(text: &str) -> Option<Vec<u8>> {
    let bytes = |part: &str| (part.len() == 2).then(|| u8::from_str_radix(part, 16).ok()).flatten();
    text.split(':').map(bytes).collect()
}

pub fn print_mac(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    fn permuter() -> Permuter {
        Permuter::new(b"a key of sixteen", b"tokenize", b"").expect("a key")
    }

    #[test]
    fn text_and_bytes_say_the_same_address() {
        for (text, is_network) in
            [("10.1.2.3", false), ("10.1.2.3/24", false), ("10.1.2.0/24", true), ("10.1.2.3/32", true)]
        {
            let read = Address::parse(text, is_network).expect("an address");
            assert_eq!((read.print().as_str(), Address::decode(&read.encode())), (text, Some(read)));
        }
        let long = Address::parse("2001:db8::1/64", false).expect("an address");
        assert_eq!(long.print(), "2001:db8:0:0:0:0:0:1/64");
        for bad in ["", "10.1.2", "10.1.2.3/33", "10.1.2.3/", "::1/129", "10.1.2.3/+1", "10.1.2.3/2/2"] {
            assert_eq!(Address::parse(bad, false), None, "{bad}");
        }
        for bad in [b"".as_slice(), b"\x02\x20\0\x04\x0a", b"\x02\x21\0\x04\x0a\0\0\x01", b"\x04\x20\0\x04\x0a\0\0\x01"]
        {
            assert_eq!(Address::decode(bad), None);
        }
    }

    #[test]
    fn a_token_keeps_family_and_prefix_and_a_small_network_has_none() {
        let permuter = permuter();
        for (text, is_network) in
            [("10.1.2.3/8", false), ("10.1.2.0/24", true), ("2001:db8::/32", true), ("::1", false)]
        {
            let read = Address::parse(text, is_network).expect("an address");
            let token = read.moved(&permuter).expect("a token");
            assert_eq!((token.is_v6, token.prefix), (read.is_v6, read.prefix));
            assert_ne!(token.bits, read.bits);
            let behind = u32::from(read.width() - read.prefix);
            assert!(!is_network || token.bits.trailing_zeros() >= behind);
        }
        for text in ["10.0.0.0/8", "0.0.0.0/0", "10.1.0.0/16", "2000::/19"] {
            assert_eq!(Address::parse(text, true).and_then(|read| read.moved(&permuter)), None, "{text}");
        }
    }

    #[test]
    fn a_mac_address_stays_one() {
        for text in ["08:00:2b:01:02:03", "08:00:2b:01:02:03:04:05"] {
            let bytes = parse_mac(text).expect("an address");
            let token = mac(&permuter(), &bytes).expect("a token");
            assert!(print_mac(&bytes) == text && token.len() == bytes.len() && token != bytes);
        }
        assert_eq!((parse_mac("8:0"), mac(&permuter(), b"12345")), (None, None));
    }
}
