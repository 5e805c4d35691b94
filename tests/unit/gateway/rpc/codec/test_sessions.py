"""Open sessions through messages and back."""

from __future__ import annotations

import pytest

from engine.request import Principal, Resource, Session
from gateway.doors.sessions import Live
from gateway.rpc.codec import sessions
from gateway.rpc.codec.sessions import EndWish, SessionSeen
from gateway.rpc.limits import MAX_COMMENT, MAX_PAGE
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.session.v1 import session_pb2 as pb

WHOLE = Live(
    Session("s-1", "build-42", "psql", "10.0.0.9"),
    Principal("ana"),
    Resource("orders", "postgres", "shop"),
    7,
    "hold",
    True,
)
BARE = Live(Session("s-2"), Principal("bo"), Resource("box", "ssh"), 8)


def test_sessions_come_back_as_they_stood() -> None:
    found, more = sessions.read_sessions(sessions.write_list([WHOLE, BARE], 3))
    assert more == 3
    assert found == (
        SessionSeen("s-1", "ana", "orders", "postgres", 7, "build-42", "psql", "10.0.0.9", "shop", "hold", True),
        SessionSeen("s-2", "bo", "box", "ssh", 8),
    )
    assert sessions.read_ended(sessions.write_ended(WHOLE)) == found[0]


def test_wishes_come_through() -> None:
    assert sessions.read_list(sessions.write_list_request(7)) == 7
    assert sessions.read_list(sessions.write_list_request(0)) == MAX_PAGE
    assert sessions.read_end(sessions.write_end_request(EndWish("s-1", "slow"))) == EndWish("s-1", "slow")


@pytest.mark.parametrize(
    "wish", [EndWish(""), EndWish("s\n1"), EndWish("s" * 5_000), EndWish("s-1", "x" * (MAX_COMMENT + 1))]
)
def test_a_wish_that_names_no_session_or_says_too_much_is_refused(wish: EndWish) -> None:
    with pytest.raises(CallRefused):
        sessions.read_end(sessions.write_end_request(wish))


def test_an_answer_without_a_session_is_none() -> None:
    with pytest.raises(CallRefused):
        sessions.read_ended(pb.EndResponse().SerializeToString())
