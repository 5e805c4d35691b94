"""The disk of the audit is full: nothing is granted that cannot be recorded, nothing is lost, and it goes on when there is room.

A real file system of a few megabytes, mounted where only the gateway and this test see it (a mount namespace).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.small_disk import LOW_WATER, Disk, small_disk
from tests.e2e.world import World, world


def ask(place: World, name: str) -> str:
    """What a client that comes anew gets: the row, or what it is told."""
    try:
        with psycopg.connect(place.conninfo(), autocommit=True, connect_timeout=10) as connection:
            row = connection.execute(f"SELECT '{name}'").fetchone()
            assert row is not None
            return str(row[0])
    except psycopg.Error as error:
        return str(error)


def until(place: World, name: str, is_wanted: bool) -> str:
    """Ask until it is answered, or until it is not; the space is looked at twenty times a second."""
    said = ""
    for number in range(200):
        said = ask(place, f"{name}{number}")
        if (said == f"{name}{number}") == is_wanted:
            return said
    raise AssertionError(f"still {'refused' if is_wanted else 'granted'}: {said}")


@pytest.fixture
def place() -> Iterator[tuple[World, Disk]]:
    with world() as here:
        here.audit.mkdir()
        with small_disk(here.audit) as (within, seen):
            here.within = within
            try:
                yield here, Disk(seen)
            finally:
                here.stop()


def test_a_full_disk_denies_and_a_disk_with_room_grants_again(place: tuple[World, Disk]) -> None:
    here, disk = place
    here.start()
    with psycopg.connect(here.conninfo(), autocommit=True) as early:
        assert early.execute("SELECT 'before'").fetchone() == ("before",)
        disk.fill(leave=LOW_WATER // 2)
        assert "cannot be recorded" in until(here, "short", is_wanted=False)
        with pytest.raises(psycopg.Error) as caught:
            early.execute("SELECT 'held session'")
        assert "cannot be recorded" in str(caught.value)
        assert "DETAIL:  no rule had a say" in str(caught.value)
        assert str(here.audit) not in str(caught.value)
        assert here.process is not None
        assert here.process.poll() is None

        disk.fill(leave=0)
        for number in range(5):
            assert ask(here, f"full{number}") != f"full{number}"
        assert here.process.poll() is None

        disk.empty()
        until(here, "after", is_wanted=True)
        assert early.execute("SELECT 'same session'").fetchone() == ("same session",)
    here.stop()
    assert here.verify_audit() == 0
    granted = [str(entry["text"]) for entry in here.entries() if entry.get("verdict") == "allow" and "text" in entry]
    assert "SELECT 'before'" in granted
    assert "SELECT 'same session'" in granted
    assert not [text for text in granted if "full" in text or "held session" in text]


def test_a_gateway_that_dies_on_a_full_disk_starts_again_with_its_whole_log(place: tuple[World, Disk]) -> None:
    here, disk = place
    here.start()
    assert ask(here, "before") == "before"
    disk.fill(leave=0)
    # What still fits into the last page of the log may be granted: it is recorded.
    until(here, "full", is_wanted=False)
    here.kill()
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        (disk.place / "more").write_bytes(bytes(4096))
    (disk.place / "more").unlink(missing_ok=True)
    disk.empty()
    here.start()
    until(here, "after", is_wanted=True)
    here.stop()
    assert here.verify_audit() == 0
    texts = [str(entry.get("text")) for entry in here.entries()]
    assert "SELECT 'before'" in texts
