//! Queries and rows: which columns are in scope, where each result column comes from, what every expression calls.
//!
//! `scope` knows what a name means inside a query, `flow` what a value is made of, `select` and `from` walk queries,
//! `expression` and `json` walk expressions, `calls` with their `arguments` and `values` of types what runs in them, `rows` the statements that change rows. One walk finds operations and lineage.

pub mod arguments;
pub mod calls;
pub mod condition;
pub mod equality;
pub mod expression;
pub mod flow;
pub mod from;
pub mod handing;
pub mod json;
pub mod naming;
pub mod plain_arrays;
pub mod rows;
pub mod scope;
pub mod select;
pub mod sqltext;
pub mod values;
pub mod with;
