//! The statements of a text, as far as carrying them over the wire needs it: where each begins and ends, and what it does
//! to transactions, prepared statements, cursors and the direction of COPY. What it does to data is `sql`'s to say.

use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{
    AConst, DeallocateStmt, DiscardMode, FetchStmt, Node, RawStmt, Token, TransactionStmt, TransactionStmtKind,
    VariableSetKind, VariableSetStmt,
};
use pg_query::NodeEnum;

use crate::sql::room::on_big_stack;
use crate::sql::{guard, parse};

/// More statements than this in one text are not looked at.
pub const MAX_STATEMENTS: usize = 10_000;

/// What a statement means for the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Plain,
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, ROLLBACK.
    End,
    /// COMMIT AND CHAIN, ROLLBACK AND CHAIN.
    Chain,
    /// SAVEPOINT, RELEASE, ROLLBACK TO.
    Savepoint,
    /// PREPARE TRANSACTION.
    PrepareTransaction,
    /// COPY ... FROM STDIN.
    CopyIn,
    Prepare,
    Execute,
    Deallocate,
    /// DEALLOCATE ALL.
    DeallocateAll,
    /// DISCARD ALL.
    DiscardAll,
    Declare,
    /// FETCH, MOVE.
    Fetch,
    Close,
    /// CLOSE ALL.
    CloseAll,
    /// SET of what decides how the server reads texts, to another value than the one our parser reads by.
    SetLexer,
}

impl Sort {
    /// The word that Python knows it by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Begin => "begin",
            Self::End => "end",
            Self::Chain => "chain",
            Self::Savepoint => "savepoint",
            Self::PrepareTransaction => "prepare_transaction",
            Self::CopyIn => "copy_in",
            Self::Prepare => "prepare",
            Self::Execute => "execute",
            Self::Deallocate => "deallocate",
            Self::DeallocateAll => "deallocate_all",
            Self::DiscardAll => "discard_all",
            Self::Declare => "declare",
            Self::Fetch => "fetch",
            Self::Close => "close",
            Self::CloseAll => "close_all",
            Self::SetLexer => "set_lexer",
        }
    }
}

/// One statement. `name` is that of the prepared statement or cursor (or see `transaction_sort`); `inner` is where the
/// text that PREPARE or DECLARE keeps begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub start: usize,
    pub end: usize,
    pub sort: Sort,
    pub name: String,
    pub inner: usize,
}

/// The statements of a text; None when PostgreSQL's grammar refuses it or it is too large to follow.
pub fn outline(bytes: &[u8]) -> Option<Vec<Statement>> {
    let text = guard::readable(bytes).ok()?;
    if guard::demand(text).ok()?.is_modest() {
        return followed(text);
    }
    let owned = text.to_owned();
    on_big_stack(move || followed(&owned))?
}

fn followed(text: &str) -> Option<Vec<Statement>> {
    let parsed = parse::parse(text).ok()?;
    (parsed.stmts.len() <= MAX_STATEMENTS).then(|| parsed.stmts.iter().map(|raw| statement(text, raw)).collect())?
}

fn statement(text: &str, raw: &RawStmt) -> Option<Statement> {
    let start = usize::try_from(raw.stmt_location).ok()?;
    let length = usize::try_from(raw.stmt_len).ok()?;
    let end = if length == 0 { text.len() } else { start.checked_add(length)? };
    let own = text.get(start..end)?;
    let (sort, name) = sort(raw.stmt.as_ref()?.node.as_ref()?);
    // INVARIANT: what PREPARE and DECLARE keep is known to the byte, or the whole text is not followed.
    let inner = match sort {
        Sort::Prepare => start.checked_add(after(Token::As, own)?)?,
        Sort::Declare => start.checked_add(after(Token::For, own)?)?,
        _ => start,
    };
    Some(Statement { start, end, sort, name, inner })
}

fn sort(node: &NodeEnum) -> (Sort, String) {
    let unnamed = |sort| (sort, String::new());
    match node {
        NodeEnum::TransactionStmt(transaction) => transaction_sort(transaction),
        NodeEnum::CopyStmt(copy) if copy.is_from && copy.filename.is_empty() && !copy.is_program => {
            unnamed(Sort::CopyIn)
        }
        NodeEnum::PrepareStmt(prepare) => (Sort::Prepare, prepare.name.clone()),
        NodeEnum::ExecuteStmt(execute) => (Sort::Execute, execute.name.clone()),
        NodeEnum::DeallocateStmt(deallocate) => deallocate_sort(deallocate),
        NodeEnum::DiscardStmt(discard) if discard.target() == DiscardMode::DiscardAll => unnamed(Sort::DiscardAll),
        NodeEnum::DeclareCursorStmt(declare) => (Sort::Declare, declare.portalname.clone()),
        NodeEnum::FetchStmt(fetch) => fetch_sort(fetch),
        NodeEnum::ClosePortalStmt(close) if close.portalname.is_empty() => unnamed(Sort::CloseAll),
        NodeEnum::ClosePortalStmt(close) => (Sort::Close, close.portalname.clone()),
        NodeEnum::ExplainStmt(explain) => through(explain.query.as_deref().and_then(|inner| inner.node.as_ref())),
        NodeEnum::CreateTableAsStmt(create) => through(create.query.as_deref().and_then(|inner| inner.node.as_ref())),
        NodeEnum::VariableSetStmt(set) if changes_lexer(set) => unnamed(Sort::SetLexer),
        _ => unnamed(Sort::Plain),
    }
}

