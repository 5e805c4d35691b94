"""Frames of the client, and what a grant makes unknown."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.postgres.facts import Facts
from adapters.postgres.session.desk import Desk
from adapters.postgres.session.meanings import Surroundings
from adapters.postgres.session.outbox import Outbox
from tests.wire import TARGET, message, query, settings


def desk(data: bytes = b"") -> Desk:
    made = Desk(Outbox(), settings(), Surroundings(TARGET, None))
    made.frames.feed(data)
    return made


def test_a_frame_is_seen_when_it_is_whole() -> None:
    data = query("select 1")
    assert desk(data).peek(0) == (ord("Q"), len(data))
    for cut in range(len(data)):
        assert desk(data[:cut] or b"Q").peek(0) is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (message("?"), "08P01"),
        (b"S\0\0\0\3", "08P01"),
        (b"Q\0\x20\0\0", "54000"),
        (b"E\0\2\0\0", "54000"),
        (b"B\x7f\0\0\0", "54000"),
    ],
)
def test_a_frame_of_impossible_kind_or_length_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(PeerProtocolError) as refused:
        desk(data).peek(0)
    assert refused.value.code == code


def test_a_grant_makes_unknown_what_it_may_change() -> None:
    made = desk()
    made.judge.standing.learn(("[]", "app", "app"), ("public",), ord("I"))
    made.judge.runs(Facts())
    assert made.judge.standing.is_known(ord("I"))
    made.judge.runs(Facts(changes_session=True, changes_catalog=True))
    assert not made.judge.standing.is_known(ord("I"))
    assert made.out.effects() == []
