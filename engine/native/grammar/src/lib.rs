//! PostgreSQL's own grammar, and its parse tree read where the parser made it.
//!
//! `pg_query` hands a tree over as protobuf bytes, which takes three times as long as parsing (docs/decisions/0039). Here the C
//! nodes are read into the same protobuf types. What this cannot read, of whatever reason, goes the crate's own way: both give
//! the same tree, or the same refusal (`tests/agrees.rs`, the fuzz target `sql`).
//!
//! This is the only code of Sallyport with `unsafe`: it reads memory by the offsets of `nodes.tsv`, which are taken from the
//! headers of the pinned version (`tests/house`).

mod call;
mod place;

use pg_query::protobuf as pb;

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!("nodes.tsv has the offsets of 64-bit little-endian machines");

/// Why a text has no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The grammar's own words, and the byte offset they are about where it says one.
    Grammar { message: String, at: Option<usize> },
    /// Nothing was parsed.
    Failed(String),
}

/// Not what is read here: the tree is asked for as protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unread;

/// Parses with PostgreSQL's grammar, or with one of those for parts of PL/pgSQL (`pg_query::ParserOptions`).
pub fn parse(text: &str, options: i32) -> Result<pb::ParseResult, Refusal> {
    match read(text, options)? {
        Some(tree) => Ok(tree),
        None => by_protobuf(text, options),
    }
}

/// Reads the tree in place; `None` when it holds what is not read here.
pub fn read(text: &str, options: i32) -> Result<Option<pb::ParseResult>, Refusal> {
    call::with_tree(text, options, |list| {
        let Some(list) = list else {
            return Ok(pb::ParseResult::default());
        };
        // SAFETY: the parser's list of statements, which lives as long as this call.
        unsafe { list.statements() }.map(|stmts| pb::ParseResult { version: 0, stmts })
    })
    .map(Result::ok)
}

/// The tree by way of protobuf bytes, as `pg_query` gives it.
pub fn by_protobuf(text: &str, options: i32) -> Result<pb::ParseResult, Refusal> {
    match pg_query::parse(text, pg_query::ParserOptions::from(options)) {
        // The version is the same for every tree, and said nowhere.
        Ok(result) => Ok(pb::ParseResult { version: 0, ..result.protobuf }),
        Err(pg_query::Error::Parse(message)) => Err(Refusal::Grammar { message, at: None }),
        Err(error) => Err(Refusal::Failed(error.to_string())),
    }
}

/// Made by build.rs of `nodes.tsv`: its `facts`, `any`, and `read_*` and `node_*` for each node.
#[allow(clippy::needless_update)]
mod readers {
    use pg_query::{protobuf as pb, NodeEnum};

    use crate::place::{literal, read_string, Place};
    use crate::Unread;

    include!(concat!(env!("OUT_DIR"), "/readers.rs"));
}
