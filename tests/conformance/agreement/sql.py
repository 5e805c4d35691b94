"""SQL: effects beside the labels of another reader of the same grammar, and what the read-only example policy stops.

The labels come from pglast. `EFFECTS` says what design and labels have in common; every difference stands with its reason
in `tests/conformance/sql_disagreements.toml`, by cause.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from engine import Decision, Principal, Program, Resource, Session, TextQuestion, Verdict
from engine.command.sql.parse import parse_sql
from engine.command.tree import Command, Effect
from tests.conformance import corpus
from tests.conformance.agreement.tally import Tally
from tests.sql_commands import own
from tests.time_bounds import within

CAUSES = Path(__file__).parents[1] / "sql_disagreements.toml"
LABELLED = ("sql-postgres-regress", "sql-parser-tests", "sql-migrations", "sql-queries")
BUDGET_SECONDS = 1.0

R, W, C, D = Effect.READ, Effect.WRITE, Effect.CREATE, Effect.DELETE
X, G, S = Effect.EXECUTE, Effect.GRANT, Effect.SESSION
EFFECTS: Mapping[str, set[Effect]] = {
    "read": {R},
    "write": {W, D},
    "ddl": {C},
    "other": {C},
    "destroy": {D},
    "dcl": {G},
    "session": {S},
    "tx": {S},
    "lock": {S},
    "notify": {S},
    "prepare": {S},
    "cursor": {S, R},
    # VACUUM, ANALYZE, CLUSTER, REINDEX keep what is stored; REFRESH replaces it.
    "maint": {S, W},
    "explain": {R},
    "explain-analyze-read": {R},
    # EXECUTE inside: what it runs is not in the text.
    "explain-analyze-write": {W, D, X},
    "call": {X},
    "code": {X},
    "execute": {X},
    "admin": {C, X},
    "copy-from-stdio": {W},
    "copy-to-stdio": {R},
    "copy-from-file": {X},
    "copy-to-file": {X},
    "copy-from-program": {X},
    "copy-to-program": {X},
}
READS_FILES_OR_RUNS_PROGRAMS = {
    *("lo_export", "lo_from_bytea", "lo_get", "lo_import", "lo_put", "load_file", "pg_ls_dir", "pg_read_file"),
    *("os_command.exec_clob", "writefile"),
}
TRANSACTION = "tx"
NOW = 1_764_000_000 * 10**9


@dataclass(frozen=True, slots=True)
class Item:
    corpus: str
    id: str
    text: str
    label: str
    accepted: bool


def items(corpora: Path, names: tuple[str, ...]) -> Iterator[Item]:
    for name in names:
        for item in corpus.items(corpora, name):
            yield Item(name, item["id"], item["sql"], item["label"], bool(item["facts"]["parse_ok"]))


@cache
def labelled(corpora: Path) -> tuple[tuple[Item, Command], ...]:
    """Every labelled item with its tree; an item that takes too long fails here."""
    return tuple(
        (item, within(BUDGET_SECONDS, partial(parse_sql, item.text), item.id).command)
        for item in items(corpora, LABELLED)
    )


def is_unknown(command: Command) -> bool:
    return any(operation.kind == "unknown" for operation in command.operations)


def understood(corpora: Path) -> Tally:
    """What PostgreSQL's grammar accepts has a tree; what it refuses is unknown and not complete."""
    tally = Tally("sql-* (labelled)", "what PostgreSQL accepts is understood; what it refuses is unknown")
    for item, command in labelled(corpora):
        if item.accepted:
            codes = ", ".join(sorted({f"`{problem.code}`" for problem in command.problems}))
            tally.compare(not is_unknown(command), f"unknown, so denied: {codes}" if codes else None, item.id)
        else:
            tally.demand(is_unknown(command) and not command.complete, item.id)
    return tally


def effects(corpora: Path) -> tuple[Tally, set[tuple[str, str, str]]]:
    """Effects of statements beside their labels, and which (label, kind, effect) differ."""
    tally = Tally("sql-* (labelled)", "the effect of a statement is that of its label")
    reasons = {(cause["label"], cause["kind"], cause["effect"]): cause["reason"] for cause in causes()}
    differing = set()
    for item, command in labelled(corpora):
        if not item.accepted:
            continue
        for label, kind, effect in compared(item, command):
            agrees = effect in EFFECTS[label]
            tally.compare(agrees, reasons.get((label, kind, effect.value)), item.id)
            differing |= set() if agrees else {(label, kind, effect.value)}
    return tally, differing


def compared(item: Item, command: Command) -> Iterator[tuple[str, str, Effect]]:
    labels = item.label.removeprefix("multi:").split("+")
    statements = own(command)
    if len(labels) == 1:
        # Several statements of one class have one label.
        labels = labels * len(statements)
    assert len(labels) == len(statements), item.id
    for label, statement in zip(labels, statements, strict=True):
        yield label, statement.kind, statement.effect


def causes() -> list[dict[str, str]]:
    with CAUSES.open("rb") as file:
        found: list[dict[str, str]] = tomllib.load(file)["cause"]
    assert all(cause["reason"] for cause in found)
    return found


def judge(program: Program, sql: str) -> Decision:
    """What a reader of data is answered."""
    question = TextQuestion(
        principal=Principal("ana", groups=("data-readers",)),
        session=Session("s"),
        resource=Resource("orders", "postgres", labels={"environment": "prod"}),
        protocol="postgres",
        text=sql.encode(),
        now=NOW,
    )
    return program.decide_text(question).decision


def injections(corpora: Path) -> Iterator[tuple[str, str, set[str]]]:
    """The full statements that PostgreSQL accepts: text, what it does by an independent parse tree, functions called."""
    for item in corpus.items(corpora, "sql-injection"):
        for statement in item.get("postgres_embeddings") or ():
            yield statement["sql"], statement["label"], set(statement.get("functions") or ())


def injected_writes(corpora: Path, read_only: Program) -> Tally:
    tally = Tally("sql-injection", "under `policies/examples/read-only` an injected write never runs")
    for sql, label, _ in injections(corpora):
        if label not in ("read", TRANSACTION):
            tally.demand(not judge(read_only, sql).is_granted, sql)
    return tally


def injected_access(corpora: Path, read_only: Program) -> Tally:
    tally = Tally("sql-injection", "the same of injected calls that read files or run programs")
    for sql, _, functions in injections(corpora):
        if functions & READS_FILES_OR_RUNS_PROGRAMS:
            tally.demand(not judge(read_only, sql).is_granted, sql)
    return tally


def queries(corpora: Path, read_only: Program) -> Tally:
    tally = Tally("sql-queries", "under the same policy an ordinary query is not denied")
    for item in corpus.items(corpora, "sql-queries"):
        decision = judge(read_only, item["sql"])
        called = any(
            one.kind == "call_function" and one.effect is X for one in parse_sql(item["sql"]).command.operations
        )
        cause = (
            "a name with a bracket in it, so a call of a function that no catalog has: not understood"
            if called
            else None
        )
        tally.compare(decision.verdict is not Verdict.DENY, cause, item["sql"])
    return tally


def rows(corpora: Path) -> list[Tally]:
    read_only = corpus.program("read-only")
    return [
        understood(corpora),
        effects(corpora)[0],
        injected_writes(corpora, read_only),
        injected_access(corpora, read_only),
        queries(corpora, read_only),
    ]
