//! PostgreSQL's own functions: what calling each does, as data (`builtin.tsv`).
//!
//! Classes: `pure` reads at most; `session` changes this session or takes its locks; `sleep`; `setting` is set_config;
//! `sequence` advances one; `notify` sends to other sessions; `large_object*` write, drop, or copy to and from files;
//! `query_text` runs SQL handed to it as text; `cursor_text` reads a cursor, `relation_text` whole relations by name;
//! `file` reads the server's files; `admin` acts on the server. Extensions' well-known functions stand in `KNOWN_FOREIGN`.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::features::Feature;
use super::tree::Effect;

/// What a class of functions does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Pure,
    Session,
    Sleep,
    Setting,
    Sequence,
    Notify,
    LargeObject,
    LargeObjectDrop,
    LargeObjectFile,
    QueryText,
    CursorText,
    RelationText,
    File,
    Admin,
}

impl Class {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "pure" => Self::Pure,
            "session" => Self::Session,
            "sleep" => Self::Sleep,
            "setting" => Self::Setting,
            "sequence" => Self::Sequence,
            "notify" => Self::Notify,
            "large_object" => Self::LargeObject,
            "large_object_drop" => Self::LargeObjectDrop,
            "large_object_file" => Self::LargeObjectFile,
            "query_text" => Self::QueryText,
            "cursor_text" => Self::CursorText,
            "relation_text" => Self::RelationText,
            "file" => Self::File,
            "admin" => Self::Admin,
            _ => return None,
        })
    }

    pub fn effect(self) -> Effect {
        match self {
            Self::Pure | Self::QueryText | Self::CursorText | Self::RelationText => Effect::Read,
            Self::Session | Self::Sleep | Self::Setting => Effect::Session,
            Self::Sequence | Self::Notify | Self::LargeObject => Effect::Write,
            Self::LargeObjectDrop => Effect::Delete,
            Self::LargeObjectFile | Self::File | Self::Admin => Effect::Execute,
        }
    }

    pub fn feature(self) -> Option<Feature> {
        match self {
            Self::Sleep => Some(Feature::Sleep),
            Self::File | Self::LargeObjectFile => Some(Feature::ServerFile),
            Self::Admin => Some(Feature::ServerAdmin),
            Self::QueryText | Self::CursorText | Self::RelationText => Some(Feature::SqlText),
            _ => None,
        }
    }
}

/// What a function gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value (a row of it for each result row of a set-returning one).
    Value,
    /// These columns.
    Columns(Vec<&'static str>),
    /// Not fixed by the function.
    Open,
}

/// One of PostgreSQL's own functions.
#[derive(Clone, Debug)]
pub struct Builtin {
    pub class: Class,
    pub aggregate: bool,
    /// It gives any number of rows: how many depends on what it is given.
    pub set: bool,
    pub shape: Shape,
}

/// Functions of extensions that reach other servers, files or programs; they live in any schema, so only the name counts.
const KNOWN_FOREIGN: &[(&str, Feature)] = &[
    ("dblink", Feature::NetworkAccess),
    ("dblink_connect", Feature::NetworkAccess),
    ("dblink_connect_u", Feature::NetworkAccess),
    ("dblink_exec", Feature::NetworkAccess),
    ("dblink_fetch", Feature::NetworkAccess),
    ("dblink_open", Feature::NetworkAccess),
    ("dblink_send_query", Feature::NetworkAccess),
    ("http", Feature::NetworkAccess),
    ("http_delete", Feature::NetworkAccess),
    ("http_get", Feature::NetworkAccess),
    ("http_patch", Feature::NetworkAccess),
    ("http_post", Feature::NetworkAccess),
    ("http_put", Feature::NetworkAccess),
    ("pg_file_read", Feature::ServerFile),
    ("pg_file_rename", Feature::ServerFile),
    ("pg_file_sync", Feature::ServerFile),
    ("pg_file_unlink", Feature::ServerFile),
    ("pg_file_write", Feature::ServerFile),
    ("pg_logdir_ls", Feature::ServerFile),
    ("sys_eval", Feature::ServerProgram),
    ("sys_exec", Feature::ServerProgram),
];

/// Functions of extensions that run a query handed to them as text, and where in their arguments it stands.
const FOREIGN_QUERY_TEXT: &[&str] =
    &["connectby", "crosstab", "crosstab2", "crosstab3", "crosstab4", "crosstab_hash", "xpath_table"];

/// The feature an extension's well-known function brings.
pub fn foreign_feature(name: &str) -> Option<Feature> {
    if FOREIGN_QUERY_TEXT.binary_search(&name).is_ok() {
        return Some(Feature::SqlText);
    }
    KNOWN_FOREIGN
        .binary_search_by_key(&name, |(known, _)| known)
        .ok()
        .and_then(|at| KNOWN_FOREIGN.get(at))
        .map(|(_, feature)| *feature)
}

/// PostgreSQL's own function of this name.
pub fn builtin(name: &str) -> Option<&'static Builtin> {
    static TABLE: OnceLock<HashMap<&'static str, Builtin>> = OnceLock::new();
    TABLE.get_or_init(|| read(include_str!("builtin.tsv"))).get(name)
}

fn read(data: &'static str) -> HashMap<&'static str, Builtin> {
    let mut table = HashMap::with_capacity(4096);
    for line in data.lines() {
        let mut fields = line.split('\t');
        let (Some(class), Some(shape), Some(columns), Some(names)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let Some(class) = Class::parse(class) else {
            continue;
        };
        let result = match columns {
            "-" => Shape::Value,
            "*" => Shape::Open,
            listed => Shape::Columns(listed.split(',').collect()),
        };
        for name in names.split(' ') {
            table.insert(name, Builtin { class, aggregate: shape == "a", set: shape == "s", shape: result.clone() });
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let data = include_str!("builtin.tsv");
        let names: usize = data
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit('\t').next())
            .map(|names| names.split(' ').count())
            .sum();
        assert_eq!(read(data).len(), names);
        assert!(names > 2_700);
    }

    #[test]
    fn lists_searched_by_halves_are_sorted() {
        assert!(KNOWN_FOREIGN
            .windows(2)
            .all(|pair| pair.first().map(|(name, _)| name) < pair.last().map(|(name, _)| name)));
        assert!(FOREIGN_QUERY_TEXT.windows(2).all(|pair| pair.first() < pair.last()));
    }

    #[test]
    fn no_function_that_acts_counts_as_pure() {
        for name in [
            "pg_read_file",
            "lo_export",
            "pg_terminate_backend",
            "nextval",
            "set_config",
            "pg_notify",
            "pg_sleep",
            "pg_import_system_collations",
        ] {
            assert_ne!(builtin(name).map(|fact| fact.class), Some(Class::Pure), "{name}");
        }
    }
}
