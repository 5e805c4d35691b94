//! How people and machines are reached: mail, telephone, network addresses; and dates.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::scan::checks::digits::{digits, is_day, Digits};
use crate::scan::checks::Place;

type Around = fn(&[u8], usize, usize) -> Option<Place>;

pub fn around(name: &str) -> Option<Around> {
    Some(match name {
        "email" => email,
        "ipv4" => ipv4,
        "ipv6" => ipv6,
        "date" => date,
        "mac" => mac,
        "alone" => alone,
        _ => return None,
    })
}

/// The checks of telephone numbers, by how they are written.
pub fn phone(form: &str) -> Option<Around> {
    Some(match form {
        "intl" => international,
        "us" => north_american,
        "national" => national,
        "grouped" => grouped,
        "plain" => plain,
        "trunk" => trunk,
        _ => return None,
    })
}

/// How much stands before an address in what could be its first part.
///
/// WHY: `user=ana@x.org`, `docs/ana@x.org` stand before addresses far more often than in them.
pub fn before_address(local: &[u8]) -> usize {
    local.iter().rposition(|byte| b"=/?{|}`".contains(byte)).map_or(0, |place| place.saturating_add(1))
}

/// The local part and the last label of the host are as they must be; what only touches the address is cut off.
fn email(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let follows = text.get(end).is_some_and(|byte| matches!(byte, b'@' | b'(') || byte.is_ascii_alphanumeric());
    // WHY first: of addresses in a row each is refused by it.
    if follows {
        return None;
    }
    let value = text.get(start..end)?;
    let sign = value.iter().rposition(|byte| *byte == b'@')?;
    let (local, host) = value.split_at(sign);
    let cut = before_address(local);
    let quotes = local.get(cut..)?.iter().take_while(|byte| b"'&*".contains(byte)).count();
    let cut = cut.saturating_add(quotes);
    let local = local.get(cut..)?;
    let bad = local.is_empty()
        || local.starts_with(b".")
        || local.ends_with(b".")
        || local.windows(2).any(|two| two == b"..");
    let host = host.get(1..)?;
    let labels_hold = host.split(|byte| *byte == b'.').all(|label| !label.starts_with(b"-") && !label.ends_with(b"-"));
    let top = host.rsplit(|byte| *byte == b'.').next()?;
    let file = [b"png".as_slice(), b"jpg", b"gif", b"svg", b"js", b"css", b"webp"]
        .iter()
        .any(|name| top.eq_ignore_ascii_case(name));
    (!bad && labels_hold && !file && top.len() >= 2).then(|| (start.saturating_add(cut), end))
}

/// Four numbers below 256 without leading noughts; no version, no longer chain.
fn ipv4(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let before = start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|byte| matches!(byte, b'.' | b'-'));
    let next = text.get(end).copied().unwrap_or(b' ');
    let after = text.get(end.saturating_add(1)).is_some_and(u8::is_ascii_alphanumeric);
    // WHY first: of a long chain each part but one is refused by these.
    if before || (next == b'.' || next == b'-') && after {
        return None;
    }
    let value = text.get(start..end)?;
    let mut parts = value.splitn(2, |byte| *byte == b'/');
    let (address, mask) = (octets(parts.next()?)?, parts.next());
    let special = mask.is_some() || is_nobodys(Ipv4Addr::from(address));
    (mask.is_none_or(|mask| number(mask) <= 32) && !is_of_a_machine(text, start, end, special)).then_some((start, end))
}

/// Four numbers below 256 without leading noughts, apart by dots.
fn octets(address: &[u8]) -> Option<[u8; 4]> {
    let (mut parts, mut octets) = (address.split(|byte| *byte == b'.'), [0; 4]);
    for octet in &mut octets {
        let part = parts.next().filter(|part| part.len() == 1 || !part.starts_with(b"0"))?;
        *octet = u8::try_from(number(part)).ok()?;
    }
    Some(octets)
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |sum, byte| sum.wrapping_mul(10).wrapping_add(u32::from(byte.wrapping_sub(b'0'))))
}

/// A private, local, shared, documentation or reserved address: many have it, or none.
fn is_nobodys(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_unspecified()
        || first >= 224
        || first == 100 && second & 0xc0 == 64
}

/// Words beside the address of a machine in data, and such as say that it is a person's after all.
const OF_MACHINES: [&[u8]; 15] = [
    b"gateway",
    b"netmask",
    b"cidr",
    b"subnet",
    b"egress",
    b"ingress",
    b"firewall",
    b"floating",
    b"reserved",
    b"allow",
    b"deny",
    b"droplet",
    b"lb-",
    b"balancer",
    b"\"dns",
];
const OF_PEOPLE: [&[u8]; 7] = [b"client", b"user", b"remote", b"visitor", b"customer", b"forwarded", b"login"];

