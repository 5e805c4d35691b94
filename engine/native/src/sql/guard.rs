//! What is refused before anything is parsed: too long, not text, too big a tree, nested deeper than a stack can follow.
//!
//! PostgreSQL's own scanner counts (never a regular expression), and both counts are upper bounds: for the depth every token
//! that can add a level counts until a comma, a semicolon or a closing bracket ends what it could be part of; for the size
//! every token counts with the nodes it can become. `parse` and everything that recurses relies on it.

use pg_query::protobuf::Token;

use super::tree::Problem;

/// The longest text that is looked at.
pub const MAX_TEXT: usize = 1 << 20;

/// The most levels a tree may have by the guard's count.
pub const MAX_NESTING: usize = 2_000;

/// Up to this many levels an ordinary thread's stack is enough; `room` takes what is deeper.
pub const SHALLOW: usize = 400;

/// The most a tree may weigh, in nodes of about 600 bytes: 150 MB at the worst.
const MAX_WEIGHT: usize = 250_000;

/// What a token weighs at most: a name becomes a node, the list of its parts and their nodes.
const HEAVIEST_TOKEN: usize = 6;

/// Texts up to this length are parsed where they are; longer ones one after the other, so that their trees do not add up.
pub const SMALL: usize = MAX_WEIGHT / HEAVIEST_TOKEN;

/// The most bytes the scanner may read again.
const MAX_RESCANS: usize = 30_000_000;

/// What a text needs to be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Levels of its tree, at most.
    pub depth: usize,
    pub small: bool,
}

impl Demand {
    /// Whether the caller's own stack and memory are enough.
    pub fn is_modest(self) -> bool {
        self.small && self.depth <= SHALLOW
    }
}

/// Reads the bytes as a text worth parsing.
pub fn readable(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > MAX_TEXT {
        return Err(Problem::new(
            "too_long",
            format!("the text has {} bytes, more than {MAX_TEXT}", bytes.len()),
            None,
        ));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Problem::new("nul_byte", "the text has a NUL byte, which ends it for PostgreSQL", Some(at)));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| Problem::new("not_utf8", "the text is not UTF-8", Some(error.valid_up_to())))
}

/// What parsing the text takes at most, or why it is refused.
pub fn demand(text: &str) -> Result<Demand, Problem> {
    if rescans(text) > MAX_RESCANS {
        return Err(Problem::new(
            "too_large",
            "the text has a run of operator characters that would take minutes to read",
            None,
        ));
    }
    // No token is shorter than what is counted here, so most texts need no scanner.
    let quick = quick_bound(text);
    let small = text.len() <= SMALL;
    if quick <= SHALLOW && small {
        return Ok(Demand { depth: quick, small });
    }
    // What the scanner refuses the parser refuses too, and says why; it builds no tree.
    let Ok(tokens) = pg_query::scan_tokens(text) else {
        return Ok(Demand { depth: 0, small });
    };
    let weight: usize = tokens.iter().filter_map(|token| Token::try_from(token.token).ok()).map(weight).sum();
    if weight > MAX_WEIGHT {
        return Err(Problem::new(
            "too_large",
            "the text has more words than a command may have: send it in parts, or use COPY",
            None,
        ));
    }
    let depth = deepest(tokens.iter().filter_map(|token| Token::try_from(token.token).ok()));
    if depth > MAX_NESTING {
        return Err(Problem::new("too_deep", format!("the text is nested more than {MAX_NESTING} levels deep"), None));
    }
    Ok(Demand { depth, small })
}

/// How many bytes PostgreSQL's scanner reads more than once.
///
/// WHY: it takes a run of operator characters as one token and then gives back all but the first where the run ends in `+`
/// or `-`, or where a comment opens in it, so a run of a million `+` or `/*` takes it hours.
fn rescans(text: &str) -> usize {
    let mut total = 0_usize;
    let mut length = 0_usize;
    let mut stops = 0_usize;
    let mut before = b' ';
    for byte in text.bytes() {
        if matches!(
            byte,
            b'~' | b'!'
                | b'@'
                | b'#'
                | b'^'
                | b'&'
                | b'|'
                | b'`'
                | b'?'
                | b'+'
                | b'-'
                | b'*'
                | b'/'
                | b'%'
                | b'<'
                | b'>'
                | b'='
        ) {
            length = length.saturating_add(1);
            let opens = before == b'/' && byte == b'*';
            stops = stops.saturating_add(usize::from(opens || byte == b'+' || (byte == b'-' && before != b'-')));
        } else if length > 0 {
            total = total.saturating_add(length.saturating_mul(stops));
            (length, stops) = (0, 0);
        }
        before = byte;
    }
    total.saturating_add(length.saturating_mul(stops))
}

fn weight(token: Token) -> usize {
    match token {
        Token::Iconst
        | Token::Fconst
        | Token::Sconst
        | Token::Bconst
        | Token::Xconst
        | Token::Usconst
        | Token::Param => 2,
        Token::Ascii44 | Token::Ascii41 | Token::Ascii93 | Token::Ascii46 | Token::SqlComment | Token::CComment => 0,
        _ => HEAVIEST_TOKEN,
    }
}

/// Words and punctuation, without looking at what they are.
fn quick_bound(text: &str) -> usize {
    let mut bound = 0_usize;
    let mut in_word = false;
    for byte in text.bytes() {
        let word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let nests = if word {
            !in_word
        } else {
            !byte.is_ascii_whitespace() && !matches!(byte, b',' | b';' | b'\'' | b'"' | b')' | b']' | b'.')
        };
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
            Token::And
            | Token::Or
            | Token::Ascii61
            | Token::Ascii60
            | Token::Ascii62
            | Token::LessEquals
            | Token::GreaterEquals
            | Token::NotEquals
            | Token::Ident
            | Token::Iconst
            | Token::Fconst
            | Token::Sconst
            | Token::Bconst
            | Token::Xconst
            | Token::When
            | Token::Then
            | Token::Else
            | Token::EndP
            | Token::NullP
            | Token::TrueP
            | Token::FalseP
            | Token::As
            | Token::Usconst
            | Token::Uident
            | Token::Param
            | Token::SqlComment
            | Token::CComment
            | Token::Ascii46
            | Token::Ascii59 => {}
            _ => frame.run = frame.run.saturating_add(1),
        }
    }
    while let Some(mut outer) = open.pop() {
        outer.inner = outer.inner.max(frame.depth().saturating_add(1));
        frame = outer;
    }
    total.max(frame.depth())
}
