"""Names for Tab: over SFTP, each folder asked about, nothing typed ever runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from adapters.ssh.completing import MAX_LISTED, Completer, Found, choose
from adapters.ssh.upstream import Upstream
from tests.ssh_world import SmallGate, World, ssh_world


@asynccontextmanager
async def completer(world: World) -> AsyncIterator[Completer]:
    upstream = Upstream(world.target)
    made = Completer(SimpleNamespace(gate=world.gate, upstream=upstream))  # type: ignore[arg-type]  # as much of a visit as it uses
    yield made
    made.close()
    for connection in upstream._connections:
        connection.close()
        await connection.wait_closed()
    upstream.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name in ("report.txt", "report.old", "with space", ".hidden", "docs/only.md"):
        (tmp_path / name).write_text("")
    return tmp_path


async def test_folders_are_asked_about_and_listed(folder: Path) -> None:
    async with ssh_world(str(folder)) as world, completer(world) as made:
        assert await made.complete("cat rep", "/", "/") == Found("ort.")
        assert (await made.complete("cat report.", "/", "/")).names == ("report.old", "report.txt")
        assert await made.complete("ls d", "/", "/") == Found("ocs/")
        assert await made.complete("ls docs/", "/", "/") == Found("only.md ")
        assert await made.complete("ls ~/docs/o", "/x", "/") == Found("nly.md ")
        assert await made.complete("cat wi", "/", "/") == Found(names=("with space",))
        assert await made.complete("cat .h", "/", "/") == Found("idden ")
        assert await made.complete("cat nothing", "/", "/") == Found()
        assert b'sftp list "/docs"' in [question.text for question in world.gate.asked]
        assert all(question.prepares for question in world.gate.asked)
        assert world.ran == []


@pytest.mark.parametrize("before", ["cat 'rep", "cat $(rep`", "cat $HO", "ls ~root/x", "cat \\"])
async def test_words_that_are_not_plain_are_left_alone(folder: Path, before: str) -> None:
    async with ssh_world(str(folder)) as world, completer(world) as made:
        assert await made.complete(before, "/", "/") == Found()


async def test_where_nobody_may_look_nothing_is_shown(folder: Path) -> None:
    (folder / "#deny").mkdir()
    (folder / "#deny" / "secret").write_text("")
    async with ssh_world(str(folder)) as world, completer(world) as made:
        assert await made.complete("cat s", "/#deny", "/") == Found()


async def test_a_target_that_does_not_answer_is_no_error() -> None:
    async with ssh_world() as world, completer(world) as made:
        assert await made.complete("cat s", "/", "/") == Found()


def test_choices() -> None:
    assert choose("a", []) == Found()
    assert choose("ab", ["ab"]) == Found(" ")
    assert choose("a", ["ab;rm", "ab;rx"]) == Found(names=("ab;rm", "ab;rx"))
    assert Found(names=("a", "b\x1b[2J")).listed(80) == b"a      b [2J\n"
    assert Found(names=tuple(f"n{number}" for number in range(MAX_LISTED + 2))).listed(10).endswith(b"and 2 more\n")
    assert isinstance(SmallGate(), object)


async def test_what_may_not_be_shown_is_not_there(folder: Path) -> None:
    async with ssh_world(str(folder)) as world, completer(world) as made:
        made._may_show = lambda path: path != "/report.old"
        assert await made.complete("cat rep", "/", "/") == Found("ort.txt ")
