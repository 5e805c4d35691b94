"""Words of ours, in JSON-RPC where there is a message to speak to, in HTTP before."""

from __future__ import annotations

import json

import pytest

from adapters.core.ports import Answer, Refusal
from adapters.mcp import refusals
from adapters.mcp.refusals import Voice
from engine.command.mcp.parse import Message
from engine.decision import Decision, DenyKind

DENY = Answer(Decision(), "d-1")


def status(said: bytes) -> int:
    return int(said.split(b" ")[1])


@pytest.mark.parametrize(
    ("code", "expected"),
    [("28P01", 401), ("28001", 401), ("28000", 429), ("3D000", 404), ("53300", 429), ("57P03", 503)],
)
def test_who_is_not_let_in_reads_it_in_http(code: str, expected: int) -> None:
    said = refusals.not_admitted(Refusal(code, "no"), is_head=False)
    assert status(said) == expected
    assert (b"www-authenticate" in said) == (expected == 401)


def test_a_request_that_is_not_read_has_a_status() -> None:
    assert status(refusals.not_read("session_unknown", "no")) == 404
    assert b"allow: POST, GET, DELETE" in refusals.not_read("method_refused", "no")
    assert status(refusals.not_read("anything", "no", decision_id="d")) == 400
    assert status(refusals.too_slow()) == 408


def test_what_has_no_message_is_refused_in_http() -> None:
    assert status(refusals.denied(DENY, closes=False, is_head=False)) == 403
    away = Answer(Decision(deny_kind=DenyKind.AUDIT_UNAVAILABLE), "d")
    assert status(refusals.denied(away, closes=False, is_head=False)) == 503
    assert status(refusals.not_done(DENY, 502, "X", "no", closes=True, is_head=False)) == 502
    assert status(refusals.come_again(DENY, closes=False, is_head=False)) == 202
    assert refusals.keep_waiting(DENY) == (b"", None)


def test_a_voice_answers_with_the_number_of_the_message() -> None:
    voice = Voice(Message("prompts/get", "n", {}))
    said = json.loads(voice.denied(DENY, closes=False, is_head=False).partition(b"\r\n\r\n")[2])
    assert (said["id"], said["error"]["code"]) == ("n", -32001)
    said = json.loads(voice.not_done(DENY, 502, "X", "gone", closes=False, is_head=False).partition(b"\r\n\r\n")[2])
    assert said["error"] == {"code": -32002, "message": "gone", "data": {"code": "X", "decision": "d-1"}}
    assert voice.last_word(1, "x", {"code": "X"}).startswith(b'{"jsonrpc"')


def test_nobody_is_told_anything_in_the_place_of_an_answer_that_is_not_awaited() -> None:
    for message in (Message("notifications/initialized", None, {}), Message(None, 3, {})):
        voice = Voice(message)
        assert voice.keep_waiting(DENY) == (b"", None)
        assert status(voice.denied(DENY, closes=False, is_head=False)) == 403


def test_a_stream_is_opened_once() -> None:
    voice = Voice(Message("tools/call", 1, {}))
    first, seconds = voice.keep_waiting(DENY)
    second, _ = voice.keep_waiting(DENY)
    assert first.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream")
    assert first.endswith(second)
    assert seconds == refusals.WORD_SECONDS
    assert voice.opened("d") == b""
