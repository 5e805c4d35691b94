"""Contents of the audit are shredded under a running gateway: no file of it keeps a word, its log is proven as before, it goes on.

A real gateway and a real PostgreSQL: commands that go the long way, the short way and the lane, one that is held, one refused.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from gateway.audit import standalone
from tests.e2e.world import ROOT, World, sallyport, world

POLICY = """\
package policies.world

allow contains {"code": "READ", "reason": "reading"} if {
	input.command.protocol == "postgres"
	every op in input.command.operations { op.effect in {"read", "session"} }
}

hold contains {"code": "WRITE", "reason": "looked at", "approvers": {"groups": ["dba"]}, "expires": "1s"} if {
	some op in input.command.operations
	op.effect == "delete"
}
"""
CANARY = "c4naryOfTheShredder"
DEADLINE = 60


def settle(place: World) -> None:
    text = place.config.read_text()
    place.config.write_text(text.replace("[audit]", "[audit]\nkeep_days = 30\nindex = true", 1))


def work(place: World, word: str) -> None:
    with psycopg.connect(place.conninfo(), autocommit=True, prepare_threshold=None) as connection:
        for number in range(40):
            assert connection.execute(f"SELECT '{word}' || {number}").fetchone() == (f"{word}{number}",)
        for value in (f"{word} bound", f"{word} again"):
            assert connection.execute("SELECT %s::text", (value,)).fetchone() == (value,)
        for refused in (f"DROP TABLE {word}", f"DELETE FROM pg_class WHERE relname = '{word}'"):
            with contextlib.suppress(psycopg.Error):
                connection.execute(refused)


def audit(place: World, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*sallyport(), "audit", *words, "--config", str(place.config)],
        cwd=ROOT,
        env=place.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def files_with(place: World, word: str) -> list[Path]:
    """Every file of the gateway's that has the word in it; PostgreSQL's own are its own."""
    found = (path for path in place.folder.rglob("*") if path.is_file() and place.folder / "pg" not in path.parents)
    return [path for path in found if word.encode() in path.read_bytes()]


def texts(place: World) -> list[str]:
    return [str(entry.get("text", "")) for entry in place.entries() if entry["kind"] == "decision"]


def shred_all(place: World) -> subprocess.CompletedProcess[str]:
    day = datetime.now(UTC) + timedelta(days=2)
    return audit(place, "shred", "--before", day.strftime("%Y-%m-%d"))


def wait_for_shredding(place: World, times: int) -> None:
    deadline, pause = time.monotonic() + DEADLINE, threading.Event()
    while list((place.audit / "content").glob("*/*.key")) or list((place.audit / "content").glob("requests/*.json")):
        assert time.monotonic() < deadline, "nothing was shredded"
        pause.wait(0.2)
    assert sum(entry["kind"] == "shredded" for entry in place.entries()) >= times


def wait_for_index(place: World) -> int:
    """Until the running gateway has indexed what it wrote; how many terms there are."""
    deadline, pause = time.monotonic() + DEADLINE, threading.Event()
    while True:
        with contextlib.closing(sqlite3.connect(place.folder / "store.db")) as store:
            upto = store.execute("SELECT max(upto) FROM audit_logs").fetchone()[0] or 0
            terms = int(store.execute("SELECT count(*) FROM audit_terms").fetchone()[0])
        if upto >= 80:
            return terms
        assert time.monotonic() < deadline, f"indexed up to {upto}"
        pause.wait(0.2)


def found(place: World, *words: str) -> list[str]:
    said = audit(place, "search", *words, "--json", "--limit", "1000")
    assert said.returncode == 0, said.stderr
    return [str(json.loads(line)["seq"]) for line in said.stdout.splitlines()]


def check_proofs(place: World, shredded: int) -> None:
    said = audit(place, "verify", "--json")
    assert said.returncode == 0, said.stdout + said.stderr
    report = json.loads(said.stdout)
    assert (report["findings"], report["closed"]) == ([], 0)
    assert report["shredded"] >= shredded
    key = audit(place, "key").stdout.strip()
    alone = subprocess.run(
        [sys.executable, "-I", str(standalone.__file__), str(place.audit), key], capture_output=True, text=True
    )
    assert alone.returncode == 0, alone.stdout


@pytest.mark.timeout(300)
def test_no_file_keeps_a_word_of_what_was_shredded_and_everything_is_proven() -> None:
    with world(POLICY) as place:
        settle(place)
        place.start()
        work(place, CANARY)
        seen = [text for text in texts(place) if CANARY in text]
        assert len(seen) >= 40
        # Entries are closed from the first moment; what the store shows approvers is there until it is shredded.
        assert [path.name for path in files_with(place, CANARY) if path.suffix == ".jsonl"] == []
        assert wait_for_index(place) > 300
        assert len(found(place, CANARY)) >= 40
        assert found(place, "--object", CANARY) == found(place, "drop", CANARY) != []
        said = shred_all(place)
        assert said.returncode == 0, said.stderr
        wait_for_shredding(place, 1)
        assert [text for text in texts(place) if CANARY in text] == []
        assert files_with(place, CANARY) == []
        assert found(place, CANARY) == found(place, "--object", CANARY) == []
        assert len(found(place, "--principal", "ana")) >= 40
        work(place, "after")
        assert [text for text in texts(place) if "after" in text]
        place.stop()
        check_proofs(place, shredded=40)
        assert files_with(place, CANARY) == []


@pytest.mark.timeout(300)
def test_a_kill_in_the_middle_leaves_a_state_that_goes_on() -> None:
    with world(POLICY) as place:
        settle(place)
        for life in range(2):
            place.start()
            work(place, f"{CANARY}{life}")
            assert shred_all(place).returncode == 0
            threading.Event().wait(0.4 * life)
            place.kill()
        place.start()
        wait_for_shredding(place, 1)
        work(place, "after")
        assert [text for text in texts(place) if "after" in text]
        place.stop()
        assert files_with(place, CANARY) == []
        check_proofs(place, shredded=40)
