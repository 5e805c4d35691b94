//! Keys in files: where one ends that goes over many lines, with a last line or cut off before it.

use crate::scan::checks::Place;
use crate::scan::limits::LONGEST;

/// From the first line of a key to its last; without a last one, as far as lines of a key go.
pub fn pem(text: &[u8], start: usize, end: usize) -> Option<Place> {
    const LEAST: usize = 40;
    let close = last_line(text.get(start..end)?);
    let dashes = close.get(..close.len().saturating_sub(END.len()))?;
    let rest = text.get(end..text.len().min(end.saturating_add(LONGEST)))?;
    let stop = rest.windows(dashes.len()).position(|part| part == dashes).unwrap_or(rest.len());
    let (body, after) = rest.split_at_checked(stop)?;
    if body.len() < LEAST {
        return None;
    }
    let closed = || {
        let tail = after.strip_prefix(close)?;
        let tail = tail.get(..tail.len().min(80))?;
        let line = dashes.trim_ascii_end();
        let over = tail.windows(line.len()).position(|part| part == line)?;
        Some(stop.saturating_add(close.len()).saturating_add(over).saturating_add(line.len()))
    };
    let length = closed().unwrap_or_else(|| key_lines(body));
    let material = body.iter().take(length).filter(|byte| byte.is_ascii_alphanumeric()).count();
    (material >= LEAST).then_some((start, end.saturating_add(length)))
}

/// With what the last line begins of a key whose first line this is.
pub fn last_line(first: &[u8]) -> &'static [u8] {
    if first.starts_with(b"-----") {
        b"-----END"
    } else {
        b"---- END"
    }
}

const END: &[u8] = b"END";

/// How long the lines of a key are with which a text begins: of base64, what heads them, and a last one that may be short.
fn key_lines(text: &[u8]) -> usize {
    const FULL: usize = 16;
    let (mut kept, mut at, mut is_begun) = (0_usize, 0_usize, false);
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let blank = blank(rest);
        let line = rest.get(blank..).unwrap_or_default();
        let length = line.iter().take_while(|byte| is_of_base64(**byte)).count();
        let next = line.get(length..).unwrap_or_default();
        let is_over = next.is_empty() || blank_length(next) > 0;
        match () {
            () if length >= FULL && !is_head(next) => {
                (kept, is_begun) = (at.saturating_add(blank).saturating_add(length), true);
            }
            // `Proc-Type: 4,ENCRYPTED` before the first.
            () if !is_begun && length > 0 && line.iter().take(80).any(|byte| *byte == b':') => {
                let head = line.iter().position(|byte| matches!(byte, b'\n' | b'\\')).unwrap_or(line.len());
                at = at.saturating_add(blank).saturating_add(head.max(1));
                continue;
            }
            () if is_begun && length > 0 && is_over && is_last(line.get(..length).unwrap_or_default()) => {
                return at.saturating_add(blank).saturating_add(length);
            }
            () => return kept,
        }
        if !is_over {
            return kept;
        }
        at = kept;
    }
    kept
}

/// Whether a run that this follows is a name, as lines before the first of a key begin with.
fn is_head(next: &[u8]) -> bool {
    matches!(next, [b':' | b'-', ..])
}

/// A short line as the last of a key is: padded, or of capitals and digits.
fn is_last(line: &[u8]) -> bool {
    line.ends_with(b"=") || line.iter().any(u8::is_ascii_digit) && line.iter().any(u8::is_ascii_uppercase)
}

fn is_of_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// How long what stands between lines is: white space, as it is or escaped.
fn blank(text: &[u8]) -> usize {
    let mut at = 0_usize;
    while let length @ 1.. = blank_length(text.get(at..).unwrap_or_default()) {
        at = at.saturating_add(length);
    }
    at
}

fn blank_length(text: &[u8]) -> usize {
    match text {
        [b' ' | b'\t' | b'\n' | b'\r', ..] => 1,
        [b'\\', b'n' | b'r' | b't', ..] => 2,
        _ => 0,
    }
}

