"""Ending other people's sessions: from the command line, by taking a token back, by a reload; seen by psql, ssh and the server."""

from __future__ import annotations

import json
import subprocess
import threading

import psycopg
import pytest

from gateway.audit.entry import Entry
from tests.e2e.sessions.place import Sessions
from tests.e2e.world import ROOT, sallyport

pytestmark = pytest.mark.timeout(240)


def command(here: Sessions, *words: str) -> str:
    done = subprocess.run(
        [*sallyport(), *words, "--config", str(here.world.config)],
        cwd=ROOT,
        env=here.world.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    return done.stdout


def newest(here: Sessions, resource: str) -> Entry:
    return [entry for entry in here.audit("opened") if entry.resource == resource][-1]


def running(here: Sessions, text: str) -> int:
    """How many backends of the server run this now."""
    cluster = here.world.cluster
    with psycopg.connect(
        host="127.0.0.1", port=cluster.port, user=cluster.user, password=cluster.password, dbname="postgres"
    ) as owner:
        row = owner.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()",
            [f"%{text}%"],
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_session_is_listed_and_killed_with_what_runs_in_it(here: Sessions) -> None:
    said: list[subprocess.CompletedProcess[str]] = []
    client = threading.Thread(target=lambda: said.append(here.psql("SELECT pg_sleep(120) /* to be killed */")))
    client.start()
    here.wait_for(lambda: running(here, "to be killed") == 1, "the command at the server")
    name = newest(here, "world").session
    (found,) = [one for one in json.loads(command(here, "live", "--json")) if one["id"] == name]
    assert (found["principal"], found["resource"], found["verdict"]) == ("ana", "world", "allow")
    assert name in command(here, "kill", name, "-m", "too slow")
    client.join(60)
    assert not client.is_alive()
    assert "FATAL:  57P01: an operator ended this session: too slow" in said[0].stderr
    here.wait_for(lambda: running(here, "to be killed") == 0, "the end of the command at the server")
    (killed,) = here.audit("killed")
    assert (killed.session, killed.person, killed.principal, killed.note) == (name, "olga", "ana", "too slow")
    assert [entry.note for entry in here.audit("closed") if entry.session == name] == ["KILLED by olga: too slow"]


def test_a_held_command_goes_with_its_session_and_never_runs(here: Sessions) -> None:
    here.psql("CREATE TABLE kept (a int)", "INSERT INTO kept VALUES (1)")
    said: list[subprocess.CompletedProcess[str]] = []
    client = threading.Thread(target=lambda: said.append(here.psql("DELETE FROM kept")))
    client.start()
    here.wait_for(lambda: any(one["is_held"] for one in json.loads(command(here, "live", "--json"))), "a hold")
    (held,) = [one for one in json.loads(command(here, "live", "--json")) if one["is_held"]]
    command(here, "kill", held["id"])
    client.join(60)
    assert "FATAL:  57P01: an operator ended this session" in said[0].stderr
    assert here.psql("SELECT count(*) FROM kept").stdout == "1\n"


def test_an_ssh_connection_is_killed(here: Sessions) -> None:
    before = here.opened("den")
    with subprocess.Popen(here.ssh("-N", resource="den"), stderr=subprocess.PIPE, text=True) as client:
        here.wait_for(lambda: here.opened("den") > before, "a connection")
        command(here, "kill", newest(here, "den").session, "-m", "enough")
        _, said = client.communicate(timeout=60)
    assert "an operator ended this session: enough" in said


def test_a_reload_that_leaves_somebody_out_ends_what_they_run(here: Sessions) -> None:
    text = here.world.config.read_text()
    said: list[subprocess.CompletedProcess[str]] = []
    client = threading.Thread(target=lambda: said.append(here.psql("SELECT pg_sleep(120) /* of somebody gone */")))
    client.start()
    here.wait_for(lambda: running(here, "of somebody gone") == 1, "the command at the server")
    try:
        here.world.config.write_text(text.replace('name = "ana"', 'name = "anna"'))
        assert here.world.process is not None
        here.world.process.send_signal(1)
        client.join(60)
        assert not client.is_alive()
    finally:
        here.world.config.write_text(text)
        here.world.process.send_signal(1)
        here.wait_for(lambda: here.psql("SELECT 1").stdout == "1\n", "somebody to be known again")
    assert "FATAL:  57P01: this login is not valid any more" in said[0].stderr
    here.wait_for(lambda: running(here, "of somebody gone") == 0, "the end of the command at the server")
    assert any(entry.note.startswith("LOGIN_REVOKED ") for entry in here.audit("closed"))
