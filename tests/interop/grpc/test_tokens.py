"""Tokens over gRPC, everything real: the gate, the store, the server on sockets, and the house's client with `token`."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.decision import DenyKind, Verdict
from engine.request import Principal, Resource, Session
from gateway.app.assembly import Gateway
from gateway.audit.read import read
from gateway.config import load_config
from gateway.demo.cluster import free_port
from gateway.identity.minting import Asker, Wish
from gateway.rpc.client import CallFailed, Client, ClientTls, Query, Raw
from tests.certificates import Authority
from tests.interop.grpc.test_real_gate import CONFIG, POLICY

ORDERS = Query(Resource("orders", "postgres"))
SELECT, UPDATE = Raw("postgres", b"SELECT 1"), Raw("postgres", b"UPDATE public.orders SET paid = true WHERE id = 7")
BILLING = """
[[resource]]
name = "billing"
protocol = "postgres"
address = "127.0.0.1:5432"
role = "gateway"
credential = "env:DB_PASSWORD"
labels = { environment = "test" }
"""
PLAIN = "dora's plain token, long enough to be one"


@dataclass(frozen=True, slots=True)
class House:
    gateway: Gateway
    folder: Path
    port: int
    authority: Authority

    def token(self, *resources: str, principal: str = "ana", ttl: float = 600, **wish: object) -> tuple[str, str]:
        """A token of ours, and its id."""
        made = Wish(resources or ("orders",), ttl, **wish)  # type: ignore[arg-type]  # fields of a wish
        text, grant = self.gateway.identities.mint.issue(Asker(principal), made)
        return text, grant.id

    def client(self, token: str | None, socket: str = "") -> Client:
        """Over TLS without a certificate, or over somebody's UNIX socket."""
        if socket:
            return Client.over_unix(self.folder / "run" / f"{socket}.sock", timeout=60, token=token)
        tls = ClientTls(server_authority=self.authority.pem, server_name="localhost")
        return Client.over_tls(f"127.0.0.1:{self.port}", tls, timeout=60, token=token)

    def refused(self, token: str | None, query: Query = ORDERS, what: Raw = SELECT, socket: str = "") -> CallFailed:
        with self.client(token, socket) as client, pytest.raises(CallFailed) as failed:
            client.decide(what, query)
        return failed.value


@pytest.fixture
def house(folder: Path) -> Iterator[House]:
    authority, port = Authority(), free_port()
    own = authority.issue("gateway", "dns:localhost")
    (folder / "policies").mkdir()
    (folder / "policies" / "shop.rego").write_text(POLICY)
    (folder / "own.pem").write_bytes(own.certificate)
    key = folder / "own.key"
    key.touch(0o600)
    key.write_bytes(own.key)
    text = CONFIG.replace('name = "dora"\n', 'name = "dora"\ntoken = "env:DORA_TOKEN"\n') + BILLING
    text += f'\n[rpc]\nbind = "127.0.0.1:{port}"\ntls = {{ certificate = "own.pem", key = "own.key" }}\n'
    (folder / "sallyport.toml").write_text(text)
    environment = {"DB_PASSWORD": "a password of tests", "DORA_TOKEN": PLAIN}
    gateway = Gateway(load_config(folder / "sallyport.toml", environment), environment)
    asyncio.run(gateway.start(listeners=False))
    try:
        yield House(gateway, folder, port, authority)
    finally:
        asyncio.run(gateway.stop(1))
        gateway.close()


def test_a_token_says_who_asks_and_the_job_is_its_own(house: House) -> None:
    text, _ = house.token(job="build-42")
    said = Query(Resource("orders", "postgres"), session=Session("", job="somebody-elses"))
    with house.client(text) as client:
        assert client.decide(SELECT, said).decision.verdict is Verdict.ALLOW
        assert [one.is_granted for one in client.decide_batch([SELECT, SELECT], ORDERS)] == [True, True]
        assert next(client.decide_stream([(SELECT, ORDERS)])).is_granted
    entries = [entry for entry in decisions(house) if entry.get("principal") == "ana"]
    assert len(entries) == 4
    assert {(entry["caller"], entry["job"], tuple(entry["groups"])) for entry in entries} == {  # type: ignore[arg-type]
        ("ana", "build-42", ("readers",))
    }


def test_a_token_is_for_its_resources_and_classes_of_operations(house: House) -> None:
    text, _ = house.token("billing", effects=("read",))
    failed = house.refused(text)
    assert (failed.status, failed.code) == ("PERMISSION_DENIED", "NOT_PERMITTED")
    billing = Query(Resource("billing", "postgres"))
    with house.client(text) as client:
        assert client.decide(SELECT, billing).is_granted
        denied = client.decide(UPDATE, billing).decision
        assert (denied.verdict, [reason.code for reason in denied.reasons]) == (Verdict.DENY, ["TOKEN_SCOPE"])
    with house.client(house.token("billing")[0]) as client:
        assert client.decide(UPDATE, billing).is_granted, "it was the token, not the policy"


