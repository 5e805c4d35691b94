//! What names mean inside a query: the tables of each level, their columns, common table expressions.
//!
//! Levels are a chain of scopes, innermost first. A table whose columns nobody knows answers "maybe" to every name: then
//! the result holds every candidate and is not proven.

use std::rc::Rc;

use super::flow::Flow;
use crate::sql::catalog::Relation;
use crate::sql::names::{self, column_name};
use crate::sql::tree::Name;

/// PostgreSQL's own limit of columns in a result.
pub const MAX_COLUMNS: usize = 1664;

/// A result column of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: Name,
    pub flow: Flow,
}

/// The result columns of a query; `complete` is false when a `*` could not be expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub list: Vec<Column>,
    pub complete: bool,
}

impl Columns {
    pub fn known(list: Vec<Column>) -> Self {
        Self { list, complete: true }
    }

    /// Everything that can be in any of the columns.
    pub fn everything(&self) -> Flow {
        let mut flow = Flow::gather(self.list.iter().map(|column| column.flow.clone()));
        flow.proven &= self.complete;
        flow
    }

    pub fn unproven(mut self) -> Self {
        for column in &mut self.list {
            column.flow.proven = false;
        }
        self
    }
}

/// Where the columns of a table in scope come from.
#[derive(Clone, Debug)]
pub enum Source<'c> {
    /// A relation whose columns the catalog lists; `proven` is false for a view nobody can see through.
    /// `kin` are the tables it inherits from or is read together with: a column of it is theirs too; and of what the server computes it.
    Base { full: Name, columns: &'c [Name], kin: Kin<'c>, proven: bool },
    /// A relation whose columns nobody knows.
    Opaque { full: Name },
    /// A view the catalog defines: its own name and the columns of its query.
    View { full: Name, columns: Rc<Columns> },
    /// A subquery, function or join.
    Columns(Rc<Columns>),
    /// A table function with a result nobody knows.
    Open(Flow),
}

/// One relative's full name and what the catalog knows of it.
type Relative<'c> = (Name, &'c Relation);

/// What a table's columns are besides themselves. Nearly always nothing.
#[derive(Clone, Debug, Default)]
pub struct Kin<'c> {
    /// Tables that share rows with it, by inheritance or partitioning.
    tables: Option<Rc<Vec<Relative<'c>>>>,
    /// The table itself, where it has columns that the server computes of others.
    computing: Option<&'c Relation>,
}

impl<'c> Kin<'c> {
    pub fn of(relation: &'c Relation, tables: Vec<Relative<'c>>) -> Self {
        let computing = (!relation.generated.is_empty()).then_some(relation);
        Self { tables: (!tables.is_empty()).then(|| Rc::new(tables)), computing }
    }

    /// The names of a column here and at the kin.
    pub fn names(&self, full: &str, column: &str) -> Vec<Name> {
        let mut names = vec![column_name(full, column)];
        names.extend(self.sharing(column).map(|(table, _)| column_name(table, column)));
        names
    }

    fn sharing<'s>(&'s self, column: &'s str) -> impl Iterator<Item = &'s Relative<'c>> + 's {
        let kin = self.tables.iter().flat_map(|kin| kin.iter());
        kin.filter(move |(_, relation)| relation.columns.iter().any(|name| &**name == column))
    }

    fn flow(&self, full: &str, column: &str, proven: bool) -> Flow {
        if self.tables.is_none() && self.computing.is_none() {
            return Flow::column(column_name(full, column), proven);
        }
        let mut origins = self.names(full, column);
        let plain = origins.len();
        let own = self.computing.map(|relation| (full, relation));
        for (table, relation) in own.into_iter().chain(self.sharing(column).map(|(table, kin)| (&**table, *kin))) {
            let sources = relation.generated.get(column).into_iter().flatten();
            origins.extend(sources.map(|source| column_name(table, source)));
        }
        let is_computed = origins.len() > plain;
        origins.sort_unstable();
        origins.dedup();
        let flow = Flow { origins, proven, ..Flow::constant() };
        if is_computed {
            flow.derive(GENERATED)
        } else {
            flow
        }
    }
}

/// What a column that the server computes by itself is a call of.
const GENERATED: &str = "column:generated";

/// A table in scope.
#[derive(Clone, Debug)]
pub struct Entry<'c> {
    pub alias: Name,
    /// Set for relations named without an alias: they can be called by schema too.
    pub schema: Option<Name>,
    pub source: Source<'c>,
    /// Column aliases, for the first columns.
    pub renames: Vec<Name>,
    /// Columns that an enclosing JOIN ... USING has merged: not reachable without the table's name.
    pub hidden: Vec<Name>,
    /// May be called by name.
    pub named: bool,
    /// Its columns may be called without its name, and `*` includes them.
    pub bare: bool,
}

