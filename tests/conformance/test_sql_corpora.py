"""The SQL parser against statements that other parsers have labelled: no crash, nothing unknown, effects that agree.

What is computed stands in `tests/conformance/agreement/sql.py`; every difference stands with its reason in sql_disagreements.toml.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from engine.command.sql.kinds import KIND_NAMES
from engine.command.sql.parse import parse_sql
from engine.command.tree import Effect
from tests.conformance.agreement.sql import EFFECTS, LABELLED, causes, effects, is_unknown, labelled, understood
from tests.sql_commands import own

R = Effect.READ
WRITES = frozenset({"write", "destroy", "ddl", "dcl", "explain-analyze-write", "copy-from-stdio"})


def test_what_postgresql_accepts_is_understood(corpora: Path) -> None:
    found = understood(corpora)
    assert found.unexplained == []
    assert found.explained.total() <= found.cases // 1000, found.explained


def test_what_postgresql_refuses_is_unknown(corpora: Path) -> None:
    found = understood(corpora)
    assert found.must_refuse
    assert found.passed == []


def test_every_kind_is_one_of_the_published_ones(corpora: Path) -> None:
    assert {item.kind for _, command in labelled(corpora) for item in command.operations} <= KIND_NAMES


def test_effects_agree_with_the_labels_and_every_difference_has_its_reason(corpora: Path) -> None:
    found, differing = effects(corpora)
    stated = {(cause["label"], cause["kind"], cause["effect"]) for cause in causes()}
    assert differing == stated, "explain the new ones, drop the ones that are gone"
    assert found.explained.total() <= found.cases / 1000, found.explained


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
                assert is_unknown(command), item["id"]
                continue
            assert not is_unknown(command), item["id"]
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
                    assert is_unknown(command)
                    continue
                assert not is_unknown(command), embedding["sql"]
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
