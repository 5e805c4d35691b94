"""Sliding windows: what is counted, for how long, and what becomes of what finds no place."""

from __future__ import annotations

from gateway.activity.windows import HOUR, MINUTE, SECOND, Budget, Different, Span, Sums

T0 = 1_800_000_000 * SECOND
TENTHS = Span(10 * SECOND, 6)


def test_a_sum_is_there_for_its_window_and_gone_after_one_bucket_more() -> None:
    sums = Sums(TENTHS, 2)
    sums.add(T0, ((0, 3), (1, 5)))
    assert list(sums.read(T0 + 60 * SECOND)) == [3, 5]
    assert list(sums.read(T0 + 70 * SECOND)) == [0, 0]
    assert sums.is_idle(T0 + 70 * SECOND)


def test_sums_of_several_buckets_leave_one_by_one() -> None:
    sums = Sums(TENTHS, 1)
    for second in (0, 5, 20, 40):
        sums.add(T0 + second * SECOND, ((0, 1),))
    assert [sums.read(T0 + second * SECOND)[0] for second in (40, 69, 70, 90, 109, 110)] == [4, 4, 2, 1, 1, 0]


def test_a_clock_that_is_set_back_makes_nothing_leave_earlier() -> None:
    sums = Sums(TENTHS, 1)
    sums.add(T0 + 50 * SECOND, ((0, 1),))
    sums.add(T0, ((0, 1),))
    assert sums.read(T0)[0] == 2
    assert sums.read(T0 + 110 * SECOND)[0] == 2


def test_different_things_are_counted_once_each_while_they_come_again() -> None:
    different = Different(TENTHS, 10, Budget(10))
    for second in range(0, 120, 20):
        different.add(T0 + second * SECOND, (1, 2))
    assert different.read(T0 + 100 * SECOND) == 2
    assert different.read(T0 + 100 * SECOND, (2, 3)) == 3
    assert different.is_exact(T0 + 100 * SECOND)
    assert different.read(T0 + 180 * SECOND) == 0


def test_what_finds_no_place_is_counted_each_time_and_says_so() -> None:
    different = Different(TENTHS, 2, Budget(10))
    different.add(T0, (1, 2))
    assert different.is_exact(T0)
    different.add(T0, (3,))
    different.add(T0, (3, 1))
    assert different.read(T0) == 4
    assert not different.is_exact(T0)
    assert different.is_exact(T0 + 70 * SECOND)


def test_unnamed_things_are_each_another_one() -> None:
    different = Different(TENTHS, 2, Budget(10))
    different.add(T0, (), unnamed=3)
    assert different.read(T0, (9,), unnamed=2) == 6
    assert not different.is_exact(T0)


def test_a_budget_is_shared_and_given_back() -> None:
    budget = Budget(3)
    one, other = Different(TENTHS, 10, budget), Different(TENTHS, 10, budget)
    one.add(T0, (1, 2))
    other.add(T0, (1, 2))
    assert (one.is_exact(T0), other.is_exact(T0)) == (True, False)
    later = T0 + 70 * SECOND
    assert one.read(later) == 0
    other.add(later, (3, 4))
    assert other.read(later) == 2
    assert other.is_exact(later)
    other.clear()
    one.add(later, (5, 6, 7))
    assert one.is_exact(later)


def test_a_window_is_a_minute_or_an_hour_long() -> None:
    assert (MINUTE.width * MINUTE.buckets, HOUR.width * HOUR.buckets) == (60 * SECOND, 3600 * SECOND)
