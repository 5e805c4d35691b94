"""The recorder of a PostgreSQL session fails in the middle, or its gateway dies: nothing more runs, and less than a second is lost."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.recordings import place
from tests.e2e.small_disk import Disk, small_disk
from tests.e2e.world import World

MARK = re.compile(r"mark-[0-9a-z]+")


@pytest.fixture
def small() -> Iterator[tuple[World, Disk]]:
    """Recordings on a disk of their own."""
    with place.recording_world() as here:
        kept = here.folder / "kept"
        kept.mkdir()
        with here.config.open("a") as config:
            config.write('\n[recording]\ndir = "kept"\nkeys = ["env:WORLD_CLIENT"]\nlow_water_bytes = 1048576\n')
        here.password = here.password * 2
        with small_disk(kept) as (within, seen):
            here.within = within
            here.start()
            try:
                yield here, Disk(seen)
            finally:
                here.stop()


def marks(here: World) -> set[str]:
    return set(MARK.findall(place.server_log(here)))


def _ask_until_refused(client: psycopg.Connection, answered: list[str]) -> str:
    """Ask for rows that no recording packs well; what was answered goes to a list. What the client is told then."""
    for number in range(2_000):
        try:
            client.execute(
                f"SELECT 'mark-{number}', string_agg(md5(n::text || '{number}'), '') FROM generate_series(1, 200) n"
            )
        except psycopg.Error as error:
            return str(error)
        answered.append(f"mark-{number}")
    raise AssertionError("the disk is full, and still everything is answered")


def test_a_full_disk_ends_the_session_and_nothing_more_reaches_the_server(small: tuple[World, Disk]) -> None:
    here, disk = small
    answered: list[str] = []
    with psycopg.connect(here.conninfo(application_name="kept-results"), autocommit=True) as client:
        client.execute("SELECT 'mark-first'")
        disk.fill(leave=0)
        said = _ask_until_refused(client, answered)
        assert client.closed or client.broken
        for _ in range(3):
            with pytest.raises(psycopg.Error):
                client.execute("SELECT 'mark-behind'")
    assert answered, said
    ran = marks(here)
    assert {*answered, "mark-first"} <= ran
    assert len(ran - {*answered, "mark-first"}) <= 1  # what ran when it failed

    for number in range(3):
        with (
            pytest.raises(psycopg.Error) as told,
            psycopg.connect(here.conninfo(application_name="kept"), autocommit=True) as client,
        ):
            client.execute(f"SELECT 'mark-new{number}'")
        assert "has to be recorded" in str(told.value)
    with psycopg.connect(here.conninfo(application_name="free"), autocommit=True) as client:
        client.execute("SELECT 'mark-free'")
    assert marks(here) - ran == {"mark-free"}
    entries = here.entries()
    assert "failed" in [one.get("step") for one in entries if one.get("kind") == "recording"]
    assert [one for one in entries if one.get("kind") == "session" and "RECORDER_FAILED" in str(one.get("note"))]
    assert [one for one in entries if one.get("kind") == "outcome" and one.get("error") == "RECORDER_FAILED"]

    disk.empty()
    with psycopg.connect(here.conninfo(application_name="kept"), autocommit=True) as client:
        client.execute("SELECT 'mark-again'")
    assert "mark-again" in marks(here)


def test_a_kill_loses_less_than_a_second(small: tuple[World, Disk]) -> None:
    here, _ = small
    here.stop()
    here.within = ()
    here.start()
    answered: list[tuple[float, str]] = []
    is_dead, pace = threading.Event(), threading.Event()

    def work() -> None:
        with psycopg.connect(here.conninfo(application_name="kept-results"), autocommit=True) as client:
            for number in range(100_000):
                try:
                    client.execute(f"SELECT 'mark-{number}'")
                except psycopg.Error:
                    break
                answered.append((time.monotonic(), f"mark-{number}"))
                pace.wait(0.05)  # so slow that time fills chunks, not what is written
        is_dead.set()

    client = threading.Thread(target=work)
    client.start()

    def older_than_a_second() -> list[str]:
        return [mark for at, mark in list(answered) if at < time.monotonic() - 1.0]

    place.wait_for(lambda: len(older_than_a_second()) > 25 and answered[-1][0] - answered[0][0] > 3)
    killed = time.monotonic()
    here.kill()
    assert is_dead.wait(30)
    client.join()
    recorded = place.opened(here, "kept", here.password)
    older = [mark for at, mark in answered if at < killed - 1.0]
    assert len(older) > 20
    missing = [mark for mark in older if f"'{mark}'".encode() not in recorded]
    assert missing == []
