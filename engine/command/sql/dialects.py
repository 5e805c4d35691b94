"""SQL of other servers (MySQL, SQL Server, BigQuery, Snowflake) to a command tree, for callers of `Decide`.

The gateway carries none of these; a caller asks before it sends. sqlglot reads the text. INVARIANT: only what stands in
the tables below is called by its name; whatever sqlglot leaves unstructured, refuses, or we do not know is `unknown`, and
wherever these servers may read a text in another way than sqlglot does, the command is not complete. Nothing here says
where a column comes from: names are as written, outputs are unknown.

PostgreSQL has a parser of its own (`parse`). Called by `engine/command/parse.py` alone, which loads this file on first use.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from engine.command.sql.batches import hidden_starts
from engine.command.sql.dialect_calls import foreign_functions, unknown_functions, unknown_shapes
from engine.command.sql.dialect_tables import is_locking, named_first, touched
from engine.command.sql.dialect_text import doubts, lost
from engine.command.tree import Access, Command, Effect, Operation, ParsedCommand, Problem, Sql, Target

DIALECTS = {"mysql": "mysql", "sqlserver": "tsql", "bigquery": "bigquery", "snowflake": "snowflake"}
"""Protocol to sqlglot's name of the dialect."""

MAX_BYTES = 128 << 10
MAX_TOKENS = 8_000
MAX_DEPTH = 24
"""Open brackets. sqlglot recurses some thirty calls for each."""
MAX_OPERANDS = 250
"""Operators between two commas: a chain of them is a tree as deep."""

_FAILURES = (SqlglotError, RecursionError, ValueError, TypeError, KeyError, AttributeError, IndexError)
"""What sqlglot raises on texts it does not expect."""

R, W, C, D, X, S = Effect.READ, Effect.WRITE, Effect.CREATE, Effect.DELETE, Effect.EXECUTE, Effect.SESSION

_STATEMENTS: dict[type[exp.Expr], tuple[str, Effect]] = {
    exp.Select: ("select", R),
    exp.SetOperation: ("select", R),
    exp.Subquery: ("select", R),
    exp.Values: ("select", R),
    exp.Insert: ("insert", W),
    exp.Update: ("update", W),
    exp.Delete: ("delete", D),
    exp.Merge: ("merge", W),
    exp.TruncateTable: ("truncate", D),
    exp.Set: ("set", S),
    exp.Use: ("set", S),
    exp.Transaction: ("begin", S),
    exp.Commit: ("commit", S),
    exp.Rollback: ("rollback", S),
    exp.Show: ("show", S),
    exp.LoadData: ("copy_from_file", X),
    exp.Execute: ("call", X),
}
_MADE = frozenset({"TABLE", "VIEW", "INDEX", "SCHEMA", "DATABASE", "SEQUENCE", "FUNCTION", "PROCEDURE", "TRIGGER"})
"""What CREATE, ALTER and DROP may be about; anything else is unknown."""
_CODE = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER"})

_MODES = frozenset(
    {
        *("READ ONLY", "READ WRITE", "ISOLATION LEVEL SERIALIZABLE", "ISOLATION LEVEL REPEATABLE READ"),
        *("ISOLATION LEVEL READ COMMITTED", "ISOLATION LEVEL READ UNCOMMITTED"),
    }
)
"""What may stand behind BEGIN."""

_WRITERS = (exp.Insert, exp.Update, exp.Delete, exp.Merge)


