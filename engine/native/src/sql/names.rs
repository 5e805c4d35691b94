//! From a name as written to what it means: schema resolution by search_path, with PostgreSQL's implicit schemas.
//!
//! The grammar has folded and unquoted names already. Every full name has all its parts, `schema.relation.column`; a part
//! that nobody could resolve is `?`, so that a pattern over the other parts still matches. A part with a dot or a quote in
//! it stands in double quotes. Reads the catalog; called by the query walker and the statement builders.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use pg_query::protobuf::{Node, RangeVar, TypeName};
use pg_query::NodeEnum;

use super::catalog::{Catalog, FunctionFact, Relation};
use super::functions::{builtin, Builtin};
use super::tree::{Access, Name, Target};

/// Stands for a part of a name that nobody could resolve.
pub const UNKNOWN: &str = "?";

/// A relation's name, resolved as far as it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationName {
    pub schema: Option<Name>,
    pub relation: Name,
    pub full: Name,
    /// The catalog confirmed it.
    pub resolved: bool,
}

impl RelationName {
    pub fn target(&self, class: &'static str, access: Access) -> Target {
        Target {
            class,
            name: self.full.clone(),
            access,
            schema: self.schema.clone(),
            relation: Some(self.relation.clone()),
            column: None,
            resolved: self.resolved,
        }
    }

    pub fn column_target(&self, column: &str, access: Access) -> Target {
        Target {
            class: "column",
            name: column_name(&self.full, column),
            column: Some(Name::from(column)),
            ..self.target("column", access)
        }
    }

    pub fn is_temporary(&self) -> bool {
        self.schema.as_deref().is_some_and(is_temporary_schema)
    }
}

pub fn is_temporary_schema(schema: &str) -> bool {
    schema == "pg_temp" || schema.starts_with("pg_temp_")
}

/// One part of a full name, quoted where it would be ambiguous.
pub fn part(text: &str) -> Cow<'_, str> {
    if text.contains(['.', '"', '?']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

pub fn full_name(schema: Option<&str>, name: &str) -> Name {
    let schema = schema.map_or(Cow::Borrowed(UNKNOWN), part);
    Name::from(format!("{schema}.{}", part(name)))
}

pub fn column_name(relation: &str, column: &str) -> Name {
    Name::from(format!("{relation}.{}", part(column)))
}

/// The strings of a list of `String` nodes; anything else becomes `*` (A_Star) or `?`.
pub fn strings(nodes: &[Node]) -> Vec<&str> {
    nodes
        .iter()
        .map(|node| match node.node.as_ref() {
            Some(NodeEnum::String(text)) => text.sval.as_str(),
            Some(NodeEnum::AStar(_)) => "*",
            _ => UNKNOWN,
        })
        .collect()
}

/// Splits `[catalog.][schema.]name` into schema and name.
pub fn schema_and_name<'n>(parts: &[&'n str]) -> (Option<&'n str>, &'n str) {
    match parts {
        [] => (None, UNKNOWN),
        [name] => (None, name),
        [.., schema, name] => (Some(schema), name),
    }
}

fn system_names(kind: &'static str) -> HashSet<&'static str> {
    include_str!("system_names.tsv")
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(tag, _)| *tag == kind)
        .flat_map(|(_, names)| names.split(' '))
        .collect()
}

/// Whether PostgreSQL itself brings a relation of this name in pg_catalog.
pub fn is_system_relation(name: &str) -> bool {
    static NAMES: OnceLock<HashSet<&'static str>> = OnceLock::new();
    name.starts_with("pg_") && NAMES.get_or_init(|| system_names("relation")).contains(name)
}

/// Whether a relation is one that PostgreSQL itself brings; catalogs do not list those.
pub fn is_of_system(name: &RelationName) -> bool {
    match name.schema.as_deref() {
        Some("pg_catalog") => is_system_relation(&name.relation),
        Some(schema) => schema == "information_schema",
        None => false,
    }
}

/// Relations that show values or texts of other people's tables and sessions. Those of extensions live in any schema.
const TELLS_OF_OTHERS: [&str; 14] = [
    "pg_cursors",
    "pg_prepared_statements",
    "pg_stat_activity",
    "pg_stat_monitor",
    "pg_stat_statements",
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
    "pg_authid",
    "pg_shadow",
    "pg_user_mapping",
    "pg_largeobject",
];

pub fn tells_of_others(name: &RelationName) -> bool {
    TELLS_OF_OTHERS.contains(&&*name.relation)
}

/// The columns of a relation of PostgreSQL's own (`schema.name`), in order, of all versions that are known. None of one that shows
/// values, texts or passwords of others.
pub fn system_columns(relation: &str) -> Option<&'static [&'static str]> {
    static COLUMNS: OnceLock<HashMap<&'static str, Vec<&'static str>>> = OnceLock::new();
    let read = || {
        let lines = include_str!("system_names.tsv").lines().filter_map(|line| line.strip_prefix("columns\t"));
        lines
            .filter_map(|line| line.split_once('\t'))
            .map(|(relation, columns)| (relation, columns.split(' ').collect()))
            .collect()
    };
    COLUMNS.get_or_init(read).get(relation).map(Vec::as_slice)
}

/// Whether PostgreSQL itself brings a type of this name in pg_catalog.
pub fn is_system_type(name: &str) -> bool {
    static NAMES: OnceLock<HashSet<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| system_names("type")).contains(name)
}

/// Whether a cast to this type leaves a text as it is: no other length, no name of something in its place.
pub fn keeps_text(name: &TypeName) -> bool {
    let parts = strings(&name.names);
    let (schema, word) = schema_and_name(&parts);
    matches!(schema, None | Some("pg_catalog")) && matches!(word, "text" | "varchar" | "unknown") && is_plain_name(name)
}