/// Whether an address stands as a value in data (JSON), and is a network's, nobody's, or by the words beside it a
/// machine's. WHY only in data: in a sentence or a line of a log nothing tells whose an address is.
fn is_of_a_machine(text: &[u8], start: usize, end: usize, special: bool) -> bool {
    const BEFORE: usize = 64;
    const AFTER: usize = 32;
    let around = text.get(start.saturating_sub(BEFORE)..text.len().min(end.saturating_add(AFTER)));
    let before = text.get(start.saturating_sub(BEFORE)..start).unwrap_or_default();
    let label = before.iter().rev().take_while(|byte| byte.is_ascii_lowercase() || **byte == b':').count();
    let opening = before.get(..before.len().saturating_sub(label)).unwrap_or_default();
    let Some(opening) = opening.strip_suffix(b"\"") else {
        return false;
    };
    if !opening.trim_ascii_end().last().is_some_and(|byte| matches!(byte, b':' | b'[' | b',')) {
        return false;
    }
    let around = around.unwrap_or_default().to_ascii_lowercase();
    let has = |words: &[&[u8]]| words.iter().any(|word| around.windows(word.len()).any(|part| part == *word));
    (special || has(&OF_MACHINES)) && !has(&OF_PEOPLE)
}

/// What the standard library reads as an address; no time of day, no path of `::`.
fn ipv6(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let next = text.get(end).copied().unwrap_or(b' ');
    let goes_on =
        next == b':' || next == b'.' && text.get(end.saturating_add(1)).is_some_and(u8::is_ascii_alphanumeric);
    let before = start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|byte| *byte == b':');
    // WHY first: these two cost nothing, and hostile text has ends by the dozen.
    if goes_on || before {
        return None;
    }
    let value = text.get(start..end)?;
    let bare = value.split(|byte| matches!(byte, b'%' | b'/')).next()?;
    // WHY then: nearly all that looks like an address is a time of day, and reading it costs more than counting.
    let (mut colons, mut groups) = (0_usize, 0_usize);
    let (mut is_short, mut has_figures, mut is_plain, mut in_group) = (false, false, true, false);
    for (place, byte) in bare.iter().enumerate() {
        let is_colon = *byte == b':';
        is_short |= is_colon && !in_group && place > 0;
        colons = colons.saturating_add(usize::from(is_colon));
        groups = groups.saturating_add(usize::from(!is_colon && !in_group));
        has_figures |= byte.is_ascii_digit();
        is_plain &= *byte != b'.';
        in_group = !is_colon;
    }
    if colons < 6 && !is_short {
        return None;
    }
    // Its shape has groups as they must be, once two colons at the most, and without them as many as there must be.
    let readable = || match (is_plain, is_short) {
        (true, true) => groups <= 7,
        (true, false) => groups == 8,
        (false, _) => std::str::from_utf8(bare).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok()),
    };
    let holds = (has_figures || groups > 2) && bare.len() > 2 && readable();
    (holds && !is_of_a_machine(text, start, end, value.contains(&b'/'))).then_some((start, end))
}

/// A day that exists, in any of the usual orders; its month may be in letters, and a time may follow it.
fn date(text: &[u8], start: usize, end: usize) -> Option<Place> {
    const MONTHS: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let value = text.get(start..end)?;
    let mut parts = value.split(|byte| !byte.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let mut number = |part: &[u8]| {
        let month = || {
            MONTHS
                .iter()
                .zip(1_u32..)
                .find(|(month, _)| part.get(..3).is_some_and(|name| name.eq_ignore_ascii_case(month)))
        };
        if part.first().is_some_and(u8::is_ascii_alphabetic) {
            return month().map(|(_, number)| number);
        }
        let day = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
        Some(digits(part.get(..day)?).iter().fold(0_u32, |sum, digit| sum.wrapping_mul(10).wrapping_add(*digit)))
    };
    let mut next = || parts.next().and_then(&mut number);
    let (first, second, third) = (next()?, next()?, next()?);
    let holds = if first > 31 { is_day(third, second) } else { is_day(first, second) || is_day(second, first) };
    holds.then_some((start, end))
}

/// Nothing that makes it part of a longer figure stands beside it.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
    let next = text.get(end).copied().unwrap_or(b' ');
    let after = text.get(end.saturating_add(1)).is_some_and(u8::is_ascii_digit);
    let joined = |byte: u8| matches!(byte, b'.' | b'-' | b'/' | b':' | b'_');
    !(matches!(before, b'.' | b'-' | b'/' | b'_' | b'+' | b'#' | b'$' | b'=' | b'&') || joined(next) && after)
}

