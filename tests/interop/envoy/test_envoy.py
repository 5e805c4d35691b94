"""A real Envoy asks the gateway about every request: its answers are those of `Decide`, and what is not answered does not go on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.decision import Verdict
from engine.request import Principal, Resource, Session
from gateway.rpc.client import Client, Query, Raw
from tests.interop.envoy.edge import Edge, Wanted, by_chance, edge

QUERY = Query(Resource("shop", "http"), Principal("ana", "agent", ("viewers",)), Session("direct"))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> Iterator[Edge]:
    with edge(tmp_path_factory.mktemp("edge"), tools) as made:
        yield made


TRIES = 5
"""WHY asked again: an Envoy that has no answer within half a second says no by itself, and a busy machine may take as long."""


def compare(here: Edge, seed: int, count: int, *, takes_back: bool = False) -> Counter[int]:
    """Ask about requests both ways; how often each status came. `takes_back`: holds are not left open, of which a job may have so many."""
    found: Counter[int] = Counter()
    connection = here.connection()
    with Client.over_unix(here.socket, timeout=60) as client:
        for wanted in by_chance(seed, count):
            here.target.seen.clear()
            status, headers, body = here.ask(wanted, connection=connection)
            for _ in range(TRIES):
                if status == 200 or "sallyport-decision" in headers:
                    break
                assert (status, here.target.seen) == (403, []), "nothing goes on without an answer"
                status, headers, body = here.ask(wanted, connection=connection)
            ruling = client.decide(Raw("http", wanted.text(here.host)), QUERY).decision
            is_yes = ruling.verdict is Verdict.ALLOW and not ruling.obligations
            assert len(here.target.seen) == (1 if is_yes else 0), (wanted, ruling)
            if is_yes:
                assert here.target.seen[0].path == wanted.path
                assert here.target.seen[0].body == wanted.body
                assert "authorization" not in here.target.seen[0].headers
                assert here.target.seen[0].headers["sallyport-decision"].startswith("d-")
            else:
                assert status == 403, (wanted, status)
                said = json.loads(body)
                assert ruling.verdict is not Verdict.HOLD or said["code"] == "HELD"
                if takes_back and said["code"] == "HELD":
                    here.running.gateway.gate.withdraw(said["ticket"], "it was seen")
                assert headers["sallyport-decision"].startswith("d-")
            found[status] += 1
    connection.close()
    return found


def test_its_answers_are_those_of_decide(here: Edge) -> None:
    found = compare(here, 7, 300)
    assert found[403] > 60
    assert found[200] > 60


@pytest.mark.long
def test_ten_thousand_answers_are_those_of_decide(here: Edge) -> None:
    assert sum(compare(here, 8, 10_000, takes_back=True).values()) == 10_000


def test_a_denied_request_reads_why_and_a_held_one_its_ticket(here: Edge) -> None:
    status, _, body = here.ask(Wanted("GET", "/admin"))
    said = json.loads(body)
    assert (status, said["code"], said["detail"]) == (403, "SECRET_AREA", "nobody goes there")
    order = Wanted("POST", "/orders", (("content-type", "application/json"),), b'{"n": 1, "for": "envoy"}')
    status, _, body = here.ask(order)
    held = json.loads(body)
    assert (status, held["code"]) == (403, "HELD")
    ticket = here.running.gateway.approvals.get(held["ticket"])
    assert ticket is not None
    here.running.approve(ticket)
    assert here.ask(order)[0] == 200
    assert here.ask(order)[0] == 403, "once"


@pytest.mark.parametrize("token", [None, "nobody"])
def test_who_proves_nobody_is_told_so(here: Edge, token: str | None) -> None:
    here.target.seen.clear()
    status, headers, body = here.ask(Wanted("GET", "/a"), token=token)
    assert (status, json.loads(body)["code"]) == (401, "NOT_AUTHENTICATED")
    assert headers["www-authenticate"].startswith("Bearer")
    assert here.target.seen == []


@pytest.mark.parametrize(
    "header",
    [
        ("sallyport-decision", "d-forged"),
        ("sallyport-unread-body", "1"),
        ("sallyport.resource", "open"),
        ("x_own", "a"),
        ("x-original-url", "/admin"),
    ],
)
def test_what_only_the_gateway_says_a_client_cannot(here: Edge, header: tuple[str, str]) -> None:
    here.target.seen.clear()
    status, _, _ = here.ask(Wanted("POST", "/orders", (header,)))
    assert (status, here.target.seen) == (403, [])
    seen = here.ask(Wanted("GET", "/a", (header,)))[0]
    for one in here.target.seen:
        assert seen == 200
        assert one.headers["sallyport-decision"] != "d-forged"


def test_a_body_that_envoy_cut_is_not_taken_for_a_whole_one(here: Edge) -> None:
    kind = (("content-type", "application/json"),)
    small, large = b'{"a": 1}', b'{"a": "' + b"x" * 9000 + b'"}'
    assert here.ask(Wanted("POST", "/notes", kind, small))[0] == 200
    assert here.ask(Wanted("POST", "/notes", kind, large))[0] == 403
    forged = (*kind, ("x-envoy-auth-partial-body", "false"))
    assert here.ask(Wanted("POST", "/notes", forged, large))[0] == 403
    assert here.ask(Wanted("POST", "/upload", kind, large))[0] == 200, (
        "where a policy says that long ones may be unread"
    )


def test_each_answer_is_in_the_audit_for_who_brought_the_token(here: Edge) -> None:
    _, headers, _ = here.ask(Wanted("GET", "/a", (("user-agent", "curl/8"),)))
    assert "sallyport-decision" not in headers
    last = here.running.decisions()[-1]
    assert (last.principal, last.caller, last.resource, last.verdict) == ("ana", "edge", "shop", "allow")
    assert last.text.startswith("GET /a HTTP/1.1")
    assert here.running.token not in last.text


def test_without_the_gateway_nothing_goes_on(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> None:
    with edge(tmp_path_factory.mktemp("gone"), tools) as here:
        assert here.ask(Wanted("GET", "/a"))[0] == 200
        rpc = here.running.gateway._rpc
        assert rpc is not None
        rpc.stop(0)
        here.target.seen.clear()
        assert here.ask(Wanted("GET", "/a"))[0] == 403
        assert here.target.seen == []
