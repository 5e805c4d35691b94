//! From a text to PostgreSQL's own parse tree, or to the reason why there is none.

use pg_query::protobuf::ParseResult;
use sallyport_grammar::Refusal;

use super::tree::Problem;

/// Parses with PostgreSQL's grammar. The caller has asked `guard` before.
pub fn parse(text: &str) -> Result<ParseResult, Problem> {
    sallyport_grammar::parse(text, 0).map_err(refusal)
}

/// Parses with one of the grammars for parts of PL/pgSQL (`pg_query::ParserOptions`). Says not why it cannot.
pub fn parse_as(text: &str, grammar: i32) -> Option<ParseResult> {
    sallyport_grammar::parse(text, grammar).ok()
}

/// What the grammar's complaint means.
fn refusal(refusal: Refusal) -> Problem {
    const TOO_DEEP: [&str; 3] = ["stack depth limit exceeded", "nested too deeply", "memory exhausted"];
    const FAILED: [&str; 2] = ["out of memory", "Failed to open pipe"];
    let (message, at) = match refusal {
        Refusal::Grammar { message, at } => (message, at),
        Refusal::Failed(message) => return Problem::new("parser_failed", message, None),
    };
    if TOO_DEEP.iter().any(|sign| message.contains(sign)) {
        return Problem::new("too_deep", "the text is nested too deeply for PostgreSQL's grammar", None);
    }
    if FAILED.iter().any(|sign| message.contains(sign)) {
        return Problem::new("parser_failed", message, None);
    }
    Problem::new("syntax_error", message, at)
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
        assert_eq!(at("SELECT 'é' FROM FROM t"), Some(17));
        assert_eq!(at("SELECT 'open"), Some(7));
    }
}
