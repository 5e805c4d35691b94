//! Finds secrets and personal data in text: which kinds, where, and the text with them hidden.
//!
//! How it works. `detectors.tsv` has a row for each detector. One pass sees sixty-four bytes at a time (`block`, `lanes`), asks
//! where words begin and of their first four bytes whether a literal that a row names (a token's prefix, a word that says
//! what follows) may begin with them (`sieve`), and where a figure (digits, an address) may begin. Only there is anything looked at closely: the row's shape is matched, bounded in
//! length, then its check (a check digit, entropy) and the words around it decide. What overlaps is settled by `resolve`.
//! So the cost is one pass plus what is found, whatever the text.
//!
//! Everything about a place depends on a bounded stretch around it (`limits`); that is why a text in pieces gives the
//! same spans as the whole (`stream`). Offsets are in bytes; the border to Python turns them into characters.

pub mod ahead;
pub mod alike;
pub mod assign;
pub mod automaton;
pub mod beside;
pub mod blanks;
pub mod block;
pub mod chains;
pub mod checks;
pub mod counts;
pub mod edge;
pub mod encode;
pub mod engine;
pub mod figures;
pub mod keys;
#[cfg(target_arch = "x86_64")]
pub mod lanes;
pub mod leading;
pub mod limits;
pub mod lines;
pub mod live;
pub mod mask;
pub mod names;
pub mod near;
pub mod next;
pub mod notes;
pub mod output;
pub mod pairs;
pub mod passwords;
pub mod place;
pub mod plain;
pub mod quoted;
pub mod resolve;
pub mod rows;
pub mod sieve;
pub mod stream;
pub mod table;
pub mod values;
pub mod views;
pub mod walk;
pub mod walks;
pub mod words;

pub use engine::{engine, Engine};
pub use output::Output;
pub use stream::Stream;

/// One finding: bytes `start..end` are of the type with this number (`Engine::types`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub kind: u16,
}

/// What is in a text, in order and without overlaps.
pub fn scan(engine: &Engine, text: &[u8]) -> Vec<Span> {
    let mut candidates = Vec::new();
    walk::walk(engine, text, walk::Part::whole(text), &mut candidates);
    resolve::all(engine, candidates)
}

/// Which types a text has, by number; cheaper than `scan`, since a type once seen is not looked for again.
pub fn detect(engine: &Engine, text: &[u8]) -> Vec<bool> {
    walk::detect(engine, text)
}

#[cfg(test)]
mod tests;
