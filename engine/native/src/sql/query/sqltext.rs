//! SQL inside SQL: texts that a function or statement will parse and run.

use super::scope::Columns;
use crate::sql::build::{Builder, MAX_EMBEDDING};
use crate::sql::features::Feature;
use crate::sql::guard;
use crate::sql::parse::parse;
use crate::sql::room;
use crate::sql::tree::Via;

impl<'a> Builder<'a> {
    /// Lists what a text runs. Gives the result columns of its last statement. A text that is no SQL makes the command
    /// incomplete: whoever gets it may read it in another way.
    pub fn embedded_sql(&mut self, text: &str) -> Columns {
        self.feature(Feature::SqlText);
        self.embedded(Via::SqlText, text)
    }

    /// The same for a text reached by another step: a function's body, a prepared statement.
    pub fn embedded(&mut self, step: Via, text: &str) -> Columns {
        // WHY the nesting bound: we may stand on an ordinary stack, and the literal was one token to the guard.
        let shallow = self.embedded < MAX_EMBEDDING
            && guard::readable(text.as_bytes()).is_ok()
            && guard::demand(text).is_ok_and(guard::Demand::is_modest)
            && room::is_here();
        let parsed = if shallow && self.spend(text.len()) { parse(text).ok() } else { None };
        let Some(parsed) = parsed else {
            self.problem("opaque_text", "a text that is run as SQL could not be read", None);
            self.incomplete();
            return Columns::default();
        };
        self.embedded = self.embedded.saturating_add(1);
        let mut columns = Columns::known(Vec::new());
        for statement in &parsed.stmts {
            if let Some(node) = statement.stmt.as_ref().and_then(|node| node.node.as_ref()) {
                columns = self.within(step, |b| b.statement_node(node)).unwrap_or_default();
            }
        }
        self.embedded = self.embedded.saturating_sub(1);
        columns
    }
}
