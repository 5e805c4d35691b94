"""Constants and comments disappear whatever their quotes; names stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.redact import redact_sql

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "ALTER ROLE ana PASSWORD 'hunter2'",
        "ALTER ROLE ana PASSWORD E'a\\'hunter2'",
        "ALTER ROLE ana PASSWORD 'a''hunter2'",
        "ALTER ROLE ana PASSWORD U&'hunter2'",
        "ALTER ROLE ana PASSWORD $$hunter2$$",
        "ALTER ROLE ana PASSWORD $p$ $$ hunter2 $p$",
        "ALTER ROLE ana PASSWORD 'never closed hunter2",
        "ALTER ROLE ana PASSWORD $x$never closed hunter2",
        "SELECT 1 -- hunter2",
        "SELECT 1 /* hunter2 */",
        "SELECT 1 /* hunter2",
        'SELECT "hunter2!"',
        'SELECT "hunter2!',
        "ALTER ROLE ana PASSWORD 'x\\' , 'hunter2'",
        "SELECT a$b$ 'x $b$ hunter2'",
        "SELECT 1 /* a /* b */ hunter2 */",
    ],
)
def test_no_way_of_quoting_shows_the_secret(text: str) -> None:
    assert SECRET not in redact_sql(text)


def test_names_and_words_stay() -> None:
    text = 'SELECT "Order id", total FROM public.orders WHERE id = $1'
    assert redact_sql(text) == text


def test_what_follows_a_constant_stays() -> None:
    assert redact_sql("SET a = 'x'; SELECT 1") == "SET a = '***'; SELECT 1"


@given(st.text(alphabet="'\"$ \\a-/*\n", max_size=30), st.text(alphabet="bcdef", min_size=3, max_size=6))
def test_a_plain_constant_at_the_start_never_shows_whatever_follows(rest: str, secret: str) -> None:
    assert secret not in redact_sql(f"'{secret}'{rest}")


@given(st.text(max_size=60))
def test_it_takes_any_text(text: str) -> None:
    redact_sql(text)


def test_what_no_grammar_read_is_hidden_from_the_first_quote_on() -> None:
    assert redact_sql("SELEC 'a' hunter2", is_understood=False) == "SELEC '***'"
    assert redact_sql("SELEC 1", is_understood=False) == "SELEC 1"
