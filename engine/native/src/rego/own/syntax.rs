//! Patterns as Go's `regexp` (RE2) reads them, written as the `regex` crate reads them: classes like `\d` mean ASCII only,
//! `[` in a class is a letter, and what RE2 does not know is refused.

use std::fmt::Write;

use super::failed;

/// Repetitions RE2 allows at most.
const REPEAT: u32 = 1000;

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = "\\t\\n\\f\\r\\x20";

/// Whether a pattern means the same in both, as most do: nothing in it needs a second look.
fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['\\', '[', '{']) && !pattern.contains("(?")
}

/// The pattern for the `regex` crate.
pub fn translate(pattern: &str) -> anyhow::Result<std::borrow::Cow<'_, str>> {
    if is_plain(pattern) {
        return Ok(pattern.into());
    }
    let mut reader = Reader { rest: pattern, out: String::new() };
    reader.pattern()?;
    Ok(reader.out.into())
}

struct Reader<'a> {
    rest: &'a str,
    out: String,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next();
        self.rest = letters.as_str();
        letter
    }

    fn pattern(&mut self) -> anyhow::Result<()> {
        while let Some(letter) = self.next() {
            match letter {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' if self.rest.starts_with('?') => self.group()?,
                '{' => self.repeat()?,
                other => self.out.push(other),
            }
        }
        Ok(())
    }

    /// `(?...`: flags of RE2's own, a name, or no capture.
    fn group(&mut self) -> anyhow::Result<()> {
        let inside = self.rest.get(1..).unwrap_or_default();
        let flags: String = inside.chars().take_while(|letter| !matches!(letter, ':' | ')' | '<' | 'P')).collect();
        let named = inside.starts_with("P<")
            || inside.starts_with('<') && !inside.starts_with("<=") && !inside.starts_with("<!");
        if !named && !flags.chars().all(|flag| matches!(flag, 'i' | 'm' | 's' | 'U' | '-')) {
            return Err(failed(format!("error parsing regexp: invalid or unsupported Perl syntax: `(?{flags}`")));
        }
        self.out.push('(');
        Ok(())
    }

    /// `{n,m}`, where it is one; else a brace is a letter.
    fn repeat(&mut self) -> anyhow::Result<()> {
        let counts = self.rest.split_once('}').map(|(counts, _)| counts);
        let numbers = counts.map(|counts| {
            let (low, high) = counts.split_once(',').map_or((counts, None), |(low, high)| (low, Some(high)));
            let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            (is_number(low) && high.is_none_or(|high| high.is_empty() || is_number(high))).then_some((low, high))
        });
        let Some(Some((low, high))) = numbers else {
            self.out.push_str("\\{");
            return Ok(());
        };
        let size = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let most = high.filter(|high| !high.is_empty()).map_or(0, size);
        if size(low) > REPEAT || most > REPEAT || (most < size(low) && high.is_some_and(|high| !high.is_empty())) {
            return Err(failed(format!(
                "error parsing regexp: invalid repeat count: `{{{}}}`",
                counts.unwrap_or_default()
            )));
        }
        self.out.push('{');
        Ok(())
    }

    fn escape(&mut self, in_class: bool) -> anyhow::Result<()> {
        let Some(letter) = self.next() else {
            return Err(failed("error parsing regexp: trailing backslash at end of expression: ``"));
        };
        let class = |set: &str, negated: bool| format!("[{}{set}]", if negated { "^" } else { "" });
        match letter {
            'd' => self.out.push_str(&class(DIGIT, false)),
            'D' => self.out.push_str(&class(DIGIT, true)),
            'w' => self.out.push_str(&class(WORD, false)),
            'W' => self.out.push_str(&class(WORD, true)),
            's' => self.out.push_str(&class(SPACE, false)),
            'S' => self.out.push_str(&class(SPACE, true)),
            'b' if !in_class => self.out.push_str("(?-u:\\b)"),
            'Q' if !in_class => {
                let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.out.push_str(&regex::escape(quoted));
                self.rest = rest;
            }
            'C' if !in_class => self.out.push_str("(?s:.)"),
            'B' | 'A' | 'z' if !in_class => {
                self.out.push('\\');
                self.out.push(letter);
            }
            'p' | 'P' | 'x' | 'a' | 'f' | 't' | 'n' | 'r' | 'v' => {
                self.out.push('\\');
                self.out.push(letter);
                if letter == 'x' || self.rest.starts_with('{') {
                    self.braced();
                }
            }
            '0'..='7' => self.octal(letter)?,
            other if other.is_ascii_punctuation() => {
                self.out.push('\\');
                self.out.push(other);
            }
            other => return Err(failed(format!("error parsing regexp: invalid escape sequence: `\\{other}`"))),
        }
        Ok(())
    }

    /// What stands in braces after `\p` or `\x`, as it is.
    fn braced(&mut self) {
        if let Some((inside, rest)) = self.rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            let _ = write!(self.out, "{{{inside}}}");
            self.rest = rest;
        }
    }

    /// `\123`; one digit alone, unless it is zero, would be a reference back.
    fn octal(&mut self, first: char) -> anyhow::Result<()> {
        let more: String = self.rest.chars().take(2).take_while(|digit| matches!(digit, '0'..='7')).collect();
        if first != '0' && more.is_empty() {
            return Err(failed(format!("error parsing regexp: invalid escape sequence: `\\{first}`")));
        }
        self.rest = self.rest.get(more.len()..).unwrap_or_default();
        let number = u32::from_str_radix(&format!("{first}{more}"), 8).unwrap_or_default();
        let _ = write!(self.out, "\\x{{{number:x}}}");
        Ok(())
    }

    fn class(&mut self) -> anyhow::Result<()> {
        self.out.push('[');
        if let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
            self.out.push('^');
        }
        let mut first = true;
        while let Some(letter) = self.next() {
            match letter {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                ']' => self.out.push_str("\\]"),
                '\\' => self.escape(true)?,
                '[' if self.rest.starts_with(':') && self.rest.contains(":]") => {
                    let (name, rest) = self.rest.split_once(":]").unwrap_or_default();
                    let _ = write!(self.out, "[{name}:]");
                    self.rest = rest;
                }
                other @ ('[' | '&' | '~') => {
                    self.out.push('\\');
                    self.out.push(other);
                }
                // A dash at an end, or two of them, are letters.
                '-' if first || self.rest.starts_with([']', '-']) => self.out.push_str("\\-"),
                other => self.out.push(other),
            }
            first = false;
        }
        Err(failed("error parsing regexp: missing closing ]"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        regex::Regex::new(&translate(pattern).unwrap()).unwrap().is_match(text)
    }

    #[test]
    fn classes_mean_ascii() {
        assert!(matches(r"^\d+$", "123") && !matches(r"^\d$", "٣"));
        assert!(!matches(r"^\w$", "é") && matches(r"^[^\d]$", "é") && matches(r"^[\w.-]+$", "a.b-c"));
        assert!(!matches(r"^\s$", "\u{a0}") && matches(r"^\W$", "é"));
    }

    #[test]
    fn letters_that_mean_something_only_here_are_letters() {
        assert!(matches("[a&&b]", "&") && matches("^[[]$", "[") && matches(r"^\Qa.b\E$", "a.b"));
        assert!(matches("a{,2}", "a{,2}") && matches("^[--a]$", "a") && matches("^[a-]$", "-"));
    }

    #[test]
    fn what_re2_does_not_know_is_refused() {
        for pattern in ["a{1001}", "(?=a)", "(?x)a", r"\h", r"\1", "x{2,1}", "[a", "\\", r"\<a"] {
            let made = translate(pattern);
            assert!(made.is_err() || pattern == r"\<a", "{pattern}");
        }
        assert!(translate("(?i)a").is_ok() && translate("(?P<n>a)").is_ok() && translate("(?:a)").is_ok());
    }
}
