//! What the names in SQL mean on one database: relations with their columns, views, functions, types, search_path.
//!
//! Built once from msgpack (`facts` reads it), immutable, shared by threads. It only answers questions; `names` does the
//! resolving. What a caller leaves out is unknown, never assumed harmless.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::encode;
use super::facts;
use super::tree::{Effect, Name};
use super::unpack::{decode, Value};
use crate::failure::Failure;

/// A relation: its columns in order, and its definition when it is a view.
#[derive(Clone, Debug)]
pub struct Relation {
    pub columns: Vec<Name>,
    /// The types of the first columns, as far as they are known: an empty one is unknown.
    pub types: Vec<Name>,
    pub view: View,
    /// Tables it inherits from or is a partition of: `schema.name`.
    pub parents: Vec<Name>,
    /// Tables that inherit from it.
    pub children: Vec<Name>,
    /// Columns that the server computes by itself, and the columns of the same row that it makes them of.
    pub generated: HashMap<Name, Vec<Name>>,
}

impl Relation {
    pub fn new(columns: Vec<Name>, view: View) -> Self {
        let (types, parents, children) = (Vec::new(), Vec::new(), Vec::new());
        Self { columns, types, view, parents, children, generated: HashMap::new() }
    }

    /// The type of a column, where it is known.
    pub fn column_type(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| &**name == column)?;
        self.types.get(at).map(|name| &**name).filter(|name| !name.is_empty())
    }
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

/// What is known of a user's function: of all that share its name.
#[derive(Clone, Debug, Default)]
pub struct FunctionFact {
    /// Stated by whoever vouches for it; `None` means opaque.
    pub effect: Option<Effect>,
    pub security_definer: bool,
    /// It may give any number of rows.
    pub set: bool,
    /// Result columns of a table function.
    pub columns: Option<Vec<Name>>,
    /// One query in SQL that changes nothing by its own word, run with the caller's rights: it can be looked into.
    pub body: Option<Body>,
    /// How many arguments a call of it can have; empty is any number.
    pub counts: Vec<(usize, usize)>,
    /// Whether it can be taken for one of PostgreSQL's own of the same name.
    pub shadows: bool,
    /// Whether it has all the types of one of PostgreSQL's own: it is meant only where its schema is searched before.
    pub repeats: bool,
}

/// The text of a function in SQL, the names of its arguments, and what the server puts in for those that are left out.
#[derive(Clone, Debug)]
pub struct Body {
    pub text: Arc<str>,
    pub arguments: Vec<Name>,
    /// Expressions with commas between them; `None` where nobody gave them.
    pub defaults: Option<Arc<str>>,
}

impl FunctionFact {
    pub fn takes(&self, count: Option<usize>) -> bool {
        let Some(count) = count else { return true };
        self.counts.is_empty() || self.counts.iter().any(|(least, most)| (*least..=*most).contains(&count))
    }
}

#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub search_path: Vec<Name>,
    relations: Arc<HashMap<String, Relation>>,
    functions: Option<Arc<HashMap<String, FunctionFact>>>,
    types: Option<Arc<HashSet<String>>>,
    operators: Arc<HashSet<String>>,
    /// Functions that people made and that a value may go through to become one of a type: `schema.name` by the type's bare name.
    casts: Arc<HashMap<String, Vec<String>>>,
    /// The same of what a type's values have to pass.
    checks: Arc<HashMap<String, Vec<String>>>,
    prepared: HashMap<String, Arc<str>>,
    cursors: HashMap<String, Arc<str>>,
    version: String,
    /// What it was built from, and what of it one session sees: for those who record what names meant.
    source: Arc<[u8]>,
    session: Arc<[u8]>,
    /// The same objects under the path that views' definitions were written under.
    definitions: Option<Arc<Catalog>>,
}

