//! What a certificate says of itself (X.509, RFC 5280), as far as rustls-webpki asks less of it than OpenSSL. No signature is looked at here.

use std::time::Duration;

use crate::der::Elements;

const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What somebody may use a certificate for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    Server,
    Client,
}

impl Purpose {
    /// Its identifier among the extended key usages.
    fn identifier(self) -> &'static [u8] {
        match self {
            Self::Server => &[0x2b, 6, 1, 5, 5, 7, 3, 1],
            Self::Client => &[0x2b, 6, 1, 5, 5, 7, 3, 2],
        }
    }
    /// Its bit among Netscape's kinds.
    fn kind(self) -> u8 {
        match self {
            Self::Server => 0x40,
            Self::Client => 0x80,
        }
    }
    /// The key usages of which a certificate has to have one, if it has any.
    fn usages(self) -> u16 {
        match self {
            Self::Server => DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT,
            Self::Client => DIGITAL_SIGNATURE | KEY_AGREEMENT,
        }
    }
}

const NETSCAPE_KINDS: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x01, 0x01];
const DIGITAL_SIGNATURE: u16 = 0x8000;
const KEY_ENCIPHERMENT: u16 = 0x2000;
const KEY_AGREEMENT: u16 = 0x0800;
const KEY_CERT_SIGN: u16 = 0x0400;

/// One certificate.
#[derive(Default, Clone)]
pub struct Outline<'a> {
    /// 1, 2 or 3.
    pub version: u8,
    pub serial: &'a [u8],
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    /// Its public key, as whoever checks signatures wants it (SubjectPublicKeyInfo, without its own tag).
    pub key: &'a [u8],
    not_before: Duration,
    not_after: Duration,
    /// (is an authority, how many may stand below it), where it says so.
    constraints: Option<(bool, Option<u64>)>,
    key_usage: Option<u16>,
    purposes: Option<&'a [u8]>,
    /// Netscape's, from before there were others: of a server, of a client.
    kinds: Option<u8>,
    alternative_names: Option<&'a [u8]>,
    own_key: Option<&'a [u8]>,
    issuers_key: Option<&'a [u8]>,
    issuers_serial: Option<&'a [u8]>,
    /// It says for which names the certificates below it may be.
    pub limits_names: bool,
    /// An extension that has to be understood is not.
    pub is_strange: bool,
}

impl<'a> Outline<'a> {
    /// What a certificate (DER) says. None: it is none.
    pub fn of(der: &'a [u8]) -> Option<Self> {
        let mut whole = Elements::of(Elements::of(der).one(SEQUENCE)?);
        let mut all = Elements::of(whole.one(SEQUENCE)?);
        let mut found = Self { version: 1, ..Self::default() };
        if let Some(version) = all.maybe(0xa0) {
            found.version = Elements::of(version).one(INTEGER)?.first()?.checked_add(1)?;
        }
        found.serial = all.one(INTEGER)?;
        all.one(SEQUENCE)?;
        found.issuer = all.one(SEQUENCE)?;
        let mut times = Elements::of(all.one(SEQUENCE)?);
        found.not_before = moment(times.any()?)?;
        found.not_after = moment(times.any()?)?;
        found.subject = all.one(SEQUENCE)?;
        found.key = all.one(SEQUENCE)?;
        while let Some((tag, value)) = all.any() {
            if tag == 0xa3 {
                let mut extensions = Elements::of(Elements::of(value).one(SEQUENCE)?);
                while !extensions.is_empty() {
                    found.extend(Elements::of(extensions.one(SEQUENCE)?))?;
                }
            }
        }
        Some(found)
    }

