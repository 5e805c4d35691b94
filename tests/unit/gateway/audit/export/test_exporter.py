"""Every entry reaches the sink at least once, in order, through failures, refusals and restarts; nothing else does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.export.events import MAX_EVENTS, Event, NotYet, Severity, SinkFailed
from gateway.audit.export.exporter import Export, Exporter
from gateway.audit.export.shapes import Shape, shape_event
from gateway.audit.log import AuditLog
from gateway.errors import StoreUnavailable
from tests.strategies.audit_logs import entry, open_log


class Receiver:
    """A sink whose next answers are told beforehand: take all, fail before or after taking, or refuse some for good."""

    max_body = 1 << 20
    max_events = MAX_EVENTS

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.refuses: frozenset[int] = frozenset()
        self.next: list[str] = []
        self.is_closed = False
        self.wanted = 0
        self.has_all = threading.Event()

    def send(self, events: Sequence[Event]) -> None:
        how = self.next.pop(0) if self.next else "take"
        if how == "away":
            raise SinkFailed("away")
        if self.refuses & {event.seq for event in events}:
            raise SinkFailed("not this", is_final=True)
        if how == "half":
            self.taken += [event.seq for event in events[: len(events) // 2]]
            raise SinkFailed("lost on the way")
        self.taken += [event.seq for event in events]
        if len(self.taken) >= self.wanted:
            self.has_all.set()

    def close(self) -> None:
        self.is_closed = True


def shape(line: bytes) -> Event:
    return shape_event(line, "log/a", Shape.NATIVE, 1 << 20)


def exporter(folder: Path, sink: Receiver, shape: Callable[[bytes], Event | None] = shape) -> Exporter:
    export = Export("siem", folder / "log", "log/a", folder / "state", sink, shape)
    return Exporter(export, wait=lambda seconds: 0.0)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return open_log(tmp_path / "log", segment_bytes=700)


def fill(log: AuditLog, count: int) -> None:
    for number in range(count):
        log.append(entry(number))


def test_what_is_there_and_what_comes_is_sent_once(tmp_path: Path, log: AuditLog) -> None:
    sink = Receiver()
    fill(log, 5)
    one = exporter(tmp_path, sink)
    assert one.step()
    assert not one.step()
    fill(log, 2)
    assert one.step()
    assert sink.taken == [1, 2, 3, 4, 5, 6, 7]
    assert one.seq == 7
    log.close()


def test_a_batch_has_a_limit(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    sink = Receiver()
    fill(log, MAX_EVENTS + 3)
    one = exporter(tmp_path, sink)
    assert one.step()
    assert len(sink.taken) == MAX_EVENTS
    assert one.step()
    assert len(sink.taken) == MAX_EVENTS + 3
    log.close()


def test_a_sink_that_takes_one_at_a_time_gets_one_at_a_time(tmp_path: Path, log: AuditLog) -> None:
    sink = Receiver()
    sink.max_events = 1
    fill(log, 3)
    one = exporter(tmp_path, sink)
    sink.next = ["take", "away"]
    assert one.step()
    assert not one.step()
    assert (sink.taken, one.seq) == ([1], 1)
    assert one.step()
    assert one.step()
    assert sink.taken == [1, 2, 3]
    log.close()


def test_what_is_of_no_interest_is_passed_over_and_noted_down_at_the_end(tmp_path: Path, log: AuditLog) -> None:
    sink = Receiver()
    sink.wanted = 1

    def only_the_second(line: bytes) -> Event | None:
        event = shape(line)
        return event if event.seq == 2 else None

    one = exporter(tmp_path, sink, only_the_second)
    fill(log, 5)
    one.start()
    assert sink.has_all.wait(20)
    one.close()
    assert (sink.taken, one.seq) == ([2], 5)
    assert exporter(tmp_path, sink, only_the_second).seq == 5
    log.close()


def test_a_failure_is_told_and_tried_again(tmp_path: Path, log: AuditLog) -> None:
    sink, failures = Receiver(), []
    fill(log, 3)
    one = Exporter(
        Export("siem", tmp_path / "log", "log/a", tmp_path / "state", sink, shape),
        failed=lambda: failures.append(1),
    )
    sink.next = ["away"]
    assert not one.step()
    assert (one.trouble, one.seq, len(failures)) == ("away", 0, 1)
    assert one.step()
    assert (one.trouble, one.seq, sink.taken) == ("", 3, [1, 2, 3])
    log.close()


def test_what_is_refused_for_good_is_put_aside_and_the_rest_goes_on(tmp_path: Path, log: AuditLog) -> None:
    sink = Receiver()
    fill(log, 4)
    sink.refuses = frozenset({3})
    one = exporter(tmp_path, sink)
    assert one.step()
    assert sink.taken == [1, 2, 4]
    assert (one.seq, one.refused, one.trouble) == (4, 1, "")
    (line,) = (tmp_path / "state" / "siem.refused").read_text().splitlines()
    assert json.loads(line)["uid"] == "log/a/3"
    log.close()


def test_a_receiver_that_takes_nothing_at_all_keeps_everything_waiting(tmp_path: Path, log: AuditLog) -> None:
    sink = Receiver()
    fill(log, 2)
    sink.refuses = frozenset(range(9))
    one = exporter(tmp_path, sink)
    assert not one.step()
    assert (one.seq, one.refused, one.trouble) == (0, 0, "not this")
    sink.refuses = frozenset()
    assert one.step()
    assert sink.taken == [1, 2]
    log.close()


def test_a_receiver_of_one_at_a_time_that_refuses_the_first_for_good_goes_on_with_the_next(
    tmp_path: Path, log: AuditLog
) -> None:
    sink = Receiver()
    sink.max_events = 1
    sink.refuses = frozenset({1, 2})
    fill(log, 2)
    one = exporter(tmp_path, sink)
    assert not any(one.step() for _ in range(20))
    assert (one.seq, one.trouble) == (0, "not this")
    # Nobody knows yet whether it takes anything at all; the next that it takes says so.
    fill(log, 3)
    while one.step():
        pass
    assert (sink.taken, one.seq, one.refused, one.trouble) == ([3, 4, 5], 5, 2, "")
    uids = [json.loads(line)["uid"] for line in (tmp_path / "state" / "siem.refused").read_text().splitlines()]
    assert uids == ["log/a/1", "log/a/2"]
    log.close()


def test_whatever_a_receiver_or_a_bug_raises_the_thread_goes_on_and_says_so(tmp_path: Path, log: AuditLog) -> None:
    sink, real, tries = Receiver(), Receiver.send, threading.Semaphore(0)
    is_broken = True

    def send(events: Sequence[Event]) -> None:
        tries.release()
        if is_broken:
            raise ValueError("secret of the receiver")
        real(sink, events)

    sink.send, sink.wanted = send, 2  # type: ignore[method-assign]  # what a test says
    fill(log, 2)
    one = exporter(tmp_path, sink)
    one.start()
    for _ in range(3):
        assert tries.acquire(timeout=60)
    assert one.trouble == "a fault of the gateway (ValueError)"
    is_broken = False
    assert sink.has_all.wait(60)
    one.close()
    assert (sink.taken, one.trouble) == ([1, 2], "")
    log.close()


def test_a_receiver_that_wants_to_be_left_alone_is(tmp_path: Path, log: AuditLog) -> None:
    sink = Receiver()
    fill(log, 1)
    one = exporter(tmp_path, sink)
    real = sink.send

    def busy(events: Sequence[Event]) -> None:
        raise SinkFailed("busy", wait=120.0)

    sink.send = busy  # type: ignore[method-assign]  # what a test says
    assert one._turn(0.0) == 120.0
    sink.send = real  # type: ignore[method-assign]  # as above
    assert one._turn(120.0) == 0.0
    sink.next = ["away"]
    fill(log, 1)
    assert one._turn(0.0) == 0.0, "what it wanted once is over"
    log.close()


def test_the_newest_checkpoint_goes_along_once_a_minute_and_once_each(tmp_path: Path, log: AuditLog) -> None:
    sink, seconds, sealed = Receiver(), 0.0, [5]

    def seal() -> Event | None:
        return Event(sealed[-1], f"log/a/checkpoint-{sealed[-1]}", 1, "checkpoint", Severity.INFO, b"{}")

    export = Export("siem", tmp_path / "log", "log/a", tmp_path / "state", sink, shape, seal)
    one = Exporter(export, wait=lambda seconds: 0.0, clock=lambda: seconds)
    fill(log, 1)
    assert one.step()
    assert sink.taken == [1, 5]
    sealed.append(6)
    assert not one.step()
    assert sink.taken == [1, 5]
    seconds = 60.0
    sink.next = ["away"]
    assert not one.step()
    assert one.trouble == "away"
    assert not one.step()
    assert (sink.taken, one.trouble, one.seq) == ([1, 5, 6], "", 1)
    seconds = 120.0
    assert not one.step()
    assert sink.taken == [1, 5, 6]
    # One that is refused for good stops nothing: a later one says more.
    sealed.append(7)
    seconds, sink.refuses = 180.0, frozenset({7})
    fill(log, 1)
    assert one.step()
    assert (sink.taken, one.trouble) == ([1, 5, 6, 2], "")
    # The last goes along at the end.
    sealed.append(8)
    one.start()
    one.close()
    assert sink.taken == [1, 5, 6, 2, 8]
    log.close()


def test_a_log_that_was_altered_is_not_sent_past(tmp_path: Path, log: AuditLog) -> None:
    fill(log, 2)
    log.close()
    path = tmp_path / "log" / "0000000000000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"seq":2', b'{"seq":4'))
    sink = Receiver()
    one = exporter(tmp_path, sink)
    assert one.step()
    for _ in range(3):
        assert not one.step()
        assert "holds something else where entry 2 belongs" in one.trouble
    assert sink.taken == [1]


def test_what_cannot_be_shaped_now_is_shaped_later(tmp_path: Path, log: AuditLog) -> None:
    sink, fails = Receiver(), [False, True]

    def needs_the_store(line: bytes) -> Event:
        if fails and fails.pop():
            raise StoreUnavailable("the store is away")
        return shape(line)

    one = exporter(tmp_path, sink, needs_the_store)
    fill(log, 3)
    assert not one.step()
    assert (one.trouble, sink.taken) == ("the store is away", [])
    assert one.step()
    assert (one.trouble, sink.taken, one.seq) == ("", [1, 2, 3], 3)
    log.close()


def test_what_is_not_to_be_told_yet_waits_with_what_stands_behind_it(tmp_path: Path, log: AuditLog) -> None:
    sink, early, failed = Receiver(), {3}, []

    def hesitant(line: bytes) -> Event:
        event = shape(line)
        if event.seq in early:
            raise NotYet
        return event

    export = Export("siem", tmp_path / "log", "log/a", tmp_path / "state", sink, hesitant)
    one = Exporter(export, failed=lambda: failed.append(1), wait=lambda seconds: 0.0)
    fill(log, 5)
    assert one.step()
    assert not one.step()
    assert (sink.taken, one.seq, one.trouble, failed) == ([1, 2], 2, "", [])
    early.clear()
    assert one.step()
    assert (sink.taken, one.seq) == ([1, 2, 3, 4, 5], 5)
    log.close()


def test_it_runs_by_itself_and_sends_the_last_before_it_ends(tmp_path: Path, log: AuditLog) -> None:
    sink = Receiver()
    sink.wanted, sink.next = 5, ["away", "away"]
    one = exporter(tmp_path, sink)
    one.start()
    fill(log, 5)
    assert sink.has_all.wait(20)
    fill(log, 2)
    one.close()
    assert sink.taken == [1, 2, 3, 4, 5, 6, 7]
    assert sink.is_closed
    log.close()


moves = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 4)),
        st.tuples(st.just("step"), st.sampled_from(["take", "away", "half"])),
        st.tuples(st.just("restart"), st.booleans()),
    ),
    max_size=25,
)


@given(moves=moves, refuses=st.frozensets(st.integers(1, 30), max_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_set_of_uids_is_complete_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, object]], refuses: frozenset[int]
) -> None:
    folder = tmp_path_factory.mktemp("export")
    log, sink, written = open_log(folder / "log", segment_bytes=500), Receiver(), 0
    one = exporter(folder, sink)
    for move, how in moves:
        match move:
            case "write":
                fill(log, int(str(how)))
                written += int(str(how))
            case "step":
                sink.next = [str(how)]
                one.step()
            case _:
                one = exporter(folder, sink)
        assert one.seq <= written
        # INVARIANT: what counts as given over was taken.
        assert set(range(1, one.seq + 1)) <= set(sink.taken)
    sink.next = []
    sink.refuses = refuses
    while one.step():
        pass
    if not one.trouble:
        aside = folder / "state" / "siem.refused"
        unwanted = {json.loads(line)["seq"] for line in aside.read_text().splitlines()} if aside.exists() else set()
        assert set(sink.taken) | unwanted == set(range(1, written + 1))
    log.close()
