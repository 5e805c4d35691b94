"""AuthZEN's evaluations over the gate."""

from __future__ import annotations

import json

import pytest

from gateway.faces import authzen
from gateway.faces.asking import MAX_BATCH, CallRefused, Desk
from tests.strategies.faces import ADAPTER, FaceGate

SUBJECT = {"type": "user", "id": "bo", "properties": {"groups": ["dba"], "department": "sales"}}
PLACE = {"type": "postgres", "id": "orders"}


def action(text: str) -> dict[str, object]:
    return {"name": "run", "properties": {"text": text}}


def evaluated(document: object, gate: FaceGate | None = None) -> dict[str, object]:
    reply = authzen.evaluate_all(json.dumps(document).encode(), ADAPTER, Desk(gate or FaceGate()))
    assert reply.status == 200
    return dict(reply.document)


def test_one_evaluation() -> None:
    gate = FaceGate()
    document = {"subject": SUBJECT, "action": action("SELECT 1"), "resource": PLACE, "context": {"a": 1}}
    made = authzen.evaluate(json.dumps(document).encode(), ADAPTER, Desk(gate)).document
    assert made["decision"] is True
    assert made["context"] == {
        "id": "d-1",
        "verdict": "allow",
        "reasons": [{"code": "R", "rule": "p/R", "reason": "because"}],
    }
    _, principal, _, resource, context, _ = gate.asked[0]
    assert (principal.name, principal.groups, resource.protocol, context) == ("bo", ("dba",), "postgres", {"a": 1})
    assert evaluated(document)["decision"] is True, "one without a list is a single one"


@pytest.mark.parametrize("text", ["DELETE", "MASK", "LIMIT", "DROP"])
def test_what_is_not_plainly_allowed_is_a_no(text: str) -> None:
    made = evaluated({"subject": SUBJECT, "action": action(text), "resource": PLACE})
    assert made["decision"] is False


def test_several_share_what_stands_beside_them() -> None:
    gate = FaceGate()
    made = evaluated(
        {
            "subject": SUBJECT,
            "resource": PLACE,
            "evaluations": [
                {"action": action("SELECT 1")},
                {"action": action("DROP")},
                {"action": {"name": "x"}},
                7,
                {"action": action("SELECT 1"), "resource": {"type": "http", "id": "api"}},
            ],
        },
        gate,
    )
    results = made["evaluations"]
    assert isinstance(results, list)
    assert [one["decision"] for one in results] == [True, False, False, False, True]
    assert results[2]["context"]["error"]["status"] == 400
    assert len(gate.told) == 2
    assert gate.asked[-1][3].protocol == "http"


@pytest.mark.parametrize(
    ("semantic", "count"), [("execute_all", 4), ("deny_on_first_deny", 2), ("permit_on_first_permit", 1)]
)
def test_evaluations_end_where_the_caller_wants(semantic: str, count: int) -> None:
    actions = [{"action": action(text)} for text in ("SELECT 1", "DROP", "SELECT 1", "DROP")]
    made = evaluated(
        {"subject": SUBJECT, "resource": PLACE, "evaluations": actions, "options": {"evaluations_semantic": semantic}}
    )
    assert len(made["evaluations"]) == count  # type: ignore[arg-type]  # a list


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"subject": SUBJECT, "resource": PLACE},
        {"subject": SUBJECT, "resource": PLACE, "action": {"name": "read"}},
        {"subject": {"id": "bo"}, "resource": PLACE, "action": action("SELECT 1")},
        {"subject": SUBJECT, "resource": {"type": "postgres"}, "action": action("SELECT 1")},
        {"subject": SUBJECT, "resource": PLACE, "action": {"properties": {"text": "SELECT 1"}}},
        {"subject": "bo", "resource": PLACE, "action": action("SELECT 1")},
        {"subject": SUBJECT, "resource": {**PLACE, "properties": 1}, "action": action("SELECT 1")},
        {"evaluations": 1},
        {"evaluations": [{}] * (MAX_BATCH + 1)},
        {"evaluations": [{}], "options": 1},
        {"evaluations": [{}], "options": {"evaluations_semantic": "yes"}},
    ],
)
def test_what_is_no_evaluation_is_an_error(document: object) -> None:
    with pytest.raises(CallRefused) as caught:
        evaluated(document)
    assert authzen.refusal(caught.value).status == 400


def test_the_page_tells_where() -> None:
    assert authzen.configuration("https://a").document == {
        "policy_decision_point": "https://a",
        "access_evaluation_endpoint": "https://a/access/v1/evaluation",
        "access_evaluations_endpoint": "https://a/access/v1/evaluations",
    }
