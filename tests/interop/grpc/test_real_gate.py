"""Everything real: the gate, the engine with a policy folder, the store, the log, and clients on UNIX sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adapters.core.ports import Question
from engine.decision import Decision, DenyKind, Verdict
from engine.request import Principal, Resource, Session
from gateway.app.assembly import Gateway
from gateway.audit.read import Filter, read
from gateway.config import load_config
from gateway.doors.session import GatewaySession
from gateway.rpc.client import CallFailed, Client, Detail, Names, Query, Raw, Ruling

POLICY = """package policies.shop

allow contains {"code": "READ", "reason": "reading", "detail": "ticket OPS-1"} if {
	"readers" in input.principal.groups
	every op in input.command.operations { op.effect in {"read", "session"} }
}

allow contains {"code": "WRITE", "reason": "writing on test"} if {
	"readers" in input.principal.groups
	input.resource.labels.environment == "test"
	every op in input.command.operations { op.effect in {"read", "write"} }
}

hold contains {"code": "PROD_WRITE", "reason": "a DBA looks at every write", "approvers": {"groups": ["dba"]}, "expires": "15m"} if {
	input.resource.labels.environment == "prod"
	some op in input.command.operations
	op.effect == "write"
}

deny contains {"code": "NO_DROP", "reason": "drops go through migrations", "hint": "ask the platform team"} if {
	some op in input.command.operations
	op.kind == "drop_table"
}

mask contains {"code": "CARDS", "reason": "cards", "columns": ["public.cards.pan"], "method": "redact"} if {
	not "pci" in input.principal.groups
}

limit contains {"code": "ROWS", "type": "rows", "value": 1000} if {
	"readers" in input.principal.groups
}
"""
CONFIG = """
[policies]
path = "policies"
watch_seconds = 0

[[resource]]
name = "orders"
protocol = "postgres"
address = "127.0.0.1:5432"
database = "shop"
role = "gateway"
credential = "env:DB_PASSWORD"
labels = { environment = "prod" }

[[identity.principal]]
name = "ana"
kind = "agent"
groups = ["readers"]

[[identity.principal]]
name = "dora"
groups = ["dba"]
roles = ["approver"]

[[identity.principal]]
name = "otto"
roles = ["auditor"]

[[identity.principal]]
name = "pg"
kind = "service"
roles = ["adapter"]

[[rpc.socket]]
path = "run/ana.sock"
principal = "ana"

[[rpc.socket]]
path = "run/dora.sock"
principal = "dora"

[[rpc.socket]]
path = "run/otto.sock"
principal = "otto"

