"""A store that accepts and never answers: who needs it is told no, nobody else waits, and nothing is released twice behind it."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from gateway.aside import PATIENCE_SECONDS
from gateway.audit.read import read
from tests.cutter import Cutter
from tests.e2e.console.house import House, first_line, running_house
from tests.e2e.world import ROOT, sallyport

UPDATE = "UPDATE app.orders SET amount = amount + 1 WHERE id = %d RETURNING id"
MOST = 1.0
"""Seconds in which an allowed statement is answered, whatever the store does."""


@dataclass
class Place:
    house: House
    store: Cutter
    conninfo: str = field(repr=False)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A gateway whose store is a PostgreSQL behind something that can stop answering."""
    with running_house(before=_behind_a_cutter) as house:
        cutter = house.cutter
        assert cutter is not None
        try:
            yield Place(house, cutter, house.world.conninfo())
        finally:
            cutter.flow()
            house.abandon()


def _behind_a_cutter(house: House) -> None:
    cluster, text = house.world.cluster, house.world.config.read_text()
    with psycopg.connect(
        host="127.0.0.1",
        port=cluster.port,
        user=cluster.user,
        password=cluster.password,
        dbname="postgres",
        autocommit=True,
    ) as connection:
        connection.execute("CREATE DATABASE store")
    house.cutter = Cutter(cluster.port)
    house.world.more["STORE_PASSWORD"] = cluster.password
    url = f"postgresql://{cluster.user}@127.0.0.1:{house.cutter.port}/store?sslmode=disable"
    place = f'url = "{url}"\npassword = "env:STORE_PASSWORD"'
    text = text.replace('url = "sqlite:///store.db"', place)
    house.world.config.write_text(text + '\n[[rpc.socket]]\npath = "dora.sock"\nprincipal = "dora"\n')


@dataclass
class Reader:
    """Another session, which asks for what is allowed again and again. `took`: seconds of each."""

    place: Place
    took: list[float] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Reader:
        self._connection = psycopg.connect(self.place.conninfo, autocommit=True)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._over.set()
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            began = time.monotonic()
            found = self._connection.execute(f"SELECT id FROM app.orders WHERE id = {number % 400 + 1}").fetchall()
            self.took.append(time.monotonic() - began)
            assert len(found) == 1


@contextlib.contextmanager
def stalled(place: Place) -> Iterator[None]:
    place.store.stall()
    try:
        yield
    finally:
        place.store.flow()


def approve(house: House, ticket: str) -> None:
    words = [*sallyport(), "approve", ticket, "--as", "dora", "--config", str(house.world.config)]
    done = subprocess.run(words, cwd=ROOT, env=house.world.environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def held_in(line: str) -> str:
    found = re.search(r"h-[0-9a-f]{16}", line)
    assert found is not None, line
    return found[0]


def test_nobody_waits_for_a_store_that_hangs_but_who_needs_it(place: Place) -> None:
    house = place.house
    left = house.psql(UPDATE % 3)
    gone = held_in(first_line(left))
    with Reader(place) as reader, stalled(place):
        before = len(reader.took)
        began = time.monotonic()
        refused = house.psql(UPDATE % 1)
        # Its hold is taken back: a step in the store, too.
        left.terminate()
        left.communicate(timeout=90)
        _, errors = refused.communicate(timeout=60)
        waited = time.monotonic() - began
    during = reader.took[before:]
    assert refused.returncode == 1
    assert "approvals cannot be asked for at the moment" in errors
    assert waited < PATIENCE_SECONDS + 20
    assert len(during) > 20
    assert max(during) < MOST, sorted(during)[-3:]

    # It answers again: everything goes on, and nothing of before was let through.
    again = house.psql(UPDATE % 1)
    ticket = held_in(first_line(again))
    approve(house, ticket)
    assert again.communicate(timeout=90)[0] == "1\nUPDATE 1\n"
    assert house.run("SELECT amount FROM app.orders WHERE id = 1")[1] == "8.50\n"
    assert house.run("SELECT amount FROM app.orders WHERE id = 3")[1] == "22.50\n"
    entries = list(read(house.world.audit))
    used = Counter(entry.ticket for entry in entries if entry.step == "used")
    assert used == {ticket: 1}
    denied = [entry for entry in entries if entry.verdict == "deny" and entry.text == UPDATE % 1]
    assert [entry.deny_kind for entry in denied] == ["APPROVAL_REFUSED"]
    assert gone not in {entry.ticket for entry in entries if entry.verdict in ("allow", "mask")}


def test_a_statement_that_waits_for_people_goes_on_waiting_while_the_store_hangs(place: Place) -> None:
    house = place.house
    waiting = house.psql(UPDATE % 7)
    ticket = held_in(first_line(waiting))
    with Reader(place) as reader, stalled(place):
        others = [house.psql(UPDATE % (10 + number)) for number in range(12)]
        for other in others:
            assert "approvals cannot be asked for" in other.communicate(timeout=90)[1]
    assert max(reader.took) < MOST, sorted(reader.took)[-3:]
    assert waiting.poll() is None
    approve(house, ticket)
    assert waiting.communicate(timeout=90)[0] == "7\nUPDATE 1\n"
    assert house.run("SELECT sum(amount) FROM app.orders WHERE id >= 10 AND id < 22")[1] == "1395.00\n"
    used = Counter(entry.ticket for entry in read(house.world.audit) if entry.step == "used")
    assert used[ticket] == 1
    assert set(used.values()) == {1}
