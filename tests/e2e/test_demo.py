"""`sallyport demo --check` as a user runs it: a real PostgreSQL, a real psql, an approval through the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.demo.binaries import DemoUnavailable, find_binaries
from tests.conftest import missing

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    try:
        if find_binaries(os.environ).psql is None:
            missing("psql")
    except DemoUnavailable as absent:
        missing(f"PostgreSQL ({absent})")
    place = Path("/tmp") if os.geteuid() == 0 else tmp_path_factory.mktemp("demo")  # the server's user must reach it
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "demo", "--check"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    return ended, place


def test_every_verdict_shows_what_it_promises(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    ended, _ = played
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["ok", "allow"],
        ["ok", "mask"],
        ["ok", "deny"],
        ["ok", "hold"],
    ]


def test_nothing_is_left_behind(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, place = played
    assert list(place.glob("sallyport-demo-*")) == []
