"""Who guesses waits; nobody can make somebody else wait; memory is bounded."""

from __future__ import annotations

import pytest

from gateway.identity import throttle as throttle_module
from gateway.identity.throttle import MAX_FOR_ADDRESS, MAX_FOR_NAME, WINDOW, Throttle


def test_too_many_failures_for_a_name_from_an_address_must_wait() -> None:
    throttle = Throttle()
    for turn in range(MAX_FOR_NAME):
        assert not throttle.must_wait("ana", "10.0.0.1", float(turn))
        throttle.failed("ana", "10.0.0.1", float(turn))
    assert throttle.must_wait("ana", "10.0.0.1", 10.0)


def test_nobody_is_locked_out_by_somebody_elses_failures() -> None:
    throttle = Throttle()
    for _ in range(MAX_FOR_NAME):
        throttle.failed("ana", "10.0.0.1", 0.0)
    assert not throttle.must_wait("ana", "10.0.0.2", 1.0)
    assert not throttle.must_wait("bo", "10.0.0.1", 1.0)


def test_an_address_that_tries_many_names_must_wait_with_any() -> None:
    throttle = Throttle()
    for turn in range(MAX_FOR_ADDRESS):
        throttle.failed(f"user{turn}", None, 0.0)
    assert throttle.must_wait("new", None, 1.0)


def test_time_forgives() -> None:
    throttle = Throttle()
    for _ in range(100):
        throttle.failed("ana", "a", 0.0)
    assert throttle.must_wait("ana", "a", WINDOW - 1)
    assert not throttle.must_wait("ana", "a", WINDOW)


def test_an_attacker_with_many_addresses_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle_module, "MAX_REMEMBERED", 20)
    throttle = Throttle()
    for turn in range(1_000):
        throttle.failed("ana", f"10.0.{turn}", 0.0)
        throttle.failed("ana", "same", 0.0)
    assert len(throttle._failures) <= 20
    assert max(len(times) for times in throttle._failures.values()) <= MAX_FOR_ADDRESS + 1


def test_wrong_tokens_without_a_name_lock_out_nobody_else_and_forget_no_guess() -> None:
    throttle = Throttle()
    for number in range(MAX_FOR_ADDRESS):
        assert not throttle.must_wait("", "a", float(number) / 100)
        throttle.failed("", "a", float(number) / 100)
    assert throttle.must_wait("", "a", 1.0)
    assert not throttle.must_wait("", "b", 1.0)
    assert not throttle.must_wait("ana", "a", 1.0)
    for number in range(MAX_FOR_ADDRESS):
        throttle.failed(f"n{number}", "c", 1.0)
        throttle.failed("", "c", 1.0)
    assert throttle.must_wait("ana", "c", 1.0)