/// The lines that follow the first one of a key in base64 that is wrapped: as long as it, and a shorter last one.
pub fn wrapped(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let mut last = end;
    for _ in 0..LONGEST / WIDTH {
        let rest = text.get(last..text.len().min(last.saturating_add(LONGEST)))?;
        let gap = rest.iter().take(SPACES).take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r')).count();
        let line = rest.get(gap..)?;
        let length = line.iter().take(LONGEST).take_while(|byte| is_of_base64(**byte)).count();
        // What begins a key itself is the next one's, or lines of beginnings would be gone through again from each.
        let is_line =
            rest.iter().take(gap).any(|byte| *byte == b'\n') && length >= 4 && !line.starts_with(b"LS0tLS1CRUdJTi");
        if !is_line || text.get(last.saturating_sub(1)) == Some(&b'=') || last.saturating_sub(start) > LONGEST {
            break;
        }
        if length < WIDTH && !is_last(line.get(..length)?) {
            break;
        }
        last = last.saturating_add(gap).saturating_add(length);
        if length < WIDTH {
            break;
        }
    }
    Some((start, last))
}

/// How long a line is at least that is not the last, and how far it may be indented.
const WIDTH: usize = 60;
const SPACES: usize = 40;

/// Whether lines of a key in base64 may follow one that ends at `end`.
pub fn may_be_wrapped(text: &[u8], start: usize, end: usize) -> bool {
    let last = wrapped(text, start, end).map_or(end, |(_, last)| last);
    let rest = text.get(last..).unwrap_or_default();
    let gap = rest.iter().take(SPACES).take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r')).count();
    let line = rest.get(gap..).unwrap_or_default();
    line.iter().take(WIDTH.saturating_mul(2)).take_while(|byte| is_of_base64(**byte)).count() >= line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_pem_goes_to_its_last_line() {
        let body = "A".repeat(64);
        let text = format!("x -----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY----- y");
        let (start, end) = (2, 32);
        assert_eq!(pem(text.as_bytes(), start, end), Some((2, text.len().saturating_sub(2))));
        assert_eq!(pem(b"-----BEGIN PRIVATE KEY-----\n***\n-----END PRIVATE KEY-----", 0, 27), None);
    }

    /// What is found of a text that begins with a first line.
    fn found(text: &str) -> Option<&str> {
        let first = text
            .find("KEY-----")
            .map(|at| at.saturating_add(8))
            .or_else(|| Some(text.find("KEY ----")?.saturating_add(8)))?;
        pem(text.as_bytes(), 0, first).and_then(|(start, end)| text.get(start..end))
    }

    #[test]
    fn a_key_without_its_last_line_goes_as_far_as_its_lines() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        for (text, rest) in [
            (format!("-----BEGIN PRIVATE KEY-----\n{line}\n{line}\n"), "\n"),
            (format!("-----BEGIN PRIVATE KEY-----\n{line}\n{line}\nroot@web:~# ls\n"), "\nroot@web:~# ls\n"),
            (format!("-----BEGIN PRIVATE KEY-----\n{line}\nAb9=\ndone\n"), "\ndone\n"),
            (format!("-----BEGIN PRIVATE KEY-----\\n{line}\\n{line}\", x"), "\", x"),
            (
                format!("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,0A1B\n\n{line}\ndone"),
                "\ndone",
            ),
            (
                format!("-----BEGIN PRIVATE KEY-----\n{line}\n-----BEGIN PRIVATE KEY-----\n"),
                "\n-----BEGIN PRIVATE KEY-----\n",
            ),
        ] {
            assert_eq!(found(&text), text.strip_suffix(rest), "{text}");
        }
        assert_eq!(found("-----BEGIN PRIVATE KEY----- is the first line of one"), None);
    }

    #[test]
    fn a_key_of_ssh2_has_lines_of_four_dashes() {
        let body = "A1".repeat(32);
        let text = format!("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"x-y\"\n{body}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----");
        assert_eq!(found(&text), Some(text.as_str()));
    }

    #[test]
    fn a_wrapped_key_goes_over_its_lines() {
        let (line, last) = ("A1b2".repeat(19), "A1b2==");
        let text = format!("{line}\n  {line}\n{last}\nno more");
        assert_eq!(wrapped(text.as_bytes(), 0, 76), Some((0, text.len().saturating_sub(8))));
        assert_eq!(wrapped(format!("{line} {line}").as_bytes(), 0, 76), Some((0, 76)));
        assert!(may_be_wrapped(line.as_bytes(), 0, 76) && may_be_wrapped(format!("{line}\n").as_bytes(), 0, 76));
        assert!(may_be_wrapped(format!("{line}\nAb").as_bytes(), 0, 76));
        assert!(!may_be_wrapped(format!("{line}\n$ ls").as_bytes(), 0, 76));
    }
}