/// Whether a SET would make the server read texts otherwise. RESET and DEFAULT go back to what the session began with.
fn changes_lexer(set: &VariableSetStmt) -> bool {
    let allowed: &[&str] = match set.name.to_lowercase().as_str() {
        "standard_conforming_strings" => &["on", "true", "yes", "1", "t", "y"],
        "client_encoding" | "names" => &["utf8", "unicode"],
        "backslash_quote" => &["safeencoding"],
        _ => return false,
    };
    match set.kind() {
        VariableSetKind::VarSetValue => match set.args.as_slice() {
            [Node { node: Some(NodeEnum::AConst(AConst { val: Some(value), .. })) }] => {
                let value = match value {
                    Val::Sval(text) => text.sval.clone(),
                    Val::Ival(number) => number.ival.to_string(),
                    Val::Boolval(flag) => flag.boolval.to_string(),
                    _ => return true,
                };
                let value: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
                !allowed.contains(&value.to_lowercase().as_str())
            }
            _ => true,
        },
        VariableSetKind::VarSetDefault | VariableSetKind::VarReset | VariableSetKind::VarResetAll => false,
        _ => true,
    }
}

/// EXPLAIN EXECUTE and CREATE TABLE AS EXECUTE run what was prepared; nothing else inside them is of this module's sorts.
fn through(inner: Option<&NodeEnum>) -> (Sort, String) {
    match inner {
        Some(NodeEnum::ExecuteStmt(execute)) => (Sort::Execute, execute.name.clone()),
        Some(nested @ NodeEnum::CreateTableAsStmt(_)) => sort(nested),
        _ => (Sort::Plain, String::new()),
    }
}

/// Those that need a transaction block come with the words of the server's complaint when there is none.
fn transaction_sort(transaction: &TransactionStmt) -> (Sort, String) {
    use TransactionStmtKind as Kind;
    let (sort, words) = match transaction.kind() {
        Kind::TransStmtBegin | Kind::TransStmtStart => (Sort::Begin, ""),
        Kind::TransStmtCommit if transaction.chain => (Sort::Chain, "COMMIT AND CHAIN"),
        Kind::TransStmtRollback if transaction.chain => (Sort::Chain, "ROLLBACK AND CHAIN"),
        Kind::TransStmtCommit | Kind::TransStmtRollback => (Sort::End, ""),
        Kind::TransStmtSavepoint => (Sort::Savepoint, "SAVEPOINT"),
        Kind::TransStmtRelease => (Sort::Savepoint, "RELEASE SAVEPOINT"),
        Kind::TransStmtRollbackTo => (Sort::Savepoint, "ROLLBACK TO SAVEPOINT"),
        Kind::TransStmtPrepare => (Sort::PrepareTransaction, ""),
        Kind::TransStmtCommitPrepared | Kind::TransStmtRollbackPrepared | Kind::Undefined => (Sort::Plain, ""),
    };
    (sort, words.to_owned())
}

fn deallocate_sort(deallocate: &DeallocateStmt) -> (Sort, String) {
    if deallocate.name.is_empty() {
        (Sort::DeallocateAll, String::new())
    } else {
        (Sort::Deallocate, deallocate.name.clone())
    }
}

fn fetch_sort(fetch: &FetchStmt) -> (Sort, String) {
    (Sort::Fetch, fetch.portalname.clone())
}

/// The offset behind the AS of a PREPARE or the FOR of a DECLARE, by PostgreSQL's own scanner: the first one outside brackets.
fn after(word: Token, own: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for token in pg_query::scan_tokens(own).ok()? {
        match Token::try_from(token.token) {
            Ok(Token::Ascii40) => depth = depth.saturating_add(1),
            Ok(Token::Ascii41) => depth = depth.saturating_sub(1),
            Ok(found) if found == word && depth == 0 => return usize::try_from(token.end).ok(),
            _ => {}
        }
    }
    None
}

