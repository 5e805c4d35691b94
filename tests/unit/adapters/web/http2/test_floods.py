"""So much at once, and so much a second."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.web.http2.floods import MAX_OWED, RESETS, Allowance, Floods
from adapters.web.http2.frames import Frame, Kind


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


def test_what_waits_for_a_peer_counts_until_it_is_taken() -> None:
    floods = Floods("client", 0.0)
    floods.owe(MAX_OWED)
    floods.check_owed()
    floods.owe(1)
    with pytest.raises(PeerProtocolError, match="the client asks"):
        floods.check_owed()
    floods.pay()
    floods.check_owed()


def test_heads_and_resets_are_free_on_streams_that_are_open_alone() -> None:
    floods = Floods("target", 0.0)
    reset, head = Frame(Kind.RST_STREAM, 0, 1, bytes(13)), Frame(Kind.HEADERS, 4, 1, bytes(10))
    for _ in range(5_000):
        floods.count(reset, 0.0, is_awaited=True)
        floods.count(head, 0.0, is_awaited=True)
    for one in (reset, head) * 500:
        floods.count(one, 0.0, is_awaited=False)
    with pytest.raises(PeerProtocolError, match="the target sends too many"):
        floods.count(head, 0.0, is_awaited=False)
    floods.earn()
    floods.count(head, 0.0, is_awaited=False)
    assert sum(floods.may_reset(0.0) for _ in range(500)) == RESETS[0]
