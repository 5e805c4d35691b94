"""What psql did lately limits what it may do next: rows that were read, refusals, things that were never done; a restart forgives nothing.

A real PostgreSQL, a real gateway, real psql.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from gateway.demo.binaries import find_binaries
from tests.conftest import missing
from tests.e2e.world import ROOT, World, sallyport, world

pytestmark = pytest.mark.timeout(240)

LIMITS = """\
policy limits
applies to postgres

allow work
  when principal in group {"readers", "writers"}
    and command.complete
    and every operation has (effect in {read, session} or kind in {insert, delete})

hold many_rows "more than 100 rows were read within an hour"
  when context.activity.rows_last_hour > 100
  approvers group "dba"
  expires 1s

deny locked_out "three commands were refused within an hour"
  when context.activity.denials_last_hour >= 3

deny never_done "jobs of this kind never changed this"
  when context.activity.known_uses >= 2
    and any context.activity.unseen has effect in {write, delete}
"""
HELD = "more than 100 rows were read within an hour"
LOCKED = "three commands were refused within an hour"
PEOPLE = ("ana", "bo", "cy")


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world("package policies.world\n") as made:
        (made.folder / "policies" / "world.rego").unlink()
        (made.folder / "policies" / "limits.gate").write_text(LIMITS)
        made.more = {f"WORLD_{name.upper()}": secrets.token_urlsafe(18) for name in PEOPLE[1:]}
        for name in PEOPLE[1:]:
            more = f'\n[[identity.principal]]\nname = "{name}"\ngroups = ["writers"]\npassword = "env:WORLD_{name.upper()}"\n'
            made.config.write_text(made.config.read_text() + more)
        owner(made, "CREATE TABLE orders (id int); GRANT ALL ON orders TO PUBLIC")
        made.start()
        yield made


def owner(here: World, text: str) -> None:
    """The database's owner, past the gateway."""
    cluster = here.cluster
    place = f"host=127.0.0.1 port={cluster.port} user={cluster.user} dbname=postgres sslmode=require"
    run(place, cluster.password, text)


def run(place: str, password: str, text: str) -> subprocess.CompletedProcess[str]:
    psql = find_binaries(os.environ).psql
    if psql is None:
        missing("psql")
    return subprocess.run(
        [str(psql), "-XAtq", place, "-c", text],
        env={**os.environ, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        timeout=60,
    )


def psql(here: World, text: str, name: str = "ana") -> subprocess.CompletedProcess[str]:
    password = here.password if name == "ana" else here.more[f"WORLD_{name.upper()}"]
    return run(f"host=127.0.0.1 port={here.port} user={name} dbname=world sslmode=require", password, text)


def decided(here: World, name: str) -> list[dict[str, object]]:
    return [entry for entry in here.entries() if entry["kind"] == "decision" and entry["principal"] == name]


def activity(entry: dict[str, object]) -> dict[str, object]:
    context = entry["context"]
    assert isinstance(context, dict)
    found = context["activity"]
    assert isinstance(found, dict)
    return found


def learned(here: World) -> int:
    """How much the store knows that jobs did."""
    with sqlite3.connect(here.folder / "store.db") as store:
        return int(store.execute("SELECT count(*) FROM job_uses WHERE principal = 'bo'").fetchone()[0])


@pytest.fixture(scope="module")
def restarted(here: World) -> World:
    """Rows, refusals and a job's first steps, and then kill -9."""
    for _ in range(2):
        said = psql(here, "SELECT generate_series(1, 60)")
        assert (len(said.stdout.split()), said.returncode) == (60, 0), said.stderr
    assert HELD in psql(here, "SELECT 1").stderr
    for text in ("SELECT 1", "SELECT id FROM orders"):
        assert psql(here, text, "bo").returncode == 0
    for _ in range(3):
        assert "no rule allows this" in psql(here, "DROP TABLE orders", "cy").stderr
    assert LOCKED in psql(here, "SELECT 1", "cy").stderr
    deadline, pause = time.monotonic() + 60, threading.Event()
    while learned(here) < 2:
        assert time.monotonic() < deadline, "what was learned is not written"
        pause.wait(0.1)
    here.kill()
    here.start()
    return here


def test_rows_that_were_read_hold_the_next_command_also_after_a_restart(restarted: World) -> None:
    assert HELD in psql(restarted, "SELECT 1").stderr
    entries = decided(restarted, "ana")
    assert [entry["verdict"] for entry in entries] == ["allow", "allow", "hold", "deny", "hold", "deny"]
    held = [activity(entry) for entry in entries if entry["verdict"] != "deny"]
    assert [found["rows_last_hour"] for found in held] == [0, 60, 120, 120]
    assert all(found["exact"] is True for found in held)


def test_refusals_lock_somebody_out_also_after_a_restart(restarted: World) -> None:
    assert LOCKED in psql(restarted, "SELECT 1", "cy").stderr
    assert psql(restarted, "SELECT 1", "bo").stdout == "1\n"


def test_what_was_never_done_is_flagged_also_after_a_restart(restarted: World) -> None:
    assert "jobs of this kind never changed this" in psql(restarted, "DELETE FROM orders WHERE id = 1", "bo").stderr
    said = subprocess.run(
        [*sallyport(), "audit", "show", "--config", str(restarted.config), "--unusual"],
        cwd=ROOT,
        env=restarted.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "(never done by bo without a named job: delete table public.orders)" in said.stdout


def test_every_decision_comes_out_the_same_from_the_log_alone(restarted: World) -> None:
    restarted.stop()
    policies = str(restarted.folder / "policies")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "gateway.cli",
            "replay",
            "--from",
            str(restarted.audit),
            "--against",
            policies,
            "--format",
            "json",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(done.stdout)
    assert (done.returncode, found["flipped"], found["other_reasons"]) == (0, 0, 0), done.stdout
    assert found["decided"] >= 10
    assert found["decided"] == found["same"]
