"""Who may see open sessions, and who may end which."""

from __future__ import annotations

import pytest

from engine.request import Principal, Resource, Session
from gateway.doors.sessions import Live
from gateway.errors import SessionUnknown
from gateway.identity.logins import Login
from gateway.rpc.arrivals import Arrivals
from gateway.rpc.calls import Reception
from gateway.rpc.codec import sessions
from gateway.rpc.codec.sessions import EndWish
from gateway.rpc.identity import Caller, OneCaller, Role
from gateway.rpc.refusals import CallRefused
from gateway.rpc.session_service import NoSessions, SessionService
from grpc_proto.sallyport.session.v1 import session_pb2
from tests.rpc_stand_ins import ADAPTER, AGENT, APPROVER, AUDITOR, StandIns

OPERATOR = Caller(Principal("olga"), frozenset({Role.OPERATOR}))


class Open:
    """Two sessions, one of them the agent's."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str, str]] = []
        self.found = [
            Live(Session("s-1"), AGENT.principal, Resource("orders", "postgres"), 1),
            Live(Session("s-2"), Principal("ana"), Resource("orders", "postgres"), 2),
        ]

    def live(self) -> list[Live]:
        return self.found

    def end(self, session_id: str, *, by: str, comment: str) -> Live:
        for one in self.found:
            if one.session.id == session_id:
                self.ended.append((session_id, by, comment))
                return one
        raise SessionUnknown("none")


def listed(caller: Caller, limit: int = 0) -> tuple[list[str], int]:
    found, more = sessions.read_sessions(SessionService(Open()).list(sessions.write_list_request(limit), caller))
    return [one.id for one in found], more


def end(open_: Open, caller: Caller, session_id: str) -> None:
    SessionService(open_).end(sessions.write_end_request(EndWish(session_id, "slow")), caller)


@pytest.mark.parametrize("caller", [OPERATOR, AUDITOR], ids=lambda caller: caller.name)
def test_operators_and_auditors_see_all_the_newest_first(caller: Caller) -> None:
    assert listed(caller) == (["s-2", "s-1"], 0)
    assert listed(caller, 1) == (["s-2"], 1)


@pytest.mark.parametrize("caller", [ADAPTER, AGENT, APPROVER], ids=lambda caller: caller.name)
def test_others_see_their_own(caller: Caller) -> None:
    assert listed(caller) == (["s-1"] if caller is AGENT else [], 0)


def test_an_operator_ends_any_and_everybody_their_own() -> None:
    open_ = Open()
    end(open_, OPERATOR, "s-2")
    end(open_, AGENT, "s-1")
    assert open_.ended == [("s-2", "olga", "slow"), ("s-1", AGENT.name, "slow")]


@pytest.mark.parametrize(
    ("caller", "session_id", "code"),
    [
        (AUDITOR, "s-2", "NOT_PERMITTED"),
        (AGENT, "s-2", "SESSION_UNKNOWN"),
        (APPROVER, "s-1", "SESSION_UNKNOWN"),
        (ADAPTER, "s-1", "SESSION_UNKNOWN"),
        (OPERATOR, "s-9", "SESSION_UNKNOWN"),
        (AUDITOR, "s-9", "SESSION_UNKNOWN"),
    ],
)
def test_nobody_else_ends_a_session_or_learns_that_it_is_open(caller: Caller, session_id: str, code: str) -> None:
    open_ = Open()
    with pytest.raises((CallRefused, SessionUnknown)) as refused:
        end(open_, caller, session_id)
    assert refused.value.code == code
    assert open_.ended == []


def test_a_program_without_listeners_has_no_sessions() -> None:
    assert list(NoSessions().live()) == []
    with pytest.raises(SessionUnknown):
        NoSessions().end("s-1", by="olga", comment="")


def test_every_method_of_the_schema_has_a_handler() -> None:
    service = SessionService(Open())
    schema = session_pb2.DESCRIPTOR.services_by_name["SessionService"]
    assert set(service.handlers(Reception(OneCaller(AGENT), StandIns().gate, Arrivals(lambda: 0.0)))) == set(
        schema.methods_by_name
    )


def test_a_token_sees_and_ends_the_sessions_of_its_own_job() -> None:
    open_ = Open()
    open_.found += [
        Live(Session("s-3", "build-42"), AGENT.principal, Resource("orders", "postgres"), 3),
        Live(Session("s-4", "build-42"), AGENT.principal, Resource("billing", "postgres"), 4),
    ]
    login = Login(AGENT.principal, 1, token="t-1", resources=frozenset({"orders"}), job="build-42")
    caller = Caller(AGENT.principal, frozenset(), login)
    found, _ = sessions.read_sessions(SessionService(open_).list(sessions.write_list_request(0), caller))
    assert [one.id for one in found] == ["s-3"]
    for other in ("s-1", "s-4"):
        with pytest.raises(SessionUnknown):
            end(open_, caller, other)
    end(open_, caller, "s-3")
    assert open_.ended == [("s-3", "agent-7", "slow")]
