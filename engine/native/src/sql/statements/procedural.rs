//! Blocks of PL/pgSQL: every statement and expression in one is SQL of its own, listed like any other.
//!
//! PostgreSQL's own PL/pgSQL grammar (in libpg_query) takes the block apart; its SQL goes back through `parse`. A text that
//! is put together while it runs (EXECUTE of anything but a literal) is dynamic: nobody can say what it does.

use std::rc::Rc;

use pg_query::NodeEnum;
use serde_json::Value;

use crate::sql::build::{Builder, MAX_EMBEDDING};
use crate::sql::features::Feature;
use crate::sql::guard;
use crate::sql::kinds::Kind;
use crate::sql::parse::parse_as;
use crate::sql::query::flow::Flow;
use crate::sql::query::scope::{Column, Columns, Entry, Scope, Source};
use crate::sql::room;
use crate::sql::tree::{Name, Via};

/// The longest block that is taken apart.
const MAX_BLOCK: usize = 64 << 10;

/// More words that open a block than this are nested too deeply for the grammar's own stack.
const MAX_OPENINGS: usize = 400;

/// Grammars of `pg_query::ParserOptions`: a whole statement, an expression, an assignment to `a`, `a.b`, `a.b.c`.
const STATEMENT: i32 = 0;
const EXPRESSION: i32 = 2;
const ASSIGNMENTS: std::ops::RangeInclusive<i32> = 3..=5;

impl<'a> Builder<'a> {
    /// Lists what a block does. False when it could not be taken apart: then it is opaque.
    pub fn procedural_block(&mut self, body: &str) -> bool {
        let Some(parsed) = self.take_apart(body) else {
            return false;
        };
        if !self.values_in_block(body) {
            return false;
        }
        let mut names = Vec::new();
        variables(&parsed, &mut names);
        if !self.spend(names.len()) {
            return false;
        }
        let mut scope = Scope::root();
        let constants = |name: &Name| Column { name: name.clone(), flow: Flow::constant() };
        let plain = Columns::known(names.iter().map(constants).collect());
        let mut block = Entry::new(Name::from(""), Source::Columns(Rc::new(plain)));
        block.named = false;
        scope.entries.push(block);
        // A variable may be a row, whose fields nobody knows here.
        for name in names {
            let mut row = Entry::new(name, Source::Open(Flow::constant()));
            row.bare = false;
            scope.entries.push(row);
        }
        self.embedded = self.embedded.saturating_add(1);
        self.within(Via::Do, |b| b.block_part(&parsed, &scope));
        self.embedded = self.embedded.saturating_sub(1);
        true
    }

    fn take_apart(&mut self, body: &str) -> Option<Value> {
        let lowered = body.to_ascii_lowercase();
        let openings = ["begin", "loop", "if", "case", "for", "declare"].map(|word| lowered.matches(word).count());
        let fits = body.len() <= MAX_BLOCK
            && openings.iter().sum::<usize>() <= MAX_OPENINGS
            && self.embedded < MAX_EMBEDDING
            && guard::demand(body).is_ok_and(guard::Demand::is_modest)
            && room::is_here()
            && self.spend(body.len());
        if !fits {
            return None;
        }
        let mut tag = "$block$".to_owned();
        while body.contains(&tag) {
            tag.insert(1, 'x');
        }
        pg_query::parse_plpgsql(&format!("DO {tag}{body}{tag}")).ok().filter(|parsed| {
            // Nothing at all is not what a block becomes.
            parsed.as_array().is_some_and(|blocks| !blocks.is_empty())
        })
    }

    fn block_part(&mut self, part: &Value, scope: &Scope<'_, 'a>) {
        match part {
            Value::Array(items) => {
                for item in items {
                    self.block_part(item, scope);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    match name.as_str() {
                        "PLpgSQL_expr" => self.block_sql(value, scope),
                        "PLpgSQL_stmt_dynexecute" | "PLpgSQL_stmt_dynfors" => {
                            for (name, value) in value.as_object().into_iter().flatten() {
                                if name == "query" {
                                    self.run_text(value, scope);
                                } else {
                                    self.block_part(value, scope);
                                }
                            }
                        }
                        "dynquery" => self.run_text(value, scope),
                        "PLpgSQL_stmt_fetch" => {
                            // WHY for bound cursors too: their variable can be given the name of any portal of the session.
                            self.aside(|b| b.operation(Kind::Fetch));
                            self.block_part(value, scope);
                        }
                        "PLpgSQL_stmt_commit" | "PLpgSQL_stmt_rollback" => {
                            let kind = if name.ends_with("commit") { Kind::Commit } else { Kind::Rollback };
                            self.feature(Feature::TransactionControl);
                            self.aside(|b| b.operation(kind));
                        }
                        _ => self.block_part(value, scope),
                    }
                }
            }
            _ => {}
        }
    }

