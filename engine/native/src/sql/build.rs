//! The builder that every statement and expression writes into: operations, features, problems, what is read and written.
//!
//! It holds where we are (statement, path of `via`, span) and nothing about SQL itself. `statements` and `query` extend it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use pg_query::protobuf::Node;
use pg_query::NodeEnum;

use super::catalog::Catalog;
use super::features::Feature;
use super::kinds::Kind;
use super::names;
use super::query::flow::Flow;
use super::query::handing::Handing;
use super::query::scope::{Column, Columns};
use super::tree::{Access, Effect, Name, Operation, Problem, Target, Tree, Via};

/// More operations than this in one command are not listed: the rest is unknown.
pub const MAX_OPERATIONS: usize = 10_000;

/// How deep SQL may stand in literals of SQL in literals.
pub const MAX_EMBEDDING: usize = 4;

/// Steps of resolving names that one command may cost: a text made to multiply columns ends as unknown, not in minutes.
const BUDGET: usize = 500_000;

/// A path longer than this says nothing more.
const MAX_PATH: usize = 24;

/// Where in the tree the builder stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The operation that targets are added to.
    pub operation: usize,
}

pub struct Builder<'a> {
    pub text: &'a str,
    pub catalog: Option<&'a Catalog>,
    pub tree: Tree,
    pub statement: usize,
    /// The span of operations that have no better one.
    pub span: (usize, usize),
    /// SQL in literals: offsets of such a text mean nothing in ours.
    pub embedded: usize,
    /// Above zero, nothing is recorded: a second look at the same nodes, or at a view's query.
    pub quiet: usize,
    /// Inside EXPLAIN without ANALYZE: statements are planned, not run.
    pub planned: bool,
    /// Above zero, we look at what stands behind a view: who made it answers for what it reads; what it calls still runs.
    pub behind: usize,
    /// What names mean to the session, also while a view's own names are looked at.
    pub session: Option<&'a Catalog>,
    pub views: HashMap<Name, Option<Rc<Columns>>>,
    /// Values that queries inside this command compute: the result may show them, or leave them out.
    pub computed: Vec<Flow>,
    /// How many queries stood where a value stands.
    pub subqueries: usize,
    /// Above zero, a column is compared for equality with constants.
    comparing: usize,
    /// Columns that decide otherwise, and those read otherwise.
    decides: BTreeSet<Name>,
    used: BTreeSet<Name>,
    via: Vec<Via>,
    current: usize,
    calls: HashSet<(Name, Vec<Via>, usize)>,
    budget: usize,
    pub handing: Handing,
}

impl<'a> Builder<'a> {
    pub fn new(text: &'a str, catalog: Option<&'a Catalog>) -> Self {
        Self {
            text,
            catalog,
            tree: Tree::new(),
            statement: 0,
            span: (0, text.len()),
            embedded: 0,
            quiet: 0,
            planned: false,
            behind: 0,
            session: catalog,
            views: HashMap::new(),
            computed: Vec::new(),
            subqueries: 0,
            comparing: 0,
            decides: BTreeSet::new(),
            used: BTreeSet::new(),
            via: vec![Via::Top],
            current: 0,
            calls: HashSet::new(),
            budget: BUDGET,
            handing: Handing::default(),
        }
    }

    /// Runs `work` one step further down the path.
    pub fn within<T>(&mut self, step: Via, work: impl FnOnce(&mut Self) -> T) -> T {
        if self.via.len() >= MAX_PATH {
            return self.aside(work);
        }
        self.via.push(step);
        let result = self.aside(work);
        self.via.pop();
        result
    }

