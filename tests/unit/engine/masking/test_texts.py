"""Tokens of texts keep the class string; what cannot is widened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.masking.classes import member_of
from engine.masking.texts import MAX_NUMERALS, STANDS_FOR, Form, code, form_of, luhn, tokenized, widened

KEY = b"k" * 16
CARD = Form(first=6, luhn=True)


def digits(text: str) -> list[tuple[int, int]]:
    return [(1, int(character)) for character in text if character.isdecimal()]


def is_valid(text: str) -> bool:
    return luhn(digits(text)) == digits(text)[-1][1]


@pytest.mark.parametrize("card", ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "378282246310005"])
def test_a_card_keeps_length_separators_issuer_and_a_valid_check(card: str) -> None:
    token = tokenized(card, KEY, CARD)
    assert token != card
    assert is_valid(card)
    assert is_valid(token)
    assert digits(token)[:6] == digits(card)[:6]
    assert [c.isdecimal() for c in token] == [c.isdecimal() for c in card]


def test_a_number_that_fails_the_check_still_fails_and_no_two_become_one() -> None:
    tokens = [tokenized(f"411111111111111{last}", KEY, CARD) for last in range(10)]
    assert len(set(tokens)) == 10
    assert [is_valid(token) for token in tokens] == [last == 1 for last in range(10)]


def test_one_number_has_one_token_however_it_is_written() -> None:
    assert tokenized("4111 1111 1111 1111", KEY, CARD).replace(" ", "") == tokenized("4111111111111111", KEY, CARD)


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.integers(0, 3), st.integers(0, 3))
def test_a_token_has_the_form_of_its_text_or_is_widened(text: str, first: int, last: int) -> None:
    token = tokenized(text, KEY, Form(first, last))
    assert token != text
    if token == widened(text, KEY):
        return
    for made, was in zip(token, text, strict=True):
        one, other = member_of(made), member_of(was)
        assert made == was if other is None else one is not None and one[0] == other[0]


@given(st.text("0123456789", min_size=6, max_size=30), st.text("0123456789", min_size=6, max_size=30))
def test_two_texts_never_have_one_token(one: str, other: str) -> None:
    assert (tokenized(one, KEY, Form()) == tokenized(other, KEY, Form())) == (one == other)


@pytest.mark.parametrize(
    "text", ["", "Ann", "12345", "--", "e\u0301clair cafe", "ok \U0001f600 123456", "x" * (MAX_NUMERALS + 1)]
)
def test_what_has_no_domain_of_a_million_is_widened(text: str) -> None:
    assert tokenized(text, KEY, Form()) == widened(text, KEY)
    assert widened(text, KEY).startswith(STANDS_FOR)
    assert widened(text, KEY) != widened(text, KEY, "other")


def test_key_and_tweak_make_other_tokens() -> None:
    made = [tokenized("ann@example.org", key, Form(), tweak) for key in (KEY, b"l" * 16) for tweak in ("", "mail")]
    assert len(set(made)) == 4
    assert code(b"a", KEY) != code(b"a", KEY, "mail")


def test_what_is_kept_is_part_of_the_tweak() -> None:
    one, other = (tokenized(text, KEY, Form(first=1)) for text in ("a12345678", "b12345678"))
    assert one[0] == "a"
    assert other[0] == "b"
    assert one[1:] != other[1:]


def test_parameters_of_a_policy_become_a_form() -> None:
    assert form_of({"keep_first": 6, "check": "luhn", "key": "k"}) == CARD
    assert form_of({}) == Form()
    assert form_of({"keep_last": "4"}) == Form()