impl Catalog {
    /// Reads the msgpack form: `{"search_path", "relations", "views"?, "functions"?, "types"?, "operators"?, "prepared"?, "cursors"?}`.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self, Failure> {
        let value = decode(bytes)?;
        if !matches!(value, Value::Map(_)) {
            return Err(facts::invalid("a map is expected"));
        }
        let mut catalog = Self { version: encode::digest(bytes), source: Arc::from(bytes), ..Self::default() };
        catalog.relations = Arc::new(facts::relations(value.get("relations"), value.get("views"))?);
        catalog.functions = facts::functions(value.get("functions"))?.map(Arc::new);
        catalog.types = facts::names(value.get("types"), "types")?.map(Arc::new);
        catalog.operators = Arc::new(facts::names(value.get("operators"), "operators")?.unwrap_or_default());
        catalog.casts = Arc::new(facts::lists(value.get("casts"), "casts")?);
        catalog.checks = Arc::new(facts::lists(value.get("checks"), "checks")?);
        catalog.read_session(&value)?;
        let definitions = Self { prepared: HashMap::new(), cursors: HashMap::new(), ..catalog.clone() };
        catalog.definitions = Some(Arc::new(definitions));
        Ok(catalog)
    }

    /// The same objects as one session sees them: `{"search_path", "prepared"?, "cursors"?}` in place of this catalog's own. Cheap.
    pub fn for_session(&self, bytes: &[u8]) -> Result<Self, Failure> {
        let value = decode(bytes)?;
        if !matches!(value, Value::Map(_)) {
            return Err(facts::invalid("a map is expected"));
        }
        let mut catalog =
            Self { search_path: Vec::new(), prepared: HashMap::new(), cursors: HashMap::new(), ..self.clone() };
        catalog.version = encode::digest(&[self.version.as_bytes(), bytes].concat());
        catalog.session = Arc::from(bytes);
        catalog.read_session(&value)?;
        Ok(catalog)
    }

    fn read_session(&mut self, value: &Value) -> Result<(), Failure> {
        let path = facts::strings(value.get("search_path"), "search_path")?;
        self.search_path = path.into_iter().map(Name::from).collect();
        for (name, text) in facts::pairs(value.get("prepared"), "prepared")? {
            let text = text.as_str().ok_or_else(|| facts::invalid("`prepared` maps names to texts"))?;
            self.prepared.insert(name.to_owned(), Arc::from(text));
        }
        for (name, text) in facts::pairs(value.get("cursors"), "cursors")? {
            let text = text.as_str().ok_or_else(|| facts::invalid("`cursors` maps names to queries"))?;
            self.cursors.insert(name.to_owned(), Arc::from(text));
        }
        Ok(())
    }

    /// What the names in a view's definition mean: whatever a session's path is, its tables are bound.
    pub fn definitions(&self) -> &Self {
        self.definitions.as_deref().unwrap_or(self)
    }

    /// The relation of exactly this schema and name.
    pub fn relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relations.get(&key(schema, name)?)
    }

    /// The relations whose rows a relation's columns also are: what it inherits from and, below it, what inherits from it.
    pub fn kin<'c>(&'c self, relation: &'c Relation, with_children: bool) -> Vec<(&'c str, &'c Relation)> {
        const MOST: usize = 1_000;
        let mut found: Vec<(&str, &Relation)> = Vec::new();
        for up in [true, false] {
            let next = |relation: &'c Relation| if up { &relation.parents } else { &relation.children };
            let mut pending: Vec<&Name> =
                if up || with_children { next(relation).iter().collect() } else { Vec::new() };
            while let Some(name) = pending.pop() {
                if found.len() >= MOST || found.iter().any(|(known, _)| *known == &**name) {
                    continue;
                }
                if let Some(kin) = self.relations.get(&**name) {
                    found.push((name, kin));
                    pending.extend(next(kin));
                }
            }
        }
        found
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

    /// The schema of the path in which somebody made an operator of this name.
    pub fn operator_schema(&self, name: &str) -> Option<&Name> {
        if self.operators.is_empty() {
            return None;
        }
        let named = |schema: &&Name| &***schema != "pg_catalog" && self.operators.contains(&format!("{schema}.{name}"));
        self.search_path.iter().find(named)
    }

    /// What runs when a value is cast to a type, besides PostgreSQL's own functions. A literal is read, not cast, but checked.
    pub fn cast_functions(&self, bare_type: &str, is_literal: bool) -> impl Iterator<Item = &str> {
        let casts = self.casts.get(bare_type).filter(|_| !is_literal);
        casts.into_iter().chain(self.checks.get(bare_type)).flatten().map(String::as_str)
    }

    /// The functions that reading a value of any type may call.
    pub fn all_checks(&self) -> impl Iterator<Item = &str> {
        let mut all: Vec<&str> = self.checks.values().flatten().map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }

    /// How many types have functions of casts or checks.
    pub fn types_with_calls(&self) -> usize {
        self.casts.len().saturating_add(self.checks.len())
    }

    /// The functions of casts to, and checks of, all types that a text in lower case may name, and of casts where a value is stored.
    pub fn calls_of_types_in(&self, text: &str) -> Vec<&str> {
        let named = |name: &str| name == "=" || (name != "*" && text.contains(&name.to_lowercase()));
        let lists = self.casts.iter().chain(self.checks.iter()).filter(|(name, _)| named(name));
        let mut all: Vec<&str> = lists.flat_map(|(_, called)| called).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The functions of casts that nobody has to write: they may run wherever a value stands, some only where one is stored.
    pub fn implicit_casts(&self, stores: bool) -> impl Iterator<Item = &str> {
        let stored = self.casts.get("=").filter(|_| stores);
        self.casts.get("*").into_iter().chain(stored).flatten().map(String::as_str)
    }

    /// The text a session prepared under this name.
    pub fn prepared(&self, name: &str) -> Option<Arc<str>> {
        self.prepared.get(name).cloned()
    }

    /// The query of the session's cursor of this name.
    pub fn cursor(&self, name: &str) -> Option<Arc<str>> {
        self.cursors.get(name).cloned()
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

/// The catalog is silent about a whole class of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlisted;

/// Keys are `schema.name`. A part with a dot in it cannot be told apart from two parts, so it is not known.
fn key(schema: &str, name: &str) -> Option<String> {
    (!schema.contains('.') && !name.contains('.')).then(|| format!("{schema}.{name}"))
}
