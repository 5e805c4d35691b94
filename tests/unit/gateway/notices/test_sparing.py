"""However many denials there are, and however different: few are told, and none goes uncounted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.notices.sparing import AGAIN_SECONDS, MAX_KINDS, MAX_TOLD, Sparing


def test_the_first_is_told_and_the_same_one_not_before_an_hour() -> None:
    sparing = Sparing()
    assert sparing.tell("a", 0.0) == 0
    assert sparing.tell("a", AGAIN_SECONDS - 1) is None
    assert sparing.tell("a", AGAIN_SECONDS) == 1
    assert sparing.tell("a", 2 * AGAIN_SECONDS) == 0


def test_so_many_different_ones_are_told_and_the_next_says_how_many_were_not() -> None:
    sparing = Sparing()
    told = [sparing.tell(number, 1.0) for number in range(MAX_TOLD + 50)]
    assert told == [0] * MAX_TOLD + [None] * 50
    assert sparing.tell("later", 1.0 + AGAIN_SECONDS) == 50


def test_what_is_remembered_is_bounded() -> None:
    sparing = Sparing()
    for number in range(MAX_KINDS + 500):
        sparing.tell(number, number * AGAIN_SECONDS)
    assert len(sparing._kinds) == MAX_KINDS
    assert len(sparing._lately) == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 900)), max_size=200))
def test_each_is_told_or_counted_in_one_that_is(moments: list[tuple[int, int]]) -> None:
    sparing, now, told, counted = Sparing(), 0, 0, 0
    for kind, pause in moments:
        now += pause
        more = sparing.tell(kind, now)
        if more is not None:
            told, counted = told + 1, counted + more
    for kind in range(6):
        now += int(AGAIN_SECONDS)
        more = sparing.tell(kind, now)
        assert more is not None
        counted += more
    assert told + counted == len(moments)
