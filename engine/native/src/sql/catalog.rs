//! What the names in SQL mean on one database: relations with their columns, views, functions, types, search_path.
//!
//! Built once from msgpack, immutable, shared by threads. It only answers questions; `names` does the resolving.
//! What a caller leaves out is unknown, never assumed harmless.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::encode;
use super::tree::{Effect, Name};
use super::unpack::{decode, Value};
use crate::failure::Failure;

/// A relation: its columns in order, and its definition when it is a view.
#[derive(Clone, Debug)]
pub struct Relation {
    pub columns: Vec<Name>,
    pub view: View,
}

/// Whether a relation shows rows of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// A table, as far as the catalog says.
    No,
    /// A view whose definition nobody gave: nothing about its columns can be proven.
    Opaque,
    /// A view and its query.
    Query(Arc<str>),
}

/// What is known of a user's function.
#[derive(Clone, Debug, Default)]
pub struct FunctionFact {
    /// Stated by whoever vouches for it; `None` means opaque.
    pub effect: Option<Effect>,
    pub security_definer: bool,
    /// Result columns of a table function.
    pub columns: Option<Vec<Name>>,
}

#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub search_path: Vec<Name>,
    relations: Arc<HashMap<String, Relation>>,
    functions: Option<Arc<HashMap<String, FunctionFact>>>,
    types: Option<Arc<HashSet<String>>>,
    prepared: HashMap<String, Arc<str>>,
    version: String,
    /// What it was built from, and what of it one session sees: for those who record what names meant.
    source: Arc<[u8]>,
    session: Arc<[u8]>,
}

impl Catalog {
    /// Reads the msgpack form: `{"search_path", "relations", "views"?, "functions"?, "types"?, "prepared"?}`.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self, Failure> {
        let value = decode(bytes)?;
        if !matches!(value, Value::Map(_)) {
            return Err(invalid("a map is expected"));
        }
        let mut catalog = Self { version: encode::digest(bytes), source: Arc::from(bytes), ..Self::default() };
        let mut relations = HashMap::new();
        for (name, columns) in pairs(value.get("relations"), "relations")? {
            let columns = match columns {
                Value::Map(_) => columns.get("columns"),
                other => Some(other),
            };
            let columns = strings(columns, "relations")?.into_iter().map(Name::from).collect();
            relations.insert(name.to_owned(), Relation { columns, view: View::No });
        }
        read_views(&mut relations, value.get("views"))?;
        catalog.relations = Arc::new(relations);
        catalog.read_functions(value.get("functions"))?;
        if let Some(types) = value.get("types").filter(|types| **types != Value::Nil) {
            catalog.types = Some(Arc::new(match types {
                Value::Map(_) => pairs(Some(types), "types")?.into_iter().map(|(name, _)| name.to_owned()).collect(),
                _ => strings(Some(types), "types")?.into_iter().map(str::to_owned).collect(),
            }));
        }
        catalog.read_session(&value)?;
        Ok(catalog)
    }

    /// The same objects as one session sees them: `{"search_path", "prepared"?}` in place of this catalog's own. Cheap.
    pub fn for_session(&self, bytes: &[u8]) -> Result<Self, Failure> {
        let value = decode(bytes)?;
        if !matches!(value, Value::Map(_)) {
            return Err(invalid("a map is expected"));
        }
        let mut catalog = Self { search_path: Vec::new(), prepared: HashMap::new(), ..self.clone() };
        catalog.version = encode::digest(&[self.version.as_bytes(), bytes].concat());
        catalog.session = Arc::from(bytes);
        catalog.read_session(&value)?;
        Ok(catalog)
    }

    fn read_session(&mut self, value: &Value) -> Result<(), Failure> {
        self.search_path = strings(value.get("search_path"), "search_path")?.into_iter().map(Name::from).collect();
        for (name, text) in pairs(value.get("prepared"), "prepared")? {
            let text = text.as_str().ok_or_else(|| invalid("`prepared` maps names to texts"))?;
            self.prepared.insert(name.to_owned(), Arc::from(text));
        }
        Ok(())
    }

    fn read_functions(&mut self, functions: Option<&Value>) -> Result<(), Failure> {
        let Some(functions) = functions.filter(|functions| **functions != Value::Nil) else {
            return Ok(());
        };
        let mut known = HashMap::new();
        if let Value::List(_) = functions {
            for name in strings(Some(functions), "functions")? {
                known.insert(name.to_owned(), FunctionFact::default());
            }
        } else {
            for (name, facts) in pairs(Some(functions), "functions")? {
                let stated = facts.get("effect").and_then(Value::as_str);
                let effect = stated.and_then(|word| Effect::ALL.iter().copied().find(|effect| effect.as_str() == word));
                let columns = match facts.get("columns") {
                    None | Some(Value::Nil) => None,
                    listed => Some(strings(listed, "functions")?.into_iter().map(Name::from).collect()),
                };
                let security_definer = facts.get("security_definer") == Some(&Value::Bool(true));
                known.insert(name.to_owned(), FunctionFact { effect, security_definer, columns });
            }
        }
        self.functions = Some(Arc::new(known));
        Ok(())
    }

    /// The relation of exactly this schema and name.
    pub fn relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relations.get(&key(schema, name)?)
    }

    /// The function of exactly this schema and name; `Err` when the catalog does not list functions at all.
    pub fn function(&self, schema: &str, name: &str) -> Result<Option<&FunctionFact>, Unlisted> {
        let functions = self.functions.as_ref().ok_or(Unlisted)?;
        Ok(key(schema, name).and_then(|key| functions.get(&key)))
    }

    /// Whether the catalog says that this type exists; `Err` when it does not list types.
    pub fn has_type(&self, schema: &str, name: &str) -> Result<bool, Unlisted> {
        let types = self.types.as_ref().ok_or(Unlisted)?;
        Ok(key(schema, name).is_some_and(|key| types.contains(&key)))
    }

    /// The text a session prepared under this name.
    pub fn prepared(&self, name: &str) -> Option<Arc<str>> {
        self.prepared.get(name).cloned()
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// The bytes that `from_msgpack` was given.
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// The bytes that `for_session` was given; empty for a catalog that is no session's.
    pub fn session(&self) -> &[u8] {
        &self.session
    }
}

