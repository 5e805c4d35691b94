//! Reads `detectors.tsv`: what each row says, before anything is built from it.

use crate::scan::checks::iban;

/// How a row finds the place to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The shape begins at a trigger (or a counted stretch before it); no letter or digit stands before it.
    Literal,
    /// The same, and no dash stands before it either: the shape has no longest length, and one run of it is tried once.
    Whole,
    /// As `Literal`, also inside a longer word.
    Loose,
    /// The shape is a value that follows a trigger within `limits::GAP`.
    Near,
    /// The shape is found by the outline of figures.
    Figure,
}

/// What may stand before a trigger that is not the beginning of its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    pub class: Class,
    pub most: usize,
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Alnum,
    Digit,
    Word,
    Local,
    Host,
    /// The local part of an address as nearly all have it.
    Mailbox,
}

impl Class {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'a' => Self::Alnum,
            'd' => Self::Digit,
            'w' => Self::Word,
            'l' => Self::Local,
            'h' => Self::Host,
            'm' => Self::Mailbox,
            _ => return None,
        })
    }

    #[inline]
    pub fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'.' | b'_' | b'~' | b'-'),
            Self::Digit => byte.is_ascii_digit(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Local => {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~')
            }
            Self::Mailbox => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+' | b'-'),
            Self::Host => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'),
        }
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    pub kind: &'static str,
    pub how: How,
    pub triggers: Vec<(Option<Back>, &'static str)>,
    pub shape: &'static str,
    pub checks: Vec<&'static str>,
    pub context: Vec<&'static str>,
    pub rank: u8,
    pub title: &'static str,
}

const TEXT: &str = include_str!("detectors.tsv");
const COLUMNS: usize = 8;

/// All rows of the table, or the first line that is none.
pub fn rows() -> Result<Vec<Row>, String> {
    read(TEXT)
}

fn read(text: &'static str) -> Result<Vec<Row>, String> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect()
}

fn row(line: &'static str) -> Result<Row, String> {
    let fields: Vec<&'static str> = line.split('\t').collect();
    let wrong = |what: &str| format!("{what}: {line}");
    let [kind, how, triggers, shape, checks, context, rank, title] =
        <[&'static str; COLUMNS]>::try_from(fields).map_err(|_| wrong("not eight columns"))?;
    let how = match how {
        "literal" => How::Literal,
        "whole" => How::Whole,
        "loose" => How::Loose,
        "near" => How::Near,
        "figure" => How::Figure,
        _ => return Err(wrong("no such way to find")),
    };
    Ok(Row {
        kind,
        how,
        triggers: list(triggers).map(trigger).collect(),
        // What is long and follows from a table of its own is written by that.
        shape: if shape == "{iban}" { iban::shape() } else { shape },
        checks: list(checks).collect(),
        context: list(context).collect(),
        rank: rank.parse().map_err(|_| wrong("the rank is no number"))?,
        title,
    })
}

fn list(field: &'static str) -> impl Iterator<Item = &'static str> {
    field.split(',').filter(|part| !part.is_empty())
}

fn trigger(text: &'static str) -> (Option<Back>, &'static str) {
    let whole = (None, text);
    let Some((before, literal)) = text.split_once('<') else {
        return whole;
    };
    let mut letters = before.chars();
    let class = letters.next().and_then(Class::of);
    match (class, letters.as_str().parse()) {
        (Some(class), Ok(most)) => (Some(Back { class, most }), literal),
        _ => whole,
    }
}

/// The three parts of a shape: what leads to the value, the value, what must follow.
pub fn parts(shape: &str) -> (&str, &str, &str) {
    let Some((lead, rest)) = shape.split_once('«') else {
        return ("", shape, "");
    };
    let (value, trail) = rest.split_once('»').unwrap_or((rest, ""));
    (lead, value, trail)
}

/// The literal that a lead has after anything at all (`curl[^\n]{1,80}? -u `), in any case.
pub fn needed(lead: &'static str) -> Option<&'static str> {
    let (_, last) = lead.rsplit_once("}?")?;
    let words = last.trim().trim_start_matches("(?i:");
    let plain = words.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b" -".contains(byte)).count();
    let rest = words.get(plain..)?;
    // What is repeated may stand less often, and of what is in brackets all may be missing.
    let is_counted = rest.starts_with(['{', '?', '*']);
    let is_loose = rest.contains('|') || [")?", ")*", "){"].iter().any(|sign| rest.starts_with(sign));
    let kept = if is_counted { plain.saturating_sub(1) } else { plain };
    words.get(..kept).filter(|words| !words.is_empty() && !is_loose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_row() {
        let rows = rows();
        assert!(rows.as_ref().is_ok_and(|rows| rows.len() > 120), "{:?}", rows.err());
    }

    #[test]
    fn what_is_no_row_is_said() {
        assert!(read("secret.a\tliteral\tx\ty").is_err());
        assert!(read("secret.a\tsideways\tx\ty\t\t\t9\tt").is_err());
        assert!(read("secret.a\tliteral\tx\ty\t\t\tten\tt").is_err());
    }

    #[test]
    fn what_ends_a_lead_is_told_where_it_is_a_word() {
        assert_eq!(needed("(?i:psexec)[^\n]{1,80}? -u "), Some("-u"));
        assert_eq!(needed("[^\n]{1,80}? (?i:-user) "), Some("-user"));
        assert_eq!(needed("(?i:password for) [^\n]{1,40}? is '"), Some("is "));
        assert_eq!(needed("redis-cli[^\n|;&]{0,80}? -a {1,3}[\"']?"), Some("-a"));
        assert!(needed("(?i:basic) {1,3}").is_none() && needed("x{1,2}?[ab]").is_none());
        assert!(needed("x{1,2}?ab|c").is_none() && needed("x{1,2}?(?i:ab)?c").is_none());
    }

    #[test]
    fn a_shape_has_a_value_and_what_surrounds_it() {
        assert_eq!(parts("a«b»c"), ("a", "b", "c"));
        assert_eq!(parts("b"), ("", "b", ""));
    }
}
