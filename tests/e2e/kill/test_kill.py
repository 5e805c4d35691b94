"""kill -9 at any moment, under load: no allow that a client was told of is missing from the audit.

A real `sallyport serve` decides for several clients at once and is killed after a random number of answers, again and
again on the same state. Then the log is read as `audit show` reads it. Ten kills here; `make long` does 200.
"""

from __future__ import annotations

import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.decision import Verdict
from engine.request import Principal, Resource
from gateway.rpc.client import CallFailed, Client, Query, Raw
from tests.strategies.gateways import ENVIRONMENT, settle_in

ROOT = Path(__file__).parents[3]
CLIENTS = 4
MOST_ANSWERS = 400
ASKED = Query(Resource("orders", "postgres"), Principal("ana", "agent", ("data-readers",)))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="kill"))
    settle_in(path)
    yield path
    shutil.rmtree(path)


@dataclass
class Load:
    """Clients that ask until nobody answers, and what they were told."""

    folder: Path
    allowed: set[str] = field(default_factory=set)
    answers: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def run(self, number: int) -> None:
        with Client.over_unix(self.folder / "app.sock", timeout=30) as client:
            turn = 0
            while True:
                turn += 1
                try:
                    text = f"SELECT {turn % 50} AS c{number}"
                    ruling = client.decide(Raw("postgres", text.encode()), ASKED)
                except CallFailed:
                    return
                if ruling.decision.verdict is Verdict.ALLOW:
                    self.allowed.add(ruling.particulars.decision_id)
                self.answers.put(ruling.particulars.decision_id)


def start(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "serve", "--config", str(folder / "sallyport.toml")],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("ready"):
            return process
    raise AssertionError(said)


def kill_under_load(folder: Path, after: int) -> set[str]:
    """One life of the service, ended after so many answers; the allows that clients saw."""
    process, load = start(folder), Load(folder)
    threads = [threading.Thread(target=load.run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(after):
            load.answers.get(timeout=60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for thread in threads:
            thread.join(60)
    return load.allowed


def recorded(folder: Path) -> list[dict[str, object]]:
    """What `sallyport audit show --json` prints."""
    shown = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "audit", "show", "--json", "--config", str(folder / "sallyport.toml")],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in shown.stdout.splitlines()]


def check(folder: Path, kills: int, seed: int) -> int:
    chance, seen = random.Random(seed), set[str]()
    for _ in range(kills):
        life = kill_under_load(folder, chance.randint(1, MOST_ANSWERS))
        assert life
        assert not life & seen, "an id was given twice"
        seen |= life
    entries = recorded(folder)
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    written = {entry["decision_id"] for entry in entries if entry.get("verdict") == "allow"}
    assert seen <= written, seen - written
    return len(seen)


def test_no_answered_allow_is_missing_after_ten_kills(folder: Path) -> None:
    assert check(folder, 10, seed=1) > 100


@pytest.mark.long
def test_no_answered_allow_is_missing_after_two_hundred_kills(folder: Path) -> None:
    assert check(folder, 200, seed=2) > 2_000
