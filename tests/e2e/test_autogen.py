"""`sallyport demo --autogen` as a user runs it: real PostgreSQL and sshd, AutoGen with a replayed model, an approval by a person."""

from __future__ import annotations

import os
import re
import shutil
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
    if shutil.which("ssh") is None or not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        missing("OpenSSH (sshd and ssh; apt: openssh-server openssh-client)")
    place = Path("/tmp") if os.geteuid() == 0 else tmp_path_factory.mktemp("autogen")  # the server's user must reach it
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "demo", "--autogen"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        timeout=840,
    )
    return ended, place


@pytest.mark.timeout(900)  # the first run on a machine installs AutoGen
def test_the_story_is_told_and_nothing_in_it_differs(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    ended, _ = played
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = [re.split(r"\s{2,}", line) for line in ended.stdout.splitlines() if re.match(r"\d+ ", line)]
    assert [(row[2].partition(":")[0], row[3]) for row in told] == [
        ("postgres", "allow"),
        ("postgres", "mask"),
        ("postgres", "deny"),
        ("postgres", "hold, approved by lena"),
        ("shell", "allow"),
        ("python", "deny"),
        ("python", "allow"),
        ("shell", "allow"),
        ("shell", "deny"),
    ]
    assert "DIFFERS" not in ended.stdout


SECRET = re.compile(r"\beyJ[A-Za-z0-9_-]{10}|(?<![\w-])\d{12,19}(?!\w)")


def test_no_token_or_card_number_is_in_the_story(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    ended, _ = played
    assert SECRET.search(ended.stdout) is None
    # What it is for is seen; names of tickets and decisions, which may be many digits by chance, are not taken for it.
    assert SECRET.search("paid with 4000000000001000 ") is not None
    assert SECRET.search(f"Bearer eyJ{'a' * 20}") is not None
    assert SECRET.search("h-1234567890123456 d-18fe80c3b0-3 1234567890123456abcd") is None


def test_nothing_is_left_behind(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, place = played
    assert list(place.glob("sallyport-autogen-*")) == []
