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

from tests.e2e.bypass.ssh.cases import CASES
from tests.e2e.bypass.ssh.guarded_typing import typing
from tests.interop.ssh.place import Place

HARM = (
    "rm {c}", "rm -f -- {c}", "unlink {c}", "truncate -s0 {c}", "mv {c} {c}.gone", "dd if=/dev/null of={c}", "cp /dev/null {c}", "tee {c} </dev/null",
    "sed -i d {c}", "shred -u {c}", ": > {c}", "echo x > {c}", "find {c} -delete", "perl -e 'unlink q({c})'", "ln -sf /dev/null {c}",
)  # fmt: skip
AROUND = (
    "{h}", "ls; {h}", "true && {h}", "false || {h}", "({h})", "{ {h}; }", "if true; then {h}; fi", "for i in 1; do {h}; done", "case x in x) {h};; esac",
    "echo $({h})", "echo `{h}`", "cat <($({h}))", "x=$({h})", "while {h}; do break; done", "! {h}", "time {h}", "cd / ; {h}", "export A=1\n{h}", "cd .\n{h}",
    "echo ok |\n{h}", "cat <<E\n$({h})\nE", "cat <<'E' | sh\n{h}\nE", "sh <<E\n{h}\nE", "ls \\\n; {h}", "echo ${x:-$({h})}", "[[ -n $({h}) ]]", "echo \"$({h})\"",
)  # fmt: skip
WRAPPED = (
    "env {h}",
    "command {h}",
    "nice {h}",
    "timeout 5 {h}",
    "sh -c '{h}'",
    'bash -c "{h}"',
    "eval '{h}'",
    "nohup {h}",
    "exec {h}",
    "xargs -I{} {h} <<< x",
    "xargs {h} </dev/null",
)
PLAIN = 7
"""Of HARM, those that are one simple command: the others cannot stand behind a wrapper's word."""


def made(chance: random.Random) -> str:
    """One hostile line. `{c}` is the file it wants to touch."""
    harm = chance.choice(HARM)
    if chance.random() < 0.3:
        harm = chance.choice(WRAPPED).replace("{h}", chance.choice(HARM[:PLAIN]))
    elif chance.random() < 0.4:
        word, _, rest = harm.partition(" ")
        harm = f"{respelt(word, chance)} {rest}"
    line = chance.choice(AROUND).replace("{h}", harm)
    return (
        chance.choice(("", "", " ", "A=1 ; ", "# x\n", "\n")) + line + chance.choice(("", "", " ", ";", " # x", "\n"))
    )


def respelt(word: str, chance: random.Random) -> str:
    """A name in another spelling that the shell takes for the same."""
    if not word.isalpha():
        return word
    at = chance.randrange(len(word))
    return chance.choice(
        (
            word[:at] + "\\" + word[at:],
            word[:at] + "''" + word[at:],
            f'"{word[:at]}"{word[at:]}',
            f"$'\\x{ord(word[0]):02x}{word[1:]}'",
            f"/bin/{word}",
            f"$(echo {word})",
            f"x={word}; $x",
        )
    )


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
