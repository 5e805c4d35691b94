"""Made hostile lines, run by bash itself under strace: every program it starts is one that our tree of the line names, or the tree
says of itself that it is not complete. Nothing else would do: what a policy is not shown, it cannot deny."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.command.tree import Command
from tests.conftest import missing
from tests.e2e.bypass.ssh.hostile_lines import BARE, MARKERS, QUOTED, hostile_line
from tests.shell_commands import command

BASH = "/bin/bash"
STARTED = re.compile(r'execve\("([^"]*)".* = 0$', re.MULTILINE)
TOOLS = (
    "bash", "sh", "env", "nice", "nohup", "timeout", "setsid", "stdbuf", "xargs", "find", "cat", "sed", "awk", "uname", "true", "flock", "ionice", "chrt", "taskset",
    "script", "unshare", "setarch", "printf", "run-parts", "chroot", "start-stop-daemon",
)  # fmt: skip
"""What lines may use besides the markers; all that is not here is not found."""


class Place:
    """A folder of its own, with the markers and the tools, where one line after the other runs."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.work, self.log = folder / "bin", folder / "work", folder / "log"
        self.bin.mkdir()
        for name in MARKERS:
            (self.bin / name).symlink_to("/bin/true")
        for name in TOOLS:
            where = shutil.which(name)
            if where is not None:
                (self.bin / name).symlink_to(where)

    def started(self, line: str) -> set[str]:
        """The markers that bash started for a line."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        words = [
            shutil.which("strace") or "strace",
            "-f",
            "-qq",
            "-e",
            "trace=execve",
            "-e",
            "signal=none",
            "-s",
            "4096",
            "-o",
            str(self.log),
        ]
        words += [BASH, "--noprofile", "--norc", "-p", "-c", line]
        client = subprocess.Popen(
            words,
            cwd=self.work,
            env={"PATH": str(self.bin), "HOME": str(self.work), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            client.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(client.pid, 9)
            client.wait()
        names = {Path(path).name for path in STARTED.findall(self.log.read_text(errors="replace"))}
        return names & set(MARKERS)


@pytest.fixture(scope="module")
def bash() -> Iterator[Place]:
    if shutil.which("strace") is None:
        missing("strace (apt: strace)")
    with tempfile.TemporaryDirectory(prefix="sallyport-lines-") as folder:
        made = Place(Path(folder))
        if made.started("alpha; $(bravo)") != {"alpha", "bravo"}:
            missing("a machine where strace may look at programs")
        yield made


def named(tree: Command) -> set[str]:
    """The programs that a tree says could run, wrappers too."""
    found: set[str] = set()
    for operation in tree.operations:
        if operation.shell is not None:
            found.update(Path(name).name for name in (operation.shell.program or "", *operation.shell.wrappers))
    return found


def unseen(bash: Place, line: str) -> set[str] | None:
    """The markers that ran and that a tree which calls itself complete does not name; None: it did not."""
    tree = command(line)
    if not tree.complete or any(operation.kind == "unknown" for operation in tree.operations):
        return None
    return bash.started(line) - named(tree)


def agree(bash: Place, seed: int, count: int) -> None:
    chance, complete, faults = random.Random(seed), 0, []
    for _ in range(count):
        line = hostile_line(chance, str(bash.bin))
        found = unseen(bash, line)
        complete += found is not None
        if found:
            faults.append((line, found))
    assert not faults, faults[:5]
    # WHY: a tree that is never complete would agree with everything.
    assert complete > count / 8


def test_every_program_that_bash_starts_for_a_made_line_is_in_its_tree(bash: Place) -> None:
    agree(bash, 104, 200)


@pytest.mark.long
def test_every_program_that_bash_starts_for_thousands_of_lines_is_in_their_trees(bash: Place) -> None:
    for seed in range(10):
        agree(bash, seed, 500)


@pytest.mark.parametrize("part", range(4))
def test_every_single_way_is_seen_or_said_not_to_be(bash: Place, part: int) -> None:
    faults = []
    ways = [*BARE, *(way.replace("{q}", "{w}") for way in QUOTED)]
    for way in ways[part::4]:
        text = way
        for name, value in (
            ("{w:0:3}", "hot"),
            ("{w0}", "h"),
            ("{w1}", "otel"),
            ("{W}", "HOTEL"),
            ("{w}", "hotel"),
            ("{p}", str(bash.bin)),
        ):
            text = text.replace(name, value)
        found = unseen(bash, text)
        if found:
            faults.append(text)
    assert not faults, faults


def test_the_made_lines_do_start_their_programs(bash: Place) -> None:
    chance = random.Random(7)
    ran = sum(bool(bash.started(hostile_line(chance, str(bash.bin)))) for _ in range(60))
    assert ran > 45
