//! Statements about the session and its data flow: EXPLAIN, prepared statements, cursors, transactions, locks, upkeep.

use pg_query::protobuf::{
    ClosePortalStmt, ClusterStmt, ConstraintsSetStmt, DeallocateStmt, DeclareCursorStmt, ExecuteStmt, ExplainStmt,
    FetchStmt, LoadStmt, LockStmt, Node, PrepareStmt, RefreshMatViewStmt, ReindexObjectType, ReindexStmt, ReturnStmt,
    TransactionStmt, TransactionStmtKind, TruncateStmt, VacuumStmt,
};
use pg_query::NodeEnum;

use crate::sql::build::{Builder, Place};
use crate::sql::features::Feature;
use crate::sql::kinds::Kind;
use crate::sql::names::full_name;
use crate::sql::query::flow::Flow;
use crate::sql::query::scope::{Column, Columns, Scope};
use crate::sql::query::values::Made;
use crate::sql::tree::{Access, Effect, Name, Target, Via};

impl<'a> Builder<'a> {
    pub fn simple(&mut self, kind: Kind) {
        self.operation(kind);
    }

    pub fn explain(&mut self, explain: &ExplainStmt) -> Columns {
        let analyze = self.boolean_option(&explain.options, "analyze");
        let place = self.operation(if analyze { Kind::ExplainAnalyze } else { Kind::Explain });
        let node = explain.query.as_deref().and_then(|node| node.node.as_ref());
        if let Some(node) = node {
            if analyze {
                self.within(Via::Explain, |b| b.statement_node(node));
                self.take_effect(place);
            } else {
                let planned = std::mem::replace(&mut self.planned, true);
                // Nothing of it is computed, and nothing of it is shown.
                let query = explain.query.as_deref();
                self.handed_on(query, |b| b.within(Via::Explain, |b| b.statement_node(node)));
                self.planned = planned;
            }
        }
        Columns::known(vec![Column { name: Name::from("QUERY PLAN"), flow: Flow::constant().derive("explain") }])
    }

    /// The statement inside runs, so its effect is the outer one's.
    fn take_effect(&mut self, place: Place) {
        if self.quiet > 0 || self.planned {
            return;
        }
        let inner = place.operation.saturating_add(1);
        if let Some(effect) = self.tree.operations.get(inner).map(|operation| operation.effect) {
            // What is made is filled too: EXPLAIN ANALYZE CREATE TABLE AS writes rows.
            let effect = if effect == Effect::Create { Effect::Write } else { effect };
            self.at(place, |operation| operation.effect = operation.effect.max(effect));
        }
    }

    /// A boolean option of a list like EXPLAIN's: the last one counts, and what is no boolean counts as on.
    fn boolean_option(&mut self, options: &[Node], name: &str) -> bool {
        let mut value = false;
        for option in options {
            if let Some(NodeEnum::DefElem(option)) = option.node.as_ref() {
                if option.defname == name {
                    self.constant_used();
                    value = match option.arg.as_deref().and_then(|node| node.node.as_ref()) {
                        None => true,
                        Some(NodeEnum::Boolean(flag)) => flag.boolval,
                        Some(NodeEnum::Integer(number)) => number.ival != 0,
                        Some(NodeEnum::String(word)) => {
                            !["false", "off", "0"].iter().any(|off| word.sval.eq_ignore_ascii_case(off))
                        }
                        Some(_) => true,
                    };
                }
            }
        }
        value
    }

    pub fn prepare(&mut self, prepare: &PrepareStmt) {
        self.operation(Kind::Prepare);
        self.target(Target::plain("prepared_statement", prepare.name.as_str(), Access::Create));
        for node in &prepare.argtypes {
            if let Some(NodeEnum::TypeName(name)) = node.node.as_ref() {
                // What EXECUTE hands over becomes one of these.
                self.value_of(Some(name), Made::Cast);
            }
        }
        if let Some(node) = prepare.query.as_deref().and_then(|node| node.node.as_ref()) {
            self.within(Via::Prepare, |b| b.statement_node(node));
        }
    }

    /// EXECUTE runs what was prepared: the catalog may tell its text, else nobody knows.
    pub fn execute_prepared(&mut self, execute: &ExecuteStmt) -> Option<Columns> {
        self.operation(Kind::ExecutePrepared);
        self.target(Target::plain("prepared_statement", execute.name.as_str(), Access::Execute));
        self.expressions(&execute.params, &Scope::root());
        match self.catalog.and_then(|catalog| catalog.prepared(&execute.name)) {
            Some(text) => Some(self.embedded(Via::Execute, &text)),
            None => {
                self.problem("unknown_prepared", format!("nobody knows what `{}` was prepared as", execute.name), None);
                self.incomplete();
                None
            }
        }
    }

    pub fn deallocate(&mut self, deallocate: &DeallocateStmt) {
        self.operation(Kind::Deallocate);
        let name = if deallocate.isall { "all" } else { &deallocate.name };
        self.target(Target::plain("prepared_statement", name, Access::Delete));
    }

    /// DECLARE shows nothing; the columns are those that its FETCH shows.
    pub fn declare_cursor(&mut self, cursor: &DeclareCursorStmt) -> Option<Columns> {
        self.operation(Kind::DeclareCursor);
        self.target(Target::plain("cursor", cursor.portalname.as_str(), Access::Create));
        let query = cursor.query.as_deref().and_then(|node| node.node.as_ref())?;
        Some(self.within(Via::Cursor, |b| b.query(query, &Scope::root())))
    }

