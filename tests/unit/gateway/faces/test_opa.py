"""OPA's data API over the gate."""

from __future__ import annotations

import json

import pytest

from gateway.faces import opa
from gateway.faces.asking import CallRefused, Desk
from tests.strategies.faces import ADAPTER, FaceGate


def asked(text: str, path: str = "sallyport", **more: object) -> dict[str, object]:
    given = {
        "principal": {"name": "bo"},
        "resource": {"name": "orders", "protocol": "postgres"},
        "command": {"protocol": "postgres", "text": text},
        **more,
    }
    reply = opa.query(
        [part for part in path.split("/") if part], json.dumps({"input": given}).encode(), ADAPTER, Desk(FaceGate())
    )
    assert reply.status == 200
    return dict(reply.document)


def test_one_word_or_the_whole_decision() -> None:
    assert asked("SELECT 1", "sallyport/allow") == {"result": True, "decision_id": "d-1"}
    for text in ("DELETE", "MASK", "LIMIT", "DROP"):
        assert asked(text, "sallyport/allow")["result"] is False
    decision = asked("DELETE", "sallyport/decision")["result"]
    assert isinstance(decision, dict)
    assert (decision["verdict"], decision["ticket"], decision["link"], decision["decision_id"]) == (
        "hold",
        "t-1",
        "https://x/t-1",
        "d-1",
    )
    whole = asked("SELECT 1")["result"]
    assert isinstance(whole, dict)
    assert whole["allow"] is True


@pytest.mark.parametrize(
    "path", ["", "other", "sallyport/deny", "sallyport/allow/x", "policies/shop/allow", "Sallyport"]
)
def test_every_other_path_is_undefined_and_asks_nobody(path: str) -> None:
    gate = FaceGate()
    parts = [part for part in path.split("/") if part]
    assert opa.query(parts, b'{"input": {}}', ADAPTER, Desk(gate)).document == {}
    assert gate.asked == []


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b'{"input": null}', b'{"input": []}', b'{"input": {}}', b'{"input": {"user": "bo"}}', b"nonsense"],
)
def test_what_is_no_input_is_an_error_and_no_answer(raw: bytes) -> None:
    with pytest.raises(CallRefused) as caught:
        opa.query(["sallyport", "allow"], raw, ADAPTER, Desk(FaceGate()))
    reply = opa.refusal(caught.value)
    assert (reply.status, reply.document["code"]) == (400, "invalid_parameter")
    assert "result" not in reply.document


def test_errors_have_opas_codes() -> None:
    assert opa.refusal(CallRefused(401, "X", "y")).document == {"code": "unauthorized", "message": "y"}
    assert opa.refusal(CallRefused(503, "X", "y")).document["code"] == "internal_error"
