"""Of who asks the store and who would not wait any more exactly one answers; the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from gateway.aside import MINE, Aside, TooLate, Turn, is_on_loop


class Store:
    """Something that answers when it is let."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked = threading.Event()
        self.said: list[str] = []

    def ask(self, turn: Turn) -> str:
        self.asked.set()
        assert self.answers.wait(30)
        turn.must_take()
        self.said.append("yes")
        return "yes"


def late() -> str:
    return "late"


def never(answer: str) -> None:
    raise AssertionError(answer)


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.answers.set()


def test_a_turn_is_taken_once() -> None:
    turn = Turn()
    assert turn.take()
    assert turn.take(), "by the same one"
    assert not turn.give_up()
    assert not turn.is_over
    turn.check()
    over = Turn()
    assert over.give_up()
    assert not over.take()
    assert over.is_over
    for refuse in (over.check, over.must_take):
        with pytest.raises(TooLate):
            refuse()
    assert MINE.take()
    assert not MINE.give_up()


async def test_the_loop_goes_on_while_the_store_is_asked(store: Store) -> None:
    aside = Aside()
    asking = asyncio.create_task(aside.ask(store.ask, late, never))
    while not store.asked.is_set():
        await asyncio.sleep(0)
    assert not asking.done()
    store.answers.set()
    assert await asking == "yes"
    aside.close()


async def test_what_comes_too_late_is_not_said(store: Store) -> None:
    aside = Aside(0.01)
    assert await aside.ask(store.ask, late, never) == "late"
    store.answers.set()
    aside.close()
    assert store.said == []


async def test_what_was_begun_to_be_said_is_waited_for() -> None:
    aside, taken, go_on = Aside(0.01), threading.Event(), threading.Event()

    def work(turn: Turn) -> str:
        turn.must_take()
        taken.set()
        assert go_on.wait(30)
        return "yes"

    asking = asyncio.create_task(aside.ask(work, late, never))
    while not taken.is_set():
        await asyncio.sleep(0)
    await asyncio.wait((asking,), timeout=0.05)
    assert not asking.done()
    go_on.set()
    assert await asking == "yes"
    aside.close()


async def test_who_breaks_off_before_is_as_if_they_had_not_asked(store: Store) -> None:
    aside = Aside()
    asking = asyncio.create_task(aside.ask(store.ask, late, never))
    while not store.asked.is_set():
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    store.answers.set()
    aside.close()
    assert store.said == []


async def test_an_answer_whose_asker_broke_off_is_given_to_who_undoes_it() -> None:
    aside, taken, go_on = Aside(), threading.Event(), threading.Event()
    undone: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def work(turn: Turn) -> str:
        turn.must_take()
        taken.set()
        assert go_on.wait(30)
        return "yes"

    asking = asyncio.create_task(aside.ask(work, late, undone.set_result))
    while not taken.is_set():
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go_on.set()
    assert await undone == "yes"
    aside.close()


async def test_who_is_not_waited_for_any_more_takes_no_thread(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.aside.THREADS", 1)
    aside = Aside(0.01)
    assert await aside.ask(store.ask, late, never) == "late"

    def begun(turn: Turn) -> str:
        raise AssertionError("nobody waits for this")

    assert await aside.ask(begun, late, never) == "late"
    store.answers.set()
    aside.close()


async def test_a_failure_of_the_work_is_its_askers(store: Store) -> None:
    def fails(turn: Turn) -> str:
        raise KeyError("x")

    aside = Aside()
    with pytest.raises(KeyError):
        await aside.ask(fails, late, never)
    aside.close()


async def test_what_nobody_waits_for_is_done_on_a_thread_and_still_when_closed() -> None:
    aside, done = Aside(), []
    aside.do(lambda: done.append(is_on_loop()))
    aside.close()
    aside.do(lambda: done.append(is_on_loop()))
    assert done == [False, True]


def test_without_a_loop_it_is_done_now() -> None:
    done: list[bool] = []
    Aside().do(lambda: done.append(is_on_loop()))
    assert done == [False]