/// The parentheses come in pairs.
fn is_even(value: &[u8]) -> bool {
    let opened = value.iter().filter(|byte| **byte == b'(').count();
    opened == value.iter().filter(|byte| **byte == b')').count() && opened <= 1
}

/// With the extension that follows the number: `x12`, ` ext. 12`.
fn extended(text: &[u8], start: usize, end: usize) -> Place {
    let rest = text.get(end..).unwrap_or_default();
    let space = usize::from(rest.first() == Some(&b' '));
    let word = rest.get(space..).unwrap_or_default();
    let sign = [b"ext. ".as_slice(), b"ext.", b"ext ", b"ext", b"x "].into_iter().find(|sign| word.starts_with(sign));
    let sign = sign.map_or(usize::from(word.first() == Some(&b'x')), <[u8]>::len);
    let figures = word.get(sign..).unwrap_or_default().iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    if sign == 0 || !(1..=6).contains(&figures) {
        return (start, end);
    }
    (start, end.saturating_add(space).saturating_add(sign).saturating_add(figures))
}

fn main_digits(value: &[u8]) -> Digits {
    let end = value.iter().position(|byte| matches!(byte, b'x' | b'e')).unwrap_or(value.len());
    digits(value.get(..end).unwrap_or_default())
}

fn international(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let value = text.get(start..end)?;
    let count = main_digits(value).len();
    let country = digits(value).first().is_some_and(|first| *first != 0) || value.starts_with(b"00");
    ((8..=15).contains(&count) && country && is_even(value) && stands_alone(text, start, end))
        .then(|| extended(text, start, end))
}

/// Area and exchange begin with 2 to 9.
fn north_american(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let value = text.get(start..end)?;
    let digits = main_digits(value);
    let digits = if digits.len() == 11 { digits.get(1..).unwrap_or_default() } else { &digits };
    let leads = |place: usize| digits.get(place).is_some_and(|digit| *digit >= 2);
    (digits.len() == 10 && leads(0) && is_even(value) && stands_alone(text, start, end))
        .then(|| extended(text, start, end))
}

/// A trunk nought, and groups.
fn national(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let value = text.get(start..end)?;
    let count = digits(value).len();
    let separators = value.iter().filter(|byte| !byte.is_ascii_digit()).count();
    alone(text, start, end)?;
    let is_date = value.iter().filter(|byte| matches!(byte, b'/' | b'.')).count() >= 2 && count <= 8;
    ((9..=12).contains(&count)
        && !value.starts_with(b"00")
        && separators >= 1
        && !is_date
        && is_even(value)
        && stands_alone(text, start, end))
    .then_some((start, end))
}

/// Six pairs and no more: a fingerprint has longer rows of them.
fn mac(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let joined =
        |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|byte| matches!(byte, b':' | b'-' | b'.'));
    let after = joined(Some(end)) && text.get(end.saturating_add(1)).is_some_and(u8::is_ascii_hexdigit);
    (!joined(start.checked_sub(1)) && !after).then_some((start, end))
}

/// No group of figures or capitals before it or after it, a space apart: it would be a part of something longer.
fn alone(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let is_group = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let spaced = |at: Option<usize>| at.and_then(|at| text.get(at)) == Some(&b' ');
    let before = spaced(start.checked_sub(1)) && start.checked_sub(2).and_then(|at| text.get(at)).is_some_and(is_group);
    let after = spaced(Some(end)) && text.get(end.saturating_add(1)).is_some_and(u8::is_ascii_digit);
    (!before && !after).then_some((start, end))
}

/// Eleven digits after a trunk nought.
fn trunk(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let value = text.get(start..end)?;
    let varied = value.iter().any(|byte| Some(byte) != value.last());
    let low = value.iter().filter(|byte| **byte == b'0').count();
    (varied && low <= 5 && stands_alone(text, start, end)).then_some((start, end))
}

fn grouped(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let value = text.get(start..end)?;
    let count = digits(value).len();
    ((7..=13).contains(&count) && stands_alone(text, start, end)).then_some((start, end))
}

fn plain(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let value = text.get(start..end)?;
    (digits(value).len() >= 7 && stands_alone(text, start, end)).then_some((start, end))
}
