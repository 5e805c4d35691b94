//! JSON whose strings, numbers and truth values are rewritten one by one; names of members, `null` and what stands between stay.

/// A scalar of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string, without its quotes and escapes.
    Text(String),
    /// A number, `true` or `false`, as it stands there.
    Word(&'a str),
}

/// A scalar, or the name of a member, and the bytes of the document that it is.
pub struct Part<'a> {
    pub scalar: Scalar<'a>,
    pub start: usize,
    pub length: usize,
}

/// The document with every scalar replaced by what `rewrite` writes for it, which is JSON. None where a sign or a string is none of JSON's.
pub fn rewritten(text: &str, mut rewrite: impl FnMut(Scalar<'_>) -> Option<String>) -> Option<String> {
    walked(text, |part, is_name| if is_name { Some(None) } else { rewrite(part.scalar).map(Some) })
}

/// The same, names of members too; what `rewrite` gives nothing for stays as it is written.
pub fn rewritten_with_names(text: &str, mut rewrite: impl FnMut(Part<'_>) -> Option<Option<String>>) -> Option<String> {
    walked(text, |part, _| rewrite(part))
}

fn walked(text: &str, mut rewrite: impl FnMut(Part<'_>, bool) -> Option<Option<String>>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let start = text.len().saturating_sub(rest.len());
        let (token, made) = match first {
            '{' | '}' | '[' | ']' | ',' | ':' | ' ' | '\t' | '\n' | '\r' => (rest.get(..1)?, None),
            '"' => {
                let (token, after) = rest.split_at_checked(string_end(rest)?)?;
                let is_name = after.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(':');
                // A half of a surrogate pair is no text: such a string is hidden whole.
                let made = match serde_json::from_str::<String>(token) {
                    Ok(text) => rewrite(Part { scalar: Scalar::Text(text), start, length: token.len() }, is_name)?,
                    Err(_) => Some(quoted("[redacted]")),
                };
                (token, made)
            }
            _ => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
                    .unwrap_or(rest.len());
                let (word, _) = rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
                let part = Part { scalar: Scalar::Word(word), start, length: end };
                (word, if word == "null" { None } else { rewrite(part, false)? })
            }
        };
        out.push_str(made.as_deref().unwrap_or(token));
        rest = rest.get(token.len()..)?;
    }
    Some(out)
}

fn string_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at.checked_add(1),
            _ => {}
        }
    }
    None
}

/// A text as JSON writes it.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starred(text: &str) -> Option<String> {
        rewritten(text, |scalar| match scalar {
            Scalar::Text(text) => Some(quoted(&"*".repeat(text.chars().count()))),
            Scalar::Word(word) => Some(quoted(word)),
        })
    }

    #[test]
    fn scalars_are_rewritten_and_names_stay() {
        assert_eq!(
            starred(r#"{"a\"b": "c\"d\u00e9", "n" : [1.5e3, true, null, "x"], "o": {"": ""}}"#).as_deref(),
            Some(r#"{"a\"b": "****", "n" : ["1.5e3", "true", null, "*"], "o": {"": ""}}"#)
        );
        assert_eq!(starred(r#""whole""#).as_deref(), Some(r#""*****""#));
        assert_eq!(starred(r#"["\ud800"]"#).as_deref(), Some(r#"["[redacted]"]"#));
        assert_eq!(starred(r#"["é☃"]"#).as_deref(), Some(r#"["**"]"#));
    }

    #[test]
    fn what_is_no_json_is_nothing() {
        for bad in [r#"{"a": "b"#, "{'a': 1}", "\u{feff}1", r#""\"#] {
            assert_eq!(starred(bad), None, "{bad}");
        }
    }
}
