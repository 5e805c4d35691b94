"""What kubectl is told."""

from __future__ import annotations

import json

import pytest

from adapters.core.ports import Answer, Refusal
from adapters.kubernetes import statuses
from engine.decision import Decision, DenyKind, Reason, Verdict

REASON = Reason("p.q/NO", "deny", "NO", "this is not done", hint="do it otherwise")


def read(data: bytes) -> tuple[int, dict[str, object]]:
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def denied(kind: DenyKind | None = DenyKind.RULE) -> Answer:
    return Answer(Decision(Verdict.DENY, kind, (REASON,)), "d-7", "t-1", "https://link")


def test_a_denial_is_a_status_with_the_reason_in_its_message() -> None:
    number, said = read(statuses.denied(denied(), closes=False, is_head=False))
    assert number == said["code"] == 403
    assert (said["kind"], said["status"], said["reason"]) == ("Status", "Failure", "Forbidden")
    assert said["message"] == "this is not done [p.q/NO]; do it otherwise; decision d-7"
    assert said["details"] == {
        "causes": [{"reason": "NO", "message": said["message"]}, {"reason": "SallyportDecision", "message": "d-7"}]
    }


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (DenyKind.AUDIT_UNAVAILABLE, 503),
        (DenyKind.INTERNAL, 503),
        (DenyKind.NOT_AUTHENTICATED, 401),
        (DenyKind.RULE, 403),
    ],
)
def test_each_kind_of_denial_has_a_status(kind: DenyKind, number: int) -> None:
    assert read(statuses.denied(denied(kind), closes=True, is_head=False))[0] == number


def test_a_denial_without_reasons_still_says_that_it_is_one() -> None:
    assert statuses.words(Answer(Decision(), "")) == "this is denied [DENIED]"


@pytest.mark.parametrize(
    ("code", "number"), [("28P01", 401), ("28000", 429), ("3D000", 404), ("57P03", 503), ("other", 503)]
)
def test_who_is_not_let_in_reads_why(code: str, number: int) -> None:
    got, said = read(statuses.not_admitted(Refusal(code, "no"), is_head=False))
    assert got == number
    assert ("Unauthorized" in str(said["message"])) is (number == 401)


@pytest.mark.parametrize(
    ("code", "number"),
    [("noncanonical_path", 400), ("impersonation", 403), ("body_too_long", 413), ("upgrade_refused", 400)],
)
def test_what_cannot_be_read_in_one_way_ends_the_connection(code: str, number: int) -> None:
    data = statuses.not_read(code, "why", decision_id="d-1")
    assert read(data)[0] == number
    assert b"connection: close\r\n" in data


def test_other_ends_have_words_too() -> None:
    assert (
        read(statuses.not_done(denied(), 502, "ENCODED", "x", closes=False, is_head=False))[1]["reason"]
        == "InternalError"
    )
    assert "t-1" in str(read(statuses.come_again(denied(), closes=False, is_head=False))[1]["message"])
    assert read(statuses.too_slow())[0] == 408
    waiting = "sallyport: this is not done; waiting for an approval, ticket t-1 (https://link)\n"
    assert statuses.waiting(denied()) == waiting


def test_what_the_api_server_says_is_taken_out_of_its_status() -> None:
    body = statuses.status(404, "pods `x` not found")
    assert statuses.message_in(b"HTTP/1.1 404 x\r\n\r\n" + body) == "the API server: pods `x` not found"
    assert statuses.message_in(b"HTTP/1.1 404 x\r\n\r\n5\r\n{\r\n") == "the API server refused"
    assert statuses.message_in(b'HTTP/1.1 404 x\r\n\r\n["a"]') == "the API server refused"


def test_a_watch_is_ended_by_an_event_where_it_is_the_gateway_who_ends_it() -> None:
    said = json.loads(statuses.ended_watch("SESSION_ENDED", "an operator ended this"))
    assert (said["type"], said["object"]["code"], said["object"]["message"]) == ("ERROR", 503, "an operator ended this")
    assert json.loads(statuses.ended_watch("MASK_UNPROVEN", "no"))["object"]["code"] == 502
    assert statuses.ended_watch("BAD_ANSWER", "the target left") == b""