    fn extend(&mut self, mut extension: Elements<'a>) -> Option<()> {
        let identifier = extension.one(OBJECT)?;
        let is_critical = extension.maybe(BOOLEAN).is_some_and(|value| value != [0]);
        let value = extension.one(OCTETS)?;
        let mut inside = Elements::of(value);
        match identifier {
            [0x55, 0x1d, 14] => self.own_key = Some(inside.one(OCTETS)?),
            [0x55, 0x1d, 15] => {
                let bits = inside.one(BITS)?;
                let byte = |at: usize| u16::from(bits.get(at).copied().unwrap_or(0));
                self.key_usage = Some((byte(1) << 8) | byte(2));
            }
            [0x55, 0x1d, 17] => self.alternative_names = Some(inside.one(SEQUENCE)?),
            [0x55, 0x1d, 19] => {
                let mut inside = Elements::of(inside.one(SEQUENCE)?);
                let is_authority = inside.maybe(BOOLEAN).is_some_and(|value| value != [0]);
                let most = match inside.maybe(INTEGER) {
                    // Below zero, or more than anybody counts to.
                    Some(digits) if digits.len() > 8 || digits.first().is_some_and(|first| *first >= 0x80) => {
                        return None
                    }
                    Some(digits) => Some(digits.iter().fold(0, |sum, digit| (sum << 8) | u64::from(*digit))),
                    None => None,
                };
                self.constraints = Some((is_authority, most));
            }
            [0x55, 0x1d, 30] => self.limits_names = true,
            [0x55, 0x1d, 35] => {
                let mut inside = Elements::of(inside.one(SEQUENCE)?);
                self.issuers_key = inside.maybe(0x80);
                inside.maybe(0xa1);
                self.issuers_serial = inside.maybe(0x82);
            }
            [0x55, 0x1d, 37] => self.purposes = Some(inside.one(SEQUENCE)?),
            NETSCAPE_KINDS => self.kinds = inside.one(BITS)?.get(1).copied().or(Some(0)),
            // A proxy's, or one for parts of the net: OpenSSL takes none, or looks at what is not looked at here.
            [0x2b, 6, 1, 5, 5, 7, 1, 7 | 8 | 14] => self.is_strange = true,
            // Where to ask whether it was withdrawn: nobody asks.
            [0x55, 0x1d, 31] => {}
            _ => self.is_strange |= is_critical,
        }
        Some(())
    }

    /// Whether its names are the same on both sides, as those of whoever signs themselves are.
    pub fn is_of_itself(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it has begun, and not ended, at a time since 1970.
    pub fn is_before_its_time(&self, now: Duration) -> bool {
        now < self.not_before
    }
    pub fn is_past_its_time(&self, now: Duration) -> bool {
        now > self.not_after
    }

    /// Whether it may be shown for this: neither kind of usage speaks against it.
    pub fn may_be_shown(&self, purpose: Purpose) -> bool {
        self.is_meant(purpose)
            && self.kinds.is_none_or(|kinds| kinds & purpose.kind() != 0)
            && self.key_usage.is_none_or(|usage| usage & purpose.usages() != 0)
    }

    /// Whether it may sign certificates for this, as OpenSSL asks of the first of a chain (`check_ca`) and of its purpose.
    pub fn may_sign(&self, purpose: Purpose) -> bool {
        let is_authority = match self.constraints {
            Some((is_authority, _)) => is_authority,
            None => (self.version == 1 && self.is_of_itself()) || self.key_usage.is_some(),
        };
        is_authority && self.may_certify() && self.is_meant(purpose) && !self.is_strange
    }

    /// Whether its key may sign certificates at all.
    pub fn may_certify(&self) -> bool {
        self.key_usage.is_none_or(|usage| usage & KEY_CERT_SIGN != 0)
    }

    fn is_meant(&self, purpose: Purpose) -> bool {
        let Some(purposes) = self.purposes else { return true };
        let mut purposes = Elements::of(purposes);
        while let Some(one) = purposes.one(OBJECT) {
            if one == purpose.identifier() {
                return true;
            }
        }
        false
    }

    /// Whether so many authorities may stand between it and a certificate that is shown.
    pub fn may_stand_above(&self, count: u64) -> bool {
        self.constraints.and_then(|known| known.1).is_none_or(|most| count <= most)
    }

    /// Whether this may be the issuer that a certificate means by its key's name and its number, where it says them.
    pub fn is_meant_by(&self, issued: &Self) -> bool {
        let is_key = match (issued.issuers_key, self.own_key) {
            (Some(meant), Some(own)) => meant == own,
            _ => true,
        };
        is_key && issued.issuers_serial.is_none_or(|meant| meant == self.serial)
    }

    /// The names of a kind (the tag of RFC 5280's GeneralName) beside the subject.
    pub fn alternatives(&self, kind: u8) -> impl Iterator<Item = &'a [u8]> {
        let mut names = Elements::of(self.alternative_names.unwrap_or_default());
        std::iter::from_fn(move || names.any()).filter(move |name| name.0 == kind).map(|name| name.1)
    }

    /// Whether a name of DNS stands beside the subject.
    pub fn has_name(&self) -> bool {
        self.alternatives(0x82).next().is_some()
    }

    /// The common names of the subject, as text where they are some.
    pub fn common_names(&self) -> Vec<Option<String>> {
        self.attributes(&[0x55, 4, 3]).into_iter().map(|(tag, value)| text(tag, value)).collect()
    }

