//! Every kind of statement PostgreSQL's grammar has: what it is, what it does, what it touches, what it runs inside.
//!
//! One file per family. `objects` names what DDL names; a statement that no file knows is unknown, never skipped.

mod code;
mod copying;
mod definitions;
mod foreign;
mod objects;
mod plain;
mod procedural;
mod roles;
mod session;
mod settings;
mod tables;

use pg_query::protobuf::RawStmt;
use pg_query::NodeEnum;

use super::build::Builder;
use super::query::json::node_name;
use super::query::scope::{Columns, Scope};

impl<'a> Builder<'a> {
    /// One statement of the text.
    pub fn raw_statement(&mut self, raw: &RawStmt) -> Option<Columns> {
        self.span = statement_span(self.text, raw);
        let node = raw.stmt.as_ref().and_then(|node| node.node.as_ref())?;
        self.statement_node(node)
    }

    /// A statement, at the top or inside another. Gives its result columns: none for a statement without a result, `None`
    /// when nobody can know them.
    pub fn statement_node(&mut self, node: &NodeEnum) -> Option<Columns> {
        match node {
            NodeEnum::SelectStmt(_)
            | NodeEnum::InsertStmt(_)
            | NodeEnum::UpdateStmt(_)
            | NodeEnum::DeleteStmt(_)
            | NodeEnum::MergeStmt(_) => Some(self.query(node, &Scope::root())),
            _ => {
                let known = self.session_statement(node).or_else(|| self.definition_statement(node));
                if known.is_none() {
                    self.unknown(node_name(node));
                }
                known.flatten()
            }
        }
    }

    /// The statements that act on the session, run others, or move data.
    fn session_statement(&mut self, node: &NodeEnum) -> Option<Option<Columns>> {
        match node {
            NodeEnum::ExplainStmt(explain) => return Some(Some(self.explain(explain))),
            NodeEnum::PrepareStmt(prepare) => self.prepare(prepare),
            NodeEnum::ExecuteStmt(execute) => return Some(self.execute_prepared(execute)),
            NodeEnum::DeallocateStmt(deallocate) => self.deallocate(deallocate),
            NodeEnum::DeclareCursorStmt(cursor) => return Some(self.declare_cursor(cursor)),
            NodeEnum::FetchStmt(fetch) => return Some(self.fetch(fetch)),
            NodeEnum::ClosePortalStmt(close) => self.close_cursor(close),
            NodeEnum::TransactionStmt(transaction) => self.transaction(transaction),
            NodeEnum::VariableSetStmt(set) => self.set(set),
            NodeEnum::VariableShowStmt(show) => return Some(Some(self.show(show))),
            NodeEnum::ConstraintsSetStmt(set) => self.set_constraints(set),
            NodeEnum::DiscardStmt(_) => self.simple(super::kinds::Kind::Discard),
            NodeEnum::CheckPointStmt(_) => self.simple(super::kinds::Kind::Checkpoint),
            NodeEnum::LockStmt(lock) => self.lock(lock),
            NodeEnum::ListenStmt(listen) => self.channel(super::kinds::Kind::Listen, &listen.conditionname),
            NodeEnum::UnlistenStmt(unlisten) => self.channel(super::kinds::Kind::Unlisten, &unlisten.conditionname),
            NodeEnum::NotifyStmt(notify) => self.channel(super::kinds::Kind::Notify, &notify.conditionname),
            NodeEnum::VacuumStmt(vacuum) => self.vacuum(vacuum),
            NodeEnum::ClusterStmt(cluster) => self.cluster(cluster),
            NodeEnum::ReindexStmt(reindex) => self.reindex(reindex),
            NodeEnum::TruncateStmt(truncate) => self.truncate(truncate),
            NodeEnum::LoadStmt(load) => self.load(load),
            NodeEnum::CopyStmt(copy) => return Some(self.copy(copy)),
            NodeEnum::DoStmt(block) => self.do_block(block),
            NodeEnum::CallStmt(call) => {
                self.call_procedure(call);
                return Some(None);
            }
            NodeEnum::AlterSystemStmt(alter) => self.alter_system(alter),
            NodeEnum::AlterDatabaseSetStmt(alter) => self.alter_database_setting(alter),
            NodeEnum::AlterRoleSetStmt(alter) => self.alter_role_setting(alter),
            NodeEnum::RefreshMatViewStmt(refresh) => self.refresh(refresh),
            NodeEnum::ReturnStmt(returned) => return Some(Some(self.return_value(returned))),
            _ => return None,
        }
        Some(Some(Columns::known(Vec::new())))
    }
}

/// Where a statement stands in the text, without the white space around it.
pub fn statement_span(text: &str, raw: &RawStmt) -> (usize, usize) {
    let start = usize::try_from(raw.stmt_location).unwrap_or(0);
    let length = usize::try_from(raw.stmt_len).unwrap_or(0);
    let end = if length == 0 { text.len() } else { start.saturating_add(length) };
    let Some(body) = text.get(start..end) else {
        return (0, text.len());
    };
    let lead = body.len().saturating_sub(body.trim_start().len());
    let tail = body.len().saturating_sub(body.trim_end_matches(|c: char| c.is_whitespace() || c == ';').len());
    (start.saturating_add(lead), end.saturating_sub(tail).max(start.saturating_add(lead)))
}
