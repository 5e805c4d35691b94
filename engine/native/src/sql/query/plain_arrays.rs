//! Arrays whose elements are certainly no rows: what `unnest` makes of them is one column.

use pg_query::protobuf::{ColumnRef, Node, TypeName};
use pg_query::NodeEnum;

use super::flow::Flow;
use super::scope::{Lookup, Scope};
use crate::sql::build::Builder;
use crate::sql::names::{self, strings, Callee};

/// Functions of PostgreSQL that give an array of texts.
const TEXT_ARRAYS: [&str; 5] =
    ["regexp_match", "regexp_split_to_array", "string_to_array", "tsvector_to_array", "parse_ident"];

/// Expressions nested deeper than this are not looked into.
const DEEPEST: usize = 16;

impl<'a> Builder<'a> {
    /// One array whose elements are certainly no rows.
    pub fn are_plain_arrays(&self, arguments: &[Node], scope: &Scope<'_, 'a>) -> bool {
        let [argument] = arguments else { return false };
        self.is_plain_array(argument, scope, 0)
    }

    fn is_plain_array(&self, node: &Node, scope: &Scope<'_, 'a>, depth: usize) -> bool {
        if depth > DEEPEST {
            return false;
        }
        let deeper = depth.saturating_add(1);
        match node.node.as_ref() {
            // All of them have one type, and what is written without one takes it.
            Some(NodeEnum::CoalesceExpr(coalesce)) => {
                let mut any = false;
                coalesce.args.iter().all(|one| {
                    let is_array = self.is_plain_array(one, scope, deeper);
                    any |= is_array;
                    is_array || matches!(one.node.as_ref(), Some(NodeEnum::AConst(_)))
                }) && any
            }
            Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().all(|element| match element.node.as_ref() {
                Some(NodeEnum::AConst(_)) => true,
                Some(NodeEnum::ColumnRef(column)) => self.has_type(column, scope, is_plain_type),
                Some(NodeEnum::TypeCast(cast)) => self.is_plain_cast(cast.type_name.as_ref(), false),
                _ => false,
            }),
            Some(NodeEnum::TypeCast(cast)) => self.is_plain_cast(cast.type_name.as_ref(), true),
            Some(NodeEnum::FuncCall(call)) => {
                let parts = strings(&call.funcname);
                let (schema, name) = names::schema_and_name(&parts);
                TEXT_ARRAYS.contains(&name)
                    && matches!(names::function(self.catalog, schema, name, Some(call.args.len())), Callee::Builtin(..))
            }
            Some(NodeEnum::ColumnRef(column)) => {
                self.has_type(column, scope, |kind| kind.strip_suffix("[]").is_some_and(is_plain_type))
            }
            _ => false,
        }
    }

    /// Whether a cast is to a type of PostgreSQL's own whose values are no rows, or to an array of such.
    fn is_plain_cast(&self, name: Option<&TypeName>, is_array: bool) -> bool {
        name.is_some_and(|name| {
            let parts = strings(&name.names);
            let (schema, word) = names::schema_and_name(&parts);
            name.array_bounds.is_empty() != is_array
                && matches!(schema, None | Some("pg_catalog"))
                && is_plain_type(word)
                && (schema.is_some() || self.type_schema(word).is_none())
        })
    }

    /// Whether a column is certainly copied from columns of tables that all have such a type, by whatever queries.
    fn has_type(&self, column: &ColumnRef, scope: &Scope<'_, 'a>, fits: impl Fn(&str) -> bool) -> bool {
        let flow = match strings(&column.fields).as_slice() {
            [name] => scope.bare_column(name),
            [relation, name] => scope.entry(None, relation).and_then(|entry| match entry.column(name) {
                Lookup::Found(flow) => Some(flow),
                Lookup::Maybe(_) | Lookup::No => None,
            }),
            _ => None,
        };
        let is_copy = |flow: &Flow| flow.proven && !flow.derived && !flow.origins.is_empty();
        flow.filter(is_copy)
            .is_some_and(|flow| flow.origins.iter().all(|origin| self.type_of(origin).is_some_and(&fits)))
    }

    /// The type of a column, `schema.relation.column`.
    fn type_of(&self, origin: &str) -> Option<&'a str> {
        let [schema, relation, column] = *origin.split('.').collect::<Vec<_>>().as_slice() else {
            return None;
        };
        let catalog = self.catalog.filter(|_| !origin.contains('"'))?;
        catalog.relation(schema, relation)?.column_type(column)
    }
}

/// A type of PostgreSQL whose values are no rows; a tsvector has its own way of being unnested.
fn is_plain_type(word: &str) -> bool {
    names::is_system_type(word) && !word.starts_with("any") && !matches!(word, "record" | "tsvector" | "gtsvector")
}
