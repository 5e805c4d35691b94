"""Pings go through without what is in them."""

from __future__ import annotations

from adapters.web.websocket.pings import MAX_OPEN, Pings


def test_what_a_ping_has_comes_back_to_who_sent_it_and_goes_no_further() -> None:
    pings = Pings()
    sent = pings.ask(b"4111111111111111")
    assert b"4111" not in sent
    assert pings.answer(sent) == b"4111111111111111"
    assert pings.answer(sent) is None, "once"


def test_pongs_that_nobody_asked_for_end_here() -> None:
    assert Pings().answer(b"1") is None
    pings = Pings()
    pings.ask(b"x")
    assert pings.answer(b"x") is None


def test_who_answers_the_last_ping_has_answered_those_before() -> None:
    pings = Pings()
    first, last = pings.ask(b"a"), pings.ask(b"b")
    assert pings.answer(last) == b"b"
    assert pings.answer(first) is None


def test_only_so_many_are_remembered() -> None:
    pings = Pings()
    numbers = [pings.ask(b"%d" % at) for at in range(MAX_OPEN + 2)]
    assert pings.answer(numbers[1]) is None
    assert pings.answer(numbers[2]) == b"2"
