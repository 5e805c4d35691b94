"""What runs beside the sessions goes on after whatever it raised, and says so meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from gateway import tending
from gateway.errors import StoreUnavailable
from gateway.tending import Tending, caught, told_of


def fail() -> None:
    raise ZeroDivisionError("secret")


def test_what_is_raised_is_caught_and_told_without_its_text() -> None:
    assert caught(lambda: 1) is None
    error = caught(fail)
    assert isinstance(error, ZeroDivisionError)
    assert told_of(error) == "a fault of the gateway (ZeroDivisionError)"
    assert told_of(StoreUnavailable("the store refused")) == "the store refused"
    with pytest.raises(KeyboardInterrupt):
        caught(_interrupt)


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_a_trouble_is_counted_each_time_told_once_and_gone_when_it_goes_well() -> None:
    failed: list[str] = []
    works = Tending(failed.append)
    assert not works.attempt("sweep", fail)
    assert not works.attempt("sweep", fail)
    assert works.attempt("flush", list)
    assert failed == ["sweep", "sweep"]
    assert works.troubles == ["sweep: a fault of the gateway (ZeroDivisionError)"]
    assert works.attempt("sweep", list)
    assert works.troubles == []


async def test_a_work_that_fails_is_begun_again_until_it_ends_by_itself() -> None:
    failed: list[str] = []
    works, runs = Tending(failed.append, pause=0.0), 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        if runs < 3:
            raise ValueError

    await works.keep("hear", work)
    assert (runs, failed, works.troubles) == (3, ["hear", "hear"], [])


async def test_a_work_that_goes_on_for_long_is_well_again_and_ends_when_it_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tending, "STEADY_SECONDS", 0.0)
    works, runs = Tending(pause=0.0), 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError
        assert works.troubles
        await asyncio.Event().wait()

    task = asyncio.create_task(works.keep("hear", work))
    while runs < 2 or works.troubles:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
