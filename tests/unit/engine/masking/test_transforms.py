"""What each masking method leaves of a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.masking.transforms import PARAMS, REDACTED, Method, transform

CARD = "4111111111111111"


@pytest.mark.parametrize("method", [Method.DROP, Method.NULL])
def test_drop_and_null_leave_nothing(method: Method) -> None:
    assert transform(method, CARD, {}) is None


@pytest.mark.parametrize("method", list(Method))
def test_null_stays_null(method: Method) -> None:
    assert transform(method, None, {}, b"k") is None


def test_redact_is_the_same_for_every_value() -> None:
    assert transform(Method.REDACT, CARD, {}) == transform(Method.REDACT, "", {}) == REDACTED


def test_partial_keeps_what_was_asked_for() -> None:
    assert transform(Method.PARTIAL, CARD, {"keep_last": 4}) == "************1111"
    assert transform(Method.PARTIAL, CARD, {"keep_first": 6, "keep_last": 4}) == "411111******1111"
    assert transform(Method.PARTIAL, CARD, {"keep_first": 2}) == "41**************"


def test_partial_counts_characters_not_bytes() -> None:
    assert transform(Method.PARTIAL, "Zoë Ünal", {"keep_last": 4}) == "****Ünal"


@pytest.mark.parametrize("params", [{"keep_last": -4}, {"keep_last": True}, {"keep_last": "4"}, {}])
def test_partial_without_a_usable_count_keeps_nothing(params: dict[str, int | str]) -> None:
    assert transform(Method.PARTIAL, "secret", params) == "******"


@given(st.text(), st.integers(0, 10), st.integers(0, 10))
def test_partial_never_shows_a_value_it_could_show_whole(value: str, first: int, last: int) -> None:
    got = transform(Method.PARTIAL, value, {"keep_first": first, "keep_last": last})
    assert got is not None
    assert len(got) == len(value)
    if first + last >= len(value):
        assert set(got) <= {"*"}


def test_hash_and_token_depend_on_the_key_and_differ_from_each_other() -> None:
    hashed = transform(Method.HASH, CARD, {}, b"one")
    token = transform(Method.TOKENIZE, CARD, {}, b"one")
    assert hashed is not None
    assert token is not None
    assert hashed == transform(Method.HASH, CARD, {}, b"one") != transform(Method.HASH, CARD, {}, b"two")
    assert token == transform(Method.TOKENIZE, CARD, {}, b"one") != transform(Method.TOKENIZE, CARD, {}, b"two")
    assert len(hashed) == 64
    assert len(token) == len(CARD)
    assert token.isdecimal()
    assert (
        transform(Method.TOKENIZE, CARD, {"keep_first": 6, "check": "luhn", "tweak": "cards"}, b"one")[:6] == CARD[:6]
    )  # type: ignore[index]  # a text


def test_strictness_is_the_order_of_the_language() -> None:
    order = ["drop", "null", "redact", "hash", "tokenize", "partial"]
    assert [m.value for m in sorted(Method, key=lambda m: -m.strictness)] == order


def test_each_method_names_its_parameters() -> None:
    assert set(PARAMS) == set(Method)