/// The outline as msgpack: a list of [start, end, sort, name, inner], or nil.
pub fn encoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing into a vector cannot fail.
    let Some(statements) = outline(bytes) else {
        let _ = rmp::encode::write_nil(&mut out);
        return out;
    };
    let _ = rmp::encode::write_array_len(&mut out, u32::try_from(statements.len()).unwrap_or(u32::MAX));
    for statement in statements {
        let _ = rmp::encode::write_array_len(&mut out, 5);
        let _ = rmp::encode::write_uint(&mut out, statement.start as u64);
        let _ = rmp::encode::write_uint(&mut out, statement.end as u64);
        let _ = rmp::encode::write_str(&mut out, statement.sort.word());
        let _ = rmp::encode::write_str(&mut out, &statement.name);
        let _ = rmp::encode::write_uint(&mut out, statement.inner as u64);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorts(text: &str) -> Vec<(Sort, String)> {
        outline(text.as_bytes()).unwrap_or_default().into_iter().map(|found| (found.sort, found.name)).collect()
    }

    fn pieces(text: &str) -> Vec<&str> {
        let found = outline(text.as_bytes()).unwrap_or_default();
        found.iter().filter_map(|found| text.get(found.start..found.end)).map(str::trim).collect()
    }

    #[test]
    fn a_text_is_cut_where_postgresql_cuts_it() {
        assert_eq!(pieces("select ';'; /* ; */ select 2;; -- ;\n"), ["select ';'", "select 2"]);
        assert_eq!(
            pieces("create function f() returns int language sql begin atomic; select 1; select 2; end; select f()")
                .len(),
            2
        );
        assert_eq!(outline(b";;"), Some(Vec::new()));
        assert_eq!(outline(b"selec 1; select 2"), None);
        assert_eq!(outline(b"select 1\0"), None);
        assert_eq!(outline(b"select '\xff'"), None);
    }

    #[test]
    fn every_sort_is_told_with_its_name() {
        let cases = [
            ("begin", Sort::Begin, ""),
            ("start transaction read only", Sort::Begin, ""),
            ("end", Sort::End, ""),
            ("abort", Sort::End, ""),
            ("commit and chain", Sort::Chain, "COMMIT AND CHAIN"),
            ("rollback and no chain", Sort::End, ""),
            ("savepoint s", Sort::Savepoint, "SAVEPOINT"),
            ("rollback to s", Sort::Savepoint, "ROLLBACK TO SAVEPOINT"),
            ("release s", Sort::Savepoint, "RELEASE SAVEPOINT"),
            ("prepare transaction 'x'", Sort::PrepareTransaction, ""),
            ("commit prepared 'x'", Sort::Plain, ""),
            ("copy t from stdin", Sort::CopyIn, ""),
            ("copy t from '/x'", Sort::Plain, ""),
            ("copy t from program 'x'", Sort::Plain, ""),
            ("copy t to stdout", Sort::Plain, ""),
            ("prepare \"A b\" (int) as select $1", Sort::Prepare, "A b"),
            ("execute P(1)", Sort::Execute, "p"),
            ("explain analyze execute p", Sort::Execute, "p"),
            ("create table t as execute p", Sort::Execute, "p"),
            ("explain create table t as execute p", Sort::Execute, "p"),
            ("deallocate prepare p", Sort::Deallocate, "p"),
            ("deallocate all", Sort::DeallocateAll, ""),
            ("discard all", Sort::DiscardAll, ""),
            ("discard plans", Sort::Plain, ""),
            ("declare c cursor for select 1", Sort::Declare, "c"),
            ("fetch 5 from c", Sort::Fetch, "c"),
            ("move c", Sort::Fetch, "c"),
            ("close c", Sort::Close, "c"),
            ("close all", Sort::CloseAll, ""),
            ("select 1", Sort::Plain, ""),
            ("set standard_conforming_strings = on", Sort::Plain, ""),
            ("set local standard_conforming_strings to 'off'", Sort::SetLexer, ""),
            ("set \"STANDARD_conforming_strings\" = false", Sort::SetLexer, ""),
            ("reset standard_conforming_strings", Sort::Plain, ""),
            ("set names 'utf-8'", Sort::Plain, ""),
            ("set names 'sjis'", Sort::SetLexer, ""),
            ("set client_encoding = UTF8", Sort::Plain, ""),
            ("set client_encoding from current", Sort::SetLexer, ""),
            ("set backslash_quote = on", Sort::SetLexer, ""),
            ("set work_mem = '1MB'", Sort::Plain, ""),
        ];
        for (text, sort, name) in cases {
            assert_eq!(sorts(text), [(sort, name.to_owned())], "{text}");
        }
    }

    #[test]
    fn what_prepare_keeps_is_known_to_the_byte() {
        let text = "select 1; prepare \"as\" (numeric(1,2), text) /* as */ AS select 'as' as x";
        let found = outline(text.as_bytes()).unwrap_or_default();
        let kept = found.get(1).and_then(|found| text.get(found.inner..found.end));
        assert_eq!(kept, Some(" select 'as' as x"));
    }

    #[test]
    fn what_a_cursor_keeps_is_known_to_the_byte() {
        let text = "declare \"for\" no scroll cursor /* for */ with hold for select 1 for update";
        let found = outline(text.as_bytes()).unwrap_or_default();
        assert_eq!(found.first().and_then(|found| text.get(found.inner..found.end)), Some(" select 1 for update"));
    }

    #[test]
    fn too_many_statements_are_not_followed() {
        assert_eq!(
            outline("select 1;".repeat(MAX_STATEMENTS).as_bytes()).map(|found| found.len()),
            Some(MAX_STATEMENTS)
        );
        assert_eq!(outline("select 1;".repeat(MAX_STATEMENTS.saturating_add(1)).as_bytes()), None);
    }
}