/// Whether a table has a column.
pub enum Lookup {
    Found(Flow),
    Maybe(Flow),
    No,
}

const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"];

impl<'c> Entry<'c> {
    pub fn new(alias: Name, source: Source<'c>) -> Self {
        Self { alias, schema: None, source, renames: Vec::new(), hidden: Vec::new(), named: true, bare: true }
    }

    /// Whether the server computes this column of others: COPY sends none that it does.
    pub fn is_computed(&self, name: &str) -> bool {
        match &self.source {
            Source::Base { kin, .. } => kin.computing.is_some_and(|relation| relation.generated.contains_key(name)),
            _ => false,
        }
    }

    /// The flow of the column of this name.
    pub fn column(&self, name: &str) -> Lookup {
        if let Some(at) = self.renames.iter().position(|rename| &**rename == name) {
            return match self.nth(at) {
                Some(flow) => Lookup::Found(flow),
                None => Lookup::Maybe(self.everything().unproven()),
            };
        }
        let skip = self.renames.len();
        match &self.source {
            Source::Base { full, columns, kin, proven } => {
                if columns.iter().skip(skip).any(|column| &**column == name) {
                    Lookup::Found(kin.flow(full, name, *proven))
                } else {
                    system_column(full, name)
                }
            }
            Source::Opaque { full } => Lookup::Maybe(Flow::column(column_name(full, name), false)),
            Source::View { full, columns } => match columns.list.iter().skip(skip).find(|column| &*column.name == name)
            {
                Some(column) => Lookup::Found(through_view(full, column)),
                None if columns.complete => system_column(full, name),
                None => Lookup::Maybe(columns.everything().unproven()),
            },
            Source::Columns(columns) => match columns.list.iter().skip(skip).find(|column| &*column.name == name) {
                Some(column) => Lookup::Found(column.flow.clone()),
                None if columns.complete => Lookup::No,
                None => Lookup::Maybe(columns.everything().unproven()),
            },
            Source::Open(flow) => Lookup::Maybe(flow.clone().unproven()),
        }
    }

    /// The flow of the column at a position; `None` when nobody knows.
    fn nth(&self, at: usize) -> Option<Flow> {
        match &self.source {
            Source::Base { full, columns, kin, proven } => {
                columns.get(at).map(|column| kin.flow(full, column, *proven))
            }
            Source::View { full, columns } if columns.complete => {
                columns.list.get(at).map(|column| through_view(full, column))
            }
            Source::Columns(columns) if columns.complete => columns.list.get(at).map(|column| column.flow.clone()),
            _ => None,
        }
    }

    /// All columns, in order, under the names they have here.
    pub fn columns(&self) -> Columns {
        let rename = |at: usize, name: &Name| self.renames.get(at).unwrap_or(name).clone();
        match &self.source {
            Source::Base { full, columns, kin, proven } => Columns::known(
                columns
                    .iter()
                    .enumerate()
                    .map(|(at, name)| Column { name: rename(at, name), flow: kin.flow(full, name, *proven) })
                    .collect(),
            ),
            Source::View { full, columns } => Columns {
                list: columns
                    .list
                    .iter()
                    .enumerate()
                    .map(|(at, column)| Column { name: rename(at, &column.name), flow: through_view(full, column) })
                    .collect(),
                complete: columns.complete,
            },
            Source::Columns(columns) => Columns {
                list: columns
                    .list
                    .iter()
                    .enumerate()
                    .map(|(at, column)| Column { name: rename(at, &column.name), flow: column.flow.clone() })
                    .collect(),
                complete: columns.complete,
            },
            Source::Opaque { full } => match names::system_columns(full) {
                // Another version may have others beside them, so how many there are is not certain.
                Some(columns) => Columns {
                    list: columns
                        .iter()
                        .enumerate()
                        .map(|(at, name)| Column {
                            name: rename(at, &Name::from(*name)),
                            flow: Flow::column(column_name(full, name), false),
                        })
                        .collect(),
                    complete: false,
                },
                None => star(Flow::column(Name::from(format!("{full}.*")), false)),
            },
            Source::Open(flow) => star(flow.clone().unproven()),
        }
    }

    /// Everything that a row of it holds.
    pub fn everything(&self) -> Flow {
        self.columns().everything()
    }
}

/// The one column that stands for columns nobody could list.
pub fn star(flow: Flow) -> Columns {
    Columns { list: vec![Column { name: Name::from("*"), flow }], complete: false }
}

/// A view's column is both itself and what its query takes it from.
fn through_view(full: &Name, column: &Column) -> Flow {
    let mut flow = column.flow.clone();
    let own = Flow::column(column_name(full, &column.name), flow.proven);
    flow.absorb(own);
    flow
}