    /// FETCH gives rows of a cursor: the catalog may tell its query, else nobody knows of what. MOVE gives none.
    pub fn fetch(&mut self, fetch: &FetchStmt) -> Option<Columns> {
        self.operation(if fetch.ismove { Kind::Move } else { Kind::Fetch });
        self.target(Target::plain("cursor", fetch.portalname.as_str(), Access::Read));
        if fetch.ismove {
            return Some(Columns::known(Vec::new()));
        }
        let query = self.catalog.and_then(|catalog| catalog.cursor(&fetch.portalname));
        query.map(|query| self.embedded(Via::Cursor, &query))
    }

    pub fn close_cursor(&mut self, close: &ClosePortalStmt) {
        self.operation(Kind::CloseCursor);
        let name = if close.portalname.is_empty() { "all" } else { &close.portalname };
        self.target(Target::plain("cursor", name, Access::Delete));
    }

    pub fn transaction(&mut self, transaction: &TransactionStmt) {
        let kind = match TransactionStmtKind::try_from(transaction.kind) {
            Ok(TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart) => Kind::Begin,
            Ok(TransactionStmtKind::TransStmtCommit) => Kind::Commit,
            Ok(TransactionStmtKind::TransStmtRollback) => Kind::Rollback,
            Ok(TransactionStmtKind::TransStmtSavepoint) => Kind::Savepoint,
            Ok(TransactionStmtKind::TransStmtRelease) => Kind::ReleaseSavepoint,
            Ok(TransactionStmtKind::TransStmtRollbackTo) => Kind::RollbackToSavepoint,
            Ok(TransactionStmtKind::TransStmtPrepare) => Kind::PrepareTransaction,
            Ok(TransactionStmtKind::TransStmtCommitPrepared) => Kind::CommitPrepared,
            Ok(TransactionStmtKind::TransStmtRollbackPrepared) => Kind::RollbackPrepared,
            Ok(TransactionStmtKind::Undefined) | Err(_) => Kind::Unknown,
        };
        self.operation(kind);
        self.feature(Feature::TransactionControl);
        if kind == Kind::Unknown {
            self.incomplete();
        }
    }

    pub fn set_constraints(&mut self, set: &ConstraintsSetStmt) {
        self.operation(Kind::SetConstraints);
        for node in &set.constraints {
            if let Some(NodeEnum::RangeVar(name)) = node.node.as_ref() {
                let schema = Some(name.schemaname.as_str()).filter(|schema| !schema.is_empty());
                self.target(Target::plain("constraint", full_name(schema, &name.relname), Access::Set));
            }
        }
    }

    pub fn lock(&mut self, lock: &LockStmt) {
        self.operation(Kind::Lock);
        self.touch_each(&lock.relations, "table", Access::Set);
    }

    pub fn channel(&mut self, kind: Kind, name: &str) {
        self.operation(kind);
        let name = if name.is_empty() { "*" } else { name };
        let access = if kind == Kind::Notify { Access::Write } else { Access::Read };
        self.target(Target::plain("channel", name, access));
    }

    pub fn vacuum(&mut self, vacuum: &VacuumStmt) {
        self.operation(if vacuum.is_vacuumcmd { Kind::Vacuum } else { Kind::Analyze });
        for node in &vacuum.rels {
            if let Some(NodeEnum::VacuumRelation(relation)) = node.node.as_ref() {
                self.touch(relation.relation.as_ref(), "table", Access::Set);
            }
        }
    }

    pub fn cluster(&mut self, cluster: &ClusterStmt) {
        self.operation(Kind::Cluster);
        self.touch(cluster.relation.as_ref(), "table", Access::Set);
    }

    pub fn reindex(&mut self, reindex: &ReindexStmt) {
        self.operation(Kind::Reindex);
        match ReindexObjectType::try_from(reindex.kind) {
            Ok(ReindexObjectType::ReindexObjectIndex) => {
                self.touch(reindex.relation.as_ref(), "index", Access::Set);
            }
            Ok(ReindexObjectType::ReindexObjectTable) => {
                self.touch(reindex.relation.as_ref(), "table", Access::Set);
            }
            Ok(ReindexObjectType::ReindexObjectSchema) => {
                self.target(Target::plain("schema", reindex.name.as_str(), Access::Set))
            }
            _ => self.target(Target::plain("database", reindex.name.as_str(), Access::Set)),
        }
    }

    pub fn truncate(&mut self, truncate: &TruncateStmt) {
        self.operation(Kind::Truncate);
        self.touch_each(&truncate.relations, "table", Access::Delete);
    }

    pub fn refresh(&mut self, refresh: &RefreshMatViewStmt) {
        self.operation(Kind::RefreshMaterializedView);
        self.touch(refresh.relation.as_ref(), "materialized_view", Access::Write);
    }

    /// LOAD brings foreign machine code into the server.
    pub fn load(&mut self, load: &LoadStmt) {
        self.operation_with(Kind::Load, Effect::Execute);
        self.target(Target::plain("file", load.filename.as_str(), Access::Execute));
        self.feature(Feature::ServerFile);
        self.incomplete();
    }

    /// RETURN in the body of an SQL function.
    pub fn return_value(&mut self, returned: &ReturnStmt) -> Columns {
        self.operation(Kind::Select);
        let flow = self.optional(returned.returnval.as_deref(), &Scope::root());
        Columns::known(vec![Column { name: Name::from("return"), flow }])
    }
}