fn read_views(relations: &mut HashMap<String, Relation>, views: Option<&Value>) -> Result<(), Failure> {
    let Some(views) = views.filter(|views| **views != Value::Nil) else {
        return Ok(());
    };
    if let Value::List(_) = views {
        for name in strings(Some(views), "views")? {
            mark_view(relations, name, View::Opaque);
        }
        return Ok(());
    }
    for (name, definition) in pairs(Some(views), "views")? {
        let text = definition.as_str().or_else(|| definition.get("definition").and_then(Value::as_str));
        mark_view(relations, name, text.map_or(View::Opaque, |text| View::Query(Arc::from(text))));
    }
    Ok(())
}

fn mark_view(relations: &mut HashMap<String, Relation>, name: &str, view: View) {
    // A view without columns in `relations` is still a relation that exists: its columns are unknown.
    let entry = relations.entry(name.to_owned());
    entry.or_insert_with(|| Relation { columns: Vec::new(), view: View::Opaque }).view = view;
}

/// The catalog is silent about a whole class of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlisted;

/// Keys are `schema.name`. A part with a dot in it cannot be told apart from two parts, so it is not known.
fn key(schema: &str, name: &str) -> Option<String> {
    (!schema.contains('.') && !name.contains('.')).then(|| format!("{schema}.{name}"))
}

fn invalid(what: &str) -> Failure {
    Failure::new("CATALOG_INVALID", format!("not a catalog: {what}"))
}

fn strings<'v>(value: Option<&'v Value>, field: &str) -> Result<Vec<&'v str>, Failure> {
    match value {
        None | Some(Value::Nil) => Ok(Vec::new()),
        Some(Value::List(items)) => items
            .iter()
            .map(|item| item.as_str().or_else(|| item.get("name").and_then(Value::as_str)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| invalid(&format!("`{field}` lists names"))),
        Some(_) => Err(invalid(&format!("`{field}` is a list of names"))),
    }
}

fn pairs<'v>(value: Option<&'v Value>, field: &str) -> Result<Vec<(&'v str, &'v Value)>, Failure> {
    match value {
        None | Some(Value::Nil) => Ok(Vec::new()),
        Some(Value::Map(items)) => items
            .iter()
            .map(|(name, value)| name.as_str().map(|name| (name, value)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| invalid(&format!("`{field}` has names as keys"))),
        Some(_) => Err(invalid(&format!("`{field}` is a map"))),
    }
}
