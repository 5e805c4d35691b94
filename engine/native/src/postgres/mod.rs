//! The PostgreSQL wire where it is hot: runs of rows are skipped, and masked, here and not message by message in Python.
//!
//! `rows` finds messages, `outline` statements, `copy` reads one of COPY, `plan` decodes what to do to each column, `mask` does it by the `kind` of each,
//! `short` recognises whole commands and whole replies, `lane` carries those that were granted before.

pub mod copy;
pub mod kind;
pub mod lane;
pub mod mask;
pub mod outline;
pub mod plan;
pub mod rows;
pub mod short;
