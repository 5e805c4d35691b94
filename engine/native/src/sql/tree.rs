//! The command tree while it is built: the same fields as `engine/command/tree.py`, written out by `encode`.
//!
//! Only the SQL part of it; called by `build` and everything below it. No parsing here.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::features::Feature;
use super::kinds::Kind;

/// Names are shared: the same relation stands in operations, reads and origins.
pub type Name = Arc<str>;

/// Defines a closed set of words with their spelling in the tree.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What an operation does, mildest first: the effect of a statement that runs others is the gravest of theirs.
    Effect {
        Read "read", Session "session", Create "create", Write "write", Delete "delete", Grant "grant",
        Execute "execute", Unknown "unknown",
    }
}

words! {
    /// How an operation touches a target.
    Access {
        Read "read", Write "write", Create "create", Delete "delete", Execute "execute", Grant "grant", Set "set",
    }
}

words! {
    /// How an operation is reached, outermost first.
    Via {
        Top "top", Cte "cte", Subquery "subquery", Source "source", Explain "explain", Prepare "prepare",
        Execute "execute", Copy "copy", Cursor "cursor", View "view", Rule "rule", Table "table", Function "function",
        Body "body", Do "do", Merge "merge", OnConflict "on_conflict", Schema "schema", Alter "alter", Default "default",
        Check "check", Index "index", Policy "policy", Trigger "trigger", SqlText "sql_text", Where "where",
    }
}

/// One thing an operation touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub class: &'static str,
    pub name: Name,
    pub access: Access,
    pub schema: Option<Name>,
    pub relation: Option<Name>,
    pub column: Option<Name>,
    pub resolved: bool,
}

impl Target {
    pub fn plain(class: &'static str, name: impl Into<Name>, access: Access) -> Self {
        Self { class, name: name.into(), access, schema: None, relation: None, column: None, resolved: false }
    }
}

/// One operation that could run.
#[derive(Clone, Debug)]
pub struct Operation {
    pub kind: Kind,
    pub effect: Effect,
    pub via: Vec<Via>,
    pub targets: Vec<Target>,
    pub span: (usize, usize),
    pub has_where: Option<bool>,
    pub has_limit: Option<bool>,
    pub statement: usize,
}

/// Something the parser could not see or refuses to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    pub message: String,
    pub at: Option<usize>,
}

impl Problem {
    pub fn new(code: &'static str, message: impl Into<String>, at: Option<usize>) -> Self {
        Self { code, message: message.into(), at }
    }
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub name: Option<Name>,
    pub origins: Vec<Name>,
    pub derived: bool,
    pub function: Option<Name>,
    /// `None` for a plain copy.
    pub calls: Option<Vec<Name>>,
    pub proven: bool,
}

/// What is particular to SQL. The sets are ordered, so equal commands encode equally.
#[derive(Clone, Debug, Default)]
pub struct Sql {
    pub reads: BTreeSet<Name>,
    pub writes: BTreeSet<Name>,
    pub relations: BTreeSet<Name>,
    pub filters: BTreeSet<Name>,
    /// Filters that decide by nothing but being equal to constants; where else they are read, an output shows them.
    pub equalities: BTreeSet<Name>,
    /// Columns read by nothing but inner queries that hand them on, to nobody who uses them.
    pub passed: BTreeSet<Name>,
    pub outputs: Option<Vec<Output>>,
    pub outputs_proven: bool,
    pub has_where: bool,
    pub has_limit: bool,
    pub joins: usize,
    pub statements: usize,
    pub is_multi: bool,
    pub constants_matter: bool,
}

/// The whole command.
#[derive(Clone, Debug)]
pub struct Tree {
    pub operations: Vec<Operation>,
    pub features: BTreeSet<Feature>,
    pub complete: bool,
    pub problems: Vec<Problem>,
    pub sql: Sql,
}

impl Tree {
    pub fn new() -> Self {
        Self {
            operations: Vec::new(),
            features: BTreeSet::new(),
            complete: true,
            problems: Vec::new(),
            sql: Sql::default(),
        }
    }

    /// A command that cannot be seen: one unknown operation and the reason.
    pub fn refused(problem: Problem, length: usize) -> Self {
        let mut tree = Self::new();
        tree.complete = false;
        tree.problems.push(problem);
        tree.operations.push(Operation {
            kind: Kind::Unknown,
            effect: Effect::Unknown,
            via: vec![Via::Top],
            targets: Vec::new(),
            span: (0, length),
            has_where: None,
            has_limit: None,
            statement: 0,
        });
        tree.sql.statements = 1;
        tree.sql.constants_matter = true;
        tree
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}
