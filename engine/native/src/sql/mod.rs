//! PostgreSQL text to the command tree: `guard` refuses what nobody may follow, `parse` asks PostgreSQL's own grammar,
//! `statements` and `query` say what the tree does, `encode` writes it for Python and the policies.
//!
//! Hostile text is no error here: whatever cannot be understood is an operation of kind `unknown` and a problem.

pub mod build;
pub mod catalog;
pub mod encode;
pub mod facts;
pub mod features;
pub mod functions;
pub mod guard;
pub mod kinds;
pub mod names;
pub mod parse;
pub mod query;
pub(crate) mod room;
mod several;
pub mod shape;
pub mod statements;
pub mod tree;
pub mod unpack;

use std::sync::Arc;

use pg_query::protobuf::{ParseResult, RawStmt};

use self::build::Builder;
use self::catalog::Catalog;
use self::kinds::Kind;
use self::tree::{Operation, Problem, Tree};

/// The command tree of a text, as msgpack.
pub fn parse_sql(bytes: &[u8], catalog: Option<&Arc<Catalog>>) -> Vec<u8> {
    let digest = encode::digest(bytes);
    match guard::readable(bytes) {
        Ok(text) => encode::command(&tree_of(text, catalog), text, &digest),
        Err(problem) => {
            // WHY the cut: what is refused for its length must not be carried on in full.
            let shown = bytes.get(..guard::MAX_TEXT.min(bytes.len())).unwrap_or(bytes);
            encode::command(&Tree::refused(problem, bytes.len()), &String::from_utf8_lossy(shown), &digest)
        }
    }
}

/// The command tree of a readable text.
pub fn tree_of(text: &str, catalog: Option<&Arc<Catalog>>) -> Tree {
    let demand = match guard::demand(text) {
        Ok(demand) => demand,
        Err(problem) => return Tree::refused(problem, text.len()),
    };
    if demand.is_modest() && room::is_here() {
        return build_tree(text, catalog.map(|catalog| &**catalog));
    }
    let (owned, catalog) = (text.to_owned(), catalog.cloned());
    room::on_big_stack(move || build_tree(&owned, catalog.as_deref()))
        .unwrap_or_else(|| Tree::refused(Problem::new("parser_failed", "the parser stopped itself", None), text.len()))
}

fn build_tree(text: &str, catalog: Option<&Catalog>) -> Tree {
    match parse::parse(text) {
        Ok(parsed) => built(text, &parsed, catalog),
        Err(problem) => Tree::refused(problem, text.len()),
    }
}

fn built(text: &str, parsed: &ParseResult, catalog: Option<&Catalog>) -> Tree {
    let mut builder = Builder::new(text, catalog);
    let mut several = several::Several::default();
    let mut outputs = parsed.stmts.is_empty().then(|| query::scope::Columns::known(Vec::new()));
    for (number, statement) in parsed.stmts.iter().enumerate() {
        builder.statement = number;
        let before = builder.tree.operations.len();
        outputs = builder.raw_statement(statement);
        if !changes_the_session(statement) {
            let flow = builder.implicit_calls();
            for column in outputs.iter_mut().flat_map(|columns| &mut columns.list) {
                column.flow.absorb(flow.clone());
            }
        }
        several.add(statement, outputs.as_ref(), builder.tree.operations.get(before..).unwrap_or_default());
    }
    if parsed.stmts.is_empty() {
        builder.operation(Kind::Empty);
    }
    let shown = outputs.as_ref().filter(|_| parsed.stmts.len() == 1).map_or(&[][..], |columns| columns.list.as_slice());
    builder.close(shown);
    let mut tree = builder.tree;
    // Other statements hold values as names: files, settings, labels.
    tree.sql.constants_matter |= !parsed.stmts.iter().all(changes_or_reads_rows);
    let statements = parsed.stmts.len();
    tree.sql.statements = statements;
    tree.sql.is_multi = statements > 1;
    if tree.sql.is_multi {
        tree.sql.outputs_proven = several.are_proven();
    }
    if let (Some(columns), false) = (outputs, tree.sql.is_multi) {
        tree.sql.outputs_proven = columns.complete && columns.list.iter().all(|column| column.flow.proven);
        tree.sql.outputs =
            Some(columns.list.iter().map(|column| column.flow.output(Some(column.name.clone()))).collect());
    }
    (tree.sql.has_where, tree.sql.has_limit) = clauses(&tree.operations);
    tree
}

/// Statements that hold no value which could be cast.
fn changes_the_session(statement: &RawStmt) -> bool {
    use pg_query::NodeEnum::{DeallocateStmt, DiscardStmt, TransactionStmt, VariableSetStmt, VariableShowStmt};
    let node = statement.stmt.as_ref().and_then(|node| node.node.as_ref());
    matches!(
        node,
        Some(TransactionStmt(_) | VariableSetStmt(_) | VariableShowStmt(_) | DeallocateStmt(_) | DiscardStmt(_))
    )
}

fn changes_or_reads_rows(statement: &RawStmt) -> bool {
    use pg_query::NodeEnum::{DeleteStmt, InsertStmt, MergeStmt, SelectStmt, UpdateStmt};
    let node = statement.stmt.as_ref().and_then(|node| node.node.as_ref());
    matches!(node, Some(SelectStmt(_) | InsertStmt(_) | UpdateStmt(_) | DeleteStmt(_) | MergeStmt(_)))
}

/// Whether every UPDATE and DELETE (or, without any, every top statement) has a WHERE; whether every top statement has a LIMIT.
fn clauses(operations: &[Operation]) -> (bool, bool) {
    let changes = |operation: &&Operation| matches!(operation.kind, Kind::Update | Kind::Delete);
    let top = |operation: &&Operation| operation.via.len() == 1 && operation.kind != Kind::CallFunction;
    let all = |mut values: Box<dyn Iterator<Item = Option<bool>> + '_>| {
        let mut any = false;
        values.all(|value| {
            any = true;
            value == Some(true)
        }) && any
    };
    let has_where = if operations.iter().any(|operation| changes(&operation)) {
        all(Box::new(operations.iter().filter(changes).map(|operation| operation.has_where)))
    } else {
        all(Box::new(operations.iter().filter(top).map(|operation| operation.has_where)))
    };
    (has_where, all(Box::new(operations.iter().filter(top).map(|operation| operation.has_limit))))
}

/// The statements of a text as byte ranges; empty when PostgreSQL's grammar refuses it.
pub fn split_sql(bytes: &[u8]) -> Vec<(usize, usize)> {
    let Ok(text) = guard::readable(bytes) else {
        return Vec::new();
    };
    let ranges = |text: &str| match parse::parse(text) {
        Ok(parsed) => parsed.stmts.iter().map(|statement| statements::statement_span(text, statement)).collect(),
        Err(_) => Vec::new(),
    };
    match guard::demand(text) {
        Err(_) => Vec::new(),
        Ok(demand) if demand.is_modest() && room::is_here() => ranges(text),
        Ok(_) => {
            let owned = text.to_owned();
            room::on_big_stack(move || ranges(&owned)).unwrap_or_default()
        }
    }
}
