"""One value of a gigabyte through the gateway, up and down: it arrives as it was sent, and the gateway needs no more memory for it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest

from tests.e2e.memory import Watch, write
from tests.e2e.world import World, world

ALLOW_ALL = """\
package policies.world

allow contains {"code": "ALL", "reason": "everything"} if input.command.protocol == "postgres"
"""
MIB = 1 << 20
PIECE = os.urandom(MIB // 2).hex().encode()
"""A mebibyte of text that COPY need not escape."""
MOST = 48
"""MiB that the gateway may grow by for a value, however large: what is on its way on both sides, and the pieces being looked at."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a value: which, how long it took, and how much more memory there was at most (MiB)."""

    name: str
    seconds: float
    grown: float


@contextmanager
def connected(place: World) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(place.conninfo(), autocommit=True) as connection:
        connection.execute("SELECT 1")
        yield connection


def upload(connection: psycopg.Connection[tuple[object, ...]], pieces: int) -> str:
    """COPY one value of so many mebibytes in; its digest."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy("COPY large (value) FROM STDIN") as copy:
        for _ in range(pieces):
            digest.update(PIECE)
            copy.write(PIECE)
        copy.write(b"\n")
    return digest.hexdigest()


def download(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """SELECT it; its digest."""
    row = connection.execute("SELECT value FROM large").fetchone()
    assert row is not None
    return hashlib.sha256(str(row[0]).encode()).hexdigest()


def copy_out(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """COPY it out; its digest."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy("COPY large (value) TO STDOUT") as copy:
        for piece in copy:
            digest.update(bytes(piece).rstrip(b"\n"))
    return digest.hexdigest()


def carried(size: int) -> list[Way]:
    """A value of so many mebibytes up and down in every way; fails when it changes on its way."""
    ways = []
    with world(ALLOW_ALL) as place:
        place.start()
        with connected(place) as connection:
            # WHY external: what is measured is the gateway, not the server's compression.
            connection.execute("CREATE TABLE large (value text); ALTER TABLE large ALTER value SET STORAGE EXTERNAL")
            digests = []
            for name, act in (
                ("COPY FROM STDIN", lambda: upload(connection, size)),
                ("SELECT", lambda: download(connection)),
                ("COPY TO STDOUT", lambda: copy_out(connection)),
            ):
                began = time.monotonic()
                with Watch(place) as watch:
                    digests.append(act())
                ways.append(Way(name, time.monotonic() - began, watch.grown))
        assert len(set(digests)) == 1
    return ways


def test_a_value_larger_than_any_message_that_is_looked_at_whole_is_carried_in_pieces() -> None:
    for way in carried(80):
        assert way.grown < MOST, way


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_gigabyte_is_carried_both_ways_with_flat_memory() -> None:
    # The server itself takes no value of 1024 MiB: a message of its own has to be smaller than that.
    size = 1_000
    ways = carried(size)
    rows = "\n".join(
        f"| {way.name} | {way.seconds:.1f} s | {size / way.seconds:.0f} MiB/s | {way.grown:.0f} MiB |" for way in ways
    )
    write(
        "One value of a gigabyte",
        f"""`make long SELECT=tests/e2e/test_large_values.py`: a text of {size:,} MiB in one row, through TLS on both sides, on two cores shared with other work.
Times are those of client, gateway and server together.

| by | in | rate | the gateway's memory grew by at most |
|---|---|---|---|
{rows}

A message that has to be seen whole has at most 64 MiB: parameters of a Bind, a row with masked columns. Larger ones end the connection (54000).
""",
    )
    for way in ways:
        assert way.grown < MOST, way