    /// Runs `work`, which may begin operations, and comes back to the operation that is being built.
    pub fn aside<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let place = self.current;
        let result = work(self);
        self.current = place;
        result
    }

    /// Runs `work` without recording operations, features or problems.
    pub fn quietly<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.quiet = self.quiet.saturating_add(1);
        let result = work(self);
        self.quiet = self.quiet.saturating_sub(1);
        result
    }

    /// Runs `work` over a view's query, in which names mean what they meant to who wrote it. Only calls are recorded.
    pub fn behind<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let names = self.catalog;
        self.catalog = names.map(Catalog::definitions);
        self.behind = self.behind.saturating_add(1);
        let result = work(self);
        self.behind = self.behind.saturating_sub(1);
        self.catalog = names;
        result
    }

    /// Whether what is found now is written down.
    pub fn is_recording(&self) -> bool {
        self.quiet == 0 && self.behind == 0
    }

    /// Begins an operation with its usual effect; targets that follow belong to it.
    pub fn operation(&mut self, kind: Kind) -> Place {
        self.operation_with(kind, kind.effect())
    }

    pub fn operation_with(&mut self, kind: Kind, effect: Effect) -> Place {
        let is_only_carried = self.planned || self.behind > 0;
        if self.quiet > 0 || (is_only_carried && kind != Kind::CallFunction && kind != Kind::Unknown) {
            return Place { operation: self.current };
        }
        if self.tree.operations.len() >= MAX_OPERATIONS {
            self.overflow();
            return Place { operation: self.current };
        }
        self.current = self.tree.operations.len();
        self.tree.operations.push(Operation {
            kind,
            effect,
            via: self.via.clone(),
            targets: Vec::new(),
            span: self.span,
            has_where: None,
            has_limit: None,
            statement: self.statement,
        });
        Place { operation: self.current }
    }

    fn overflow(&mut self) {
        self.tree.complete = false;
        if self.tree.problems.iter().any(|problem| problem.code == "too_many_operations") {
            return;
        }
        self.problem("too_many_operations", format!("the command has more than {MAX_OPERATIONS} operations"), None);
        if let Some(last) = self.tree.operations.last_mut() {
            // The list stays bounded, and its last entry says that there is more.
            last.kind = Kind::Unknown;
            last.effect = Effect::Unknown;
        }
    }

    /// Pays for work that grows faster than the text. False when there is nothing left: the caller stops.
    pub fn spend(&mut self, steps: usize) -> bool {
        if self.budget > steps {
            self.budget = self.budget.saturating_sub(steps);
            return true;
        }
        if self.budget > 0 {
            self.budget = 0;
            let quiet = std::mem::take(&mut self.quiet);
            let planned = std::mem::take(&mut self.planned);
            self.operation(Kind::Unknown);
            self.problem("too_complex", "resolving the names of this command takes too long", None);
            self.incomplete();
            self.quiet = quiet;
            self.planned = planned;
        }
        false
    }

    /// Something nobody taught this parser.
    pub fn unknown(&mut self, what: &str) {
        if self.quiet > 0 {
            return;
        }
        self.aside(|b| b.operation(Kind::Unknown));
        self.problem("unknown_construct", format!("`{what}` is not understood"), None);
        self.incomplete();
    }

    pub fn incomplete(&mut self) {
        if self.quiet == 0 {
            self.tree.complete = false;
        }
    }

    pub fn feature(&mut self, feature: Feature) {
        let is_seen = self.behind == 0 || !matches!(feature, Feature::WholeRow | Feature::LockingClause);
        if self.quiet == 0 && is_seen {
            self.tree.features.insert(feature);
        }
    }

    pub fn problem(&mut self, code: &'static str, message: impl Into<String>, at: Option<usize>) {
        if self.quiet == 0 && self.tree.problems.len() < 32 {
            self.tree.problems.push(Problem::new(code, message, at));
        }
    }

    /// Adds a target to the operation that is being built.
    pub fn target(&mut self, target: Target) {
        if self.quiet > 0 {
            return;
        }
        if self.behind > 0 && !matches!(target.access, Access::Execute) {
            return;
        }
        let planned = self.planned;
        if let Some(operation) = self.tree.operations.get_mut(self.current) {
            let target = if planned && target.access != Access::Execute {
                Target { access: Access::Read, ..target }
            } else {
                target
            };
            // A long list of targets is a list of different ones (DROP TABLE a, b, ...): no need to compare them all.
            if operation.targets.len() > 64 || !operation.targets.contains(&target) {
                operation.targets.push(target);
            }
        }
    }

    pub fn at<T>(&mut self, place: Place, change: impl FnOnce(&mut Operation) -> T) -> Option<T> {
        if self.quiet > 0 || self.planned || self.behind > 0 {
            return None;
        }
        self.tree.operations.get_mut(place.operation).map(change)
    }

    /// Whether this call, reached this way, is new in this statement.
    pub fn is_new_call(&mut self, name: &Name) -> bool {
        self.quiet == 0 && self.calls.insert((name.clone(), self.via.clone(), self.statement))
    }

    pub fn read(&mut self, column: &Name) {
        if !self.is_recording() {
            return;
        }
        if !self.tree.sql.reads.contains(column) {
            self.tree.sql.reads.insert(column.clone());
        }
        self.handing.read(column);
        if self.comparing == 0 && !self.used.contains(column) {
            self.used.insert(column.clone());
        }
    }

    pub fn write(&mut self, column: Name) {
        if self.is_recording() && !self.planned {
            self.tree.sql.writes.insert(column);
        }
    }

    pub fn relation(&mut self, full: &Name) {
        if self.quiet == 0 && !self.tree.sql.relations.contains(full) {
            self.tree.sql.relations.insert(full.clone());
        }
    }

    pub fn filters(&mut self, columns: &[Name]) {
        if self.is_recording() {
            for column in columns {
                if !self.tree.sql.filters.contains(column) {
                    self.tree.sql.filters.insert(column.clone());
                }
                if !self.decides.contains(column) {
                    self.decides.insert(column.clone());
                }
            }
        }
    }

    /// What compares columns for equality with constants. Their uses in it are no others.
    pub fn compared<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        self.comparing = self.comparing.saturating_add(1);
        let seen = look(self);
        self.comparing = self.comparing.saturating_sub(1);
        seen
    }

    /// Columns that decide by being equal to constants, here.
    pub fn equals(&mut self, columns: &[Name]) {
        if self.is_recording() {
            for column in columns {
                self.tree.sql.filters.insert(column.clone());
                self.tree.sql.equalities.insert(column.clone());
            }
        }
    }

    /// Notes what a query inside the command computes. Where no result shows such a value, whether there is an answer at
    /// all can still tell of it: computing it may raise an error.
    pub fn computes(&mut self, columns: &Columns) {
        if !self.is_recording() {
            return;
        }
        for Flow { origins, calls, .. } in columns.list.iter().map(|column| &column.flow).filter(|flow| flow.derived) {
            if origins.is_empty() || !self.spend(origins.len().saturating_add(calls.len())) {
                continue;
            }
            self.computed.push(Flow { origins: origins.clone(), calls: calls.clone(), ..Flow::constant() });
        }
    }

    /// Counts as filters the columns in computed values that none of the columns shown is made of.
    pub fn close(&mut self, shown: &[Column]) {
        for value in std::mem::take(&mut self.computed) {
            let is_shown = self.spend(shown.len()) && shown.iter().any(|column| column.flow.holds(&value));
            if !is_shown {
                self.filters(&value.origins);
            }
        }
        self.tree.sql.passed = self.handing.passed(&self.tree.sql.reads);
        let (decides, used) = (std::mem::take(&mut self.decides), std::mem::take(&mut self.used));
        if !self.tree.sql.equalities.is_empty() {
            let shows: HashSet<&Name> = shown.iter().flat_map(|column| &column.flow.origins).collect();
            let only = |column: &Name| !decides.contains(column) && (!used.contains(column) || shows.contains(column));
            self.tree.sql.equalities.retain(only);
        }
    }

    /// Whether the path goes through this step.
    pub fn is_within(&self, step: Via) -> bool {
        self.via.contains(&step)
    }

    /// The text of a string constant. From now on constants matter to the tree.
    pub fn literal<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        self.constant_used();
        literal_text(node)
    }

    /// A constant's value has reached the tree.
    pub fn constant_used(&mut self) {
        self.tree.sql.constants_matter = true;
    }
}

/// The text of a string constant, as the server reads it. Whoever calls this lets a constant's value into the tree.
pub fn literal_text(node: &Node) -> Option<&str> {
    match node.node.as_ref()? {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            pg_query::protobuf::a_const::Val::Sval(text) => Some(&text.sval),
            _ => None,
        },
        // Any other cast may make another text of it: cut it, fold it, put a name in its place.
        NodeEnum::TypeCast(cast) if cast.type_name.as_ref().is_some_and(names::keeps_text) => {
            cast.arg.as_deref().and_then(literal_text)
        }
        NodeEnum::String(text) => Some(&text.sval),
        _ => None,
    }
}
