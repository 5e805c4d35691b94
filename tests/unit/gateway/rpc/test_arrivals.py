"""A message is waited for, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.rpc.arrivals import MOST_SLOW, REMEMBERED_SECONDS, SECONDS, SLOW_SECONDS, Arrivals


class Call:
    """A call that may be cancelled; then its messages break off."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.over = threading.Event()

    def cancel(self) -> None:
        self.over.set()

    def messages(self) -> Iterator[bytes]:
        self.begun.set()
        assert self.over.wait(30)
        raise ConnectionError
        yield b""


def test_the_first_message_is_the_one() -> None:
    arrivals = Arrivals(lambda: 0.0)
    assert arrivals.message(iter([b"a", b"b"]), Call()) == b"a"
    assert arrivals.message(iter([]), Call()) is None
    assert arrivals.count() == 0


def test_whoever_takes_too_long_is_cancelled_and_nobody_else() -> None:
    now = [0.0]
    arrivals, slow, fresh = Arrivals(lambda: now[0]), Call(), Call()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(arrivals.message, slow.messages(), slow)
        assert slow.begun.wait(30)
        now[0] = SECONDS - 1
        second = threads.submit(arrivals.message, fresh.messages(), fresh)
        assert fresh.begun.wait(30)
        assert arrivals.cancel_overdue() == 0
        now[0] = SECONDS
        assert arrivals.cancel_overdue() == 1
        with pytest.raises(ConnectionError):
            first.result(30)
        assert arrivals.count() == 1
        assert not fresh.over.is_set()
        fresh.cancel()
        with pytest.raises(ConnectionError):
            second.result(30)
    assert arrivals.count() == 0


def test_it_looks_by_itself_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.rpc.arrivals.LOOK_EVERY", 0.001)
    now = [0.0]
    arrivals, slow = Arrivals(lambda: now[0]), Call()
    arrivals.stop()
    arrivals = Arrivals(lambda: now[0])
    arrivals.start()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(arrivals.message, slow.messages(), slow)
        assert slow.begun.wait(30)
        now[0] = SECONDS
        with pytest.raises(ConnectionError):
            waiting.result(30)
    arrivals.stop()


def test_of_one_caller_only_few_keep_us_waiting() -> None:
    now = [0.0]
    arrivals, calls, other = Arrivals(lambda: now[0]), [Call() for _ in range(8)], Call()
    with ThreadPoolExecutor(9) as threads:
        waiting = []
        for call in calls:
            waiting.append(threads.submit(arrivals.message, call.messages(), call, "mallory"))
            assert call.begun.wait(30)
        threads.submit(arrivals.message, other.messages(), other, "ana")
        assert other.begun.wait(30)
        assert (arrivals.cancel_overdue(), arrivals.is_crowded("mallory")) == (0, False)
        now[0] = SLOW_SECONDS
        assert (arrivals.is_crowded("mallory"), arrivals.is_crowded("ana")) == (True, False)
        assert arrivals.cancel_overdue() == len(calls) - MOST_SLOW
        assert [call.over.is_set() for call in calls] == [False] * MOST_SLOW + [True] * (len(calls) - MOST_SLOW)
        assert not other.over.is_set()
        for call in (*calls, other):
            call.cancel()
        for one in waiting:
            with pytest.raises(ConnectionError):
                one.result(30)


def test_who_had_too_many_has_one_awaited_for_a_while() -> None:
    now = [0.0]
    arrivals, calls = Arrivals(lambda: now[0]), [Call() for _ in range(MOST_SLOW + 2)]
    with ThreadPoolExecutor(len(calls)) as threads:
        for call in calls[:-1]:
            threads.submit(arrivals.message, call.messages(), call, "mallory")
            assert call.begun.wait(30)
        now[0] = SLOW_SECONDS
        assert arrivals.cancel_overdue() == 1
        for call in calls[:-1]:
            call.cancel()
        while arrivals.count():
            pass
        assert not arrivals.is_crowded("mallory")
        threads.submit(arrivals.message, calls[-1].messages(), calls[-1], "mallory")
        assert calls[-1].begun.wait(30)
        assert (arrivals.is_crowded("mallory"), arrivals.is_crowded("ana")) == (True, False)
        now[0] += REMEMBERED_SECONDS
        arrivals.cancel_overdue()
        assert not arrivals.is_crowded("mallory")
        calls[-1].cancel()


def test_calls_of_nobody_in_particular_are_not_counted() -> None:
    now = [0.0]
    arrivals, calls = Arrivals(lambda: now[0]), [Call() for _ in range(MOST_SLOW + 3)]
    with ThreadPoolExecutor(len(calls)) as threads:
        for call in calls:
            threads.submit(arrivals.message, call.messages(), call)
            assert call.begun.wait(30)
        now[0] = SLOW_SECONDS
        assert arrivals.cancel_overdue() == 0
        for call in calls:
            call.cancel()
