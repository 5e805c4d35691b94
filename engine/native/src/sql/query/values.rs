//! Functions that people made and that run though nobody calls them: those of casts, and those that a domain's values pass.
//!
//! They run wherever a value of a type comes to be: a cast, a column that a function in FROM is given, what SQL/JSON returns, a
//! parameter, a variable. The catalog has them by the type, together with those of the types that it is made of.

use pg_query::protobuf::{a_const::Val, Node, TypeCast, TypeName};
use pg_query::NodeEnum;

use super::arguments::{written_name, Arguments};
use super::flow::Flow;
use crate::sql::build::Builder;
use crate::sql::catalog::Catalog;
use crate::sql::names::{self, strings};

/// How a value of a type comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Read from a text: only checked.
    Read,
    /// Made of a value of another type.
    Cast,
}

/// Functions that read a value of a type which is handed over as a number.
const READERS: [&str; 10] = [
    "array_in",
    "array_recv",
    "domain_in",
    "domain_recv",
    "multirange_in",
    "multirange_recv",
    "range_in",
    "range_recv",
    "record_in",
    "record_recv",
];

impl<'a> Builder<'a> {
    /// A type where a value of it comes to be, and what that brings in.
    pub fn value_of(&mut self, name: Option<&TypeName>, made: Made) -> Flow {
        self.type_name(name);
        let parts = name.map(|name| strings(&name.names)).unwrap_or_default();
        parts.last().map_or_else(Flow::constant, |bare| self.value_calls(bare, made))
    }

    /// What people's functions bring in when a value of a type comes to be.
    pub fn value_calls(&mut self, bare: &str, made: Made) -> Flow {
        let Some(catalog) = self.catalog else { return Flow::constant() };
        let called: Vec<&str> = catalog.cast_functions(bare, made == Made::Read).collect();
        self.each_call(&called)
    }

    /// A cast: to which type, and what people's functions bring in.
    pub fn cast_calls(&mut self, cast: &TypeCast) -> Flow {
        let made = if cast.arg.as_deref().is_some_and(is_read) { Made::Read } else { Made::Cast };
        self.value_of(cast.type_name.as_ref(), made)
    }

    /// What people's functions bring in that run though nobody wrote a cast.
    pub fn implicit_calls(&mut self) -> Flow {
        let stores = !self.tree.sql.writes.is_empty();
        let called: Vec<&str> =
            self.catalog.map(|catalog| catalog.implicit_casts(stores).collect()).unwrap_or_default();
        self.each_call(&called)
    }

    /// What one of PostgreSQL's own functions brings in that makes a value of a type which only its arguments name.
    pub fn values_by_name(&mut self, name: &str, arguments: Arguments<'_>) -> Flow {
        if READERS.binary_search(&name).is_ok() {
            return self.dynamic("the type of a value");
        }
        let is_known = if name.starts_with("pg_input_") {
            let written = arguments.get(1, "type").and_then(|node| self.literal(node)).and_then(written_name);
            written.is_some_and(|(schema, word)| schema.is_none() && names::is_system_type(&word))
        } else if name.starts_with("json_populate_record") || name.starts_with("jsonb_populate_record") {
            // A row whose type is written is a cast.
            let row = arguments.get(0, "base").and_then(|node| node.node.as_ref());
            matches!(row, Some(NodeEnum::TypeCast(_)))
        } else {
            true
        };
        let called: Vec<&str> = match self.catalog {
            Some(catalog) if !is_known => Catalog::all_checks(catalog).collect(),
            _ => Vec::new(),
        };
        self.each_call(&called)
    }

    /// What people's functions bring in when a block's variables get values. False where that is too much to look through.
    ///
    /// WHY by the text: the grammar says of no variable which type it has, and a name in the text may be one.
    pub fn values_in_block(&mut self, body: &str) -> bool {
        let Some(catalog) = self.catalog else { return true };
        if !self.spend(catalog.types_with_calls()) {
            return false;
        }
        let called = catalog.calls_of_types_in(&body.to_lowercase());
        self.aside(|b| b.each_call(&called));
        true
    }

    fn each_call(&mut self, called: &[&str]) -> Flow {
        let mut flow = Flow::constant();
        for name in called {
            if let Some((schema, name)) = name.split_once('.') {
                flow.absorb(self.named_call(&[schema, name], 1, Arguments::none()).1);
            }
        }
        flow
    }
}

/// A text in quotes, which the type's own reader reads, or nothing at all.
fn is_read(node: &Node) -> bool {
    match node.node.as_ref() {
        Some(NodeEnum::AConst(constant)) => constant.isnull || matches!(constant.val, Some(Val::Sval(_))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::READERS;

    #[test]
    fn lists_searched_by_halves_are_sorted() {
        assert!(READERS.windows(2).all(|pair| pair.first() < pair.last()));
    }
}
