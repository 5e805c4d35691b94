//! Accounts as IBAN writes them: which countries have them, how long they are, and of what.
//!
//! All but the check digits is in the shape (`shape`), so that a row of groups that only looks like an account is left at its first
//! byte that no account has there, and not counted through at each of its groups.

use std::sync::OnceLock;

/// Of what an account is made behind its country and check digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Digits,
    /// Four letters of the bank, then letters or digits.
    Bank,
    Any,
}

/// Countries by the length of their accounts, from the registry of SWIFT.
const ACCOUNTS: &[(usize, Body, &str)] = &[
    (15, Body::Digits, "NO"),
    (16, Body::Digits, "BE"),
    (18, Body::Digits, "DK|FI|FO|GL"),
    (18, Body::Bank, "NL"),
    (18, Body::Any, "SD|FK"),
    (19, Body::Digits, "SI"),
    (19, Body::Any, "MK"),
    (20, Body::Digits, "AT|BA|EE|LT|XK|MN"),
    (20, Body::Any, "KZ|LU"),
    (21, Body::Digits, "HR"),
    (21, Body::Bank, "LV"),
    (21, Body::Any, "CH|LI"),
    (22, Body::Digits, "CR|DE|ME|RS|VA"),
    (22, Body::Bank, "BG|BH|GB|IE"),
    (22, Body::Any, "GE"),
    (23, Body::Digits, "AE|IL|TL"),
    (23, Body::Bank, "GI|IQ"),
    (23, Body::Any, "SO|OM"),
    (24, Body::Digits, "CZ|ES|SE|SK|TN"),
    (24, Body::Bank, "PK|RO|VG"),
    (24, Body::Any, "AD|MD|SA"),
    (25, Body::Digits, "LY|PT"),
    (25, Body::Any, "ST"),
    (26, Body::Digits, "IS"),
    (26, Body::Any, "TR"),
    (27, Body::Any, "BI|BL|DJ|FR|GF|GP|GR|IT|MC|MF|MQ|MR|NC|PF|PM|RE|SM|TF|WF|YT"),
    (28, Body::Digits, "HU|PL"),
    (28, Body::Bank, "SV"),
    (28, Body::Any, "AL|AZ|CY|DO|GT|HN|LB|BY|NI"),
    (29, Body::Bank, "PS|QA"),
    (29, Body::Any, "BR|UA"),
    (30, Body::Bank, "JO|KW|MU"),
    (30, Body::Any, "YE"),
    (31, Body::Bank, "SC"),
    (31, Body::Any, "MT"),
    (32, Body::Any, "LC"),
    (33, Body::Any, "RU"),
];

/// The shape of all of them, in one piece or in groups of four.
pub fn shape() -> &'static str {
    static SHAPE: OnceLock<String> = OnceLock::new();
    SHAPE.get_or_init(|| {
        let shapes: Vec<String> =
            ACCOUNTS.iter().map(|(length, body, countries)| of(*length, *body, countries)).collect();
        format!("(?:{})", shapes.join("|"))
    })
}

fn of(length: usize, body: Body, countries: &str) -> String {
    const GROUP: usize = 4;
    let length = length.saturating_sub(GROUP);
    let rest = if body == Body::Digits { "[0-9]" } else { "[A-Za-z0-9]" };
    let (first, whole) = if body == Body::Bank { ("[A-Za-z]", 1_usize) } else { (rest, 0) };
    let groups = (length / GROUP).saturating_sub(whole);
    let (bank, spaced) = match whole {
        0 => (String::new(), String::new()),
        _ => (format!("{first}{{4}}"), format!("[ -]{first}{{4}}")),
    };
    let left = length % GROUP;
    let last = if left > 0 { format!("[ -]{rest}{{{left}}}") } else { String::new() };
    let joined = length.saturating_sub(whole.saturating_mul(GROUP));
    format!("(?i:{countries})[0-9]{{2}}(?:{bank}{rest}{{{joined}}}|{spaced}(?:[ -]{rest}{{4}}){{{groups}}}{last})")
}

/// ISO 7064's remainder of 97; the rest is in the shape.
pub fn iban(value: &[u8]) -> bool {
    // WHY no list: nearly all that comes here is refused, and the sum is the whole cost.
    let split = value.iter().position(|byte| byte.is_ascii_digit()).unwrap_or(0).saturating_add(2);
    let (head, tail) = value.split_at_checked(split).unwrap_or_default();
    let plain = tail.iter().chain(head).filter(|byte| byte.is_ascii_alphanumeric());
    let rest = plain.fold(0_u64, |rest, byte| {
        let (shift, worth) = match byte {
            b'0'..=b'9' => (10, byte.wrapping_sub(b'0')),
            _ => (100, byte.to_ascii_uppercase().wrapping_sub(b'A').wrapping_add(10)),
        };
        let next = rest.wrapping_mul(shift).wrapping_add(u64::from(worth));
        // Seldom: there is room for seven letters more.
        if next < 1 << 56 {
            next
        } else {
            next % 97
        }
    });
    rest % 97 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::automaton::Automaton;

    fn found(text: &str) -> bool {
        let shape = Automaton::anchored(&[format!("(?-u){}", shape())]);
        let end = shape.ok().and_then(|shape| shape.longest(text.as_bytes(), 0));
        end == Some(text.len()) && iban(text.as_bytes())
    }

    #[test]
    fn accounts_of_their_countries_are_told() {
        for account in [
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "de89-3704-0044-0532-0130-00",
            "GB29NWBK60161331926819",
            "gb29 nwbk 6016 1331 9268 19",
            "NO9386011117947",
            "FR1420041010050500013M02606",
            "MT84MALT011000012345MTLCAST001S",
            "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
            "BR1800360305000010009795493C1",
        ] {
            assert!(found(account), "{account}");
        }
        for none in [
            "DE89370400440532013001",
            "DE8937040044053201300",
            "DE89 3704 0044 0532 0130 0",
            "DE89A70400440532013000",
            "GB291WBK60161331926819",
            "aA11 aA11 aA11 aA11 aA11",
            "sk07 sk07 sk07 sk07 sk07 sk07",
        ] {
            assert!(!found(none), "{none}");
        }
    }

    #[test]
    fn a_country_has_one_length() {
        let mut all: Vec<&str> = ACCOUNTS.iter().flat_map(|(_, _, countries)| countries.split('|')).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), all.iter().all(|country| country.len() == 2)), (count, true));
    }
}
