"""Sessions whose sockets the core reads: what else happens to a session reaches it as it reaches any other, with real clients and a real server."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest

from adapters.core.joint import TAPPED_AFTER
from tests.e2e.sessions.place import Sessions
from tests.e2e.sessions.test_kill import command, newest
from tests.e2e.sessions.test_limits import ends

pytestmark = pytest.mark.timeout(180)

Client = psycopg.Connection[Any]


def read_in_the_core(here: Sessions) -> set[str]:
    """The sockets that the gateway has under two numbers."""
    assert here.world.process is not None
    place, found = f"/proc/{here.world.process.pid}/fd", Counter[str]()
    for number in os.listdir(place):
        with suppress(OSError):
            found[os.readlink(f"{place}/{number}")] += 1
    return {name for name, times in found.items() if name.startswith("socket:") and times > 1}


def ask(client: Client, times: int = 1) -> None:
    for _ in range(times):
        assert client.execute("SELECT 7").fetchone() == (7,)


def tapped(here: Sessions, database: str = "world") -> Client:
    """A client whose commands go through the lane, so often that its sockets are read in the core."""
    before = read_in_the_core(here)
    client = psycopg.connect(here.world.conninfo(dbname=database), autocommit=True)
    ask(client, 3 * TAPPED_AFTER)
    here.wait_for(lambda: len(read_in_the_core(here) - before) == 2, "sockets that are read in the core")
    return client


def at_the_server(here: Sessions, text: str, *values: object) -> None:
    """Run something past the gateway."""
    cluster = here.world.cluster
    conninfo = {"host": "127.0.0.1", "port": cluster.port, "user": cluster.user, "password": cluster.password}
    with psycopg.connect(**conninfo, dbname="postgres", autocommit=True) as owner:  # type: ignore[arg-type]  # a port is a number
        owner.execute(text.encode(), values)


def fails(client: Client, what: type[Exception], words: str) -> None:
    with pytest.raises(what, match=words):
        ask(client)


def test_it_is_killed(here: Sessions) -> None:
    with closing(tapped(here)) as client:
        name = newest(here, "world").session
        (found,) = [one for one in json.loads(command(here, "live", "--json")) if one["id"] == name]
        assert found["verdict"] == "allow"
        command(here, "kill", name, "-m", "enough")
        fails(client, psycopg.errors.AdminShutdown, "an operator ended this session: enough")


def test_the_server_ends_it(here: Sessions) -> None:
    with closing(tapped(here)) as client:
        pid = own_pid(client)
        ask(client, 3 * TAPPED_AFTER)
        at_the_server(here, "SELECT pg_terminate_backend(%s)", pid)
        fails(client, psycopg.OperationalError, "terminat")


def own_pid(client: Client) -> int:
    row = client.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def test_its_client_goes_away_and_its_sockets_are_let_go(here: Sessions) -> None:
    before = read_in_the_core(here)
    client = tapped(here)
    its_own = read_in_the_core(here) - before
    client.close()
    here.wait_for(lambda: its_own.isdisjoint(read_in_the_core(here)), "its sockets let go")


def test_what_the_server_says_unasked_arrives(here: Sessions) -> None:
    with closing(tapped(here)) as client:
        client.execute("LISTEN news")
        ask(client, 3 * TAPPED_AFTER)
        at_the_server(here, "NOTIFY news, 'that'")
        (heard,) = client.notifies(timeout=30, stop_after=1)
        assert heard.payload == "that"
        ask(client, 3 * TAPPED_AFTER)


def test_a_command_is_cancelled_and_others_are_denied_in_between(here: Sessions) -> None:
    with closing(tapped(here)) as client:
        cancelling = threading.Timer(1.0, client.cancel_safe)
        cancelling.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            client.execute("SELECT pg_sleep(60)")
        cancelling.join()
        ask(client, 3 * TAPPED_AFTER)
        with pytest.raises(psycopg.errors.SyntaxError):
            client.execute("SELEC 7")
        ask(client, 3 * TAPPED_AFTER)


def until_it_ends(client: Client) -> None:
    deadline = time.monotonic() + 60
    with suppress(psycopg.OperationalError):
        while time.monotonic() < deadline:
            ask(client)
        pytest.fail("it goes on")


def test_who_asks_is_not_idle_and_who_stops_is(here: Sessions) -> None:
    before = ends(here, "IDLE_LIMIT", "idle")
    with closing(tapped(here, "idle")) as client:
        for _ in range(15):
            ask(client)
            threading.Event().wait(0.1)
        here.wait_for(lambda: ends(here, "IDLE_LIMIT", "idle") == before + 1, "the end of an idle session")
        fails(client, psycopg.OperationalError, "nothing was asked for 1 s")


def test_a_lifetime_ends(here: Sessions) -> None:
    before = ends(here, "LIFETIME_LIMIT", "short")
    with closing(psycopg.connect(here.world.conninfo(dbname="short"), autocommit=True)) as client:
        until_it_ends(client)
    here.wait_for(lambda: ends(here, "LIFETIME_LIMIT", "short") == before + 1, "the end of its lifetime")
