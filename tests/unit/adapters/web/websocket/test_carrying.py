"""Dialogues: a WebSocket from its grant to its end."""

from __future__ import annotations

import json

import pytest

from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Cause
from adapters.web.websocket.carrying import CLOSE_SECONDS, QUIET_SECONDS, SWITCH_SECONDS
from adapters.web.websocket.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closing
from engine.decision import MaskItem
from tests.strategies.http_sessions import ALLOW, HOLD, SECRET, House, request
from tests.strategies.web_sockets import (
    BY_PATH,
    BY_VALUE,
    CARD,
    HANDSHAKE,
    KEY,
    SWITCHED,
    Switched,
    client_frame,
    masking,
    server_frame,
    switched,
)


def masked(*items: MaskItem) -> Switched:
    return switched(lambda text: masking(*items))


def code_of(payload: bytes) -> int:
    return int.from_bytes(payload[:2], "big")


def test_what_is_judged_is_the_handshake_and_the_target_gets_it_with_the_credential() -> None:
    here = switched()
    assert here.house.asked == [
        b"GET /ws HTTP/1.1\r\nhost: 127.0.0.1:8080\r\naccept-encoding: identity\r\nconnection: Upgrade\r\n"
        b"upgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n"
    ]
    sent = f"sec-websocket-key: {KEY}\r\nauthorization: Bearer {SECRET}\r\n\r\n".encode()
    assert here.house.up == [here.house.asked[0][:-2] + sent]
    assert here.head.startswith(b"HTTP/1.1 101 ")
    assert b"sallyport-decision: d-1" in here.head


def test_messages_go_both_ways_as_they_are() -> None:
    here = switched()
    here.house.client(client_frame(TEXT, b"ask") + client_frame(BINARY, b"\x00\xff", is_final=False))
    here.house.client(client_frame(CONTINUATION, b"z"))
    here.house.upstream(server_frame(TEXT, b"say", is_final=False) + server_frame(CONTINUATION, b"!"))
    assert here.up == [(TEXT, b"ask", True), (BINARY, b"\x00\xff", False), (CONTINUATION, b"z", True)]
    assert here.down == [(TEXT, b"say", False), (CONTINUATION, b"!", True)]


def test_bytes_behind_a_handshake_wait_for_the_switch() -> None:
    house = House(answers=False).client(request("GET /ws", *HANDSHAKE) + client_frame(TEXT, b"a"))
    house.client(client_frame(TEXT, b"b"))
    before = len(house.up[-1])
    house.upstream(SWITCHED + server_frame(TEXT, b"c"))
    assert house.up[-1][before:] == client_frame(TEXT, b"a") + client_frame(TEXT, b"b")
    assert house.down.endswith(b"\r\n\r\n" + server_frame(TEXT, b"c"))


def test_messages_are_masked_whole_whatever_stands_between_their_fragments() -> None:
    here = masked(BY_PATH, BY_VALUE)
    text = json.dumps({"card": "x", "note": CARD}).encode()
    here.house.upstream(server_frame(TEXT, text[:9], is_final=False) + server_frame(PING, b"p"))
    assert [opcode for opcode, _, _ in here.down] == [PING]
    here.house.upstream(server_frame(CONTINUATION, text[9:]))
    assert [(opcode, is_final) for opcode, _, is_final in here.down] == [(PING, True), (TEXT, True)]
    assert json.loads(here.down[-1][1]) == {"card": "[redacted]", "note": "[redacted]"}


@pytest.mark.parametrize(
    "frame",
    [server_frame(BINARY, b"4111"), server_frame(TEXT, b"card 4111"), server_frame(TEXT, b"4111", is_final=False)],
)
def test_a_message_that_cannot_be_masked_ends_the_connection_with_a_reason(frame: bytes) -> None:
    here = masked(BY_PATH)
    here.house.upstream(frame + server_frame(CONTINUATION, b"") * (frame[0] < 0x80))
    ((opcode, payload, _),) = here.down
    assert (opcode, code_of(payload)) == (CLOSE, 1008)
    assert payload[2:]
    assert not here.house.is_open
    assert here.house.records == ["MASK_UNPROVEN"]
    assert here.house.closed is None, "the client reads why"
    here.house.client(client_frame(TEXT, b"more") + client_frame(CLOSE, closing(1008)))
    assert here.house.closed == "told"
    assert here.up == []


def test_what_pings_and_last_words_say_is_not_shown_under_masks() -> None:
    here = masked(BY_PATH)
    here.house.upstream(server_frame(PING, CARD.encode()) + server_frame(PONG, CARD.encode()))
    here.house.upstream(server_frame(CLOSE, closing(4000, CARD)))
    assert CARD.encode() not in here.house.down
    assert here.down[-1] == (CLOSE, closing(4000), True)


