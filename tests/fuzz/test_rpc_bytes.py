"""Random and nearly right bytes to every method: always a clear status, never a failure of ours, and the process lives."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import pytest

from engine.request import Principal, Resource, Session
from gateway.app.assembly import Gateway
from gateway.audit.index.sought import Sought
from gateway.audit.read import read
from gateway.config import load_config
from gateway.recording.shelf import Wanted
from gateway.rpc.client import Detail, Names, Query, Raw
from gateway.rpc.codec import asking, entries, recordings, remembered, tickets
from gateway.rpc.identity import Role
from gateway.rpc.server import RpcServer, UnixSocket
from gateway.viewing import Searching
from tests.rpc_stand_ins import ADAPTER, StandIns, tree
from tests.unit.gateway.rpc.codec.test_authz import request

# Cases for each method; the seed makes a failure come again. SALLYPORT_FUZZ multiplies them.
CASES = 150 * int(os.environ.get("SALLYPORT_FUZZ", "1"))
SEED = 20_261_121

QUERY = Query(
    Resource("orders", "postgres", "shop", "app", {"environment": "prod"}),
    Principal("ana", "agent", ("readers",), {"level": 3}),
    Session("s-1", "build-42", "psql", "10.0.0.1", {"transaction": "open"}),
    {"hour": 11, "list": [1, {"deep": [None, True, 1.5]}]},
    detail=Detail.TRACE,
)
RAW = Raw("postgres", b"select 1", ("7", None), Names(("public",), {"public.orders": ("id",)}))
SOUGHT = Sought(
    **dict.fromkeys(("principal", "resource", "job", "session", "rule", "object"), "ana"),  # type: ignore[arg-type]  # texts
    verdict="deny",
    effect="read",
    text="select orders",
    since=1,
    until=1_800_000_000_000_000_000,
)
LOOK = Searching("select", Wanted("ana", "box", "build-42", None, 1, 1_800_000_000_000_000_000))

UNARY = {
    "/sallyport.decision.v1.DecisionService/Decide": asking.write_question(RAW, QUERY),
    "/sallyport.decision.v1.DecisionService/DecideBatch": asking.write_batch([RAW, tree("select 1")], QUERY),
    "/sallyport.decision.v1.DecisionService/Parse": asking.write_parse(RAW),
    "/sallyport.approval.v1.ApprovalService/List": tickets.write_list_request(tickets.Wanted(("requested",), 7)),
    "/sallyport.approval.v1.ApprovalService/Approve": tickets.write_said(tickets.Said("t-1", "yes")),
    "/sallyport.approval.v1.ApprovalService/ListRemembered": remembered.write_list_request(),
    "/sallyport.approval.v1.ApprovalService/TakeBack": remembered.write_take_back_request("a-1"),
    "/sallyport.approval.v1.ApprovalService/Refuse": tickets.write_said(tickets.Said("t-1", "no")),
    "/sallyport.approval.v1.ApprovalService/Withdraw": tickets.write_said(tickets.Said("t-1", "no")),
    "/sallyport.audit.v1.AuditService/List": entries.write_list_request(entries.Page(0, 5)),
    "/sallyport.audit.v1.AuditService/Search": entries.write_search_request(entries.SearchPage(SOUGHT, 5, 900)),
    "/sallyport.recording.v1.RecordingService/Announce": recordings.write_announce_request(LOOK),
    "/envoy.service.auth.v3.Authorization/Check": request().SerializeToString(),
    "/grpc.health.v1.Health/Check": b"\x0a\x03abc",
}
STREAMS = {
    "/sallyport.decision.v1.DecisionService/Watch": asking.write_watch(),
    "/sallyport.approval.v1.ApprovalService/AwaitRelease": tickets.write_await_request("t-1"),
    "/sallyport.audit.v1.AuditService/Tail": entries.write_tail_request(0),
    "/grpc.health.v1.Health/Watch": b"\x0a\x03abc",
}
EXCHANGES = {
    "/sallyport.decision.v1.DecisionService/DecideStream": asking.write_question(RAW, QUERY),
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": b"\x22\x03abc",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": b"\x2a\x04\x0a\x01x\x10",
}
OURS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DATA_LOSS}


POLICY = """package policies.fuzz

allow contains {"code": "READ"} if { every op in input.command.operations { op.effect == "read" } }

hold contains {"code": "WRITE", "approvers": {"groups": ["dba"]}} if {
	some op in input.command.operations
	op.effect == "write"
}
"""
CONFIG = """
[policies]
watch_seconds = 0

[[identity.principal]]
name = "fuzz"
roles = ["adapter", "approver", "auditor"]

