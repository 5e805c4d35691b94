//! Interpolated strings, `$"a {b}"`: the parser does not know them, so they become calls before it sees them.

/// The builtin behind an interpolated string: takes texts, and a set of at most one value for each expression.
pub const BUILTIN: &str = "internal.template_string";

/// How deep strings may stand in expressions in strings.
const DEPTH: u32 = 8;

/// `text` with each interpolated string as a call of `BUILTIN`.
pub fn rewrite(text: &str) -> Result<String, String> {
    if !text.contains("$\"") && !text.contains("$`") {
        return Ok(text.to_owned());
    }
    let mut reader = Reader { rest: text, made: 0 };
    reader.code(None, 0)
}

struct Reader<'a> {
    rest: &'a str,
    /// Variables made so far.
    made: u32,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        Some(next)
    }

    /// Code up to the end, or up to the bracket that closes the expression.
    fn code(&mut self, until: Option<char>, depth: u32) -> Result<String, String> {
        let mut out = String::new();
        let mut open = 0_u32;
        while let Some(next) = self.next() {
            match next {
                '$' if self.rest.starts_with(['"', '`']) => out.push_str(&self.template(depth)?),
                '"' => {
                    out.push('"');
                    self.copy_string(&mut out);
                }
                '`' => {
                    out.push('`');
                    self.copy_until('`', &mut out);
                }
                '#' => {
                    out.push('#');
                    self.copy_until('\n', &mut out);
                }
                '}' if until == Some('}') && open == 0 => return Ok(out),
                '{' => {
                    open = open.saturating_add(1);
                    out.push('{');
                }
                '}' => {
                    open = open.saturating_sub(1);
                    out.push('}');
                }
                other => out.push(other),
            }
        }
        match until {
            None => Ok(out),
            Some(_) => Err("an expression in a string has no end".to_owned()),
        }
    }

    fn copy_string(&mut self, out: &mut String) {
        while let Some(next) = self.next() {
            out.push(next);
            match next {
                '\\' => out.extend(self.next()),
                '"' => return,
                _ => {}
            }
        }
    }

    fn copy_until(&mut self, end: char, out: &mut String) {
        while let Some(next) = self.next() {
            out.push(next);
            if next == end {
                return;
            }
        }
    }

    /// After the `$`: a string whose braces hold expressions; `\{` is a brace.
    fn template(&mut self, depth: u32) -> Result<String, String> {
        if depth > DEPTH {
            return Err("strings in expressions in strings are nested too deep".to_owned());
        }
        let quote = self.next().unwrap_or('"');
        let mut parts: Vec<String> = Vec::new();
        let mut piece = String::new();
        loop {
            match self.next() {
                None => return Err("a string has no end".to_owned()),
                Some(next) if next == quote => break,
                Some('\\') => match self.next() {
                    Some(brace @ ('{' | '}')) => piece.push(brace),
                    Some(other) => {
                        piece.push('\\');
                        piece.push(other);
                    }
                    None => return Err("a string has no end".to_owned()),
                },
                Some('{') => {
                    parts.push(format!("{quote}{}{quote}", std::mem::take(&mut piece)));
                    self.made = self.made.saturating_add(1);
                    let name = format!("sallyport_part_{}", self.made);
                    let inner = self.code(Some('}'), depth.saturating_add(1))?;
                    parts.push(format!("{{{name} | {name} = {inner}}}"));
                }
                Some(other) => piece.push(other),
            }
        }
        parts.push(format!("{quote}{piece}{quote}"));
        Ok(format!("{BUILTIN}([{}])", parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn expressions_become_sets_of_their_value() {
        assert_eq!(
            rewrite("x := $\"a {input.b} c\"").unwrap(),
            "x := internal.template_string([\"a \", {sallyport_part_1 | sallyport_part_1 = input.b}, \" c\"])"
        );
    }

    #[test]
    fn braces_strings_and_comments_are_left_alone() {
        for text in ["x := {\"$\": \"{}\"}", "x := \"cost $\" # $\"{a}\"", "x := `$\"{a}\"`"] {
            assert_eq!(rewrite(text).unwrap(), text);
        }
        assert!(rewrite("x := $\"\\{a}\"").unwrap().contains("[\"{a}\"]"));
    }

    #[test]
    fn an_open_string_is_an_error() {
        assert!(rewrite("x := $\"a {b").is_err());
        assert!(rewrite("x := $\"a").is_err());
    }
}
