"""Limits of sessions, with psql, ssh and curl: idle too long, open too long, too many of one principal."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.sessions.place import Sessions

pytestmark = pytest.mark.timeout(180)


def lines_of(running: subprocess.Popen[str]) -> Iterator[str]:
    assert running.stdout is not None
    return iter(running.stdout)


def type_at(running: subprocess.Popen[str], text: str) -> None:
    assert running.stdin is not None
    running.stdin.write(text)
    running.stdin.flush()


def ends(here: Sessions, code: str, resource: str) -> int:
    """How many sessions on a resource the audit says ended so."""
    opened = {entry.session for entry in here.audit("opened") if entry.resource == resource}
    return sum(entry.note.startswith(f"{code} ") and entry.session in opened for entry in here.audit("closed"))


def test_psql_that_asks_nothing_for_too_long_is_told_so(here: Sessions) -> None:
    with here.typing("idle") as psql:
        type_at(psql, "SELECT 'in';\n")
        assert next(lines_of(psql)) == "in\n"
        here.wait_for(lambda: ends(here, "IDLE_LIMIT", "idle") == 1, "the end of an idle session")
        _, said = psql.communicate("SELECT 'out';\n", 30)
    assert "FATAL:  57P05: nothing was asked for 1 s" in said


def test_psql_that_is_idle_in_a_transaction_is_told_that_and_nothing_of_it_stays(here: Sessions) -> None:
    with here.typing("idle") as psql:
        type_at(psql, "BEGIN; CREATE TABLE left_over (a int); SELECT 'in';\n")
        assert "in\n" in [next(lines_of(psql)) for _ in range(3)]
        before = ends(here, "IDLE_LIMIT", "idle")
        here.wait_for(lambda: ends(here, "IDLE_LIMIT", "idle") == before + 1, "the end of an idle transaction")
        _, said = psql.communicate("COMMIT;\n", 30)
    assert "FATAL:  25P03" in said
    assert here.psql("SELECT to_regclass('left_over') IS NULL").stdout == "t\n"


def test_what_runs_is_not_idle(here: Sessions) -> None:
    done = here.psql("SELECT pg_sleep(2.5)", "SELECT 'still here'", database="idle")
    assert (done.returncode, done.stdout.split()[-2:]) == (0, ["still", "here"])


def test_what_runs_at_the_end_of_a_lifetime_may_finish(here: Sessions) -> None:
    done = here.psql("SELECT pg_sleep(4.5), 'finished'", "SELECT 'another'", database="short")
    assert "finished" in done.stdout
    assert "another" not in done.stdout
    assert "FATAL:  57P01: a session may be open for 3 s here" in done.stderr
    here.wait_for(lambda: ends(here, "LIFETIME_LIMIT", "short") == 1, "the end of an old session")


def test_psql_is_refused_where_its_user_has_enough_connections(here: Sessions) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(psycopg.connect(here.world.conninfo(dbname="two")))
        done = here.psql("SELECT 1", database="two")
        assert done.returncode == 2
        assert "too many connections of yours: 2 at once may be open to this resource" in done.stderr
        assert here.psql("SELECT 1").stdout == "1\n", "of another resource there are others"
        assert [entry.note for entry in here.audit("refused") if entry.resource == "two"] == ["53300"]
    here.wait_for(lambda: here.psql("SELECT 1", database="two").stdout == "1\n", "room for one more")


def test_curl_is_refused_while_another_connection_is_open_and_an_idle_one_ends(here: Sessions) -> None:
    with socket.create_connection(("127.0.0.1", here.http_port), timeout=30) as kept:
        kept.sendall(f"GET /things HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {here.token}\r\n\r\n".encode())
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        body, _, status = here.curl().rpartition("\n")
        assert status == "429"
        assert "TOO_MANY_CONNECTIONS" in body
        rest = b""
        while piece := kept.recv(65536):
            rest += piece
        assert not rest.startswith(b"HTTP/"), "nobody asked anything more"
    assert here.curl().endswith("200")
    here.wait_for(lambda: ends(here, "IDLE_LIMIT", "shop") >= 1, "the end of an idle connection")


def test_ssh_is_refused_while_another_is_there_and_one_that_does_nothing_ends(here: Sessions) -> None:
    before = here.opened("box")
    with subprocess.Popen(here.ssh("-N"), stderr=subprocess.PIPE, text=True) as kept:
        here.wait_for(lambda: here.opened("box") > before, "a connection")
        second = subprocess.run(here.ssh("id"), capture_output=True, text=True, timeout=60)
        assert "too many connections of yours" in second.stderr
        assert "ran" not in second.stdout
        _, said = kept.communicate(timeout=60)
    assert "nothing was asked for 12 s" in said
    here.wait_for(lambda: ends(here, "IDLE_LIMIT", "box") == 1, "the end of an idle connection")
    third = subprocess.run(here.ssh("id"), capture_output=True, text=True, timeout=60)
    assert third.stdout.startswith("ran ")
