"""Backups of a store on a real PostgreSQL: as it was at one moment, and back into either kind of database, or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Table, insert, select, text

from gateway.app.assembly import Gateway
from gateway.app.backup import BackupFailed, make_backup
from gateway.app.restoring import Ended, restore
from gateway.approvals.states import State
from gateway.config import load_config
from gateway.config.model import Store
from gateway.demo.cluster import Cluster
from gateway.errors import StoreUnavailable
from gateway.store.database import Database, open_database
from gateway.store.migrations import current, latest, upgrade
from gateway.store.rows import AT_ONCE, carried, export_rows, import_rows, is_empty
from gateway.store.tables import audit_logs, installation, job_uses, lasting_approvals, tickets, tokens
from tests.conftest import ROOT
from tests.strategies.gateways import ENVIRONMENT, settle_in
from tests.unit.gateway.app.test_restoring import Lost, configured, held, is_good, still_remembered, token

MakeUrl = Callable[[str], str]
TEXTS = ("plain", "€ and 🦀", 'it\'s "quoted" \\ and % and :name', "line\nbreak\ttab", "")


@pytest.fixture
def make(cluster: Cluster, authority: Path, tmp_path: Path) -> Iterator[MakeUrl]:
    """Gives the URL of a new and empty database of either kind."""
    made = list[str]()
    owner = f"host=127.0.0.1 port={cluster.port} user={cluster.user} password={cluster.password} sslmode=require"

    def database(kind: str) -> str:
        name = f"backup_{secrets.token_hex(6)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        with psycopg.connect(f"{owner} dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # a name of our own making
        made.append(name)
        place = f"127.0.0.1:{cluster.port}/{name}?sslmode=verify-full&sslrootcert={authority}"
        return f"postgresql://{cluster.user}:{cluster.password}@{place}"

    yield database
    with psycopg.connect(f"{owner} dbname=postgres", autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]  # as above


def fill(database: Database) -> None:
    """Rows of every kind, more than are read at once, with values that have to be told apart."""
    upgrade(database)
    now, many = 1_700_000_000 * 10**9, AT_ONCE * 2 + 7
    with database.begin() as connection:
        for number in range(many):
            one = {"id": f"h-{number}", "state": "refused", "version": number, "principal": "ana", "resource": "orders"}
            more = {"digest": "d" * 64, "created_at": now, "expires_at": 2**62, "used_at": None if number % 2 else now}
            body = json.dumps({"said": TEXTS[number % len(TEXTS)]}, ensure_ascii=False)
            connection.execute(insert(tickets).values(**one, **more, body=body, job=TEXTS[number % len(TEXTS)] or None))
        for number, said in enumerate(TEXTS):
            use = {"owner": bytes([number]) * 16, "use": bytes(range(16)), "principal": "ana", "kind": "build"}
            connection.execute(insert(job_uses).values(**use, said=said, decision_id="d-1", learned_at=-number))
        connection.execute(insert(installation).values(name="bundle:a", value=bytes(range(256))))
        connection.execute(insert(installation).values(name="untold:1", value=b""))
        connection.execute(insert(audit_logs).values(name="log", upto=5, mark=b"m"))


def everything(database: Database, table: Table) -> list[tuple[object, ...]]:
    with database.read() as connection:
        found = [tuple(row) for row in connection.execute(select(table))]
    return sorted(found, key=repr)


@pytest.mark.parametrize(
    ("kind", "into"), [("postgresql", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "postgresql")]
)
def test_rows_of_either_kind_come_into_either_kind(make: MakeUrl, kind: str, into: str) -> None:
    one, two = open_database(make(kind)), open_database(make(into))
    try:
        fill(one)
        lines = list(export_rows(one, lambda table, row: True))
        count = import_rows(two, lines)
        assert count == AT_ONCE * 2 + 7 + len(TEXTS) + 2
        for table in carried():
            assert everything(two, table) == everything(one, table), table.name
        assert everything(two, audit_logs) == []
        assert current(two) == latest()
        assert list(export_rows(two, lambda table, row: True)) == lines
        with pytest.raises(StoreUnavailable, match="rows already"):
            import_rows(two, lines)
    finally:
        one.close()
        two.close()


def test_rows_that_do_not_fit_leave_nothing_behind(make: MakeUrl) -> None:
    one, two = open_database(make("sqlite")), open_database(make("postgresql"))
    try:
        upgrade(one)
        with one.begin() as connection:
            connection.execute(insert(installation).values(name="bundle:a", value=b"1"))
            connection.execute(
                insert(job_uses).values(
                    owner=b"o", use=b"u", principal="x" * 300, kind="k", said="", decision_id="d", learned_at=1
                )
            )
        # SQLite keeps what is longer than its column says; PostgreSQL does not.
        with pytest.raises(StoreUnavailable):
            import_rows(two, export_rows(one, lambda table, row: True))
        assert is_empty(two)
    finally:
        one.close()
        two.close()


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_what_is_copied_is_one_moment_of_a_store_that_others_write(make: MakeUrl, kind: str) -> None:
    url = make(kind)
    database, other = open_database(url), open_database(url)
    upgrade(database)
    # Each writer's transaction puts the same number into two tables, the later of which is copied first.
    is_over, written = threading.Event(), list[int]()

    def write() -> None:
        number = 0
        while not is_over.is_set():
            with other.begin() as connection:
                row = {
                    "id": f"t-{number}",
                    "principal": "ana",
                    "digest": "",
                    "issued_at": 1,
                    "expires_at": 1,
                    "body": "",
                }
                connection.execute(insert(tokens).values(**row))
                used = {"owner": number.to_bytes(16), "use": b"u" * 16, "principal": "ana", "kind": "k", "said": ""}
                connection.execute(insert(job_uses).values(**used, decision_id="d", learned_at=1))
            written.append(number)
            number += 1

    writing = threading.Thread(target=write)
    writing.start()
    try:
        differences, deadline = list[int](), time.monotonic() + 60
        # WHY more than so many: a busy machine may give the writer no turn in all of them.
        while len(differences) < 20 or (max(differences) == 0 and time.monotonic() < deadline):
            seen: dict[str, int] = {"tokens": 0, "job_uses": 0}
            before = len(written)
            for line in export_rows(database, lambda table, row: True):
                said = json.loads(line)
                if isinstance(said, dict):
                    table = str(said.get("table"))
                    # WHY waited for here: between two tables something has to be written for this to tell anything.
                    count = len(written)
                    while kind == "postgresql" and len(written) < count + 2 and writing.is_alive():
                        threading.Event().wait(0.001)
                else:
                    seen[table] += 1
            assert seen["tokens"] == seen["job_uses"], seen
            assert seen["tokens"] >= before
            differences.append(len(written) - seen["tokens"])
        assert max(differences) > 0, "nothing was written meanwhile"
    finally:
        is_over.set()
        writing.join()
        database.close()
        other.close()


@pytest.mark.parametrize(
    ("kind", "into"), [("postgresql", "postgresql"), ("sqlite", "postgresql"), ("postgresql", "sqlite")]
)
def test_a_gateway_comes_back_on_either_kind_and_nothing_that_ended_is_good_again(
    make: MakeUrl, tmp_path: Path, kind: str, into: str
) -> None:
    lost = Lost(tmp_path, Store(make(kind)))
    url = make(into)
    config = configured(tmp_path / "new", Store(url))
    found = restore(config, ENVIRONMENT, lost.place, lost.keys)
    assert found.ended == Ended(3, 1, 1)
    gateway = Gateway(config, ENVIRONMENT)
    try:
        assert [is_good(gateway, one) for one in (lost.kept, lost.once, lost.revoked)] == [False, False, False]
        assert still_remembered(gateway) == 0
        ticket = gateway.approvals.get(lost.ticket)
        assert ticket is not None
        assert ticket.state is State.WITHDRAWN
        _, answer = held(gateway)
        assert answer.decision.verdict.value == "hold"
        assert answer.ticket != lost.ticket
        assert is_good(gateway, token(gateway)[0])
    finally:
        gateway.close()
    # What replicas share came back with the keys, and with nothing else.
    assert not [line for line in (lost.place / "store.jsonl").read_text().splitlines() if line.startswith('["tokens",')]
    assert "tokens" in json.loads((lost.keys / "installation.json").read_text())


def test_a_store_with_rows_is_not_written_over(make: MakeUrl, tmp_path: Path) -> None:
    lost = Lost(tmp_path, Store(make("postgresql")))
    url = make("postgresql")
    config = configured(tmp_path / "new", Store(url))
    running = open_database(url)
    try:
        upgrade(running)
        running.shared_key("decoy")
        with pytest.raises(BackupFailed, match="rows already"):
            restore(config, ENVIRONMENT, lost.place, lost.keys)
        assert not config.at(config.audit.dir).exists()
        with running.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM tickets")).scalar_one() == 0
    finally:
        running.close()


def test_where_nothing_happened_since_tokens_and_the_log_go_on(make: MakeUrl, tmp_path: Path) -> None:
    config = configured(tmp_path / "old", Store(make("postgresql")))
    gateway = Gateway(config, ENVIRONMENT)
    good, _ = token(gateway)
    gateway.close()
    make_backup(config, ENVIRONMENT, tmp_path / "b", tmp_path / "k", 7)
    there = configured(tmp_path / "new", Store(make("sqlite")))
    found = restore(there, ENVIRONMENT, tmp_path / "b", tmp_path / "k", nothing_since=True)
    assert found.ended == Ended()
    gateway = Gateway(there, ENVIRONMENT)
    try:
        assert is_good(gateway, good)
        assert gateway.log.next_seq > found.entries
    finally:
        gateway.close()


def test_the_command_line_does_it_beside_a_running_gateway(make: MakeUrl, tmp_path: Path) -> None:
    said = list[str]()
    url, other = make("postgresql"), make("postgresql")
    files = []
    for name, place in (("old", url), ("new", other)):
        (tmp_path / name).mkdir()
        file = settle_in(tmp_path / name)
        file.write_text(f'{file.read_text()}\n[store]\nurl = "{place}"\n')
        files.append(file)

    def run(*words: str) -> int:
        line = [sys.executable, "-m", "gateway.cli", *words]
        done = subprocess.run(
            line, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, timeout=120
        )
        said.append(done.stdout + done.stderr)
        return done.returncode

    gateway = Gateway(load_config(files[0], {}), ENVIRONMENT)
    try:
        token(gateway)
        gateway.sealer.seal()
        assert run("backup", str(tmp_path / "b"), "--keys", str(tmp_path / "k"), "--config", str(files[0])) == 0, said
    finally:
        gateway.close()
    assert "pg_dump" not in said[-1]
    assert run("restore", str(tmp_path / "b"), "--keys", str(tmp_path / "k"), "--config", str(files[1])) == 0, said
    assert "ended: 1 tokens" in said[-1]
    with contextlib.closing(open_database(url)) as old, contextlib.closing(open_database(other)) as new:
        assert len(everything(new, tokens)) == len(everything(old, tokens)) == 1
        assert everything(new, lasting_approvals) == []
    assert run("restore", str(tmp_path / "b"), "--config", str(files[1])) == 3
    assert "there already" in said[-1]
