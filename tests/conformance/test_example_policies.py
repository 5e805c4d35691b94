"""The example policies against statements from outside: injections are stopped, ordinary queries are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from engine import Program
from tests.conformance.agreement.sql import injected_access, injected_writes, judge, queries
from tests.conformance.corpus import items, program


@pytest.fixture(scope="module")
def read_only() -> Program:
    return program("read-only")


def test_injected_writes_never_run(read_only: Program, corpora: Path) -> None:
    found = injected_writes(corpora, read_only)
    assert found.must_refuse > 10
    assert found.passed == []


def test_injected_calls_of_files_and_programs_never_run(read_only: Program, corpora: Path) -> None:
    found = injected_access(corpora, read_only)
    assert found.must_refuse > 10
    assert found.passed == []


def test_ordinary_queries_are_not_denied(read_only: Program, corpora: Path) -> None:
    found = queries(corpora, read_only)
    assert found.cases > 1000
    assert found.agree >= 0.98 * found.cases, found.explained


def verdicts(program: Program, texts: Iterator[str]) -> Counter[str]:
    return Counter(judge(program, text).verdict.value for text in texts)


def test_migrations_never_run_for_readers(read_only: Program, corpora: Path) -> None:
    changes = (
        str(item["sql"]) for item in items(corpora, "sql-migrations") if item["label"] not in ("read", "tx", "session")
    )
    found = verdicts(read_only, changes)
    print(f"sql-migrations that change something: {dict(found)}")
    assert found.total() > 1000
    assert found["allow"] == found["mask"] == 0


def test_what_agents_ask_is_answered_where_it_is_a_query(read_only: Program, corpora: Path) -> None:
    """Statements of agents over MySQL: what PostgreSQL's grammar accepts as a query is not denied, the rest never runs."""
    reads, others = Counter[str](), Counter[str]()
    for item in islice(items(corpora, "sql-agent-sessions"), 0, None, 5):
        facts = item["postgres"]
        assert isinstance(facts, dict)
        is_read = facts["parse_ok"] and facts.get("class") == "read"
        (reads if is_read else others)[judge(read_only, str(item["command"])).verdict.value] += 1
    print(f"sql-agent-sessions, every fifth: queries {dict(reads)}, others {dict(others)}")
    assert reads["deny"] <= 0.02 * reads.total()
    assert others["allow"] <= 0.02 * others.total()
