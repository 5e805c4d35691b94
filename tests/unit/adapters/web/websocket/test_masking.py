"""No message of a target is shown with what a mask hides in it, and what cannot be looked into is not shown."""

from __future__ import annotations

import json

import pytest

from adapters.errors import PeerProtocolError
from adapters.web.session.manners import Plan
from adapters.web.session.masking import plan_of_messages
from adapters.web.websocket.frames import BINARY, TEXT
from adapters.web.websocket.masking import MAX_MESSAGE, MessageMasker
from engine.decision import MaskItem
from tests.strategies.web_sockets import BY_PATH, BY_VALUE, CARD, masking

ESCAPED = "".join(f"\\u{ord(char):04x}" for char in CARD).encode()


def masker(*items: MaskItem) -> MessageMasker:
    plan = plan_of_messages(masking(*items), "no")
    assert isinstance(plan, Plan)
    return MessageMasker(plan)


def shown(text: str, *items: MaskItem) -> str:
    made = masker(*items).collect(TEXT, text.encode(), is_final=True)
    assert made is not None
    return made.decode()


def test_fragments_are_kept_until_the_message_is_whole() -> None:
    here = masker(BY_PATH)
    assert here.collect(TEXT, b'{"card": "41', is_final=False) is None
    assert here.collect(TEXT, b'11", "n": 1.50}', is_final=True) == b'{"card":"[redacted]","n":1.50}'
    assert here.collect(TEXT, b"[]", is_final=True) == b"[]", "and the next one is a message of its own"


def test_texts_are_masked_by_pattern() -> None:
    assert shown(f"pay with {CARD} now", BY_VALUE) == "pay with [redacted] now"
    assert shown("pay", BY_VALUE) == "pay"


def test_a_document_is_masked_by_pattern_in_names_texts_and_numbers() -> None:
    made = json.loads(shown(json.dumps({"a": [CARD, int(CARD)], CARD: 1, "n": None}), BY_VALUE))
    assert made == {"a": ["[redacted]", "[redacted]"], "[redacted]": 1, "n": None}


def test_a_document_that_no_mask_concerns_goes_on_as_it_came() -> None:
    text = '{ "n": 1.50,\n "t": "\\u0061" }'
    assert shown(text, BY_VALUE) == text


def test_letters_behind_escapes_are_read() -> None:
    assert json.loads(shown(f'{{"a": "{ESCAPED.decode()}"}}', BY_VALUE)) == {"a": "[redacted]"}


def test_paths_and_patterns_together() -> None:
    made = shown(json.dumps({"card": "x", "note": f"it is {CARD}"}), BY_PATH, BY_VALUE)
    assert json.loads(made) == {"card": "[redacted]", "note": "it is [redacted]"}


@pytest.mark.parametrize(
    ("kind", "payload", "item"),
    [
        (BINARY, b"{}", BY_PATH),
        (BINARY, b"abc", BY_VALUE),
        (TEXT, b"card 4111", BY_PATH),
        (TEXT, b'"4111"', BY_PATH),
        (TEXT, b"4111", BY_PATH),
        (TEXT, b'{"card": 1, "card": 2}', BY_PATH),
        (TEXT, b'{"card": 1', BY_PATH),
        (TEXT, b"{} {}", BY_PATH),
        (TEXT, b'42["x",{"card":1}]', BY_PATH),
        (TEXT, b'{"a": NaN}', BY_VALUE),
        (TEXT, b'{"a": 1, "a": 2}', BY_VALUE),
        (TEXT, b'42["m","' + ESCAPED + b'"]', BY_VALUE),
        (TEXT, b"x" * (MAX_MESSAGE + 1), BY_VALUE),
    ],
)
def test_what_cannot_be_masked_is_an_error(kind: int, payload: bytes, item: MaskItem) -> None:
    with pytest.raises(PeerProtocolError) as caught:
        masker(item).collect(kind, payload, is_final=True)
    assert caught.value.code == "MASK_UNPROVEN"


def test_names_that_become_one_are_an_error() -> None:
    with pytest.raises(PeerProtocolError):
        shown(json.dumps({CARD: 1, "5555555555554444": 2}), BY_VALUE)


def test_a_message_is_too_long_before_it_is_whole() -> None:
    here = masker(BY_VALUE)
    here.collect(TEXT, b"x" * MAX_MESSAGE, is_final=False)
    with pytest.raises(PeerProtocolError):
        here.collect(TEXT, b"x", is_final=False)
