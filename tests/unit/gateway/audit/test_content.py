"""What is closed opens as it was, with its own key and in its own entry only; what stays in clear says nothing of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.content import CONTENT, ContentKey, close_entry, open_entry, print_of, without_content
from gateway.audit.entry import Entry, Kind, Uses, decode, encode

KEY = ContentKey("default", "2026-11-21", b"k" * 32)
OTHER = ContentKey("default", "2026-11-21", b"o" * 32)
CANARY = "c4nary-77"
WHOLE = Entry(
    kind=Kind.DECISION,
    time=5,
    decision_id="d-1",
    principal="ana",
    job="build",
    application=f"app {CANARY}",
    resource="orders",
    digest=CANARY,
    parameters=CANARY,
    text=f"SELECT '{CANARY}' \ud800".encode("utf-8", "backslashreplace").decode(),
    verdict="allow",
    rules=(("p/R", "allow"),),
    obligations=(("limit", CANARY),),
    attributes={"a": CANARY},
    state={"s": [CANARY]},
    context={"c": {"d": CANARY}},
    names=CANARY.encode(),
    tree=CANARY.encode(),
    uses=Uses((CANARY,), 1, 2),
)


def test_a_closed_line_says_who_and_what_was_decided_and_nothing_of_the_content() -> None:
    closed = close_entry(WHOLE, KEY)
    line = encode(closed, 1)
    assert CANARY.encode() not in line
    read = decode(line)
    assert (read.principal, read.job, read.resource, read.verdict, read.rules) == (
        "ana",
        "build",
        "orders",
        "allow",
        (("p/R", "allow"),),
    )
    assert open_entry(read, KEY) == msgspec.structs.replace(WHOLE, seq=1, content_key=KEY.id)


def test_a_session_keeps_who_came_from_where_and_not_with_what() -> None:
    came = Entry(kind=Kind.SESSION, time=5, step="opened", session="s-1", principal="ana", application=CANARY)
    came = msgspec.structs.replace(came, client_address="10.0.0.9", resource="orders")
    line = encode(close_entry(came, KEY), 1)
    assert CANARY.encode() not in line
    read = decode(line)
    assert (read.principal, read.session, read.client_address, read.step) == ("ana", "s-1", "10.0.0.9", "opened")
    assert open_entry(read, KEY).application == CANARY
    gone = Entry(kind=Kind.SESSION, time=6, step="closed", session="s-1", principal="ana", note="end of input")
    assert close_entry(gone, KEY) is gone, "nothing in it could be forgotten"


@given(st.text(), st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3))
def test_whatever_is_closed_opens_as_it_was(text: str, context: dict[str, object]) -> None:
    text = text.encode("utf-8", "backslashreplace").decode()
    entry = Entry(kind=Kind.DECISION, time=1, text=text, context=context, verdict="deny")
    opened = open_entry(close_entry(entry, KEY), KEY)
    assert opened == msgspec.structs.replace(entry, content_key=KEY.id)


def test_two_closings_of_the_same_are_not_the_same() -> None:
    assert close_entry(WHOLE, KEY).content != close_entry(WHOLE, KEY).content


def test_what_people_say_of_a_ticket_is_content_too_and_other_kinds_have_none() -> None:
    step = Entry(kind=Kind.APPROVAL, time=1, ticket="h-1", step="refused", note=CANARY, digest=CANARY)
    closed = close_entry(step, KEY)
    assert CANARY.encode() not in encode(closed, 1)
    assert open_entry(closed, KEY).note == CANARY
    outcome = Entry(kind=Kind.OUTCOME, time=1, decision_id="d-1", rows=3)
    assert close_entry(outcome, KEY) is outcome
    search = Entry(kind=Kind.RECORDING, time=1, step="searched", text=CANARY)
    assert CANARY.encode() not in encode(close_entry(search, KEY), 1)
    assert open_entry(close_entry(search, KEY), KEY) == msgspec.structs.replace(search, content_key=KEY.id)
    assert set(CONTENT) == {Kind.DECISION, Kind.APPROVAL, Kind.RECORDING, Kind.SESSION}
    assert close_entry(closed, OTHER) is closed


@pytest.mark.parametrize(
    "change",
    [
        lambda one: msgspec.structs.replace(one, time=6),
        lambda one: msgspec.structs.replace(one, decision_id="d-2"),
        lambda one: msgspec.structs.replace(one, ticket="h-1"),
        lambda one: msgspec.structs.replace(one, kind=Kind.APPROVAL),
        lambda one: msgspec.structs.replace(one, content=one.content[:-1]),
        lambda one: msgspec.structs.replace(one, content=b""),
        lambda one: msgspec.structs.replace(one, content=bytes([one.content[0] ^ 1]) + one.content[1:]),
    ],
)
def test_a_content_opens_in_no_other_entry(change: object) -> None:
    with pytest.raises(ValueError, match="not what was written"):
        open_entry(change(close_entry(WHOLE, KEY)), KEY)  # type: ignore[operator]  # a function of a test


def test_another_key_opens_nothing_even_under_the_same_name() -> None:
    closed = close_entry(WHOLE, KEY)
    with pytest.raises(ValueError, match="another key"):
        open_entry(closed, OTHER)
    with pytest.raises(ValueError, match="another key"):
        open_entry(msgspec.structs.replace(closed, content_key=OTHER.id), KEY)


def test_a_key_is_named_by_a_digest_and_shows_itself_nowhere() -> None:
    assert KEY.id == f"default/2026-11-21.{print_of(b'k' * 32)}"
    assert "kkkk" not in repr(KEY)
    assert len(KEY.words_key) == 32
    assert KEY.words_key != OTHER.words_key


def test_without_a_key_an_entry_says_so() -> None:
    read = without_content(close_entry(WHOLE, KEY))
    assert (read.unreadable, read.text, read.content, read.principal) == (True, "", b"", "ana")