def test_nobody_speaks_for_others_with_a_token(house: House) -> None:
    text, _ = house.token()
    for query in (
        Query(Resource("orders", "postgres"), Principal("dora", groups=("dba",))),
        Query(Resource("orders", "postgres"), Principal("ana", groups=("dba",))),
        Query(Resource("orders", "postgres", labels={"environment": "test"})),
    ):
        # On the adapter's own socket too: whose socket it is counts no more.
        for socket in ("", "pg"):
            assert house.refused(text, query, socket=socket).code == "NOT_PERMITTED"


def test_a_token_good_once_is_good_for_one_call(house: House) -> None:
    text, _ = house.token(once=True)
    with ThreadPoolExecutor(8) as threads, house.client(text) as client:

        def come(_: int) -> str:
            try:
                return str(client.decide(SELECT, ORDERS).is_granted)
            except CallFailed as failed:
                return failed.code

        said = sorted(threads.map(come, range(8)))
    assert said == [*["TOKEN_USED"] * 7, "True"]


def test_a_token_taken_back_is_refused_and_ends_its_streams(house: House) -> None:
    text, token_id = house.token()
    questions = itertools.repeat((SELECT, ORDERS))
    with house.client(text) as client:
        answers = client.decide_stream(questions)
        assert next(answers).is_granted
        house.gateway.identities.mint.tokens.revoke([token_id], time.time_ns())
        revoked = time.time_ns()
        with pytest.raises(CallFailed) as failed:
            list(answers)
        assert (failed.value.status, failed.value.code) == ("UNAUTHENTICATED", "CALLER_UNKNOWN")
        # By the gateway's own words: what it decided may still be on its way.
        config = house.gateway.config
        granted = [one.time for one in read(config.at(config.audit.dir)) if one.verdict == "allow"]
        assert max(granted) - revoked < 1_000_000_000
        assert house.refused(text).code == "TOKEN_REVOKED"
        with pytest.raises(CallFailed) as failed:
            next(client.watch())
        assert failed.value.code == "TOKEN_REVOKED"


def test_forged_and_foreign_tokens_prove_nobody_on_any_socket(house: House) -> None:
    good, _ = house.token()
    head, body, signature = good.split(".")
    for wrong in (good[:-6] + "AAAAAA", f"{head}.{body}.", f"{head}.{body}.{signature[::-1]}", "sp_guess", "x" * 4_000):
        for socket in ("", "pg", "dora"):
            failed = house.refused(wrong, socket=socket)
            assert (failed.status, failed.code) == ("UNAUTHENTICATED", "CALLER_UNKNOWN")
            assert wrong not in str(failed)
    kinds = {entry["deny_kind"] for entry in decisions(house)}
    assert kinds == {DenyKind.NOT_AUTHENTICATED.value}


def test_without_any_credential_everything_is_as_before(house: House) -> None:
    assert house.refused(None).code == "CALLER_UNKNOWN"
    with house.client(None, "ana") as ana, house.client(None, "pg") as adapter:
        assert ana.decide(SELECT, ORDERS).is_granted
        assert adapter.decide(
            SELECT, Query(Resource("orders", "postgres"), Principal("ana", groups=("readers",)))
        ).is_granted


def test_who_holds_a_command_with_a_token_waits_for_it_with_one_of_the_same_job(house: House) -> None:
    text, _ = house.token(job="build-42")
    other, _ = house.token(job="build-43")
    with house.client(text) as ana, house.client(other) as stranger, house.client(PLAIN) as dora:
        held = ana.decide(UPDATE, ORDERS)
        ticket = held.particulars.ticket
        assert held.decision.verdict is Verdict.HOLD
        assert ticket is not None
        fates = ana.await_release(ticket)
        assert next(fates).ticket.job == "build-42"
        assert stranger.tickets() == ()
        for call in (lambda: next(stranger.await_release(ticket)), lambda: stranger.withdraw(ticket)):
            with pytest.raises(CallFailed) as failed:
                call()
            assert failed.value.code == "TICKET_UNKNOWN"
        # Nobody decides with a token for a job, not even of somebody who may.
        with house.client(house.token(principal="dora")[0]) as job_of_dora, pytest.raises(CallFailed) as failed:
            job_of_dora.approve(ticket)
        assert failed.value.code == "NOT_PERMITTED"
        assert dora.approve(ticket, "looks right").state == "granted"
        decision = next(fates).decision
        assert decision is not None
        assert decision.is_granted


def test_a_held_command_is_not_released_to_a_token_taken_back_meanwhile(house: House) -> None:
    text, token_id = house.token()
    with house.client(text) as ana, house.client(PLAIN) as dora:
        ticket = ana.decide(UPDATE, ORDERS).particulars.ticket
        assert ticket is not None
        fates = ana.await_release(ticket)
        next(fates)
        house.gateway.identities.mint.tokens.revoke([token_id], time.time_ns())
        house.gateway.identities.standing.refresh()
        dora.approve(ticket)
        with pytest.raises(CallFailed) as failed:
            next(fates)
        assert failed.value.code == "CALLER_UNKNOWN"
        assert [one.state for one in dora.tickets()] != ["requested"]


def decisions(house: House) -> list[dict[str, object]]:
    house.gateway.log.flush()
    with house.client(None, "otto") as otto:
        found = [json.loads(entry.body) for entry in otto.entries()]
    return [entry for entry in found if entry["kind"] == "decision"]
