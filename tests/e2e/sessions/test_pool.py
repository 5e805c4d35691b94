"""A pool as a configuration has it: `sallyport up`, psql, the audit and the numbers."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from gateway.audit.read import read
from gateway.demo.cluster import free_port
from tests.conftest import missing
from tests.e2e.world import World, world

POLICY = """\
package policies.world

allow contains {"code": "ALL", "reason": "everything"} if input.principal.name == "ana"
"""
WAIT = 60.0


@dataclass(frozen=True)
class Place:
    """A gateway with a pool of one before a role that is nobody special."""

    world: World
    metrics: int

    def psql(self, *texts: str) -> list[str]:
        """What psql prints for the last of these, in a session of its own."""
        words = ["psql", "-XAtq", self.world.conninfo(dbname="pooled")]
        said = subprocess.run(
            [*words, *(part for text in texts for part in ("-c", text))], capture_output=True, text=True, timeout=60
        )
        assert said.returncode == 0, said.stderr
        return said.stdout.split()

    def numbers(self) -> dict[str, float]:
        """What Prometheus reads of pools."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:  # ours
            text = answer.read().decode()
        found = re.findall(r'^sallyport_pool\w*\{resource="pooled",\w+="(\w+)"\} (\S+)$', text, re.MULTILINE)
        return {name: float(number) for name, number in found}


@pytest.fixture(scope="module")
def here() -> Iterator[Place]:
    if shutil.which("psql") is None:
        missing("psql")
    with world(POLICY) as made:
        password, metrics = secrets.token_hex(12), free_port()
        made.more = {"WORLD_TENANT": password}
        made.config.write_text(
            f"""
[metrics]
bind = "127.0.0.1:{metrics}"

[[resource]]
name = "pooled"
protocol = "postgres"
address = "127.0.0.1:{made.cluster.port}"
database = "postgres"
role = "tenant"
credential = "env:WORLD_TENANT"
tls = {{ ca_file = "server.crt" }}
pool = {{ size = 1, wait_seconds = 10 }}

[[resource]]
name = "turns"
protocol = "postgres"
address = "127.0.0.1:{made.cluster.port}"
database = "postgres"
role = "tenant"
credential = "env:WORLD_TENANT"
tls = {{ ca_file = "server.crt" }}
pool = {{ mode = "transaction", size = 1, wait_seconds = 10 }}
"""
            + made.config.read_text()
        )
        made.start()
        place = Place(made, metrics)
        subprocess.run(
            ["psql", "-XAtq", made.conninfo(dbname="world"), "-c", f"create role tenant login password '{password}'"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        yield place


def test_sessions_share_a_backend_and_the_audit_and_the_numbers_say_so(here: Place) -> None:
    seen = [
        here.psql("set timezone = 'Asia/Tokyo'", "select pg_backend_pid(), current_setting('search_path')")
        for _ in range(3)
    ]
    assert len({row[0] for row in seen}) == 1
    backend = seen[0][0].partition("|")[0]
    entries = [entry for entry in read(here.world.audit) if entry.kind == "session"]
    connected = [entry for entry in entries if entry.step == "connected"]
    assert [entry.note for entry in connected] == [
        f"a new connection, backend {backend}",
        *[f"a connection of the pool, backend {backend}"] * 2,
    ]
    opened = {entry.session for entry in entries if entry.step == "opened" and entry.resource == "pooled"}
    assert {entry.session for entry in connected} == opened
    deadline = time.monotonic() + WAIT
    while (numbers := here.numbers()).get("free") != 1:
        assert time.monotonic() < deadline, numbers
        threading.Event().wait(0.05)
    assert numbers == {"open": 1, "free": 1, "waiting": 0, "new": 1, "reused": 2, "returned": 3}


def test_what_one_leaves_the_next_does_not_find(here: Place) -> None:
    before = here.psql("set my.tenant = 'a'", "select pg_backend_pid()")
    after = here.psql("select pg_backend_pid()", "select current_setting('my.tenant', true) is null")
    assert after[-1] == "t"
    assert after[0] != before[-1]


def test_by_transaction_clients_that_stay_take_turns_and_the_audit_tells_each(here: Place) -> None:
    links = [psycopg.connect(here.world.conninfo(dbname="turns"), autocommit=True) for _ in range(3)]
    try:
        seen = [link.execute("select pg_backend_pid()").fetchone() for _ in range(2) for link in links]
        assert len(set(seen)) == 1
        links[0].execute("set timezone = 'Asia/Tokyo'")
        assert links[0].execute("show timezone").fetchone() == ("Asia/Tokyo",)
        links[0].close()
        assert links[1].execute("select current_setting('timezone') = 'Asia/Tokyo'").fetchone() == (False,)
    finally:
        for link in links:
            link.close()
    entries = [entry for entry in read(here.world.audit) if entry.kind == "session"]
    turns = {entry.session for entry in entries if entry.step == "opened" and entry.resource == "turns"}
    connected = [entry for entry in entries if entry.step == "connected" and entry.session in turns]
    assert len(turns) == 3
    assert len(connected) >= 9


def test_a_stop_ends_what_is_free(here: Place) -> None:
    backend = here.psql("select pg_backend_pid()")[-1]
    here.world.stop()
    here.world.start()
    assert here.psql("select pg_backend_pid()")[-1] != backend
    alive = here.psql(f"select count(*) from pg_stat_activity where pid = {backend}")
    assert alive == ["0"]