    /// Whether the subject has an address of mail.
    pub fn has_mail(&self) -> bool {
        !self.attributes(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1]).is_empty()
    }

    fn attributes(&self, identifier: &[u8]) -> Vec<(u8, &'a [u8])> {
        let (mut found, mut parts) = (Vec::new(), Elements::of(self.subject));
        while let Some(part) = parts.one(SET) {
            let mut pairs = Elements::of(part);
            while let Some(pair) = pairs.one(SEQUENCE) {
                let mut pair = Elements::of(pair);
                if pair.one(OBJECT) == Some(identifier) {
                    found.extend(pair.any());
                }
            }
        }
        found
    }
}

/// A text of ASN.1, where it is one.
fn text(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        0x0c => String::from_utf8(value.to_vec()).ok(),
        0x12 | 0x13 | 0x16 | 0x1a if value.is_ascii() => String::from_utf8(value.to_vec()).ok(),
        0x14 => Some(value.iter().map(|byte| char::from(*byte)).collect()),
        0x1e if value.len().is_multiple_of(2) => {
            let units =
                value.chunks_exact(2).map(|pair| pair.iter().fold(0, |sum, byte| (sum << 8) | u16::from(*byte)));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// A time of a certificate, since 1970; what was before that is 1970.
fn moment((tag, value): (u8, &[u8])) -> Option<Duration> {
    let mut digits = value.strip_suffix(b"Z")?;
    let mut number = |count: usize| -> Option<u64> {
        let (part, rest) = digits.split_at_checked(count)?;
        digits = rest;
        let is_number = part.iter().all(u8::is_ascii_digit);
        is_number.then(|| {
            part.iter().fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add(u64::from(digit & 15)))
        })
    };
    let year = match tag {
        UTC_TIME => number(2).map(|year| year.saturating_add(if year < 50 { 2000 } else { 1900 }))?,
        GENERALIZED_TIME => number(4)?,
        _ => return None,
    };
    let (month, day, hour, minute, second) = (number(2)?, number(2)?, number(2)?, number(2)?, number(2)?);
    let is_time = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !is_time || !digits.is_empty() {
        return None;
    }
    // WHY from March on: a leap day is the last of its year then, and months before it have the days of a rule.
    let (years, months) =
        if month > 2 { (year, month.saturating_sub(3)) } else { (year.saturating_sub(1), month.saturating_add(9)) };
    let before = months.saturating_mul(306).saturating_add(5) / 10;
    let leaps = (years / 4).saturating_add(years / 400).saturating_sub(years / 100);
    let days = years.saturating_mul(365).saturating_add(leaps).saturating_add(before).saturating_add(day);
    let hours = days.saturating_sub(719_469).saturating_mul(24).saturating_add(hour);
    let seconds = hours.saturating_mul(60).saturating_add(minute).saturating_mul(60).saturating_add(second);
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        let at = |tag, text: &str| moment((tag, text.as_bytes())).map(|found| found.as_secs());
        assert_eq!(at(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(at(UTC_TIME, "700101235960Z"), Some(86_400));
        assert_eq!(at(UTC_TIME, "240229120000Z"), Some(1_709_208_000));
        assert_eq!(at(UTC_TIME, "000301000000Z"), Some(951_868_800));
        assert_eq!(at(GENERALIZED_TIME, "21000301000000Z"), Some(4_107_542_400));
        assert_eq!(at(UTC_TIME, "500101000000Z"), Some(0), "1950");
        for wrong in
            ["240229120000", "24022912000Z", "2402291200000Z", "241329120000Z", "24022x120000Z", "240229240000Z"]
        {
            assert_eq!(at(UTC_TIME, wrong), None, "{wrong}");
        }
        assert_eq!(at(OCTETS, "700101000000Z"), None);
    }

    #[test]
    fn what_is_no_der_is_no_certificate() {
        for wrong in [&b"\x30"[..], b"\x30\x80", b"\x30\x82\xff", b"\x30\x01", b""] {
            assert!(Outline::of(wrong).is_none());
        }
    }

    #[test]
    fn texts_are_read_as_their_kind_says() {
        assert_eq!(text(0x0c, "ä".as_bytes()).unwrap(), "ä");
        assert_eq!(text(0x14, b"\xe4").unwrap(), "ä");
        assert_eq!(text(0x1e, b"\0a\0b").unwrap(), "ab");
        for (tag, wrong) in [(0x0c, &b"\xe4"[..]), (0x13, b"\xe4"), (0x1e, b"\0a\0"), (0x1e, b"\xd8\0"), (0x03, b"a")] {
            assert_eq!(text(tag, wrong), None);
        }
    }
}
