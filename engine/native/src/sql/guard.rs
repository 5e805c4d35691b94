//! What is refused before anything is parsed: too long, not text, nested deeper than any stack can follow.
//!
//! PostgreSQL's own scanner counts nesting (never a regular expression), and the count is an upper bound of the depth of
//! the tree that the grammar would build: every token that can add a level counts until a comma, a semicolon or a closing
//! bracket ends what it could be part of. `parse` and everything that recurses relies on it.

use pg_query::protobuf::Token;

use super::tree::Problem;

/// The longest text that is looked at.
pub const MAX_TEXT: usize = 1 << 20;

/// The most levels a tree may have by the guard's count.
pub const MAX_NESTING: usize = 2_000;

/// Up to this many levels an ordinary thread's stack is enough; `room` takes what is deeper.
pub const SHALLOW: usize = 400;

/// Reads the bytes as a text worth parsing.
pub fn readable(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > MAX_TEXT {
        return Err(Problem::new("too_long", format!("the text has {} bytes, more than {MAX_TEXT}", bytes.len()), None));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Problem::new("nul_byte", "the text has a NUL byte, which ends it for PostgreSQL", Some(at)));
    }
    std::str::from_utf8(bytes).map_err(|error| Problem::new("not_utf8", "the text is not UTF-8", Some(error.valid_up_to())))
}

/// How deep the tree of a text can be at most, or why it is refused.
pub fn nesting(text: &str) -> Result<usize, Problem> {
    // No token is shorter than what is counted here, so most texts need no scanner.
    let quick = quick_bound(text);
    if quick <= SHALLOW {
        return Ok(quick);
    }
    // What the scanner refuses the parser refuses too, and says why.
    let Ok(tokens) = pg_query::scan_tokens(text) else { return Ok(0) };
    let depth = deepest(tokens.iter().filter_map(|token| Token::try_from(token.token).ok()));
    if depth > MAX_NESTING {
        return Err(Problem::new("too_deep", format!("the text is nested more than {MAX_NESTING} levels deep"), None));
    }
    Ok(depth)
}

/// Words and punctuation, without looking at what they are.
fn quick_bound(text: &str) -> usize {
    let mut bound = 0_usize;
    let mut in_word = false;
    for byte in text.bytes() {
        let word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let nests = if word { !in_word } else { !byte.is_ascii_whitespace() && !matches!(byte, b',' | b';' | b'\'' | b'"' | b')' | b']' | b'.') };
        bound = bound.saturating_add(usize::from(nests));
        in_word = word;
    }
    bound
}

/// One bracket that is open, or the whole text.
#[derive(Clone, Copy, Default)]
struct Frame {
    /// Levels that what stands before the next comma can have.
    run: usize,
    /// The deepest run ended by a comma.
    widest: usize,
    /// Set operations: a comma does not end their chain.
    chain: usize,
    /// The deepest bracket inside the current run.
    inner: usize,
}

impl Frame {
    fn end_run(&mut self) {
        self.widest = self.widest.max(self.run.saturating_add(self.inner));
        self.run = 0;
        self.inner = 0;
    }

    fn depth(mut self) -> usize {
        self.end_run();
        self.widest.saturating_add(self.chain)
    }
}

/// The deepest tree these tokens can make.
fn deepest(tokens: impl Iterator<Item = Token>) -> usize {
    let mut open: Vec<Frame> = Vec::new();
    let mut frame = Frame::default();
    let mut total = 0_usize;
    for token in tokens {
        match token {
            Token::Ascii40 | Token::Ascii91 => {
                open.push(frame);
                frame = Frame::default();
                if open.len() > MAX_NESTING {
                    return open.len();
                }
            }
            Token::Ascii41 | Token::Ascii93 => {
                let depth = frame.depth().saturating_add(1);
                frame = open.pop().unwrap_or_default();
                frame.inner = frame.inner.max(depth);
            }
            Token::Ascii44 => frame.end_run(),
            Token::Ascii59 if open.is_empty() => {
                total = total.max(frame.depth());
                frame = Frame::default();
            }
            Token::Union | Token::Intersect | Token::Except => frame.chain = frame.chain.saturating_add(1),
            // Flattened by the grammar (AND, OR), without an operand of their own that could chain (comparisons cannot
            // be chained), or not part of a tree.
            Token::And | Token::Or | Token::Ascii61 | Token::Ascii60 | Token::Ascii62 | Token::LessEquals | Token::GreaterEquals
            | Token::NotEquals | Token::Ident | Token::Iconst | Token::Fconst | Token::Sconst | Token::Bconst | Token::Xconst
            | Token::When | Token::Then | Token::Else | Token::EndP | Token::NullP | Token::TrueP | Token::FalseP | Token::As
            | Token::Usconst | Token::Uident | Token::Param | Token::SqlComment | Token::CComment | Token::Ascii46 | Token::Ascii59 => {}
            _ => frame.run = frame.run.saturating_add(1),
        }
    }
    while let Some(mut outer) = open.pop() {
        outer.inner = outer.inner.max(frame.depth().saturating_add(1));
        frame = outer;
    }
    total.max(frame.depth())
}