def test_pings_are_answered_by_who_was_asked() -> None:
    here = switched()
    here.house.client(client_frame(PING, b"here?"))
    ((opcode, number, _),) = here.up
    assert opcode == PING
    assert number != b"here?"
    here.house.upstream(server_frame(PONG, number))
    assert here.down == [(PONG, b"here?", True)]
    here.house.upstream(server_frame(PING, b"and you?"))
    here.house.client(client_frame(PONG, here.down[-1][1]))
    assert here.up[-1] == (PONG, b"and you?", True)
    here.house.client(client_frame(PONG, b"unasked"))
    assert len(here.up) == 2


@pytest.mark.parametrize("size", [None, 1])
def test_the_credential_is_not_shown_in_a_message(size: int | None) -> None:
    here = switched()
    wire = server_frame(TEXT, f"you are {SECRET[:10]}".encode(), is_final=False)
    wire += server_frame(CONTINUATION, f"{SECRET[10:]}!".encode())
    for at in range(0, len(wire), size or len(wire)):
        here.house.upstream(wire[at : at + (size or len(wire))])
    assert b"".join(payload for _, payload, _ in here.down) == b"you are " + b"*" * len(SECRET) + b"!"
    here.house.upstream(server_frame(CLOSE, closing(1000, SECRET)))
    assert SECRET.encode() not in here.house.down


def test_a_client_ends_it() -> None:
    here = switched()
    here.house.client(client_frame(CLOSE, closing(1000, "bye")))
    assert here.up == [(CLOSE, closing(1000, "bye"), True)]
    assert here.house.closed is None
    here.house.upstream(server_frame(TEXT, b"late") + server_frame(CLOSE, closing(1000)))
    assert here.down == [(CLOSE, closing(1000), True)]
    assert here.house.closed == "done"
    assert here.house.records == [None]


def test_a_target_ends_it() -> None:
    here = switched()
    here.house.upstream(server_frame(CLOSE, closing(1001, "gone")))
    assert here.down == [(CLOSE, closing(1001, "gone"), True)]
    here.house.client(client_frame(TEXT, b"late") + client_frame(CLOSE, closing(1001)))
    assert here.up == [(CLOSE, closing(1001), True)]
    assert (here.house.closed, here.house.records) == ("done", [None])


@pytest.mark.parametrize("side", list(Side))
def test_who_does_not_answer_a_last_word_is_not_waited_for(side: Side) -> None:
    here = switched()
    if side is Side.CLIENT:
        here.house.client(client_frame(CLOSE, b""))
    else:
        here.house.upstream(server_frame(CLOSE, b""))
    here.house.now += CLOSE_SECONDS + 1
    here.house.saw(saw.TimePassed())
    assert here.house.closed == "no last word came"
    assert here.house.records == [None]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x01a", 1002),
        (client_frame(CONTINUATION, b"a"), 1002),
        (client_frame(TEXT, b"\xff"), 1007),
        (client_frame(CLOSE, b"\x00\x00"), 1002),
    ],
)
def test_what_a_client_may_not_send_ends_it_and_goes_no_further(frame: bytes, code: int) -> None:
    here = switched()
    here.house.client(client_frame(TEXT, b"ok") + frame + client_frame(TEXT, b"more"))
    assert [(opcode, code_of(payload)) for opcode, payload, _ in here.down] == [(CLOSE, code)]
    assert here.up[:1] == [(TEXT, b"ok", True)]
    assert all(payload != b"more" for _, payload, _ in here.up)
    assert len(here.house.records) == 1


def test_what_a_target_may_not_send_is_nothing_its_client_did() -> None:
    here = switched()
    here.house.upstream(client_frame(TEXT, b"masked"))
    assert [(opcode, code_of(payload)) for opcode, payload, _ in here.down] == [(CLOSE, 1011)]
    assert here.house.records == ["websocket"]


def test_a_target_that_leaves_without_a_word() -> None:
    here = switched()
    here.house.saw(saw.EndReceived(Side.UPSTREAM))
    assert [(opcode, code_of(payload)) for opcode, payload, _ in here.down] == [(CLOSE, 1011)]
    assert here.house.records == ["TARGET_LEFT"]


def test_a_client_that_leaves_without_a_word() -> None:
    here = switched()
    here.house.saw(saw.EndReceived(Side.CLIENT))
    assert here.house.closed == "the client left"
    assert here.house.records == ["CLIENT_LEFT"]


# --- before it is switched