    /// SQL as it stands in a block: a statement, an expression or an assignment.
    fn block_sql(&mut self, expression: &Value, scope: &Scope<'_, 'a>) {
        let text = expression.get("query").and_then(Value::as_str).unwrap_or_default();
        let mode = expression.get("parseMode").and_then(Value::as_i64).and_then(|mode| i32::try_from(mode).ok());
        // An enum's first value may be left out.
        let mode = mode.unwrap_or(STATEMENT);
        let readable = guard::demand(text).is_ok_and(guard::Demand::is_modest) && self.spend(text.len());
        let parsed = if readable { parse_as(text, mode) } else { None };
        let Some(parsed) = parsed else {
            self.problem("opaque_text", "a part of the block could not be read", None);
            self.incomplete();
            return;
        };
        for statement in &parsed.stmts {
            match statement.stmt.as_ref().and_then(|node| node.node.as_ref()) {
                Some(NodeEnum::PlassignStmt(assignment)) if ASSIGNMENTS.contains(&mode) => {
                    self.expressions(&assignment.indirection, scope);
                    if let Some(value) = assignment.val.as_deref() {
                        self.block_value(value, scope);
                    }
                }
                Some(NodeEnum::SelectStmt(value)) if mode == EXPRESSION => self.block_value(value, scope),
                Some(
                    node @ (NodeEnum::SelectStmt(_)
                    | NodeEnum::InsertStmt(_)
                    | NodeEnum::UpdateStmt(_)
                    | NodeEnum::DeleteStmt(_)
                    | NodeEnum::MergeStmt(_)),
                ) => {
                    self.aside(|b| b.query(node, scope));
                }
                Some(node) => {
                    self.aside(|b| b.statement_node(node));
                }
                None => {}
            }
        }
    }

    /// An expression is a SELECT without its word; without tables it is no query.
    fn block_value(&mut self, value: &pg_query::protobuf::SelectStmt, scope: &Scope<'_, 'a>) {
        if value.from_clause.is_empty() && value.larg.is_none() && value.with_clause.is_none() {
            self.aside(|b| b.select_body(value, scope));
        } else {
            self.aside(|b| b.select(value, scope));
        }
    }

    /// EXECUTE of a text.
    fn run_text(&mut self, holder: &Value, scope: &Scope<'_, 'a>) {
        self.feature(Feature::SqlText);
        let text = holder.get("PLpgSQL_expr").and_then(|expression| expression.get("query")).and_then(Value::as_str);
        let parsed = text
            .filter(|text| guard::demand(text).is_ok_and(guard::Demand::is_modest))
            .and_then(|text| parse_as(text, EXPRESSION));
        let literal = parsed.as_ref().and_then(|parsed| match parsed.stmts.as_slice() {
            [only] => match only.stmt.as_ref()?.node.as_ref()? {
                NodeEnum::SelectStmt(select) => match select.target_list.as_slice() {
                    [target] if select.from_clause.is_empty() => match target.node.as_ref()? {
                        NodeEnum::ResTarget(target) => self.literal(target.val.as_deref()?),
                        _ => None,
                    },
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        });
        match literal {
            Some(text) => {
                self.aside(|b| b.embedded(Via::SqlText, text));
            }
            None => {
                self.block_part(holder, scope);
                self.dynamic("a statement");
            }
        }
    }
}

/// The names a block declares.
fn variables(part: &Value, names: &mut Vec<Name>) {
    match part {
        Value::Array(items) => items.iter().for_each(|item| variables(item, names)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if matches!(name.as_str(), "refname" | "fieldname") {
                    if let Some(text) = value.as_str() {
                        names.push(Name::from(text));
                    }
                }
                variables(value, names);
            }
        }
        _ => {}
    }
}
