"""Masks in a stream of events: each event whole, before it is shown, wherever a piece ends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.event_masks import EventMasker
from adapters.web.json_masks import PathMask
from engine.masking.paths import parse_path
from engine.masking.transforms import REDACTED, Method

CARD = "4111 1111 1111 1111"
MASKS = (PathMask(parse_path("$..card"), Method.REDACT),)
STREAM = (
    b': hello\n\nevent: order\r\nid: 4111\r\ndata: {"id": 1,\r\ndata:  "card": "4111 1111 1111 1111"}\r\n\r\n'
    b'data: [{"card": null}, {"CARD": "4111 1111 1111 1111"}]\n\ndata: [DONE]\n\ndata: {"card": "4111'
)


def masked(stream: bytes, sizes: list[int]) -> bytes:
    masker, made, at = EventMasker(MASKS), b"", 0
    for size in [*sizes, len(stream)]:
        made += masker.feed(stream[at : at + size])
        at += size
    return made + masker.end()


def shown(made: bytes) -> list[bytes]:
    return [line for line in made.split(b"\n") if line not in (b"", b":")]


@given(st.lists(st.integers(1, 30), max_size=40))
def test_masks_hold_wherever_pieces_end(sizes: list[int]) -> None:
    made = masked(STREAM, sizes)
    assert CARD.encode() not in made
    assert shown(made) == [
        b"event: order",
        b'data: {"id":1,"card":"[redacted]"}',
        b'data: [{"card":null},{"CARD":"[redacted]"}]',
        b"data: [DONE]",
    ]


@pytest.mark.parametrize(
    "event",
    [
        b"data: hello",
        b'data: {"card": 1, "card": 2}',
        b"event: 4111\ndata: {}",
        b"event: a b\ndata: {}",
        b"data: {} {}",
        b"data: \xff",
    ],
)
def test_what_cannot_be_masked_is_an_error(event: bytes) -> None:
    with pytest.raises(PeerProtocolError) as caught:
        EventMasker(MASKS).feed(event + b"\n\n")
    assert caught.value.code == "MASK_UNPROVEN"


def test_a_silent_stream_is_kept_alive_without_its_words() -> None:
    masker = EventMasker(MASKS)
    assert masker.feed(f": {CARD}\n\n".encode()) == b":\n\n"
    assert masker.feed(b"retry: 5\n\n") == b""


@given(
    st.recursive(
        st.one_of(st.just(CARD), st.integers(), st.none()),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["card", "a"]), inner),
    )
)
def test_an_event_is_what_its_document_is_masked(document: object) -> None:
    made = EventMasker(MASKS).feed(b"data: " + json.dumps({"a": document}).encode() + b"\n\n")
    data = json.loads(made.removeprefix(b"data: "))

    def cards(value: object) -> list[object]:
        if isinstance(value, dict):
            own = [inside for name, inside in value.items() if name == "card"]
            return own + [one for inside in value.values() for one in cards(inside)]
        return [one for inside in value for one in cards(inside)] if isinstance(value, list) else []

    assert all(one in (REDACTED, None) for one in cards(data))
