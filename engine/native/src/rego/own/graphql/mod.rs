//! GraphQL documents to the trees OPA gives for them. Reading only: whether a query fits a schema is not asked here.

mod lexer;
mod parser;
mod query;
mod schema;

use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;

use super::text;

pub fn find(name: &str) -> Option<BuiltinFcn> {
    match name {
        "graphql.parse_query" => Some((parse_query, 1)),
        "graphql.parse_schema" => Some((parse_schema, 1)),
        _ => None,
    }
}

fn parse_query(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    query::document(text(args, 0)?).map_err(super::failed)
}

fn parse_schema(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    schema::document(text(args, 0)?).map_err(super::failed)
}
