"""Sessions are for those who began them; what nobody knows is nobody's."""

from __future__ import annotations

import pytest

from adapters.mcp import sessions
from adapters.mcp.sessions import Book

SERVER, OTHER = ("h:1", "/mcp"), ("h:2", "/mcp")


def test_a_session_is_its_owners_at_its_server_until_it_ends() -> None:
    book = Book()
    assert book.open(SERVER, "s", "ana")
    assert book.open(SERVER, "s", "ana")
    assert not book.open(SERVER, "s", "bob")
    assert book.is_theirs(SERVER, "s", "ana")
    assert not book.is_theirs(SERVER, "s", "bob")
    assert not book.is_theirs(OTHER, "s", "ana")
    assert not book.is_theirs(SERVER, "t", None)
    book.end(SERVER, "s")
    assert not book.is_theirs(SERVER, "s", "ana")


def test_the_last_list_of_tools_counts() -> None:
    book = Book()
    assert not book.is_as_approved(SERVER, "a")
    book.saw_tools(SERVER, ["a"], is_first=True)
    book.saw_tools(SERVER, ["b"], is_first=False)
    assert book.is_as_approved(SERVER, "a")
    assert book.is_as_approved(SERVER, "b")
    assert not book.is_as_approved(OTHER, "a")
    book.saw_tools(SERVER, ["b"], is_first=True)
    assert not book.is_as_approved(SERVER, "a")


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 2)
    monkeypatch.setattr(sessions, "MAX_SERVERS", 2)
    book = Book()
    for name in ("a", "b", "c"):
        book.open(SERVER, name, "ana")
        book.saw_tools(name, ["x"], is_first=True)
    assert [book.is_theirs(SERVER, name, "ana") for name in ("a", "b", "c")] == [False, True, True]
    assert [book.is_as_approved(name, "x") for name in ("a", "b", "c")] == [False, True, True]


def test_a_call_that_waits_is_taken_back_by_who_made_it() -> None:
    book = Book()
    book.wait(SERVER, "s", 7, "ana")
    for session, number, owner in (("s", "7", "ana"), ("t", 7, "ana"), (None, 7, "ana"), ("s", 7, "bob")):
        book.take_back(SERVER, session, number, owner)
    assert not book.is_taken_back(SERVER, "s", 7, "ana")
    book.take_back(SERVER, "s", 7, "ana")
    assert book.is_taken_back(SERVER, "s", 7, "ana")
    assert book.is_taken_back(SERVER, "s", 99, "ana"), "what nobody remembers does not run"