[[rpc.socket]]
path = "run/pg.sock"
principal = "pg"
"""
ANA = Principal("ana", "agent", ("readers",))
ORDERS = Query(Resource("orders", "postgres"), ANA, Session("s-1", "build-42"))
CARDS = Names(("public",), {"public.cards": ("id", "pan")})
TEXTS = [
    b"SELECT 1",
    b"SELECT id, total FROM public.orders WHERE id = 7",
    b"UPDATE public.orders SET paid = true WHERE id = 7",
    b"DROP TABLE public.orders",
    b"SELECT 1; DROP TABLE public.orders",
    b"WITH x AS (DELETE FROM public.orders RETURNING id) SELECT * FROM x",
    b"SELEC 1",
    b"",
    b"\xff\xfe",
    b"DO $$ BEGIN EXECUTE 'DROP TABLE x'; END $$",
    b"SELECT pan FROM public.cards",
]


@dataclass(frozen=True, slots=True)
class Running:
    gateway: Gateway
    folder: Path

    def client(self, name: str) -> Client:
        return Client.over_unix(self.folder / "run" / f"{name}.sock", timeout=60)

    def reload(self, policy: str) -> None:
        (self.folder / "policies" / "shop.rego").write_text(policy)
        assert self.gateway.policies.reload()


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    (folder / "policies").mkdir()
    (folder / "policies" / "shop.rego").write_text(POLICY)
    (folder / "sallyport.toml").write_text(CONFIG)
    gateway = Gateway(load_config(folder / "sallyport.toml", {}), {"DB_PASSWORD": "a password of tests"})
    asyncio.run(gateway.start(listeners=False))
    try:
        yield Running(gateway, folder)
    finally:
        asyncio.run(gateway.stop(1))
        gateway.close()


def ask(client: Client, text: bytes, query: Query = ORDERS, names: Names | None = None) -> Ruling:
    return client.decide(Raw("postgres", text, names=names), query)


def codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


def test_the_four_verdicts_come_with_all_they_need(running: Running) -> None:
    with running.client("pg") as client:
        allowed = ask(client, b"SELECT 1")
        assert allowed.decision.verdict is Verdict.ALLOW
        assert [(obligation.type, obligation.value) for obligation in allowed.decision.obligations] == [("rows", 1000)]
        assert "READ" in codes(allowed.decision)
        assert allowed.decision.revision == running.gateway.policies.revision

        denied = ask(client, b"DROP TABLE public.orders")
        assert (denied.decision.verdict, denied.decision.deny_kind) == (Verdict.DENY, DenyKind.RULE)
        assert "ask the platform team" in {reason.hint for reason in denied.decision.reasons}

        masked = ask(client, b"SELECT id, pan FROM cards", names=CARDS)
        assert masked.decision.verdict is Verdict.MASK
        assert [(item.output, item.method) for item in masked.decision.mask_plan] == [(1, "redact")]
        assert masked.decision.mask_plan[0].origins == ("public.cards.pan",)

        held = ask(client, b"UPDATE public.orders SET paid = true WHERE id = 7")
        assert held.decision.verdict is Verdict.HOLD
        assert held.particulars.ticket is not None
        assert 890 < held.particulars.expires_at / 1e9 - time.time() < 910


def test_a_command_that_is_held_runs_once_a_dba_said_yes(running: Running) -> None:
    with running.client("pg") as adapter, running.client("dora") as dora, running.client("ana") as ana:
        ticket = ask(adapter, b"UPDATE public.orders SET paid = true WHERE id = 7").particulars.ticket
        assert ticket is not None
        fates = adapter.await_release(ticket)
        assert next(fates).ticket.state == "requested"
        (held,) = dora.tickets("requested")
        assert (held.id, held.text, held.principal, held.job) == (
            ticket,
            "UPDATE public.orders SET paid = true WHERE id = 7",
            "ana",
            "build-42",
        )
        assert [mine.id for mine in ana.tickets()] == [ticket]
        with pytest.raises(CallFailed) as failed:
            ana.approve(ticket)
        assert failed.value.code == "NOT_PERMITTED"
        before = time.monotonic()
        dora.approve(ticket, "looks right")
        last = next(fates)
        assert time.monotonic() - before < 5
        assert last.decision is not None
        assert last.decision.verdict is Verdict.ALLOW
        assert [*fates] == []
        # The grant came out once: the same command asks again.
        again = ask(adapter, b"UPDATE public.orders SET paid = true WHERE id = 7")
        assert again.decision.verdict is Verdict.HOLD
        assert again.particulars.ticket != ticket


def test_a_command_that_was_refused_does_not_run_and_its_owner_learns_why(running: Running) -> None:
    with running.client("pg") as adapter, running.client("dora") as dora:
        ticket = ask(adapter, b"UPDATE public.orders SET paid = true WHERE id = 7").particulars.ticket
        assert ticket is not None
        fates = adapter.await_release(ticket)
        next(fates)
        dora.refuse(ticket, "not on a Friday")
        decision = next(fates).decision
        assert decision is not None
        assert decision.deny_kind is DenyKind.APPROVAL_REFUSED
        assert "not on a Friday" in decision.reasons[0].reason


def test_a_withdrawn_command_cannot_be_approved_any_more(running: Running) -> None:
    with running.client("pg") as adapter, running.client("dora") as dora:
        ticket = ask(adapter, b"UPDATE public.orders SET paid = true WHERE id = 7").particulars.ticket
        assert ticket is not None
        assert adapter.withdraw(ticket, "the client is gone").state == "withdrawn"
        with pytest.raises(CallFailed) as failed:
            dora.approve(ticket)
        assert (failed.value.code, failed.value.status) == ("TICKET_CLOSED", "FAILED_PRECONDITION")


@pytest.mark.parametrize("text", TEXTS)
def test_both_ways_to_the_gate_decide_the_same(running: Running, text: bytes) -> None:
    admitted = running.gateway.doors.admit(
        user="ana", resource="orders", protocol="postgres", proven=True, client_address=None, application=None
    )
    assert isinstance(admitted, GatewaySession)
    inside = admitted.decide(Question("postgres", text)).decision
    with running.client("pg") as client:
        outside = ask(client, text).decision
    assert outside == replace(inside, cacheable=False, hold=_as_told(inside))


def _as_told(decision: Decision) -> object:
    return None if decision.hold is None else replace(decision.hold, expires=0)


def test_the_labels_of_a_configured_resource_cannot_be_claimed_away(running: Running) -> None:
    claimed = replace(ORDERS, resource=Resource("orders", "postgres", labels={"environment": "test"}))
    elsewhere = replace(ORDERS, resource=Resource("scratch", "postgres", labels={"environment": "test"}))
    update = b"UPDATE public.orders SET paid = true WHERE id = 7"
    with running.client("pg") as client:
        assert ask(client, update, claimed).decision.verdict is Verdict.HOLD
        assert ask(client, update, elsewhere).decision.verdict is Verdict.ALLOW


def test_an_agent_asks_for_itself_and_sees_no_admin_details(running: Running) -> None:
    with running.client("ana") as agent, running.client("pg") as adapter:
        own = Query(Resource("orders", "postgres"))
        decision = ask(agent, b"SELECT 1", own).decision
        assert decision.verdict is Verdict.ALLOW
        assert {reason.detail for reason in decision.reasons} == {""}
        assert "ticket OPS-1" in {reason.detail for reason in ask(adapter, b"SELECT 1").decision.reasons}
        with pytest.raises(CallFailed) as failed:
            ask(agent, b"SELECT 1", replace(own, principal=Principal("dora", groups=("dba",))))
        assert failed.value.code == "NOT_PERMITTED"


def test_a_parsed_tree_is_judged_like_its_text(running: Running) -> None:
    with running.client("pg") as adapter:
        for text in (b"SELECT 1", b"DROP TABLE public.orders"):
            command = adapter.parse(Raw("postgres", text))
            assert adapter.decide(command, ORDERS).decision.verdict is ask(adapter, text).decision.verdict


def test_a_new_policy_is_told_and_decides_at_once(running: Running) -> None:
    with running.client("pg") as client:
        revisions = client.watch()
        first = next(revisions)
        assert ask(client, b"SELECT 1").is_granted
        running.reload(POLICY.replace('"readers" in', '"nobody" in'))
        second = next(revisions)
        assert second != first
        assert ask(client, b"SELECT 1").decision.deny_kind is DenyKind.NO_MATCH
        for revision in (first, second):
            assert ask(client, b"SELECT 1", replace(ORDERS, min_revision=revision)).decision.revision == second
        with pytest.raises(CallFailed) as failed:
            ask(client, b"SELECT 1", replace(ORDERS, min_revision="0" * 64))
        assert failed.value.code == "STALE_POLICY"


def test_a_new_policy_ends_what_was_held_under_the_old_one(running: Running) -> None:
    with running.client("pg") as adapter, running.client("dora") as dora:
        ticket = ask(adapter, b"UPDATE public.orders SET paid = true WHERE id = 7").particulars.ticket
        assert ticket is not None
        fates = adapter.await_release(ticket)
        next(fates)
        running.reload(POLICY.replace('op.kind == "drop_table"', 'op.kind == "update"'))
        dora.approve(ticket)
        decision = next(fates).decision
        assert decision is not None
        assert not decision.is_granted


def test_everything_that_was_answered_or_refused_is_in_the_log(running: Running) -> None:
    with running.client("pg") as adapter, running.client("otto") as otto:
        ids = [ask(adapter, text).particulars.decision_id for text in TEXTS]
        for bad in (Raw("", b"x"), Raw("postgres", b"x" * ((1 << 20) + 1))):
            with pytest.raises(CallFailed):
                adapter.decide(bad, ORDERS)
        logged = [json.loads(entry.body) for entry in otto.entries()]
        decisions = {entry["decision_id"]: entry for entry in logged if entry["kind"] == "decision"}
        assert set(ids) <= set(decisions)
        assert all(decisions[one]["caller"] == "pg" and decisions[one]["principal"] == "ana" for one in ids)
        refused = [entry for entry in decisions.values() if entry["decision_id"] not in ids]
        assert [(entry["verdict"], entry["rules"][0][0]) for entry in refused] == [
            ("deny", "INPUT_INVALID"),
            ("deny", "TOO_LARGE"),
        ]
        on_disk = [*read(running.folder / "state" / "audit", Filter())]
        assert [entry["seq"] for entry in logged] == [entry.seq for entry in on_disk]


def test_the_log_is_followed_while_it_grows(running: Running) -> None:
    with running.client("pg") as adapter, running.client("otto") as otto:
        tail = otto.tail()
        first = ThreadPoolExecutor(1).submit(next, tail)
        while not first.done():
            ask(adapter, b"SELECT 1")
        entry = first.result()
        ask(adapter, b"SELECT 1")
        assert next(tail).index == entry.index + 1


def test_when_nothing_can_be_recorded_nothing_is_allowed(running: Running) -> None:
    with running.client("pg") as adapter:
        assert ask(adapter, b"SELECT 1").is_granted
        running.gateway.log.close()
        denied = ask(adapter, b"SELECT 1")
        assert denied.decision.deny_kind is DenyKind.AUDIT_UNAVAILABLE
        with pytest.raises(CallFailed) as failed:
            adapter.decide(Raw("", b"x"), ORDERS)
        assert (failed.value.code, failed.value.status) == ("AUDIT_UNAVAILABLE", "UNAVAILABLE")


def test_a_dry_run_opens_no_ticket(running: Running) -> None:
    with running.client("pg") as adapter, running.client("dora") as dora:
        ruling = ask(adapter, b"UPDATE public.orders SET paid = true WHERE id = 7", replace(ORDERS, dry_run=True))
        assert ruling.decision.verdict is Verdict.HOLD
        assert ruling.particulars.ticket is None
        assert dora.tickets() == ()


def test_a_trace_names_the_rules_and_whether_they_matched(running: Running) -> None:
    with running.client("pg") as adapter:
        ruling = ask(adapter, b"DROP TABLE public.orders", replace(ORDERS, detail=Detail.TRACE))
        traced = {rule.rule: rule.matched for rule in ruling.particulars.trace}
        assert traced["shop/NO_DROP"] is True


def test_hostile_texts_end_in_a_deny_and_the_service_lives(running: Running) -> None:
    hostile = [
        b"SELECT " + b"+".join([b"1"] * 10_000),
        b"SELECT " + b"(" * 5_000 + b"1" + b")" * 5_000,
        b"SELECT '" + b"x" * 900_000 + b"'",
        b"SELECT 1\x00; DROP TABLE x",
        bytes(range(256)) * 100,
        b";" * 100_000,
    ]
    with running.client("pg") as adapter, ThreadPoolExecutor(4) as threads:
        for ruling in threads.map(lambda text: ask(adapter, text), hostile):
            assert ruling.decision.verdict in (Verdict.DENY, Verdict.ALLOW)
        assert ask(adapter, b"SELECT 1").is_granted
        batch = adapter.decide_batch([Raw("postgres", text) for text in hostile], ORDERS)
        assert len(batch) == len(hostile)