def parse_dialect(protocol: str, text: bytes | str) -> ParsedCommand:
    """The command tree of a text of one of `DIALECTS`. Never raises on hostile text, bounded in time and stack."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    found = _Found(protocol, raw)
    try:
        shown = raw.decode()
    except UnicodeDecodeError:
        shown = raw[:MAX_BYTES].decode("utf-8", "replace")
        found.refuse("not_utf8", "the text is not UTF-8")
    else:
        _read(found, DIALECTS[protocol], shown)
    return ParsedCommand.of(found.command(shown))


@dataclass
class _Found:
    """The tree while it is built."""

    protocol: str
    raw: bytes
    operations: list[Operation] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    relations: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    complete: bool = True
    statements: int = 1
    joins: int = 0

    def refuse(self, code: str, message: str) -> None:
        """Nothing of it can be relied on."""
        self.operations = [Operation("unknown", Effect.UNKNOWN, ("top",), span=(0, len(self.raw)))]
        self.doubt(code, message)

    def doubt(self, code: str, message: str) -> None:
        """Something in it may be otherwise."""
        self.complete = False
        self.problems.append(Problem(code, message))

    def add(
        self,
        kind: str,
        effect: Effect,
        via: tuple[str, ...],
        targets: tuple[Target, ...] = (),
        **more: bool | int | None,
    ) -> None:
        self.operations.append(Operation(kind, effect, via, targets, (0, len(self.raw)), **more))  # type: ignore[arg-type]

    def call(self, function: str, number: int) -> None:
        """A function that may do anything."""
        self.features.add("unknown_function")
        self.complete = False
        if function not in self.called:
            self.called.add(function)
            target = Target("function", f"?.{function}", Access.EXECUTE)
            self.add("call_function", X, ("top",), (target,), statement=number)

    def command(self, text: str) -> Command:
        changes = [item for item in self.operations if item.kind in ("update", "delete")]
        looked = changes or [item for item in self.operations if item.via == ("top",)]
        sql = Sql(
            relations=tuple(sorted(self.relations)),
            outputs=None,
            has_where=bool(looked) and all(item.has_where is True for item in looked),
            has_limit=bool(looked) and all(item.has_limit is True for item in self.operations if item.via == ("top",)),
            joins=self.joins,
            statements=self.statements,
            is_multi=self.statements > 1,
        )
        digest = hashlib.sha256(self.protocol.encode() + b"\0" + self.raw).hexdigest()
        features = tuple(sorted(self.features))
        return Command(
            self.protocol, text, digest, tuple(self.operations), features, self.complete, tuple(self.problems), sql
        )


def _read(found: _Found, dialect: str, text: str) -> None:
    if len(found.raw) > MAX_BYTES:
        return found.refuse("too_long", f"the text has more than {MAX_BYTES} bytes")
    if "\0" in text:
        return found.refuse("nul_byte", "the text has a NUL byte")
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    try:
        tokens = list(sqlglot.Dialect.get_or_raise(dialect).tokenize(text))
        if not _is_modest(tokens):
            return found.refuse("too_deep", "the text is nested too deeply or has too many words")
        statements = [
            item for item in sqlglot.parse(text, read=dialect) if item and not isinstance(item, exp.Semicolon)
        ]
        found.statements = max(len(statements), 1)
        for number, statement in enumerate(statements):
            _statement(found, dialect, statement, number)
    except _FAILURES as error:
        return found.refuse("syntax_error", f"the text could not be read: {type(error).__name__}")
    if not statements:
        found.add("empty", R, ("top",))
    for code, message in dict.fromkeys((*doubts(dialect, text, tokens), *lost(dialect, tokens, statements))):
        found.doubt(code, message)
    for name in foreign_functions(found.protocol, dialect, tokens):
        found.call(name, 0)
    for word in dict.fromkeys(hidden_starts(tokens)) if dialect == "tsql" else ():
        found.doubt("hidden_statement", f"`{word}` may begin a statement of its own")
    return None


def _is_modest(tokens: list[Token]) -> bool:
    depth, chain = 0, 0
    openings = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE)
    closings = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END)
    if len(tokens) > MAX_TOKENS:
        return False
    for token in tokens:
        if token.token_type in openings or token.text.upper() in ("NOT", "SELECT", "BEGIN", "IF"):
            depth += token.token_type in openings
        elif token.token_type in closings:
            depth -= 1
        if token.token_type in (TokenType.COMMA, TokenType.SEMICOLON):
            chain = 0
        else:
            chain += 1
        if depth > MAX_DEPTH or chain > MAX_OPERANDS * 2:
            return False
    return True


def _statement(found: _Found, dialect: str, statement: exp.Expr, number: int) -> None:
    kind, effect = _kind(found, statement)
    writes = [node for node in statement.find_all(*_WRITERS) if node is not statement]
    if kind == "select":
        if statement.find(exp.Into):
            kind, effect = "select_into", W
        elif is_locking(statement):
            kind, effect = "select_for_update", W
        if writes:
            effect = W
    where = statement.args.get("where") if isinstance(statement, (exp.Select, exp.Update, exp.Delete)) else None
    limit = isinstance(statement, exp.Select) and statement.args.get("limit") is not None
    found.add(
        kind,
        effect,
        ("top",),
        _targets(found, dialect, statement, effect),
        has_where=where is not None and _narrows(where.this),
        has_limit=limit,
        statement=number,
    )
    for node in writes:
        inner, its = _STATEMENTS[type(node)]
        condition = node.args.get("where")
        found.add(
            inner, its, ("top", "subquery"), named_first(node),
            has_where=condition is not None and _narrows(condition.this), statement=number,
        )  # fmt: skip
    found.joins += sum(1 for _ in statement.find_all(exp.Join))
    _calls(found, dialect, statement, number)


def _kind(found: _Found, statement: exp.Expr) -> tuple[str, Effect]:
    word = str(statement.args.get("kind") or "").upper()
    if isinstance(statement, exp.Create) and word in ("CLUSTERED INDEX", "NONCLUSTERED INDEX"):
        word = "INDEX"
    if isinstance(statement, (exp.Create, exp.Drop, exp.Alter)) and word in _MADE:
        if word in _CODE and not isinstance(statement, exp.Drop):
            found.features.add("opaque_code")
            found.doubt("opaque_code", "code that nobody looks into")
        verb = {exp.Create: "create", exp.Drop: "drop", exp.Alter: "alter"}[type(statement)]
        return f"{verb}_{word.lower()}", D if verb == "drop" else C
    if isinstance(statement, exp.Execute):
        found.features.add("opaque_code")
        found.doubt("opaque_code", "a procedure, or a text that is run")
    if isinstance(statement, exp.Transaction) and not set(map(str, statement.args.get("modes") or ())) <= _MODES:
        # `START SLAVE` of MySQL.
        found.doubt("unknown_construct", "a start of something else than a transaction")
        return "unknown", Effect.UNKNOWN
    for shape, known in _STATEMENTS.items():
        if isinstance(statement, shape):
            if (isinstance(statement, exp.Insert) and statement.args.get("overwrite")) or (
                isinstance(statement, exp.Merge) and any(_deletes(when) for when in statement.find_all(exp.When))
            ):
                return known[0], D
            if isinstance(statement, exp.Set) or (isinstance(statement, exp.Use) and word):
                found.doubt("setting", "what a setting does to this server is not known")
            return known
    if isinstance(statement, exp.Describe) and not statement.find(*_WRITERS, exp.Select, exp.Command):
        return "show", S
    if isinstance(statement, exp.Describe) and isinstance(statement.this, exp.Query) and not statement.find(*_WRITERS):
        runs = str(statement.args.get("style") or "").upper() == "ANALYZE"
        return ("explain_analyze" if runs else "explain"), R
    found.doubt("unknown_construct", f"`{statement.key}` is not understood")
    return "unknown", Effect.UNKNOWN


def _deletes(when: exp.When) -> bool:
    then = when.args.get("then")
    return isinstance(then, exp.Var) and then.name.upper() == "DELETE"


def _targets(found: _Found, dialect: str, statement: exp.Expr, effect: Effect) -> tuple[Target, ...]:
    seen = touched(dialect, statement, effect)
    if seen.computed:
        found.doubt("opaque_table", "a table that is computed or stands outside of the database")
    found.relations |= {target.name for target in seen.targets if target.type == "table"}
    return tuple(seen.targets)


def _calls(found: _Found, dialect: str, statement: exp.Expr, number: int) -> None:
    for shape in unknown_shapes(statement):
        found.doubt("unknown_construct", f"`{shape}` is not understood")
    for name in unknown_functions(found.protocol, statement):
        found.call(name, number)
    for _ in statement.find_all(exp.NextValueFor):
        found.add("call_function", W, ("top",), (Target("function", "nextval", Access.EXECUTE),), statement=number)
    for dot in statement.find_all(exp.Dot):
        # `schema.function(...)`, `column.method()`.
        if isinstance(dot.expression, exp.Func):
            found.doubt("unknown_function", "a function of a schema")
    for column in statement.find_all(exp.Column):
        if column.name.lower() in ("nextval", "currval"):
            found.add("call_function", W, ("top",), (Target("sequence", column.table, Access.WRITE),), statement=number)


def _narrows(condition: exp.Expr) -> bool:
    """Whether a condition can pick some rows and leave others (as `engine/native/src/sql/query/condition.rs`)."""
    if isinstance(condition, exp.Paren):
        return _narrows(condition.this)
    if isinstance(condition, exp.Or):
        return _narrows(condition.this) and _narrows(condition.expression)
    if isinstance(condition, exp.And):
        return _narrows(condition.this) or _narrows(condition.expression)
    if isinstance(condition, exp.Not):
        return _narrows(condition.this)
    if isinstance(condition, exp.Binary) and condition.this == condition.expression:
        return False
    return condition.find(exp.Column, exp.Query) is not None
