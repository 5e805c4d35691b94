"""Values in a plain text that passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.text_masks import TextMasker
from engine.masking.output import ValueMask
from engine.masking.patterns import types
from engine.masking.transforms import Method

MASKS = (ValueMask(frozenset({"pii.email"}), Method.REDACT),)
FIGURES = b"2026-11-28 12345678 files\n$ "
"""May have a word behind it that makes an account's number of it."""
TEXT = b"one ann@example.org two\nthree\n"


@given(st.integers(1, 40))
def test_a_value_is_hidden_wherever_pieces_end(size: int) -> None:
    masker = TextMasker(MASKS)
    shown = b"".join(masker.feed(TEXT[at : at + size]) for at in range(0, len(TEXT), size)) + masker.end()
    assert shown == b"one [redacted] two\nthree\n"


def test_what_is_kept_back_comes_when_nothing_comes() -> None:
    masker = TextMasker((ValueMask(frozenset(types()), Method.REDACT),))
    early = masker.feed(FIGURES)
    assert masker.is_holding
    assert early + masker.quiet() == FIGURES
    assert not masker.is_holding


def test_what_is_no_text_is_an_error() -> None:
    with pytest.raises(PeerProtocolError):
        TextMasker(MASKS).feed(b"\x1f\x8b\x08\xff")
