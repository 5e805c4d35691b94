"""What channels share: refusals are recorded and counted; work that fails unforeseen ends the connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from adapters.core.ports import Cause, Target
from adapters.ssh.upstream import Upstream
from adapters.ssh.visit import MAX_REFUSALS, Visit
from tests.ssh_world import SmallGate

TARGET = Target("h", 22, "me")


def visit(cuts: list[str]) -> tuple[Visit, SmallGate]:
    gate = SmallGate()
    return Visit(gate, TARGET, Upstream(TARGET), cuts.append, 5.0), gate


async def test_a_refused_request_is_recorded_in_the_language_of_requests() -> None:
    made, gate = visit([])
    made.refuse("listen", "0.0.0.0", "80")
    assert gate.refused == [(b'listen "0.0.0.0" "80"', "`listen` is not carried here")]


async def test_too_many_refused_requests_end_the_connection() -> None:
    cuts: list[str] = []
    made, gate = visit(cuts)
    for _ in range(MAX_REFUSALS + 3):
        made.refuse("agent")
    assert len(gate.refused) == MAX_REFUSALS
    assert set(cuts) == {"too many refused requests"}


async def test_work_that_fails_in_an_unforeseen_way_ends_the_connection() -> None:
    cuts: list[str] = []
    made, _ = visit(cuts)

    async def fail() -> None:
        raise ZeroDivisionError

    await asyncio.wait([made.spawn(fail())])
    assert cuts == ["an error of the gateway"]


async def test_the_end_cancels_what_waits_and_tells_the_gate() -> None:
    made, gate = visit([])
    waiting = made.spawn(asyncio.Event().wait())  # type: ignore[arg-type]  # its value is not looked at
    made.close("gone")
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert gate.closed == ["gone"]


async def test_it_is_quiet_when_no_channel_is_open() -> None:
    made, _ = visit([])
    assert made.quiet.is_set()
    made.opened()
    made.opened()
    made.closed()
    assert not made.quiet.is_set()
    made.closed()
    assert made.quiet.is_set()


@dataclass(eq=False)
class Seen:
    is_waiting: bool


def channel(made: Visit, one: Seen | None) -> None:
    made.opened()
    if one is not None:
        made.seen.add(one)


async def test_it_waits_for_its_client_when_every_channel_does() -> None:
    made, _ = visit([])
    assert made.is_waiting
    channel(made, one := Seen(True))
    assert made.is_waiting
    one.is_waiting = False
    assert not made.is_waiting
    one.is_waiting = True
    channel(made, None)
    assert not made.is_waiting, "of a channel that nobody sees into something always runs"


@pytest.mark.parametrize("cause", list(Cause))
async def test_a_connection_where_nothing_runs_ends_at_once(cause: Cause) -> None:
    made, _ = visit(cuts := [])
    channel(made, Seen(True))
    made.stop("over", cause)
    assert cuts == ["over"]


@pytest.mark.parametrize("cause", [Cause.KILLED, Cause.REVOKED])
async def test_an_urgent_end_waits_for_nothing(cause: Cause) -> None:
    made, _ = visit(cuts := [])
    channel(made, Seen(False))
    made.stop("over", cause)
    assert cuts == ["over"]


async def test_what_runs_at_the_end_of_a_lifetime_may_finish_and_nothing_new_begins() -> None:
    made, _ = visit(cuts := [])
    channel(made, Seen(False))
    made.stop("idle", Cause.IDLE)
    assert made.has_room
    made.stop("over", Cause.LIFETIME)
    assert cuts == []
    assert not made.has_room
    made.closed()
    assert cuts == ["over"]
