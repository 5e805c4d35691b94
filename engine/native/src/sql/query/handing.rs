//! Columns that an inner query only hands on: its list of results names them plainly, and whoever uses one of them outside reads it there.
//!
//! What nobody uses outside can tell nothing: no row, no order, no error depends on it. A list of results hands on where it is
//! that of a query in FROM, of a WITH, of an EXISTS, or of what is only explained. The result of a command, of a query that stands for
//! a value, of a set operation (which compares columns, or casts them) and of RETURNING uses what it names.

use std::collections::BTreeSet;

use pg_query::protobuf::Node;
use pg_query::NodeEnum;

use super::flow::Flow;
use crate::sql::build::Builder;
use crate::sql::tree::Name;

#[derive(Default)]
pub struct Handing {
    /// The next query hands on what its list of results names.
    next: bool,
    /// What is read now is only handed on.
    now: bool,
    /// What is read otherwise as well.
    used: BTreeSet<Name>,
}

impl Handing {
    pub fn read(&mut self, column: &Name) {
        if !self.now && !self.used.contains(column) {
            self.used.insert(column.clone());
        }
    }

    /// Those of the columns read that are handed on and nothing else.
    pub fn passed(&self, reads: &BTreeSet<Name>) -> BTreeSet<Name> {
        reads.difference(&self.used).cloned().collect()
    }
}

impl Builder<'_> {
    /// Looks at a query whose results somebody may use or leave, who reads what they use.
    pub fn handed_on<T>(&mut self, query: Option<&Node>, look: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.handing.next;
        self.hand_on(query);
        let seen = look(self);
        self.handing.next = before;
        seen
    }

    /// Says so of the query that is looked at next.
    pub fn hand_on(&mut self, query: Option<&Node>) {
        self.handing.next = matches!(query.and_then(|node| node.node.as_ref()), Some(NodeEnum::SelectStmt(_)));
    }

    /// Whether the query that is begun now hands on; those inside it do not, unless they are said to.
    pub fn hands_on(&mut self) -> bool {
        std::mem::take(&mut self.handing.next)
    }

    /// Notes what a column of a list of results is read for: to be handed on, where it is a plain one.
    pub fn note_result(&mut self, flow: &Flow, hands_on: bool) {
        let before = std::mem::replace(&mut self.handing.now, hands_on && flow.proven && !flow.derived);
        self.note_reads(flow);
        self.handing.now = before;
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::catalog::Catalog;
    use crate::sql::tree_of;
    use std::sync::Arc;

    /// msgpack of `{"search_path": ["public"], "relations": {"public.cust": ["id", "ssn"]}}`
    const CATALOG: &[u8] = b"\x82\xabsearch_path\x91\xa6public\xa9relations\x81\xabpublic.cust\x92\xa2id\xa3ssn";

    fn passed(text: &str) -> bool {
        let catalog = Catalog::from_msgpack(CATALOG).ok().map(Arc::new);
        tree_of(text, catalog.as_ref()).sql.passed.contains("public.cust.ssn")
    }

    #[test]
    fn what_nobody_uses_outside_is_only_handed_on() {
        for text in [
            "SELECT count(*) FROM (SELECT * FROM cust) q",
            "SELECT q.id FROM (SELECT c.* FROM cust c LIMIT 5) q",
            "WITH b AS (SELECT id, ssn FROM cust) SELECT id, count(*) FROM b GROUP BY 1",
            "SELECT 1 WHERE EXISTS (SELECT * FROM cust c WHERE c.id = 1)",
            "SELECT id FROM (SELECT * FROM (SELECT * FROM cust) a) b",
            "EXPLAIN SELECT * FROM cust WHERE id = 1",
        ] {
            assert!(passed(text), "{text}");
        }
    }

    #[test]
    fn what_somebody_uses_is_not() {
        for text in [
            "SELECT ssn FROM cust",
            "SELECT q.ssn FROM (SELECT * FROM cust) q",
            "SELECT q FROM (SELECT * FROM cust) q",
            "SELECT count(q) FROM (SELECT * FROM cust) q",
            "SELECT q.* FROM (SELECT * FROM cust) q",
            "SELECT count(*) FROM (SELECT ssn FROM cust UNION ALL SELECT 'x') q",
            "SELECT count(*) FROM (SELECT ssn FROM cust UNION SELECT 'x') q",
            "SELECT count(*) FROM (SELECT upper(ssn) FROM cust) q",
            "SELECT count(*) FROM (SELECT (SELECT ssn FROM cust LIMIT 1) = 'x' AS a) q",
            "SELECT 1 WHERE EXISTS (SELECT id FROM cust UNION SELECT id FROM cust WHERE ssn = 'x')",
            "SELECT 1 WHERE '1' IN (SELECT ssn FROM cust)",
            "SELECT id FROM (SELECT * FROM cust) q ORDER BY ssn",
            "SELECT id FROM (SELECT * FROM cust) q JOIN (SELECT ssn FROM cust) r USING (ssn)",
            "SELECT id FROM (SELECT * FROM cust) q NATURAL JOIN (SELECT ssn FROM cust) r",
            "INSERT INTO cust SELECT * FROM cust",
            "WITH x AS (INSERT INTO cust SELECT * FROM cust RETURNING id) SELECT id FROM x",
            "WITH x AS (DELETE FROM cust RETURNING ssn) SELECT 1",
            "EXPLAIN ANALYZE SELECT ssn FROM cust",
            "EXPLAIN INSERT INTO cust SELECT * FROM cust",
            "COPY (SELECT ssn FROM cust) TO STDOUT",
            "SELECT q.id FROM (SELECT id, ssn FROM cust) q WHERE q IS NOT NULL",
            "SELECT row_to_json(q) FROM (SELECT * FROM cust) q",
        ] {
            assert!(!passed(text), "{text}");
        }
    }
}
