"""Who is calling, by socket or by certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.request import Principal
from gateway.errors import ConfigInvalid
from gateway.identity.logins import Login
from gateway.identity.rates import Over, Rates
from gateway.rpc.identity import Caller, CertificateCaller, LimitedCaller, OneCaller, Role, TracedCaller
from gateway.rpc.refusals import CallRefused, Cause
from tests.certificates import Authority
from tests.rpc_stand_ins import ADAPTER, AGENT

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = {
    "uri:spiffe://corp/pg": ADAPTER,
    "dns:pg.corp": ADAPTER,
    "dns:spiffe.corp": AGENT,
    "email:bot@corp": AGENT,
    "cn:legacy": ADAPTER,
}


@dataclass(frozen=True, slots=True)
class Peer:
    context: Mapping[str, object]

    def auth_context(self) -> Mapping[str, object]:
        return self.context

    def invocation_metadata(self) -> None:
        return None

    def peer(self) -> str:
        return "ipv4:10.0.0.9:4711"


def peer(*names: str, common: str = "somebody", start: datetime = NOW - timedelta(days=1), days: int = 2) -> Peer:
    issued = Authority().issue(common, *names, start=start, end=start + timedelta(days=days))
    return Peer({"x509_pem_cert": [issued.certificate]})


def refused(identify: CertificateCaller, peer: Peer) -> str:
    with pytest.raises(CallRefused) as caught:
        identify(peer)
    assert caught.value.code == "CALLER_UNKNOWN"
    return str(caught.value)


class Said(Peer):
    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]
        return (("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"),)


def test_the_trace_of_who_speaks_for_others_is_believed_and_that_of_others_is_not() -> None:
    for caller, is_trusted in ((ADAPTER, True), (AGENT, False)):
        identify = TracedCaller(OneCaller(caller))
        assert identify(Peer({})) is caller
        trace = identify(Said({})).trace
        assert trace is not None
        assert trace.is_trusted is is_trusted


def test_who_asks_too_often_is_refused_and_adapters_never_are() -> None:
    rates = Rates(0.01, 2, lambda: 0.0)
    for _ in range(10):
        assert LimitedCaller(OneCaller(ADAPTER), rates)(Peer({})) is ADAPTER
    identify = LimitedCaller(OneCaller(AGENT), rates)
    assert [identify(Peer({})), identify(Peer({}))] == [AGENT, AGENT]
    with pytest.raises(CallRefused) as caught:
        identify(Peer({}))
    assert (caught.value.code, caught.value.cause) == ("TOO_MANY_REQUESTS", Cause.TOO_LARGE)
    assert caught.value.over == Over(100, True)


def test_a_socket_of_one_caller_is_always_that_caller() -> None:
    assert OneCaller(AGENT)(Peer({})) is AGENT


@pytest.mark.parametrize(
    ("name", "caller"),
    [("uri:spiffe://corp/pg", ADAPTER), ("dns:pg.corp", ADAPTER), ("email:bot@corp", AGENT)],
)
def test_a_certificate_names_its_caller(name: str, caller: Caller) -> None:
    identify = CertificateCaller(NAMES, lambda: NOW)
    shown = peer(name)
    assert identify(shown) is caller
    assert identify(shown) is caller


def test_a_common_name_counts_only_where_there_is_no_alternative_name() -> None:
    identify = CertificateCaller(NAMES, lambda: NOW)
    assert identify(peer(common="legacy")) is ADAPTER
    assert "no one caller" in refused(identify, peer("dns:other.corp", common="legacy"))


def test_a_name_of_another_kind_is_another_name() -> None:
    identify = CertificateCaller({"uri:pg.corp": ADAPTER}, lambda: NOW)
    assert "no one caller" in refused(identify, peer("dns:pg.corp"))


def test_a_certificate_of_two_callers_is_none_and_of_one_twice_is_that_one() -> None:
    identify = CertificateCaller(NAMES, lambda: NOW)
    assert "no one caller" in refused(identify, peer("dns:pg.corp", "email:bot@corp"))
    assert identify(peer("dns:pg.corp", "uri:spiffe://corp/pg", "dns:unknown.corp")) is ADAPTER


def test_a_certificate_must_be_valid_at_each_call() -> None:
    times = [NOW, NOW + timedelta(days=3), NOW - timedelta(days=3)]
    identify = CertificateCaller(NAMES, lambda: times.pop(0))
    shown = peer("dns:pg.corp")
    assert identify(shown) is ADAPTER
    assert "not valid now" in refused(identify, shown)
    assert "not valid now" in refused(identify, shown)


@pytest.mark.parametrize(
    "context",
    [{}, {"x509_pem_cert": []}, {"x509_pem_cert": [b"a", b"b"]}, {"x509_pem_cert": ["text"]}, {"x509_pem_cert": b"x"}],
)
def test_without_a_certificate_nobody_is_known(context: Mapping[str, object]) -> None:
    assert "no client certificate" in refused(CertificateCaller(NAMES), Peer(context))


def test_a_certificate_that_cannot_be_read_is_nobody() -> None:
    assert "cannot be read" in refused(CertificateCaller(NAMES), Peer({"x509_pem_cert": [b"garbage"]}))


def test_more_certificates_than_are_remembered_are_all_known() -> None:
    identify = CertificateCaller(NAMES, lambda: NOW)
    authority = Authority()
    shown = [
        Peer(
            {"x509_pem_cert": [authority.issue("x", "dns:pg.corp", start=NOW, end=NOW + timedelta(days=1)).certificate]}
        )
        for _ in range(260)
    ]
    assert all(identify(each) is ADAPTER for each in [*shown, *shown])


@pytest.mark.parametrize("name", ["pg.corp", "ip:10.0.0.1", "dns:", "://"])
def test_a_configured_name_says_what_it_is(name: str) -> None:
    with pytest.raises(ConfigInvalid):
        CertificateCaller({name: ADAPTER})


def test_roles_say_what_a_caller_may() -> None:
    def caller(*roles: Role) -> Caller:
        return Caller(Principal("x"), frozenset(roles))

    assert caller(Role.ADAPTER).may_speak_for_others
    assert caller(Role.ASKER).may_speak_for_others
    assert not caller(Role.APPROVER, Role.AUDITOR).may_speak_for_others
    assert caller(Role.ADAPTER).may_see_details
    assert caller(Role.AUDITOR).may_see_details
    assert not caller(Role.ASKER, Role.APPROVER).may_see_details


def test_what_is_remembered_for_a_caller_is_for_its_limits_alone() -> None:
    login = Login(AGENT.principal, 7, token="t-1", resources=frozenset({"orders"}), job="build-42")
    callers = [
        AGENT,
        Caller(AGENT.principal, AGENT.roles, login),
        *(
            Caller(AGENT.principal, AGENT.roles, replace(login, **changes))
            for changes in ({"token": "t-2"}, {"token": None}, {"job": None}, {"expires_at": 8})
        ),
        Caller(AGENT.principal, AGENT.roles, replace(login, principal=Principal("agent-7", "agent", ("dba",)))),
    ]
    assert len({caller.credential for caller in callers}) == len(callers)
    assert AGENT.credential == AGENT.name


def test_a_caller_reaches_what_its_token_is_for() -> None:
    login = Login(AGENT.principal, 7, token="t-1", resources=frozenset({"orders"}), job="build-42")
    caller = Caller(AGENT.principal, AGENT.roles, login)
    assert caller.reaches("orders", "build-42")
    assert not caller.reaches("billing", "build-42")
    assert not caller.reaches("orders", "build-43")
    assert not caller.reaches("orders", None)
    assert AGENT.reaches("billing", None)
    assert Caller(AGENT.principal, AGENT.roles, Login(AGENT.principal, 7)).reaches("billing", "build-43")
