"""Streams are counted, bounded, and ended together."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from gateway.rpc.openings import Openings
from gateway.rpc.refusals import CallRefused


def nothing() -> None:
    return


def test_the_number_is_bounded_for_each_caller_and_for_all() -> None:
    openings = Openings(limit=3, limit_of_caller=2)
    with ExitStack() as stack:
        stack.enter_context(openings.opened("ana", nothing))
        stack.enter_context(openings.opened("ana", nothing))
        with pytest.raises(CallRefused) as refused:
            stack.enter_context(openings.opened("ana", nothing))
        assert refused.value.code == "TOO_MANY_STREAMS"
        stack.enter_context(openings.opened("bo", nothing))
        with pytest.raises(CallRefused):
            stack.enter_context(openings.opened("cy", nothing))
        assert openings.count() == 3
    assert openings.count() == 0
    with openings.opened("ana", nothing):
        assert openings.count() == 1


def test_stopping_ends_all_and_admits_none() -> None:
    openings, ended = Openings(), list[str]()
    with openings.opened("ana", lambda: ended.append("a")), openings.opened("bo", lambda: ended.append("b")):
        assert not openings.is_stopping
        openings.stop()
        assert openings.is_stopping
    assert ended == ["a", "b"]
    with pytest.raises(CallRefused) as refused, openings.opened("cy", nothing):
        pytest.fail("opened while stopping")
    assert refused.value.code == "STOPPING"
