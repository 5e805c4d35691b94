//! JSON whose strings, numbers and truth values are rewritten one by one; names of members, `null` and what stands between stay.

/// A scalar of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// A string, without its quotes and escapes.
    Text(String),
    /// A number, `true` or `false`, as it stands there.
    Word(&'a str),
}

/// The document with every scalar replaced by what `rewrite` writes for it, which is JSON. None where a sign or a string is none of JSON's.
pub fn rewritten(text: &str, mut rewrite: impl FnMut(Scalar<'_>) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '{' | '}' | '[' | ']' | ',' | ':' | ' ' | '\t' | '\n' | '\r' => {
                out.push(first);
                rest = rest.get(first.len_utf8()..)?;
            }
            '"' => {
                let (token, after) = rest.split_at_checked(string_end(rest)?)?;
                if after.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(':') {
                    out.push_str(token);
                } else {
                    // A half of a surrogate pair is no text: such a string is hidden whole.
                    let text = serde_json::from_str::<String>(token).ok();
                    let made = text.map_or_else(|| Some(quoted("[redacted]")), |text| rewrite(Scalar::Text(text)));
                    out.push_str(&made?);
                }
                rest = after;
            }
            _ => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
                    .unwrap_or(rest.len());
                let (word, after) = rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
                if word == "null" {
                    out.push_str(word);
                } else {
                    out.push_str(&rewrite(Scalar::Word(word))?);
                }
                rest = after;
            }
        }
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
