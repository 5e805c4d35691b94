"""So much at once, and so much a second."""

from __future__ import annotations

from adapters.web.http2.floods import Allowance


def test_it_is_used_up_and_comes_back_with_time() -> None:
    allowance = Allowance(3, 2, 10.0)
    assert [allowance.spend(1, 10.0) for _ in range(4)] == [True, True, True, False]
    assert allowance.spend(1, 10.5)
    assert not allowance.spend(1, 10.5)
    assert [allowance.spend(1, 100.0) for _ in range(4)] == [True, True, True, False], "never more than at first"


def test_a_clock_that_goes_back_gives_nothing() -> None:
    allowance = Allowance(1, 1, 10.0)
    assert allowance.spend(1, 10.0)
    assert not allowance.spend(1, 5.0)


def test_work_that_was_wanted_gives_some_back() -> None:
    allowance = Allowance(1, 0, 0.0)
    assert allowance.spend(1, 0.0)
    allowance.earn(5)
    assert allowance.spend(1, 0.0)
    assert not allowance.spend(1, 0.0)
