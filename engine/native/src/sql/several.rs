//! Several statements in one text: whether what each of them shows is certain, though names were looked up before the first ran.
//!
//! A statement that may change what names mean (of the path, of a role, of what it makes or calls) leaves those behind it uncertain.
//! Only a list of what keeps names counts as keeping them.

use pg_query::protobuf::{RawStmt, TransactionStmtKind, VariableSetKind};
use pg_query::NodeEnum;

use super::query::scope::Columns;
use super::tree::{Effect, Operation};

/// Settings of a session that change how long something takes or how it is printed, and no name.
const KEEPING: [&str; 19] = [
    "application_name",
    "bytea_output",
    "client_min_messages",
    "extra_float_digits",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "jit",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "maintenance_work_mem",
    "plan_cache_mode",
    "statement_timeout",
    "timezone",
    "transaction_timeout",
    "work_mem",
    "max_parallel_workers_per_gather",
];

/// What is known of the statements so far.
#[derive(Default)]
pub struct Several {
    is_unproven: bool,
    /// Names may mean something else now.
    are_names_moved: bool,
}

impl Several {
    /// One statement more: the columns it shows, if they can be known, and what it does.
    pub fn add(&mut self, statement: &RawStmt, outputs: Option<&Columns>, operations: &[Operation]) {
        let node = statement.stmt.as_ref().and_then(|node| node.node.as_ref());
        let is_sure =
            outputs.is_some_and(|columns| columns.complete && columns.list.iter().all(|column| column.flow.proven));
        let has_names = !matches!(
            node,
            Some(NodeEnum::TransactionStmt(_) | NodeEnum::VariableSetStmt(_) | NodeEnum::VariableShowStmt(_))
        );
        self.is_unproven |= !is_sure || (self.are_names_moved && has_names);
        self.are_names_moved |= !keeps_names(node) || operations.iter().any(|one| one.effect != own_effect(node));
    }

    pub fn are_proven(&self) -> bool {
        !self.is_unproven
    }
}

fn keeps_names(node: Option<&NodeEnum>) -> bool {
    match node {
        Some(NodeEnum::SelectStmt(_) | NodeEnum::VariableShowStmt(_)) => true,
        // The end of a transaction takes back what was set or made in it.
        Some(NodeEnum::TransactionStmt(transaction)) => matches!(
            TransactionStmtKind::try_from(transaction.kind),
            Ok(TransactionStmtKind::TransStmtBegin
                | TransactionStmtKind::TransStmtStart
                | TransactionStmtKind::TransStmtSavepoint
                | TransactionStmtKind::TransStmtRelease)
        ),
        Some(NodeEnum::VariableSetStmt(set)) => {
            VariableSetKind::try_from(set.kind) != Ok(VariableSetKind::VarResetAll)
                && KEEPING.contains(&set.name.to_lowercase().as_str())
        }
        _ => false,
    }
}

/// The one effect of all that a statement which keeps names does. A query that does more may do anything.
fn own_effect(node: Option<&NodeEnum>) -> Effect {
    match node {
        Some(NodeEnum::SelectStmt(_)) => Effect::Read,
        _ => Effect::Session,
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::tree_of;

    fn is_proven(text: &str) -> bool {
        tree_of(text, None).sql.outputs_proven
    }

    #[test]
    fn statements_that_keep_names_are_sure() {
        for text in [
            "SELECT version(); SELECT current_user",
            "SET statement_timeout = '5s'; SELECT 1",
            "BEGIN; SELECT 1; COMMIT",
            "BEGIN; SAVEPOINT a; SELECT 1; RELEASE a; SELECT 2; ROLLBACK",
            "SELECT 1; SET search_path = x; COMMIT",
            "SET timezone TO 'UTC'; SHOW timezone; SELECT 2",
            "RESET statement_timeout; SELECT 2",
        ] {
            assert!(is_proven(text), "{text}");
        }
    }

    #[test]
    fn those_behind_one_that_may_not_are_unsure() {
        for text in [
            "SET search_path = evil; SELECT 1",
            "SET LOCAL search_path = evil; SELECT 1",
            "SET ROLE other; SELECT 1",
            "SET SESSION AUTHORIZATION other; SELECT 1",
            "RESET ALL; SELECT 1",
            "RESET search_path; SELECT 1",
            "DISCARD ALL; SELECT 1",
            "SELECT set_config('search_path', 'evil', false); SELECT 1",
            "SELECT set_config('timezone', 'UTC', false); SELECT 1",
            "SELECT f(); SELECT 1",
            "COMMIT; SELECT 1",
            "BEGIN; SELECT 1; ROLLBACK; SELECT 2",
            "ROLLBACK TO a; SELECT 1",
            "CREATE TEMP TABLE cust (id int); SELECT 1",
            "ALTER TABLE cust RENAME TO other; SELECT 1",
            "SELECT 1 AS a INTO cust; SELECT 1",
            "WITH x AS (DELETE FROM t) SELECT 1; SELECT 1",
            "INSERT INTO t VALUES (1); SELECT 1",
            "DO 'begin end'; SELECT 1",
            "CALL p(); SELECT 1",
            "PREPARE p AS SELECT 1; EXECUTE p",
            "EXECUTE p; SELECT 1",
            "FETCH c; SELECT 1",
            "SELECT 1; SELECT x FROM unknown_table",
        ] {
            assert!(!is_proven(text), "{text}");
        }
    }
}
