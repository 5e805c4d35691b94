"""The same question under the same id has one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from gateway.rpc.answered import KEPT_ANSWERS, KEPT_BYTES, KEPT_SECONDS, AnsweredQuestions
from gateway.rpc.refusals import CallRefused, Cause

KEY = ("ana", "Decide", "q-1")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Decider:
    """Answers with how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> bytes:
        self.times += 1
        return b"%d" % self.times


def test_a_repeated_question_is_decided_once() -> None:
    memory, decide = AnsweredQuestions(Clock()), Decider()
    assert memory.once(KEY, "d", decide) == memory.once(KEY, "d", decide) == b"1"
    assert decide.times == 1


def test_another_question_under_the_same_id_is_refused() -> None:
    memory, decide = AnsweredQuestions(Clock()), Decider()
    memory.once(KEY, "d", decide)
    with pytest.raises(CallRefused) as refused:
        memory.once(KEY, "other", decide)
    assert refused.value.cause is Cause.ID_TAKEN
    assert refused.value.code == "REQUEST_ID_TAKEN"


def test_ids_of_other_callers_and_methods_are_other_ids() -> None:
    memory, decide = AnsweredQuestions(Clock()), Decider()
    keys = [KEY, ("bo", "Decide", "q-1"), ("ana", "DecideBatch", "q-1"), ("ana", "Decide", "q-2")]
    assert [memory.once(key, key[0], decide) for key in keys] == [b"1", b"2", b"3", b"4"]


def test_after_its_time_an_id_is_free_again() -> None:
    clock, decide = Clock(), Decider()
    memory = AnsweredQuestions(clock)
    memory.once(KEY, "d", decide)
    clock.now = KEPT_SECONDS - 1
    assert memory.once(KEY, "d", decide) == b"1"
    clock.now = KEPT_SECONDS
    assert memory.once(KEY, "other", decide) == b"2"


def test_a_question_that_failed_may_be_asked_again() -> None:
    memory = AnsweredQuestions(Clock())

    def fail() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        memory.once(KEY, "d", fail)
    assert memory.once(KEY, "d", lambda: b"yes") == b"yes"


def test_a_question_that_is_being_decided_is_waited_for() -> None:
    memory, started, go = AnsweredQuestions(Clock()), Event(), Event()

    def slowly() -> bytes:
        started.set()
        assert go.wait(30)
        return b"first"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(memory.once, KEY, "d", slowly)
        assert started.wait(30)
        second = threads.submit(memory.once, KEY, "d", lambda: b"second")
        with pytest.raises(CallRefused):
            memory.once(KEY, "other", lambda: b"third")
        go.set()
        assert first.result(30) == second.result(30) == b"first"


def test_the_memory_is_bounded_by_number_and_by_bytes() -> None:
    memory = AnsweredQuestions(Clock())
    for number in range(KEPT_ANSWERS + 10):
        memory.once(("ana", "Decide", str(number)), "d", lambda: b"x")
    assert memory.once(("ana", "Decide", "0"), "d", lambda: b"anew") == b"anew"
    assert memory.once(("ana", "Decide", str(KEPT_ANSWERS)), "d", lambda: b"anew") == b"x"
    memory.once(("ana", "Decide", "big"), "d", lambda: b"x" * (KEPT_BYTES - 1))
    assert memory.once(("ana", "Decide", "big"), "d", lambda: b"anew") != b"anew"
    memory.once(("ana", "Decide", "big2"), "d", lambda: b"x" * (KEPT_BYTES - 1))
    assert memory.once(("ana", "Decide", "big"), "d", lambda: b"anew") == b"anew"


def test_who_asks_much_drives_out_nobody_elses_answers() -> None:
    memory, decide = AnsweredQuestions(Clock()), Decider()
    assert memory.once(KEY, "d", decide) == b"1"
    for number in range(KEPT_ANSWERS + 10):
        memory.once((f"eve\0token-{number}", "Decide", "q"), "d", lambda: b"x")
    for number in range(40):
        memory.once(("eve", "Decide", f"large-{number}"), "d", lambda: b"x" * (KEPT_BYTES // 16))
    assert memory.once(KEY, "d", decide) == b"1"
    assert memory._bytes <= KEPT_BYTES
    assert len(memory._kept) <= KEPT_ANSWERS


def test_what_is_over_is_forgotten_whoever_asked() -> None:
    clock = Clock()
    memory = AnsweredQuestions(clock)
    for name in ("ana", "bo"):
        memory.once((name, "Decide", "q"), "d", lambda: b"x")
    clock.now = KEPT_SECONDS
    memory.once(("cy", "Decide", "q"), "d", lambda: b"x")
    assert (len(memory._kept), set(memory._theirs), memory._bytes) == (1, {"cy"}, 1)
