"""The SQL parser against statements that other parsers have labelled: no crash, nothing unknown, effects that agree.

The labels come from pglast (the same grammar, another reader of its trees). `EFFECTS` says what design and labels have in
common; every difference stands with its reason in sql_disagreements.toml, by cause.
"""

from __future__ import annotations

import gzip
import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pytest

from engine.command.sql.kinds import KIND_NAMES
from engine.command.sql.parse import parse_sql
from engine.command.tree import Command, Effect
from tests.sql_commands import own
from tests.time_bounds import within

HERE = Path(__file__).parent
LABELLED = ("sql-postgres-regress", "sql-parser-tests", "sql-migrations", "sql-queries")
BUDGET_SECONDS = 1.0

R, W, C, D = Effect.READ, Effect.WRITE, Effect.CREATE, Effect.DELETE
X, G, S = Effect.EXECUTE, Effect.GRANT, Effect.SESSION
EFFECTS: dict[str, set[Effect]] = {
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
WRITES = frozenset({"write", "destroy", "ddl", "dcl", "explain-analyze-write", "copy-from-stdio"})


@dataclass(frozen=True, slots=True)
class Item:
    corpus: str
    id: str
    text: str
    label: str
    accepted: bool


def items(corpora: Path, names: tuple[str, ...]) -> Iterator[Item]:
    for corpus in names:
        with gzip.open(corpora / corpus / "items.jsonl.gz") as lines:
            for line in lines:
                item = json.loads(line)
                yield Item(corpus, item["id"], item["sql"], item["label"], bool(item["facts"]["parse_ok"]))


@cache
def labelled(corpora: Path) -> tuple[tuple[Item, Command], ...]:
    """Every labelled item with its tree; an item that takes too long fails here."""
    found = []
    for item in items(corpora, LABELLED):
        found.append((item, within(BUDGET_SECONDS, partial(parse_sql, item.text), item.id).command))
    return tuple(found)


def test_what_postgresql_accepts_is_understood(corpora: Path) -> None:
    accepted = [(item, command) for item, command in labelled(corpora) if item.accepted]
    unknown = [(item.id, command.problems) for item, command in accepted if _is_unknown(command)]
    assert len(unknown) <= len(accepted) // 1000, unknown


def test_what_postgresql_refuses_is_unknown(corpora: Path) -> None:
    refused = [(item, command) for item, command in labelled(corpora) if not item.accepted]
    assert refused
    assert [item.id for item, command in refused if not _is_unknown(command) or command.complete] == []


def test_every_kind_is_one_of_the_published_ones(corpora: Path) -> None:
    assert {item.kind for _, command in labelled(corpora) for item in command.operations} <= KIND_NAMES


def test_effects_agree_with_the_labels_and_every_difference_has_its_reason(corpora: Path) -> None:
    causes = {(cause["label"], cause["kind"], cause["effect"]) for cause in _causes()}
    differences: Counter[tuple[str, str, str]] = Counter()
    compared = 0
    for item, command in labelled(corpora):
        if not item.accepted:
            continue
        for label, kind, effect in _compared(item, command):
            compared += 1
            if effect not in EFFECTS[label]:
                differences[(label, kind, effect.value)] += 1
    assert set(differences) == causes, "explain the new ones, drop the ones that are gone"
    assert differences.total() <= compared / 1000, differences


def test_no_write_is_called_read(corpora: Path) -> None:
    called_read = []
    for item, command in labelled(corpora):
        labels = set(item.label.removeprefix("multi:").split("+"))
        if labels & WRITES and all(operation.effect is R for operation in command.operations):
            called_read.append((item.corpus, item.id))
    assert called_read == []


def test_agents_statements_are_read_or_refused_cleanly(corpora: Path) -> None:
    with gzip.open(corpora / "sql-agent-sessions" / "items.jsonl.gz") as lines:
        for line in lines:
            item = json.loads(line)
            command = parse_sql(item["command"]).command
            facts = item["postgres"]
            if not facts["parse_ok"]:
                assert _is_unknown(command), item["id"]
                continue
            assert not _is_unknown(command), item["id"]
            labels = facts["class"].removeprefix("multi:").split("+")
            if set(labels) & WRITES:
                assert any(operation.effect is not R for operation in command.operations), item["id"]
            elif labels == ["read"] and len(own(command)) == 1:
                assert own(command)[0].effect is R or own(command)[0].kind == "select_for_update", item["id"]


def test_injected_statements_are_seen(corpora: Path) -> None:
    seen = Counter[str]()
    with gzip.open(corpora / "sql-injection" / "items.jsonl.gz") as lines:
        for line in lines:
            for embedding in json.loads(line)["postgres_embeddings"]:
                command = parse_sql(embedding["sql"]).command
                if "\0" in embedding["sql"]:
                    # The other reader stops at a NUL byte and never sees the rest; ours refuses the text.
                    assert _is_unknown(command)
                    continue
                assert not _is_unknown(command), embedding["sql"]
                labels = embedding["label"].removeprefix("multi:").split("+")
                for label, operation in zip(labels, own(command), strict=True):
                    assert operation.effect in EFFECTS[label] or operation.effect is not R, embedding["sql"]
                    seen[label] += 1
                functions = {target.name.rpartition(".")[2] for item in command.operations for target in item.targets}
                missing = {name.rpartition(".")[2] for name in embedding.get("functions", ())} - functions
                assert not missing, (embedding["sql"], missing)
    assert len(seen) > 5


@pytest.mark.parametrize("corpus", LABELLED)
def test_tables_and_functions_of_the_corpus_are_among_the_targets(corpora: Path, corpus: str) -> None:
    """Every name another reader found is in the tree."""
    checked, missing = 0, []
    with gzip.open(corpora / corpus / "items.jsonl.gz") as lines:
        for line in lines:
            item = json.loads(line)
            facts = item["facts"]
            if not facts["parse_ok"]:
                continue
            checked += 1
            command = parse_sql(item["sql"]).command
            named = {_last(target.name) for operation in command.operations for target in operation.targets}
            named |= {_last(name) for name in (command.sql.relations if command.sql else ())}
            wanted = {_last(name) for name in (*facts.get("tables", ()), *facts.get("functions", ()))}
            if wanted - named:
                missing.append((item["id"], wanted - named, item["sql"][:80]))
    assert missing == [], (checked, missing[:20])


def _last(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


def _is_unknown(command: Command) -> bool:
    return any(operation.kind == "unknown" for operation in command.operations)


def _compared(item: Item, command: Command) -> Iterator[tuple[str, str, Effect]]:
    labels = item.label.removeprefix("multi:").split("+")
    statements = own(command)
    if len(labels) == 1:
        # Several statements of one class have one label.
        labels = labels * len(statements)
    assert len(labels) == len(statements), item.id
    for label, statement in zip(labels, statements, strict=True):
        yield label, statement.kind, statement.effect


def _causes() -> list[dict[str, str]]:
    with (HERE / "sql_disagreements.toml").open("rb") as file:
        causes: list[dict[str, str]] = tomllib.load(file)["cause"]
    assert all(cause["reason"] for cause in causes)
    return causes