/// Whether a cast goes to the relation that a text names.
pub fn is_regclass(name: &TypeName) -> bool {
    matches!(strings(&name.names).as_slice(), ["regclass"] | ["pg_catalog", "regclass"]) && is_plain_name(name)
}

fn is_plain_name(name: &TypeName) -> bool {
    name.typmods.is_empty() && name.array_bounds.is_empty() && !name.setof && !name.pct_type
}

/// Whether PostgreSQL itself brings an operator of this name.
pub fn is_system_operator(name: &str) -> bool {
    static NAMES: OnceLock<HashSet<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| system_names("operator")).contains(name)
}

/// Resolves a relation that must exist already.
pub fn existing<'c>(catalog: Option<&'c Catalog>, schema: &str, name: &str) -> (RelationName, Option<&'c Relation>) {
    let named = |schema: &str, resolved: bool| RelationName {
        schema: Some(Name::from(schema)),
        relation: Name::from(name),
        full: full_name(Some(schema), name),
        resolved,
    };
    if !schema.is_empty() {
        let found = catalog.and_then(|catalog| catalog.relation(schema, name));
        return (named(schema, found.is_some()), found);
    }
    if let Some(catalog) = catalog {
        // The order of PostgreSQL: temporary objects, then pg_catalog, then the path; both first ones only where the
        // path does not name them itself.
        let path = &catalog.search_path;
        let implicit =
            ["pg_temp", "pg_catalog"].into_iter().filter(|schema| !path.iter().any(|entry| &**entry == *schema));
        for schema in implicit.chain(path.iter().map(|entry| &**entry)) {
            if let Some(found) = catalog.relation(schema, name) {
                return (named(schema, true), Some(found));
            }
            if schema == "pg_catalog" && is_system_relation(name) {
                return (named(schema, false), None);
            }
        }
    } else if is_system_relation(name) {
        return (named("pg_catalog", false), None);
    }
    (RelationName { schema: None, relation: Name::from(name), full: full_name(None, name), resolved: false }, None)
}

/// The name of a relation that the statement is about to make.
pub fn created(catalog: Option<&Catalog>, relation: &RangeVar) -> RelationName {
    let temporary = relation.relpersistence == "t";
    let schema = match (relation.schemaname.as_str(), temporary) {
        ("", true) => Some("pg_temp"),
        ("", false) => creation_schema(catalog),
        (schema, _) => Some(schema),
    };
    RelationName {
        schema: schema.map(Name::from),
        relation: Name::from(relation.relname.as_str()),
        full: full_name(schema, &relation.relname),
        resolved: false,
    }
}

/// Where new objects go that are named without a schema.
pub fn creation_schema(catalog: Option<&Catalog>) -> Option<&str> {
    catalog.and_then(|catalog| catalog.search_path.first()).map(|schema| &**schema)
}

/// What a called function is.
#[derive(Clone, Debug)]
pub enum Callee<'c> {
    /// One of PostgreSQL's own.
    Builtin(Name, &'static Builtin),
    /// A user's function the catalog knows; `shadows` when PostgreSQL has one of that name too.
    User(Name, &'c FunctionFact, Option<&'static Builtin>),
    Unknown(Name),
}

/// Resolves a function's name. Types of arguments are not looked at: where a user's function of the same name can be
/// reached, it counts.
///
/// `count` is how many there are, where that is known: a function that cannot take so many does not count.
pub fn function<'c>(
    catalog: Option<&'c Catalog>,
    schema: Option<&str>,
    name: &str,
    count: Option<usize>,
) -> Callee<'c> {
    match schema {
        Some("pg_catalog") => match builtin(name) {
            Some(fact) => Callee::Builtin(full_name(schema, name), fact),
            None => Callee::Unknown(full_name(schema, name)),
        },
        Some("information_schema") => match builtin(&format!("information_schema.{name}")) {
            Some(fact) => Callee::Builtin(full_name(schema, name), fact),
            None => Callee::Unknown(full_name(schema, name)),
        },
        Some(schema) => match catalog.map(|catalog| catalog.function(schema, name)) {
            Some(Ok(Some(fact))) => Callee::User(full_name(Some(schema), name), fact, None),
            _ => Callee::Unknown(full_name(Some(schema), name)),
        },
        None => unqualified(catalog, name, count),
    }
}

fn unqualified<'c>(catalog: Option<&'c Catalog>, name: &str, count: Option<usize>) -> Callee<'c> {
    let own = builtin(name);
    if let Some(catalog) = catalog {
        let own_at = catalog.search_path.iter().position(|schema| &**schema == "pg_catalog").unwrap_or(0);
        let own_is_late = own_at > 0;
        let mut listed = true;
        for (at, schema) in catalog.search_path.iter().enumerate().filter(|(_, schema)| &***schema != "pg_catalog") {
            let fits = |fact: &FunctionFact| (fact.shadows || (fact.repeats && at < own_at)) && fact.takes(count);
            match catalog.function(schema, name) {
                Ok(Some(fact)) if own.is_none() || fits(fact) => {
                    return Callee::User(full_name(Some(schema), name), fact, own);
                }
                Ok(_) => {}
                Err(_) => listed = false,
            }
        }
        if own_is_late && !listed {
            // Someone else's function may come first, and nobody can say.
            return Callee::Unknown(full_name(None, name));
        }
    }
    match own {
        Some(fact) => Callee::Builtin(full_name(Some("pg_catalog"), name), fact),
        None => Callee::Unknown(full_name(None, name)),
    }
}
