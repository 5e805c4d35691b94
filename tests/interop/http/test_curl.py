"""Real curl through the gateway to a real server: each verdict, as its user sees it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from tests.interop.http.running import CARD, Running, Target, curl, gateway_before


def test_an_allowed_request_goes_on_with_the_gateways_credential(running: Running, target: Target) -> None:
    target.seen.clear()
    code, said = curl(running, "/things?b=2&a=%20x", "-H", "X-Own: yes", "-H", "Cookie: a=b")
    assert code == 0
    assert json.loads(said)["path"] == "/things?b=2&a=%20x"
    seen = target.seen[0]
    assert seen.headers["authorization"] == f"Bearer {running.secret}"
    assert seen.headers["host"] == f"127.0.0.1:{target.port}"
    assert seen.headers["x-own"] == "yes"
    assert "cookie" not in seen.headers
    assert seen.headers["accept-encoding"] == "identity"


def test_a_denied_request_is_told_why_and_never_arrives(running: Running, target: Target) -> None:
    target.seen.clear()
    code, said = curl(running, "/things", "-X", "DELETE", "-i")
    assert code == 0
    head, _, body = said.partition("\n\n")
    assert "403 Forbidden" in head
    assert "application/problem+json" in head
    told = json.loads(body)
    assert told["code"] == "NO_MATCH"
    assert told["decision"].startswith("d-")
    assert target.seen == []
    assert running.decisions()[-1].verdict == "deny"


def test_a_masked_answer_comes_masked(running: Running, target: Target) -> None:
    code, said = curl(running, "/cards", "-i")
    assert code == 0
    assert CARD not in said
    assert "etag" not in said.lower()
    assert json.loads(said.partition("\n\n")[2]) == [
        {"id": 1, "card": "[redacted]", "mail": "***********.org", "n": 1.5},
        {"id": 2, "CARD": None},
    ]


def test_what_cannot_be_masked_is_refused_whole(running: Running) -> None:
    for path in ("/cards/page", "/cards/broken", "/cards/twice", "/cards/gzip"):
        code, said = curl(running, path, "-i")
        assert code == 0
        assert "502 Bad Gateway" in said, path
        assert CARD not in said


def test_what_turns_out_late_not_to_be_maskable_is_cut_off(running: Running) -> None:
    code, said = curl(running, "/cards/late")
    assert code == 18, "curl knows that it has not everything"
    assert CARD not in said


def test_a_held_request_waits_and_goes_on_as_it_was(running: Running, target: Target) -> None:
    target.seen.clear()
    answers: list[tuple[int, str]] = []
    body = '{"item": 7, "note": "as held"}'
    arguments = ("-X", "POST", "-H", "Content-Type: application/json", "-d", body)
    waiting = threading.Thread(target=lambda: answers.append(curl(running, "/orders", *arguments)))
    waiting.start()
    ticket = running.ticket()
    assert target.seen == []
    assert ticket.shown.text.endswith(body)
    assert running.token not in ticket.shown.text
    running.approve(ticket)
    waiting.join(20)
    assert answers[0][0] == 0
    assert [(one.method, one.path, one.body.decode()) for one in target.seen] == [("POST", "/orders", body)]


def test_a_refused_hold_is_a_403(running: Running, target: Target) -> None:
    target.seen.clear()
    answers: list[tuple[int, str]] = []
    waiting = threading.Thread(target=lambda: answers.append(curl(running, "/orders", "-d", "a=1", "-i")))
    waiting.start()
    running.refuse(running.ticket())
    waiting.join(20)
    assert "403 Forbidden" in answers[0][1]
    assert "APPROVAL_REFUSED" in answers[0][1]
    assert target.seen == []


def test_no_token_or_a_wrong_one_is_a_401(running: Running, target: Target) -> None:
    target.seen.clear()
    assert running.raw(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n").startswith(b"HTTP/1.1 401 ")
    for token in ("wrong", running.token[:-1], f"{running.token}x", running.secret):
        request = f"GET / HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        assert running.raw(request).startswith(b"HTTP/1.1 401 "), token
    assert target.seen == []


def test_a_token_is_taken_as_a_password_too(running: Running) -> None:
    code, said = curl(running, "/things", "-u", f"anybody:{running.token}", bears=False)
    assert code == 0
    assert json.loads(said)["path"] == "/things"


def test_nothing_that_is_kept_holds_a_credential(running: Running, target: Target) -> None:
    curl(running, "/things?token=abcdefgh12345678", "-H", "X-Api-Key: my-own-key-1234", "-H", "Cookie: sid=1234567890")
    code, said = curl(running, "/headers", "-i")
    assert code == 0
    assert running.secret not in said
    assert "set-cookie" not in said.lower()
    assert json.loads(said.partition("\n\n")[2])["authorization"] == "*" * len(f"Bearer {running.secret}")
    kept = b"".join(file.read_bytes() for file in running.audit.rglob("*") if file.is_file())
    for secret in (running.token, running.secret, "my-own-key-1234", "sid=1234567890", "abcdefgh12345678"):
        assert secret.encode() not in kept
    assert "x-api-key: ***" in running.decisions()[-2].text


def test_a_client_that_does_not_wait_comes_again(running: Running, target: Target) -> None:
    target.seen.clear()
    again = ("-d", "b=2", "-H", "Prefer: respond-async", "-i")
    code, said = curl(running, "/orders", *again)
    assert code == 0
    assert "202 Accepted" in said
    ticket = running.ticket()
    assert json.loads(said.partition("\n\n")[2])["ticket"] == ticket.id
    assert "202 Accepted" in curl(running, "/orders", *again)[1]
    assert running.ticket().id == ticket.id, "the same ticket"
    running.approve(ticket)
    assert target.seen == []
    assert "200 OK" in curl(running, "/orders", *again)[1]
    assert [one.body for one in target.seen] == [b"b=2"]
    assert "202 Accepted" in curl(running, "/orders", *again)[1], "a grant is good once"
    running.refuse(running.ticket())


def test_a_redirect_is_the_clients_to_follow(running: Running, target: Target) -> None:
    target.seen.clear()
    _, said = curl(running, "/moved", "-i")
    assert "302 Found" in said
    assert "location: http://169.254.169.254/latest" in said.lower()
    assert target.paths() == ["/moved"]


def test_policies_see_which_operation_a_request_is(target: Target, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text("paths:\n  /things/{id}:\n    get: {operationId: readThing}\n")
    resource = f'openapi = "{tmp_path}/api.yaml"\n[resource.tls]\nmode = "disable"'
    policy = (
        'package policies.shop\n\nallow contains {"code": "THING"} if input.command.http.operation_id == "readThing"\n\n'
        'deny contains {"code": "NO_ROUTE", "reason": "not in the document"} if "route_unknown" in input.command.features\n'
    )
    with gateway_before(tmp_path, f"127.0.0.1:{target.port}", resource=resource, policy=policy) as running:
        assert json.loads(curl(running, "/things/7")[1])["path"] == "/things/7"
        assert json.loads(curl(running, "/others")[1])["code"] == "NO_ROUTE"


def test_outcomes_are_recorded(running: Running) -> None:
    curl(running, "/missing")
    number = running.decisions()[-1].decision_id
    outcome = running.outcome(number)
    assert outcome.error == "404"
    assert outcome.bytes == 2
