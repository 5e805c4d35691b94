"""The example policies against statements from outside: injections are stopped, ordinary queries are not."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from engine import Decision, Principal, Program, Resource, Session, Source, TextQuestion, Verdict, compile_policies

EXAMPLES = Path(__file__).parents[2] / "policies" / "examples"
NOW = 1_764_000_000 * 10**9

READS_FILES_OR_RUNS_PROGRAMS = {
    *("lo_export", "lo_from_bytea", "lo_get", "lo_import", "lo_put", "load_file", "pg_ls_dir", "pg_read_file"),
    *("os_command.exec_clob", "writefile"),
}
TRANSACTION = "tx"


def items(corpora: Path, name: str) -> Iterator[dict[str, object]]:
    with gzip.open(corpora / name / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@pytest.fixture(scope="module")
def read_only() -> Program:
    folder = EXAMPLES / "read-only"
    return compile_policies([Source(path.name, path.read_text(encoding="utf-8")) for path in folder.glob("*.rego")], {})


def judge(program: Program, sql: str) -> Decision:
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
    for item in items(corpora, "sql-injection"):
        found = item.get("postgres_embeddings")
        for statement in found if isinstance(found, list) else ():
            yield statement["sql"], statement["label"], set(statement.get("functions") or ())


def test_injected_writes_never_run(read_only: Program, corpora: Path) -> None:
    writes = [sql for sql, label, _ in injections(corpora) if label not in ("read", TRANSACTION)]
    print(f"sql-injection: {len(writes)} writes")
    assert len(writes) > 10
    assert [sql for sql in writes if judge(read_only, sql).is_granted] == []


def test_injected_calls_of_files_and_programs_never_run(read_only: Program, corpora: Path) -> None:
    calls = [sql for sql, _, functions in injections(corpora) if functions & READS_FILES_OR_RUNS_PROGRAMS]
    print(f"sql-injection: {len(calls)} calls of files and programs")
    assert len(calls) > 10
    assert [sql for sql in calls if judge(read_only, sql).is_granted] == []


def test_ordinary_queries_are_not_denied(read_only: Program, corpora: Path) -> None:
    queries = [str(item["sql"]) for item in items(corpora, "sql-queries")]
    denied = [sql for sql in queries if judge(read_only, sql).verdict is Verdict.DENY]
    print(f"sql-queries: {len(denied)} of {len(queries)} denied")
    assert len(queries) > 1000
    assert len(denied) <= 0.02 * len(queries), denied[:10]


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
