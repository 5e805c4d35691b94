"""Turns are short while anybody loads, and as they were afterwards."""

from __future__ import annotations

import sys

import pytest

from gateway.turns import SHORT_TURN, short_turns


def test_turns_are_short_until_the_last_that_wanted_them_ends() -> None:
    before = sys.getswitchinterval()
    first, second = short_turns(), short_turns()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(SHORT_TURN)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == before


def test_turns_are_long_again_after_a_failure() -> None:
    before = sys.getswitchinterval()
    with pytest.raises(ValueError, match="x"), short_turns():
        raise ValueError("x")
    assert sys.getswitchinterval() == before


def test_shorter_turns_than_ours_stay() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SHORT_TURN / 2)
    try:
        with short_turns():
            assert sys.getswitchinterval() < SHORT_TURN
    finally:
        sys.setswitchinterval(before)
