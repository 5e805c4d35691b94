//! From a text to PostgreSQL's own parse tree, or to the reason why there is none.

use pg_query::protobuf::{ParseResult, Token};

use super::tree::Problem;

/// Parses with PostgreSQL's grammar. The caller has asked `guard` before.
pub fn parse(text: &str) -> Result<ParseResult, Problem> {
    match pg_query::parse(text, 0) {
        Ok(result) => Ok(result.protobuf),
        Err(pg_query::Error::Parse(message)) => Err(refusal(text, message)),
        Err(error) => Err(Problem::new("parser_failed", error.to_string(), None)),
    }
}

/// Parses with one of the grammars for parts of PL/pgSQL (`pg_query::ParserOptions`). Says not why it cannot.
pub fn parse_as(text: &str, grammar: i32) -> Result<ParseResult, pg_query::Error> {
    pg_query::parse(text, pg_query::ParserOptions::from(grammar)).map(|result| result.protobuf)
}

/// What the grammar's complaint means.
fn refusal(text: &str, message: String) -> Problem {
    const TOO_DEEP: [&str; 3] = ["stack depth limit exceeded", "nested too deeply", "memory exhausted"];
    const FAILED: [&str; 2] = ["out of memory", "Failed to open pipe"];
    if TOO_DEEP.iter().any(|sign| message.contains(sign)) {
        return Problem::new("too_deep", "the text is nested too deeply for PostgreSQL's grammar", None);
    }
    if FAILED.iter().any(|sign| message.contains(sign)) {
        return Problem::new("parser_failed", message, None);
    }
    let at = place(text, &message);
    Problem::new("syntax_error", message, at)
}

/// The byte offset a syntax error points at.
///
/// WHY by trying: the crate drops the position that the C library gives. The grammar stops at the first token that cannot
/// follow, so among the tokens spelled like the one in the message it is the first with which a prefix of the text fails
/// the same way.
fn place(text: &str, message: &str) -> Option<usize> {
    const TRIALS: usize = 12;
    const LONGEST: usize = 1 << 16;
    if text.len() > LONGEST {
        return None;
    }
    if message.ends_with("at end of input") {
        return Some(text.len());
    }
    let (_, near) = message.split_once(" at or near \"")?;
    let near = near.strip_suffix('"')?;
    let Ok(tokens) = pg_query::scan_tokens(text) else {
        // Something that is open to the end of the text: the message quotes it whole.
        return text.strip_suffix(near).map(str::len);
    };
    let mut candidates: Vec<(usize, usize)> = tokens
        .iter()
        .filter(|token| !matches!(Token::try_from(token.token), Ok(Token::SqlComment | Token::CComment)))
        .filter_map(|token| Some((usize::try_from(token.start).ok()?, usize::try_from(token.end).ok()?)))
        .filter(|(start, end)| text.get(*start..*end) == Some(near))
        .collect();
    // Fewer trials than halvings: a text built to make this slow has no position.
    for _ in 0..TRIALS {
        if let [(start, _)] = candidates.as_slice() {
            return Some(*start);
        }
        let middle = candidates.len().checked_sub(1)? / 2;
        let (_, end) = *candidates.get(middle)?;
        let same = match text.get(..end).map(|prefix| pg_query::parse(prefix, 0)) {
            Some(Err(pg_query::Error::Parse(said))) => said == message,
            _ => false,
        };
        candidates = if same {
            candidates.get(..=middle)?.to_vec()
        } else {
            candidates.get(middle.saturating_add(1)..)?.to_vec()
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<usize> {
        parse(text).err().and_then(|problem| problem.at)
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        assert_eq!(at("SELECT 1 FROM FROM t"), Some(14));
        assert_eq!(at("SELECT 1, FROM, FROM"), Some(10));
        assert_eq!(at("SELECT (1"), Some(9));
        assert_eq!(at("DROP TABEL x"), Some(5));
    }
}
