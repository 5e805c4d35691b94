"""A connection is ended in steps: asked, then asked with what runs, then cut; never from another thread than the loop's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from adapters.core.ports import Cause, Connection, Ending
from adapters.core.watching import CUT_SECONDS, FINISH_SECONDS, Watched


@dataclass
class Stopped:
    heard: bool = False
    is_waiting: bool = True
    told: list[tuple[str, Cause | None]] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def stop(self, reason: str, cause: Cause, /) -> None:
        self.told.append((reason, cause))
        self.threads.append(threading.get_ident())

    def cut(self, reason: str, /) -> None:
        self.told.append((reason, None))


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time is ours."""

    def __init__(self) -> None:
        super().__init__()
        self.later: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay, callback, *args, context=None):  # type: ignore[no-untyped-def]  # the library's own
        self.later.append((delay, lambda: callback(*args)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ended(clock: Clock, connection: Stopped, cause: Cause) -> list[float]:
    """End it on the loop's thread and let all the time go by; how long each step was waited for."""
    waited = []

    async def play() -> None:
        Watched(connection, clock).end(Ending(cause, "over"))
        while clock.later:
            delay, call = clock.later.pop(0)
            waited.append(delay)
            call()

    clock.run_until_complete(play())
    clock.close()
    return waited


@pytest.mark.parametrize("cause", [Cause.IDLE, Cause.KILLED, Cause.REVOKED])
def test_it_is_asked_to_end_and_cut_when_it_does_not_come_to_that(clock: Clock, cause: Cause) -> None:
    connection = Stopped()
    assert ended(clock, connection, cause) == [CUT_SECONDS]
    assert connection.told == [("over", cause), ("over", None)]


def test_what_runs_when_its_lifetime_is_over_gets_a_moment_and_then_ends_too(clock: Clock) -> None:
    connection = Stopped()
    assert ended(clock, connection, Cause.LIFETIME) == [FINISH_SECONDS, CUT_SECONDS]
    assert connection.told == [("over", Cause.LIFETIME), ("over", Cause.KILLED), ("over", None)]


@pytest.mark.parametrize(
    ("heard", "waits", "active"), [(False, True, False), (True, True, True), (False, False, True), (True, False, True)]
)
def test_it_was_active_when_the_client_spoke_or_something_ran(
    clock: Clock, heard: bool, waits: bool, active: bool
) -> None:
    connection: Stopped = Stopped(heard, waits)
    watched: Connection = Watched(connection, clock)
    assert watched.was_active() is active
    assert watched.was_active() is not waits, "what was heard counts once"
    clock.close()


async def test_from_another_thread_it_is_told_on_the_loops_own() -> None:
    connection = Stopped()
    watched = Watched(connection, asyncio.get_running_loop())
    await asyncio.to_thread(watched.end, Ending(Cause.KILLED, "over"))
    await asyncio.sleep(0)
    assert connection.told == [("over", Cause.KILLED)]
    assert connection.threads == [threading.get_ident()]


def test_a_loop_that_is_over_has_no_connection_to_end(clock: Clock) -> None:
    connection = Stopped()
    watched = Watched(connection, clock)
    clock.close()
    watched.end(Ending(Cause.KILLED, "over"))
    assert connection.told == []
