//! Whether a certificate is for the name that was asked for, by the rules of Python's `ssl` (OpenSSL's X509_check_host and X509_check_ip).

use std::net::IpAddr;

use super::x509::Outline;

const DNS_NAME: u8 = 0x82;
const ADDRESS: u8 = 0x87;

/// Whether a certificate is for a host: a name or an address. A name counts in the subject only where there is none beside it.
pub fn is_for(certificate: &Outline<'_>, host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(address) => certificate.alternatives(ADDRESS).any(|found| found == address.octets()),
            IpAddr::V6(address) => certificate.alternatives(ADDRESS).any(|found| found == address.octets()),
        };
    }
    let mut beside = certificate.alternatives(DNS_NAME).peekable();
    if beside.peek().is_some() {
        return beside.any(|pattern| matches(pattern, host.as_bytes()));
    }
    certificate.common_names().iter().flatten().any(|pattern| matches(pattern.as_bytes(), host.as_bytes()))
}

/// Whether the name in a certificate means this one: the same, or with `*` for all of its first label.
fn matches(pattern: &[u8], host: &[u8]) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        // WHY: a name in the subject may have any byte in it, and be shown to people up to there.
        return !pattern.contains(&0);
    }
    let Some(rest) = pattern.strip_prefix(b"*.") else { return false };
    // INVARIANT: no `*` stands for a label of a name that has two.
    if !rest.contains(&b'.') || !rest.split(|byte| *byte == b'.').all(is_label) {
        return false;
    }
    let Some(dot) = host.iter().position(|byte| *byte == b'.') else { return false };
    let Some((first, behind)) = host.split_at_checked(dot) else { return false };
    let is_one = !first.is_empty() && first.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    is_one && behind.strip_prefix(b".").is_some_and(|behind| behind.eq_ignore_ascii_case(rest))
}

/// Whether this is a label of a name of DNS.
fn is_label(label: &[u8]) -> bool {
    let is_part = label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    is_part && !label.is_empty() && !label.starts_with(b"-") && !label.ends_with(b"-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_all_of_the_first_label_and_nothing_more() {
        for (pattern, host) in [
            ("db.example.com", "DB.example.com"),
            ("*.example.com", "db.example.com"),
            ("*.example.com", "xn--bcher-kva.example.com"),
            ("localhost", "localhost"),
        ] {
            assert!(matches(pattern.as_bytes(), host.as_bytes()), "{pattern} {host}");
        }
        for (pattern, host) in [
            ("*.example.com", "example.com"),
            ("*.example.com", ".example.com"),
            ("*.example.com", "a.b.example.com"),
            ("*.example.com", "a_b.example.com"),
            ("*.com", "example.com"),
            ("*", "localhost"),
            ("d*.example.com", "db.example.com"),
            ("*b.example.com", "db.example.com"),
            ("*.*.com", "a.b.com"),
            ("*.-a.com", "x.-a.com"),
            ("*.example.com.", "db.example.com."),
            ("db.example.com", "db.example.com."),
            ("db.example.com", "db.example.org"),
            ("a\0", "a\0"),
        ] {
            assert!(!matches(pattern.as_bytes(), host.as_bytes()), "{pattern} {host}");
        }
    }

    #[test]
    fn what_names_nothing_is_for_nobody() {
        assert!(!is_for(&Outline::default(), "localhost"));
        assert!(!is_for(&Outline::default(), "127.0.0.1"));
        assert!(!is_for(&Outline::default(), "::1"));
    }
}
