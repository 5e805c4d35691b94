"""TCP with certificates on both sides, and plaintext where it is allowed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from engine.decision import Verdict
from engine.request import Principal, Resource
from gateway.errors import ConfigInvalid
from gateway.identity.rates import Rates
from gateway.rpc.client import CallFailed, Client, ClientTls, Query, Raw
from gateway.rpc.server import LoopbackSocket, RpcServer, Socket, Tls, TlsSocket
from tests.certificates import Authority, Issued
from tests.rpc_stand_ins import ADAPTER, AGENT, StandIns

ANA = Query(Resource("orders", "postgres"), Principal("ana"))
SELECT = Raw("postgres", b"select 1")
CALLERS = {"uri:spiffe://corp/pg": ADAPTER, "cn:agent": AGENT}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@contextmanager
def running(socket: Socket) -> Iterator[tuple[StandIns, str]]:
    stand_ins = StandIns()
    server = RpcServer(stand_ins.ports, stand_ins.audit, [socket], time.monotonic)
    server.start()
    try:
        yield stand_ins, server.addresses[0]
    finally:
        server.stop(grace=5)


@contextmanager
def with_tls(authority: Authority) -> Iterator[tuple[StandIns, str]]:
    own = authority.issue("gateway", "dns:localhost")
    with running(TlsSocket("127.0.0.1", 0, Tls(own.certificate, own.key, authority.pem), CALLERS)) as both:
        yield both


def client(address: str, authority: Authority, shown: Issued) -> Client:
    tls = ClientTls(shown.certificate, shown.key, authority.pem, server_name="localhost")
    return Client.over_tls(address, tls, timeout=30)


def test_the_certificate_says_who_is_calling(authority: Authority) -> None:
    with with_tls(authority) as (stand_ins, address):
        with client(address, authority, authority.issue("x", "uri:spiffe://corp/pg")) as adapter:
            assert adapter.decide(SELECT, ANA).decision.verdict is Verdict.ALLOW
            assert next(adapter.decide_stream([(SELECT, ANA)])).is_granted
        with client(address, authority, authority.issue("agent")) as agent:
            agent.decide(SELECT, Query(Resource("orders", "postgres")))
        assert [asked.caller for asked in stand_ins.gate.asked] == ["pg-adapter", "pg-adapter", "agent-7"]


def test_the_next_connection_is_shown_the_new_certificate(authority: Authority) -> None:
    other = Authority()
    old, new = authority.issue("gateway", "dns:localhost"), other.issue("gateway", "dns:localhost")
    stand_ins = StandIns()
    server = RpcServer(
        *(stand_ins.ports, stand_ins.audit),
        [TlsSocket("127.0.0.1", 0, Tls(old.certificate, old.key, authority.pem), CALLERS)],
        time.monotonic,
    )
    server.start()
    try:
        address, shown = server.addresses[0], authority.issue("agent")
        query = Query(Resource("orders", "postgres"))
        with client(address, authority, shown) as before:
            before.decide(SELECT, query)
            # Somebody who asks for no certificates any more is not believed.
            with pytest.raises(ConfigInvalid, match="until a restart"):
                server.renew([TlsSocket("127.0.0.1", 0, Tls(new.certificate, new.key), CALLERS)])
            with client(address, authority, shown) as same:
                same.decide(SELECT, query)
            server.renew([TlsSocket("127.0.0.1", 0, Tls(new.certificate, new.key, authority.pem), CALLERS)])
            before.decide(SELECT, query)
        trusts = ClientTls(shown.certificate, shown.key, other.pem, server_name="localhost")
        with Client.over_tls(address, trusts, timeout=30) as after:
            after.decide(SELECT, query)
        with client(address, authority, shown) as late, pytest.raises(CallFailed):
            late.decide(SELECT, query)
    finally:
        server.stop(grace=5)


def test_a_certificate_of_nobody_we_know_is_refused_and_recorded(authority: Authority) -> None:
    with with_tls(authority) as (stand_ins, address):
        with client(address, authority, authority.issue("stranger", "dns:stranger.corp")) as stranger:
            with pytest.raises(CallFailed) as failed:
                stranger.decide(SELECT, ANA)
            assert (failed.value.code, failed.value.status) == ("CALLER_UNKNOWN", "UNAUTHENTICATED")
            with pytest.raises(CallFailed) as failed:
                next(stranger.watch())
            assert failed.value.code == "CALLER_UNKNOWN"
        assert stand_ins.gate.asked == []
        assert {refusal[0] for refusal in stand_ins.gate.refusals} == {"unidentified"}


def test_certificates_of_another_authority_and_old_ones_do_not_connect(authority: Authority) -> None:
    now = datetime.now(UTC)
    old = authority.issue("agent", start=now - timedelta(hours=2), end=now - timedelta(hours=1))
    with with_tls(authority) as (stand_ins, address):
        for shown in (Authority().issue("agent"), old):
            with client(address, authority, shown) as agent, pytest.raises(CallFailed) as failed:
                agent.decide(SELECT, ANA)
            assert failed.value.code == "UNREACHABLE"
        assert stand_ins.gate.asked == []


def test_without_a_certificate_or_in_plaintext_nobody_connects(authority: Authority) -> None:
    with with_tls(authority) as (stand_ins, address):
        with Client.over_loopback(address, timeout=30) as plain, pytest.raises(CallFailed) as failed:
            plain.decide(SELECT, ANA)
        assert failed.value.code == "UNREACHABLE"
        assert stand_ins.gate.asked == []


def test_a_client_refuses_a_server_of_another_authority(authority: Authority) -> None:
    with with_tls(authority) as (stand_ins, address):
        tls = ClientTls(*_pair(authority.issue("agent")), Authority().pem, server_name="localhost")
        with Client.over_tls(address, tls, timeout=30) as agent, pytest.raises(CallFailed) as failed:
            agent.decide(SELECT, ANA)
        assert failed.value.code == "UNREACHABLE"
        assert stand_ins.gate.asked == []


def _pair(issued: Issued) -> tuple[bytes, bytes]:
    return issued.certificate, issued.key


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_plaintext_on_loopback_is_the_caller_that_is_configured(host: str) -> None:
    with running(LoopbackSocket(host, 0, AGENT)) as (stand_ins, address), Client.over_loopback(address) as agent:
        agent.decide(SELECT, Query(Resource("orders", "postgres")))
        assert stand_ins.gate.asked[0].caller == "agent-7"


def test_a_port_is_served_by_one_process_alone(authority: Authority) -> None:
    with running(LoopbackSocket("127.0.0.1", 0, AGENT)) as (stand_ins, address):
        port = int(address.rpartition(":")[2])
        second = RpcServer(
            stand_ins.ports, stand_ins.audit, [LoopbackSocket("127.0.0.1", port, ADAPTER)], time.monotonic
        )
        with pytest.raises(ConfigInvalid, match="cannot be listened on"):
            second.start()


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    stand_ins = StandIns()
    rates = Rates(0.01, 3, lambda: 0.0)
    server = RpcServer(
        *(stand_ins.ports, stand_ins.audit, [LoopbackSocket("127.0.0.1", 0, AGENT)], time.monotonic), rates=rates
    )
    server.start()
    try:
        with grpc.insecure_channel(server.addresses[0]) as channel:
            decide = channel.unary_unary("/sallyport.decision.v1.DecisionService/Decide")
            refused = []
            for _ in range(6):
                with pytest.raises(grpc.RpcError) as caught:
                    decide(b"", timeout=30)
                refused.append(caught.value)
        assert [error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED for error in refused] == [False] * 3 + [True] * 3
        last = {key: str(value) for key, value in refused[-1].trailing_metadata()}
        assert (last["sallyport-code"], last["retry-after"]) == ("TOO_MANY_REQUESTS", "100")
        assert [refusal[2] for refusal in stand_ins.gate.refusals].count("TOO_MANY_REQUESTS") == 1
    finally:
        server.stop(grace=5)
