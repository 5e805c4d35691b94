"""The ways around, typed and pasted into a guarded shell before a real sshd: none runs; thousands of made lines leave a file alone."""

from __future__ import annotations

import asyncio
import random
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bypass.made_lines import made
from tests.e2e.bypass.ssh.cases import CASES
from tests.e2e.bypass.ssh.guarded_typing import typing
from tests.interop.ssh.place import Place


@pytest.fixture
def canary(guarded: Place) -> Iterator[tuple[Path, Path]]:
    stays = guarded.home / f"sallyport-canary-{secrets.token_hex(6)}"
    stays.write_text("alive")
    yield stays, Path("/etc/cron.d") / stays.name
    for left in guarded.home.glob(f"{stays.name}*"):
        left.unlink()


@pytest.fixture
def start_file(guarded: Place) -> Iterator[Path]:
    """A file that no kind of change is let through to: it would start something."""
    folder = guarded.home / ".config" / "autostart"
    was_there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"sallyport-canary-{secrets.token_hex(6)}"
    file.write_text("alive")
    yield file
    for left in folder.glob(f"{file.name}*"):
        left.unlink()
    if not was_there:
        folder.rmdir()


async def became(place: Place, texts: list[str], *, pasted: bool) -> list[str]:
    async with typing(place) as typed:
        return [await typed.line(text, pasted=pasted) for text in texts]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number} {case.title}")
def test_a_way_around_is_stopped_in_a_guarded_shell(guarded: Place, canary: tuple[Path, Path], case: object) -> None:
    stays, absent = canary
    texts = [text.replace("{c}", str(stays)).replace("{s}", str(absent)) for text in case.texts]  # type: ignore[attr-defined]  # a Case
    came = asyncio.run(became(guarded, texts, pasted=True))
    assert [(text, one) for text, one in zip(texts, came, strict=True) if one == "ran"] == []
    assert stays.read_text() == "alive"
    assert not absent.exists()


def test_81_pasted_and_continued_lines_and_history_are_whole_commands_of_their_own(
    guarded: Place, canary: tuple[Path, Path]
) -> None:
    stays, _ = canary
    texts = [
        f"ls\nrm {stays}",
        f"rm \\\n{stays}",
        f"cat <<E\n$(rm {stays})\nE",
        "!!",
        "^ls^rm",
        "!rm",
        f"echo $(\nrm {stays}\n)",
    ]
    asyncio.run(became(guarded, texts, pasted=True))
    asyncio.run(became(guarded, [f"rm \\\n{stays}", f"true; rm {stays}", "!!"], pasted=False))
    assert stays.read_text() == "alive"
    asked = [entry.text for entry in guarded.decisions() if entry.protocol == "shell"]
    assert "!!" in asked
    assert "^ls^rm" in asked


def hostile(guarded: Place, stays: Path, seed: int, count: int) -> None:
    chance = random.Random(seed)
    lines = [made(chance) for _ in range(count)]
    came = asyncio.run(became(guarded, [line.replace("{c}", str(stays)) for line in lines], pasted=True))
    assert stays.read_text() == "alive"
    assert not stays.is_symlink()
    assert len(came) == count
    assert came.count("denied") + came.count("held") + came.count("refused") > count / 2


def test_hostile_lines_leave_the_file_alone(guarded: Place, start_file: Path) -> None:
    hostile(guarded, start_file, 8, 200)


@pytest.mark.long
def test_thousands_of_hostile_lines_leave_the_file_alone(guarded: Place, start_file: Path) -> None:
    for seed in range(10):
        hostile(guarded, start_file, seed, 500)


def test_the_made_lines_are_hostile() -> None:
    chance, harmed = random.Random(8), 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(200):
            file = Path(folder) / "canary"
            file.unlink(missing_ok=True)
            file.write_text("alive")
            line = made(chance).replace("{c}", str(file))
            subprocess.run(["/bin/bash", "-c", line], cwd=folder, input=b"", capture_output=True, timeout=10)
            harmed += file.is_symlink() or not file.exists() or file.read_text() != "alive"
    assert harmed > 140


def test_ordinary_work_is_not_in_the_way_of_a_guarded_shell(guarded: Place) -> None:
    texts = [
        "ls -la",
        "cd /usr/share",
        "pwd",
        "x=1; echo $x",
        "echo $((1 + 2))",
        "git --version",
        "for i in 1 2; do echo $i; done",
    ]
    assert asyncio.run(became(guarded, texts, pasted=False)) == ["ran"] * len(texts)
