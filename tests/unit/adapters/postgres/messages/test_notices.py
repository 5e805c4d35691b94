from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.postgres.messages import notices
from adapters.postgres.messages.frames import Back
from tests import wire
from tests.wire import read_or_refused


def test_our_errors_are_what_a_server_would_say() -> None:
    sent = notices.encode_error("42501", "no", detail="rule r", hint="ask")
    assert sent == wire.fields("E", S="ERROR", V="ERROR", C="42501", M="no", D="rule r", H="ask")
    assert notices.encode_notice("wait") == wire.fields("N", S="NOTICE", V="NOTICE", C="00000", M="wait")


def test_a_zero_byte_cannot_end_a_field_early() -> None:
    assert wire.errors(notices.encode_error("42501", "no\0M evil"))[0]["M"] == "noM evil"


def test_redaction_keeps_code_and_names_and_drops_every_word_of_the_server() -> None:
    given = {
        "S": "ERROR",
        "V": "ERROR",
        "C": "23502",
        "M": "secret",
        "D": "secret",
        "H": "secret",
        "P": "9",
        "p": "1",
        "q": "secret",
        "W": "secret",
        "s": "public",
        "t": "t",
        "c": "col",
        "d": "type",
        "n": "con",
        "F": "f.c",
    }
    sent = notices.redacted(Back.ERROR, wire.fields("E", **given)[5:])
    assert b"secret" not in sent
    assert wire.errors(sent)[0] == {
        "S": "ERROR",
        "V": "ERROR",
        "C": "23502",
        "M": "not null violation",
        "P": "9",
        "s": "public",
        "t": "t",
        "c": "col",
        "d": "type",
        "n": "con",
    }


def test_redaction_does_not_need_a_code() -> None:
    assert wire.errors(notices.redacted(Back.ERROR, wire.fields("E", M="secret")[5:]))[0] == {"M": "error"}


def test_a_position_moves_with_the_piece_of_text_it_is_in() -> None:
    body = wire.error("42703", P="8")[5:]
    assert wire.errors(notices.shifted(body, 10))[0]["P"] == "18"
    assert wire.errors(notices.shifted(wire.error("42703")[5:], 10))[0].get("P") is None


@given(st.binary(max_size=40))
def test_any_error_is_read_or_refused(body: bytes) -> None:
    with read_or_refused():
        notices.decode_fields(body)


@pytest.mark.parametrize("body", [b"", b"Mabc", b"Mabc\0", b"Mabc\0\0\0"])
def test_fields_that_do_not_end_are_refused(body: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        notices.decode_fields(body)


@pytest.mark.parametrize("routine", ["ExecConstraints", "_bt_check_unique", "ri_ReportViolation"])
def test_words_of_a_violated_constraint_stay_and_the_row_goes(routine: str) -> None:
    given = {
        "S": "ERROR",
        "C": "23514",
        "M": "violates check",
        "D": "Failing row contains (x).",
        "n": "c",
        "R": routine,
    }
    (shown,) = wire.errors(notices.guarded(Back.ERROR, wire.fields("E", **given)[5:]))
    assert shown == {"S": "ERROR", "C": "23514", "M": "violates check", "n": "c"}


@pytest.mark.parametrize(
    ("routine", "code"), [("exec_stmt_raise", "23514"), ("ExecConstraints", "22P02"), ("", "23505")]
)
def test_what_anybody_else_says_while_rows_are_checked_is_not_shown(routine: str, code: str) -> None:
    given = {"S": "ERROR", "C": code, "M": "bad value x", "D": "x", "R": routine}
    (shown,) = wire.errors(notices.guarded(Back.ERROR, wire.fields("E", **given)[5:]))
    assert "x" not in shown["M"].split()
    assert "D" not in shown
