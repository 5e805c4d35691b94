"""A message is waited for, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.rpc.arrivals import SECONDS, Arrivals


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
