"""Every way around, in every spelling, over a real connection to a real sshd: stopped, and nothing on the target has changed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from tests.e2e.bypass.ssh import test_requests
from tests.e2e.bypass.ssh.cases import CASES, REQUESTS, Case
from tests.e2e.bypass.ssh.request_cases import (
    CHANNELS,
    FILES,
    HOSTS,
    LISTENERS,
    SECOND,
    SOCKETS,
    SPELLINGS,
    SUBSYSTEMS,
    TYPED,
)
from tests.interop.ssh.place import Place

DENIED, HELD, RAN = "denied", "held", "ran"


@pytest.fixture
def canary(guarded: Place) -> Iterator[tuple[Path, Path]]:
    """A file that must stay, outside the folders for temporary ones, and a name that must stay free."""
    stays = guarded.home / f"sallyport-canary-{secrets.token_hex(6)}"
    stays.write_text("alive")
    yield stays, Path("/etc/cron.d") / stays.name
    stays.unlink(missing_ok=True)


async def became(connection: asyncssh.SSHClientConnection, text: str) -> str:
    """What became of a command; one that waits for people is left waiting no longer than to see that."""
    process = await connection.create_process(text)
    async with asyncio.timeout(20):
        said = await process.stderr.readline()
        if said.startswith("sallyport: held"):
            process.close()
            await process.wait_closed()
            return HELD
        done = await process.wait()
    return DENIED if done.exit_status == 126 and said.startswith("sallyport: denied") else RAN


async def all_of(place: Place, texts: list[str]) -> list[str]:
    options = asyncssh.SSHClientConnectionOptions(
        username="ana+box",
        client_keys=[str(place.folder / "ana")],
        known_hosts=str(place.folder / "gateway_hosts"),
        config=None,
    )
    async with asyncssh.connect("127.0.0.1", place.port, options=options) as connection:
        return [await became(connection, text) for text in texts]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number} {case.title}")
def test_a_way_around_is_stopped(guarded: Place, canary: tuple[Path, Path], case: Case) -> None:
    stays, absent = canary
    texts = [text.replace("{c}", str(stays)).replace("{s}", str(absent)) for text in case.texts]
    before = len(guarded.decisions())
    came = asyncio.run(all_of(guarded, texts))
    assert [(text, one) for text, one in zip(texts, came, strict=True) if one == RAN] == []
    assert stays.read_text() == "alive"
    assert not absent.exists()
    recorded = guarded.decisions()[before:]
    assert [entry.verdict for entry in recorded if entry.verdict in ("allow", "mask")] == []
    assert len(recorded) >= len(texts)


def test_each_case_has_enough_spellings() -> None:
    assert [case.number for case in CASES] == [*range(60, 78), 82]
    assert [case.number for case in CASES if len(case.texts) < 4] == []


def test_what_is_no_command_has_enough_spellings_too() -> None:
    counted = dict.fromkeys(range(78, 82), 0)
    for number, _, test in REQUESTS:
        if number in counted:
            counted[number] += SPELLINGS.get(test, 0)
    assert min(counted.values()) >= 4, counted
    assert min(SPELLINGS.values()) >= 4
    for spellings in ([name for name, _ in FILES], HOSTS, SOCKETS, LISTENERS, CHANNELS, SUBSYSTEMS, SECOND, TYPED):
        assert len(set(spellings)) == len(spellings)


def test_every_request_that_is_listed_is_tried() -> None:
    assert [name for _, _, name in REQUESTS if not hasattr(test_requests, name)] == []


def test_ordinary_work_is_not_in_the_way(guarded: Place) -> None:
    assert asyncio.run(all_of(guarded, ["ls -la", "git --version", "echo $((1 + 2))"])) == [RAN] * 3