def test_another_answer_of_the_target_is_passed_on_masked() -> None:
    body = json.dumps({"card": "x"}).encode()
    said = b"HTTP/1.1 403 No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    here = switched(lambda text: masking(BY_PATH), answer=said)
    assert here.house.statuses == [403]
    assert b'{"card":"[redacted]"}' in here.house.down
    assert here.house.records == ["403"]
    by_value = switched(lambda text: masking(BY_VALUE), answer=said)
    assert by_value.house.statuses == [502]
    assert b"MASK_UNPROVEN" in by_value.house.down
    cut = switched(answer=said[:-3])
    cut.house.saw(saw.EndReceived(Side.UPSTREAM))
    assert cut.house.closed is not None


@pytest.mark.parametrize(
    "answer",
    [
        SWITCHED.replace(b"Accept: ", b"Accept: x"),
        SWITCHED[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        SWITCHED[:-2] + b"Sec-WebSocket-Protocol: other\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 30,
        b"x" * 70_000,
    ],
)
def test_a_target_that_switches_to_something_else_is_a_502(answer: bytes) -> None:
    here = switched(answer=answer)
    assert here.house.statuses == [502]
    assert here.house.closed is not None
    assert len(here.house.records) == 1


def test_interim_answers_are_left_out() -> None:
    here = switched(answer=b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + SWITCHED)
    assert here.house.statuses == [101]


def test_a_target_that_does_not_answer_is_a_504_and_one_that_leaves_a_502() -> None:
    here = switched(answer=b"")
    here.house.now += SWITCH_SECONDS + 1
    here.house.saw(saw.TimePassed())
    assert here.house.statuses == [504]
    assert here.house.records == ["TARGET_SLOW"]
    gone = switched(answer=b"")
    gone.house.saw(saw.EndReceived(Side.UPSTREAM))
    assert gone.house.statuses == [502]


def test_a_held_handshake_waits_and_says_that_it_did() -> None:
    house = House(judge=lambda text: HOLD, answers=False).client(request("GET /ws", *HANDSHAKE))
    assert house.up == []
    house.decide(ALLOW).upstream(SWITCHED)
    assert house.statuses == [101]
    assert b"ticket t-1" in house.down


# --- the session's end


@pytest.mark.parametrize(
    ("cause", "code"), [(Cause.KILLED, 1008), (Cause.REVOKED, 1008), (Cause.DRAIN, 1001), (Cause.LIFETIME, 1001)]
)
def test_whoever_ends_the_session_is_heard(cause: Cause, code: int) -> None:
    here = switched()
    here.house.saw(saw.StopRequested("because", cause))
    assert here.down == [(CLOSE, closing(code, "because"), True)]
    assert not here.house.is_open
    assert here.house.records == ["SESSION_ENDED"]
    here.house.client(client_frame(CLOSE, closing(code)))
    assert here.house.closed == "told"


def test_a_drain_before_the_switch_ends_it_behind_the_switch() -> None:
    here = switched(answer=b"")
    here.house.saw(saw.StopRequested("because", Cause.DRAIN))
    assert here.house.down == b""
    here.house.upstream(SWITCHED)
    assert here.house.statuses == [101]
    assert here.house.down.endswith(server_frame(CLOSE, closing(1001, "because")))
    killed = switched(answer=b"")
    killed.house.saw(saw.StopRequested("because", Cause.KILLED))
    assert killed.house.statuses == [503]


def test_it_is_idle_when_the_target_is_quiet() -> None:
    here = switched()
    here.house.saw(saw.StopRequested("because", Cause.IDLE))
    assert here.down == [], "it is not"
    assert not here.house.session.is_waiting
    here.house.now += QUIET_SECONDS + 1
    here.house.saw(saw.TimePassed())
    assert here.house.session.is_waiting
    here.house.upstream(server_frame(TEXT, b"news"))
    assert not here.house.session.is_waiting
    here.house.now += QUIET_SECONDS + 1
    here.house.saw(saw.TimePassed(), saw.StopRequested("because", Cause.IDLE))
    assert here.down[-1] == (CLOSE, closing(1001, "because"), True)


def test_who_does_not_hear_why_it_ends_is_not_waited_for() -> None:
    here = switched()
    here.house.saw(saw.StopRequested("because", Cause.KILLED))
    here.house.now += CLOSE_SECONDS + 1
    here.house.saw(saw.TimePassed())
    assert here.house.closed is not None
    assert here.house.records == ["SESSION_ENDED"]


def test_a_last_word_was_said_already_when_it_has_to_end() -> None:
    here = switched()
    here.house.client(client_frame(CLOSE, b""))
    here.house.saw(saw.StopRequested("because", Cause.KILLED))
    assert here.down == [(CLOSE, closing(1008, "because"), True)]
    assert here.house.closed == "because"
    other = switched()
    other.house.upstream(server_frame(CLOSE, b""))
    other.house.saw(saw.StopRequested("because", Cause.KILLED))
    assert len(other.down) == 1, "one last word"
    assert other.house.closed == "because"