fn system_column(full: &Name, name: &str) -> Lookup {
    if SYSTEM_COLUMNS.contains(&name) {
        Lookup::Found(Flow::column(column_name(full, name), true))
    } else {
        Lookup::No
    }
}

/// A common table expression in scope.
#[derive(Clone, Debug)]
pub struct Cte {
    pub name: Name,
    pub columns: Rc<Columns>,
}

/// One level of a query, inside its outer levels.
pub struct Scope<'s, 'c> {
    pub parent: Option<&'s Scope<'s, 'c>>,
    pub entries: Vec<Entry<'c>>,
    pub ctes: Rc<Vec<Cte>>,
}

impl<'s, 'c> Scope<'s, 'c> {
    pub fn root() -> Scope<'c, 'c> {
        Scope { parent: None, entries: Vec::new(), ctes: Rc::new(Vec::new()) }
    }

    /// A new level inside this one.
    pub fn inner(&'s self) -> Scope<'s, 'c> {
        Scope { parent: Some(self), entries: Vec::new(), ctes: Rc::new(Vec::new()) }
    }

    /// This level without its tables: what a subquery in FROM sees that is not LATERAL.
    pub fn without_entries(&self) -> Scope<'s, 'c> {
        Scope { parent: self.parent, entries: Vec::new(), ctes: Rc::clone(&self.ctes) }
    }

    /// How many tables a name may have to be looked for in.
    pub fn width(&self) -> usize {
        let mut width = 1_usize;
        let mut level = Some(self);
        while let Some(scope) = level {
            width = width.saturating_add(scope.entries.len()).saturating_add(scope.ctes.len());
            level = scope.parent;
        }
        width
    }

    pub fn cte(&self, name: &str) -> Option<&Cte> {
        let mut level = Some(self);
        while let Some(scope) = level {
            if let Some(found) = scope.ctes.iter().rev().find(|cte| &*cte.name == name) {
                return Some(found);
            }
            level = scope.parent;
        }
        None
    }

    /// The table of this name, from the innermost level out. `schema` is what the reference said.
    pub fn entry(&self, schema: Option<&str>, name: &str) -> Option<&Entry<'c>> {
        let mut level = Some(self);
        while let Some(scope) = level {
            let fits = |entry: &&Entry<'c>| {
                entry.named && &*entry.alias == name && (schema.is_none() || entry.schema.as_deref() == schema)
            };
            if let Some(found) = scope.entries.iter().find(fits) {
                return Some(found);
            }
            level = scope.parent;
        }
        None
    }

    /// What a bare name can be: a column, from the innermost level out.
    pub fn bare_column(&self, name: &str) -> Option<Flow> {
        let mut candidates: Option<Flow> = None;
        let mut level = Some(self);
        while let Some(scope) = level {
            let mut found: Option<Flow> = None;
            let mut maybe: Option<Flow> = None;
            for entry in
                scope.entries.iter().filter(|entry| entry.bare && !entry.hidden.iter().any(|hidden| &**hidden == name))
            {
                match entry.column(name) {
                    // Two tables that have it: PostgreSQL calls that ambiguous, so nothing is proven.
                    Lookup::Found(flow) => found = Some(joined(found, flow)),
                    Lookup::Maybe(flow) => maybe = Some(joined(maybe, flow)),
                    Lookup::No => {}
                }
            }
            if let Some(flow) = found {
                return Some(match candidates {
                    Some(so_far) => joined(Some(so_far), flow),
                    None => flow,
                });
            }
            if let Some(flow) = maybe {
                candidates = Some(joined(candidates, flow).unproven());
            }
            level = scope.parent;
        }
        candidates
    }

    /// The columns of this level that `*` names, in order, merged ones once; `None` when there are more than a result has.
    pub fn all_columns(&self) -> Option<Columns> {
        let mut all = Columns::known(Vec::new());
        for entry in self.entries.iter().filter(|entry| entry.bare) {
            let columns = entry.columns();
            all.complete &= columns.complete;
            all.list.extend(columns.list.into_iter().filter(|column| !entry.hidden.contains(&column.name)));
            if all.list.len() > MAX_COLUMNS {
                return None;
            }
        }
        Some(all)
    }
}

fn joined(so_far: Option<Flow>, flow: Flow) -> Flow {
    match so_far {
        None => flow,
        Some(mut so_far) => {
            so_far.merge(&flow);
            so_far.unproven()
        }
    }
}

/// A name in no table: still recorded, with what was written.
pub fn nowhere(relation: Option<&str>, name: &str) -> Flow {
    let relation = match relation {
        Some(relation) => names::full_name(None, relation),
        None => Name::from("?.?"),
    };
    Flow::column(column_name(&relation, name), false)
}
