"""A login counts until its end, unless its token is taken back; what is not known does not count; and nobody who asks waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from math import inf

import pytest

from engine.request import Principal
from gateway.errors import StoreUnavailable
from gateway.identity.logins import Login
from gateway.identity.standing import EXPIRED, MAX_AGE, PATIENCE, QUIET_SECONDS, REVOKED, UNASKED, Standing

LOGIN = Login(Principal("ana"), 1_000, token="t-1")


class Store:
    def __init__(self) -> None:
        self.gone: frozenset[str] = frozenset()
        self.is_down = False
        self.looks = 0

    def revoked(self, now: int) -> frozenset[str]:
        self.looks += 1
        if self.is_down:
            raise StoreUnavailable("down")
        return self.gone


class World:
    def __init__(self) -> None:
        self.store, self.now, self.seconds = Store(), 0, 0.0
        self.standing = Standing(self.store, lambda: self.now, lambda: self.seconds)  # type: ignore[arg-type]  # the one method it asks
        self.standing.refresh()

    def look_at(self, seconds: float) -> str | None:
        self.seconds = seconds
        self.standing.refresh()
        return self.standing.trouble(LOGIN)


def test_a_login_counts_until_its_end() -> None:
    world = World()
    assert world.standing.trouble(LOGIN) is None
    world.now = 1_000
    assert world.standing.trouble(LOGIN) == EXPIRED


def test_a_revocation_is_known_with_the_next_look_and_nothing_old_is_believed() -> None:
    world = World()
    assert world.standing.trouble(LOGIN) is None
    world.store.gone = frozenset({"t-1"})
    world.seconds = MAX_AGE - 0.01
    assert world.standing.trouble(LOGIN) is None
    world.seconds = MAX_AGE
    assert world.standing.trouble(LOGIN) == UNASKED
    assert world.look_at(MAX_AGE) == REVOKED
    assert MAX_AGE < 1


def test_what_has_to_stand_for_a_login_is_as_old_as_the_look() -> None:
    world = World()
    world.seconds = 0.5
    found = world.standing.stands(LOGIN)
    assert found is not None
    assert (found.until, found.lasts) == (1_000, pytest.approx(MAX_AGE - 0.5))
    assert all(getattr(owner, name) is wanted for owner, name, wanted in found.stands)
    world.store.gone = frozenset({"t-1"})
    world.look_at(0.6)
    assert not any(getattr(owner, name) is wanted for owner, name, wanted in found.stands)
    assert world.standing.stands(LOGIN) is None
    untaken = world.standing.stands(Login(Principal("ana"), 1_000))
    assert untaken is not None
    assert (list(untaken.stands), untaken.until, untaken.lasts) == ([], 1_000, inf)


def test_one_look_is_for_all_logins_and_who_asks_looks_at_nothing() -> None:
    world = World()
    for number in range(100):
        world.standing.trouble(Login(Principal("ana"), 1_000, token=f"t-{number}"))
    world.seconds = MAX_AGE
    world.standing.trouble(LOGIN)
    assert world.store.looks == 1
    assert world.standing.trouble(Login(Principal("alice"), 1_000)) is None


def test_what_cannot_be_asked_does_not_count_and_is_asked_now_and_then() -> None:
    world = World()
    world.store.is_down = True
    assert [world.look_at(1.0) for _ in range(50)] == [UNASKED] * 50
    assert world.store.looks == 2
    assert world.standing.store_trouble() == "down"
    world.store.is_down = False
    assert world.look_at(1.0 + PATIENCE) is None
    assert world.standing.store_trouble() is None
    world.store.is_down = True
    assert world.look_at(1.0 + PATIENCE + MAX_AGE / 2) is None
    assert world.look_at(1.01 + PATIENCE + MAX_AGE) == UNASKED


class Held(Store):
    """A store behind a black hole: who asks it waits until the test lets go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let_go = threading.Event(), threading.Event()
        self.is_held = False

    def revoked(self, now: int) -> frozenset[str]:
        if self.is_held:
            self.asked.set()
            assert self.let_go.wait(20)
        return super().revoked(now)


@pytest.fixture
def held() -> Iterator[tuple[Held, Standing]]:
    store = Held()
    standing = Standing(store, lambda: 0, time.monotonic)  # type: ignore[arg-type]  # the one method it asks
    standing.start()
    yield store, standing
    store.let_go.set()
    standing.close()


async def test_a_loop_goes_on_while_the_store_answers_nobody(held: tuple[Held, Standing]) -> None:
    store, standing = held
    assert standing.trouble(LOGIN) is None
    store.is_held = True
    loop = asyncio.get_running_loop()
    assert await loop.run_in_executor(None, store.asked.wait, 60)
    # The store is let go of only when the loop has turned so often: one that stands still never comes here.
    began = loop.time()
    for _ in range(50):
        await asyncio.sleep(0)
        standing.trouble(LOGIN)
    while standing.trouble(LOGIN) is None:
        await asyncio.sleep(0)
    assert standing.trouble(LOGIN) == UNASKED
    assert not store.let_go.is_set()
    assert loop.time() - began < 20
    store.let_go.set()
    while standing.trouble(LOGIN) is not None:
        await asyncio.sleep(0)


def test_a_store_that_is_quiet_is_told_as_one_that_does_not_work() -> None:
    world = World()
    assert world.standing.store_trouble() is None
    world.standing.start()
    world.standing.close()
    world.seconds = QUIET_SECONDS + 1
    assert world.standing.store_trouble() == "no answer for 6 s"


def test_a_fault_of_ours_ends_no_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity.standing.LOOK_SECONDS", 0.001)
    store, looked = Store(), threading.Semaphore(0)

    def revoked(now: int) -> frozenset[str]:
        store.looks += 1
        looked.release()
        if store.looks == 2:
            raise ZeroDivisionError
        return frozenset()

    store.revoked = revoked  # type: ignore[method-assign]  # what a test says
    seconds = iter(range(10**9))
    standing = Standing(store, lambda: 0, lambda: float(next(seconds)))  # type: ignore[arg-type]  # as above
    standing.start()
    for _ in range(4):
        assert looked.acquire(timeout=60)
    standing.close()
