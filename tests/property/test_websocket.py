"""Whatever comes: only frames of a granted WebSocket go up; where pieces and fragments end does not matter; a secret is not shown."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.events import Side
from adapters.errors import PeerProtocolError
from adapters.web.websocket.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, FrameReader, written
from tests.strategies.http_sessions import DENY, House, request
from tests.strategies.web_sockets import (
    BY_PATH,
    BY_VALUE,
    CARD,
    HANDSHAKE,
    MASK,
    client_frame,
    frames_in,
    masking,
    server_frame,
    switched,
)

TEXTS = st.sampled_from(
    [
        f"card {CARD}!",
        json.dumps({"card": CARD, "list": [CARD, "\u00e4\u20ac"]}),
        json.dumps({"note": f"\u20ac {CARD} \u00e4"}, ensure_ascii=False),
        json.dumps([int(CARD)]),
    ]
)
BETWEEN = st.sampled_from([b"", server_frame(PING, b"p"), server_frame(PONG, b""), server_frame(PING, CARD.encode())])
OPCODES = st.sampled_from([CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG, 3, 11])
FRAMES = st.builds(
    lambda opcode, payload, is_final, key: written(Frame(opcode, payload, is_final, key)),
    OPCODES,
    st.binary(max_size=20) | st.sampled_from([b"ok", b"\x03\xe8", b'{"card": 1}']),
    st.booleans(),
    st.sampled_from([MASK, b"\x00\x00\x00\x00", b""]),
)
STREAMS = st.lists(FRAMES | st.binary(max_size=8), max_size=8).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@settings(max_examples=300)
@given(
    TEXTS, st.lists(st.integers(0, 10_000), max_size=6), st.lists(BETWEEN, min_size=8, max_size=8), st.integers(1, 40)
)
def test_a_secret_is_masked_wherever_fragments_and_pieces_end(
    text: str, places: list[int], between: list[bytes], size: int
) -> None:
    here = switched(lambda _: masking(BY_VALUE))
    parts = cut(text.encode(), places)
    wire = b""
    for number, part in enumerate(parts):
        is_final = number == len(parts) - 1
        wire += server_frame(CONTINUATION if number else TEXT, part, is_final=is_final)
        wire += b"" if is_final else between[number]
    for at in range(0, len(wire), size):
        here.house.upstream(wire[at : at + size])
    assert CARD.encode() not in here.house.down
    messages = [payload for opcode, payload, _ in here.down if opcode == TEXT]
    assert len(messages) == 1
    assert b"[redacted]" in messages[0]
    if text.startswith(("{", "[")):
        json.loads(messages[0])


@settings(max_examples=300)
@given(STREAMS, st.integers(1, 50))
def test_where_a_clients_pieces_end_does_not_matter_and_only_sound_frames_go_up(stream: bytes, size: int) -> None:
    whole, pieces = switched(), switched()
    whole.house.client(stream)
    pieces.house.client(stream, size)
    assert whole.house.up == pieces.house.up
    assert whole.house.down == pieces.house.down
    assert whole.house.records == pieces.house.records
    assert all(opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG) for opcode, _, _ in whole.up)
    went_up = [payload for opcode, payload, _ in whole.up if opcode <= BINARY]
    sent = [one.payload for one in read(stream) if one.opcode <= BINARY]
    assert went_up == sent[: len(went_up)]


@settings(max_examples=300)
@given(STREAMS, st.integers(1, 50), st.booleans())
def test_where_a_targets_pieces_end_does_not_matter(stream: bytes, size: int, is_masked: bool) -> None:
    judged = masking(BY_PATH)
    whole, pieces = (switched(lambda _: judged) if is_masked else switched() for _ in range(2))
    whole.house.upstream(stream)
    for at in range(0, len(stream), size):
        if pieces.house.is_open:
            pieces.house.upstream(stream[at : at + size])
    assert whole.house.down == pieces.house.down
    assert whole.house.records == pieces.house.records
    assert frames_in(whole.house.down[len(whole.head) :]) is not None, "the client can read every byte of it"


@settings(max_examples=100)
@given(STREAMS, st.integers(1, 50))
def test_nothing_of_a_denied_one_goes_up(stream: bytes, size: int) -> None:
    house = House(judge=lambda _: DENY, answers=False).client(request("GET /ws", *HANDSHAKE) + stream, size)
    assert house.up == []
    assert Side.UPSTREAM not in [getattr(effect, "side", None) for effect in house.other]


def read(stream: bytes) -> list[Frame]:
    found: list[Frame] = []
    with contextlib.suppress(PeerProtocolError):  # WHY: those before a bad one count
        for one in FrameReader(is_client=True).feed(stream):
            found.append(one)  # as above
    return found


def test_a_clients_frame_is_masked_again_with_its_own_key() -> None:
    here = switched()
    here.house.client(client_frame(TEXT, b"hello"))
    assert here.house.up[-1].endswith(client_frame(TEXT, b"hello"))