[[rpc.socket]]
path = "run/a.sock"
principal = "fuzz"
"""
Address = tuple[str, Callable[[], int]]


@dataclass(frozen=True, slots=True)
class Served:
    """A running service; `refusals` counts what it has recorded as refused."""

    channel: grpc.Channel
    refusals: Callable[[], int]


@contextmanager
def stand_ins(folder: Path) -> Iterator[Address]:
    behind = StandIns()
    socket = UnixSocket(folder / "run" / "a.sock", replace(ADAPTER, roles=frozenset(Role)))
    server = RpcServer(behind.ports, behind.audit, [socket], time.monotonic, recordings=behind.recordings)
    server.start()
    yield server.addresses[0], lambda: len(behind.gate.refusals)
    server.stop(grace=5)


@contextmanager
def real(folder: Path) -> Iterator[Address]:
    (folder / "policies").mkdir()
    (folder / "policies" / "fuzz.rego").write_text(POLICY)
    (folder / "sallyport.toml").write_text(CONFIG)
    gateway = Gateway(load_config(folder / "sallyport.toml", {}), {})
    asyncio.run(gateway.start(listeners=False))
    audit = folder / "state" / "audit"
    yield f"unix:{folder}/run/a.sock", lambda: sum(entry.step.startswith("/") for entry in read(audit))
    asyncio.run(gateway.stop(5))
    gateway.close()


@pytest.fixture(scope="module", params=[stand_ins, real], ids=["stand-ins", "real"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    folder = Path(tempfile.mkdtemp(prefix="rpc"))
    with request.param(folder) as (address, refusals):
        options = (("grpc.default_authority", "localhost"),)
        with grpc.insecure_channel(address, options=options) as channel:
            yield Served(channel, refusals)
    shutil.rmtree(folder)


def mutated(good: bytes, chance: random.Random) -> bytes:
    """Random bytes, or a right message with some of it changed, cut, doubled or moved."""
    if chance.random() < 0.3 or not good:
        return chance.randbytes(chance.choice((0, 1, 2, 7, 60, 1_000)))
    data = bytearray(good)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.randbytes(chance.randint(1, 6))
            case 1:
                del data[at : at + chance.randint(1, 6)]
            case 2:
                data[at:at] = data[: chance.randint(0, len(data))]
            case 3 if at < len(data):
                data[at] = chance.randrange(256)
            case _:
                data = data[:at]
    return bytes(data)


def judge(call: grpc.Call, seed: str) -> bool:
    """Whether the call was refused; fails when the refusal is a failure of ours."""
    status = call.code()
    assert status not in OURS, f"{seed}: {status} {call.details()}"
    return status is not grpc.StatusCode.OK


@pytest.mark.parametrize("method", UNARY)
def test_any_bytes_to_a_method_get_an_answer_or_a_clear_refusal(served: Served, method: str) -> None:
    chance = random.Random(f"{SEED} {method}")
    refused, before = 0, served.refusals()
    for number in range(CASES):
        call = served.channel.unary_unary(method, None, None).future(mutated(UNARY[method], chance), timeout=60)
        call.exception()  # waits until it is over
        refused += judge(call, f"{method} {number}")
    assert refused > 0
    assert served.refusals() - before >= refused


@pytest.mark.parametrize("method", STREAMS)
def test_any_bytes_to_a_stream_get_news_or_a_clear_refusal(served: Served, method: str) -> None:
    chance = random.Random(f"{SEED} {method}")
    for number in range(CASES // 3):
        # A short time: a right message to a stream without news waits, and that is no refusal.
        call = served.channel.unary_stream(method, None, None)(mutated(STREAMS[method], chance), timeout=0.1)
        try:
            next(call)
        except grpc.RpcError:
            judge(call, f"{method} {number}")
        except StopIteration:
            pass
        call.cancel()


@pytest.mark.parametrize("method", EXCHANGES)
def test_any_bytes_in_an_exchange_get_as_many_answers_or_a_clear_refusal(served: Served, method: str) -> None:
    chance = random.Random(f"{SEED} {method}")
    for number in range(CASES // 5):
        messages = [mutated(EXCHANGES[method], chance) for _ in range(5)]
        call = served.channel.stream_stream(method, None, None)(iter(messages), timeout=60)
        try:
            assert len([*call]) == len(messages)
        except grpc.RpcError:
            judge(call, f"{method} {number}")


def test_after_all_of_it_a_question_is_answered(served: Served) -> None:
    method = "/sallyport.decision.v1.DecisionService/Decide"
    assert served.channel.unary_unary(method, None, None)(UNARY[method], timeout=60)
