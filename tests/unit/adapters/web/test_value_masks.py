"""Values are hidden wherever they stand."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.web.value_masks import hide_in_text, hide_in_value
from engine.masking.output import ValueMask
from engine.masking.transforms import Method

CARD = "4111111111111111"
REDACT = ValueMask(frozenset({"pii.credit_card"}), Method.REDACT)
DROP = ValueMask(frozenset({"pii.credit_card"}), Method.DROP)
MAILS = ValueMask(frozenset({"pii.email"}), Method.PARTIAL, {"keep_last": 4})


def test_each_value_of_a_text_is_hidden_as_its_mask_says() -> None:
    assert hide_in_text(f"{CARD} ana@example.org {CARD}", [REDACT, MAILS]) == "[redacted] ***********.org [redacted]"
    assert hide_in_text("nothing", [REDACT]) == "nothing"
    assert hide_in_text(CARD, ()) == CARD


def test_the_strictest_mask_wins() -> None:
    assert hide_in_text(f"a {CARD}", [REDACT, DROP]) == "a "


def test_documents_are_looked_through() -> None:
    document = {"a": [CARD, int(CARD), True, 1.5, None], CARD: {"b": 7}}
    assert hide_in_value(document, [REDACT]) == {
        "a": ["[redacted]", "[redacted]", True, 1.5, None],
        "[redacted]": {"b": 7},
    }


def test_two_names_do_not_become_one() -> None:
    with pytest.raises(PeerProtocolError) as caught:
        hide_in_value({CARD: 1, "5555555555554444": 2}, [REDACT])
    assert caught.value.code == "MASK_UNPROVEN"
