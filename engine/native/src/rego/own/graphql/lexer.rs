//! GraphQL texts to tokens.

/// What a token is; names and values carry their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// `! $ & ( ) ... : = @ [ ] { | }`
    Sign(&'static str),
    Name(String),
    Int(String),
    Float(String),
    String(String),
    Block(String),
    End,
}

const SIGNS: [&str; 14] = ["...", "!", "$", "&", "(", ")", ":", "=", "@", "[", "]", "{", "|", "}"];

/// Tokens one document may have.
const TOKENS: usize = 100_000;

/// The tokens of a text with their places (line, column), the end included.
pub fn tokens(text: &str) -> Result<Vec<(Token, u32, u32)>, String> {
    let mut lexer = Lexer { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, column: 1 };
    let mut found = Vec::new();
    loop {
        lexer.skip();
        let (line, column) = (lexer.line, lexer.column);
        let token =
            lexer.token().map_err(|message| format!("{message} in GraphQL string at location {line}:{column}"))?;
        let ended = token == Token::End;
        found.push((token, line, column));
        if ended {
            return Ok(found);
        }
        if found.len() > TOKENS {
            return Err("the document is too long".to_owned());
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: u32,
    column: u32,
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        if next == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(next)
    }

    fn take_while(&mut self, fits: fn(char) -> bool) -> &'a str {
        let from = self.rest;
        while self.peek().is_some_and(fits) {
            self.next();
        }
        from.get(..from.len().saturating_sub(self.rest.len())).unwrap_or_default()
    }

    /// White space, commas, comments.
    fn skip(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\n' | '\r' | ',') => {
                    self.next();
                }
                Some('#') => {
                    self.take_while(|letter| letter != '\n');
                }
                _ => return,
            }
        }
    }

    fn token(&mut self) -> Result<Token, String> {
        let Some(first) = self.peek() else {
            return Ok(Token::End);
        };
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) {
            sign.chars().for_each(|_| {
                self.next();
            });
            return Ok(Token::Sign(sign));
        }
        match first {
            'A'..='Z' | 'a'..='z' | '_' => {
                Ok(Token::Name(self.take_while(|letter| letter.is_ascii_alphanumeric() || letter == '_').to_owned()))
            }
            '0'..='9' | '-' => self.number(),
            '"' if self.rest.starts_with("\"\"\"") => self.block(),
            '"' => self.string(),
            other => Err(format!("Cannot parse the unexpected character {other:?}")),
        }
    }

    fn number(&mut self) -> Result<Token, String> {
        let text = self.take_while(|letter| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.' | 'e' | 'E'));
        let digits = text.strip_prefix('-').unwrap_or(text);
        let leading = digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if digits.is_empty()
            || leading
            || digits.parse::<f64>().is_err()
            || digits.starts_with('.')
            || digits.ends_with('.')
        {
            return Err(format!("Invalid number, {text}"));
        }
        let whole = digits.bytes().all(|digit| digit.is_ascii_digit());
        Ok(if whole { Token::Int(text.to_owned()) } else { Token::Float(text.to_owned()) })
    }

    fn string(&mut self) -> Result<Token, String> {
        self.next();
        let mut out = String::new();
        loop {
            match self.next() {
                None | Some('\n') => return Err("Unterminated string".to_owned()),
                Some('"') => return Ok(Token::String(out)),
                Some('\\') => out.push(self.escape()?),
                Some(letter) => out.push(letter),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        match self.next() {
            Some(same @ ('"' | '\\' | '/')) => Ok(same),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => {
                let digits = self.rest.get(..4).unwrap_or_default().to_owned();
                let letter = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                digits.chars().for_each(|_| {
                    self.next();
                });
                letter.ok_or_else(|| format!("Invalid character escape sequence: \\u{digits}"))
            }
            other => {
                Err(format!("Invalid character escape sequence: \\{}", other.map(String::from).unwrap_or_default()))
            }
        }
    }

    fn block(&mut self) -> Result<Token, String> {
        (0..3).for_each(|_| {
            self.next();
        });
        let mut out = String::new();
        loop {
            if self.rest.starts_with("\\\"\"\"") {
                (0..4).for_each(|_| {
                    self.next();
                });
                out.push_str("\"\"\"");
            } else if self.rest.starts_with("\"\"\"") {
                (0..3).for_each(|_| {
                    self.next();
                });
                return Ok(Token::Block(dedented(&out)));
            } else {
                out.push(self.next().ok_or_else(|| "Unterminated string".to_owned())?);
            }
        }
    }
}

/// A block string without the indentation its lines share, and without blank lines around it.
fn dedented(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let indent = |line: &str| line.len().saturating_sub(line.trim_start_matches([' ', '\t']).len());
    let is_blank = |line: &&str| line.trim_matches([' ', '\t']).is_empty();
    let common = lines.iter().skip(1).filter(|line| !is_blank(line)).map(|line| indent(line)).min().unwrap_or(0);
    let cut: Vec<&str> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| if at == 0 { line } else { line.get(common..).unwrap_or_default() })
        .collect();
    let first = cut.iter().position(|line| !is_blank(line)).unwrap_or(cut.len());
    let last = cut.iter().rposition(|line| !is_blank(line)).map_or(first, |last| last.saturating_add(1));
    cut.get(first..last).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn kinds(text: &str) -> Vec<Token> {
        tokens(text).unwrap().into_iter().map(|(token, _, _)| token).collect()
    }

    #[test]
    fn signs_names_and_values_are_told_apart() {
        let expected = [
            Token::Sign("{"),
            Token::Name("a".to_owned()),
            Token::Int("-4".to_owned()),
            Token::Float("1.5e3".to_owned()),
            Token::Sign("..."),
            Token::End,
        ];
        assert_eq!(kinds("{ a, -4 1.5e3 # x\n ..."), expected);
    }

    #[test]
    fn a_block_loses_its_indentation() {
        assert_eq!(dedented("\n  Description\n    more\n  "), "Description\n  more");
        assert_eq!(dedented("long"), "long");
    }

    #[test]
    fn what_does_not_end_or_fit_is_an_error() {
        for text in ["\"a", "\"\"\"a", "01", "1.", "-", "%", "\"\\x\""] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }
}
