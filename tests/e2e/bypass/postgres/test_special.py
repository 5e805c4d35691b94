"""The ways around that are more than a text: startup, several messages, names, sizes, calls by OID (as in `dialogues.py`)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping

import pytest

from tests.e2e.bypass.postgres.cases import CASES
from tests.e2e.bypass.postgres.dialogues import CALLS, DIALOGUES, STARTUPS, Dialogue, call
from tests.e2e.bypass.postgres.place import Place, answer, leaks, simple, verdict
from tests.interop.postgres.client import Raw, show
from tests.wire import SYNC, bind, execute, message, startup

WRITES = ("C:DELETE", "C:UPDATE", "C:INSERT", "C:CREATE", "C:DROP", "C:TRUNCATE")


def refused_at_startup(place: Place, parameters: Mapping[str, str]) -> bool:
    """Whether a session with these startup parameters never comes to be."""
    client = Raw.__new__(Raw)
    client._buffer = b""
    with socket.create_connection(("127.0.0.1", place.world.port), 20) as connection:
        client._socket = connection
        connection.sendall(startup(user="ana", database="world", **parameters))
        try:
            kind, _ = client.next()
        except (EOFError, ConnectionResetError):
            return True
        return kind == "E"


def came_of(place: Place, said: Dialogue) -> list[tuple[str, bytes]]:
    """Everything that came back, up to the end of the dialogue or of the connection."""
    found: list[tuple[str, bytes]] = []
    with place.client() as client:
        for messages in said.rounds:
            with contextlib.suppress(
                ConnectionError
            ):  # WHY: what is long is refused in its middle, and the answer still comes
                client.send(*messages)
            found += client.until_ready(sum(one[:1] in (b"S", b"Q") for one in messages) or 1)
            if found[-1][0] == "EOF":
                break
    return found


def wrong_with(found: list[tuple[str, bytes]], said: Dialogue) -> str:
    """What must not be in an answer and is, in a word; nothing when all is well."""
    shown = show(found)
    if leaks(found):
        return "leaks"
    if any(tag in shown for tag in WRITES) or any(kind == "V" for kind, _ in found):
        return "ran"
    return "" if not said.is_refused or verdict(found, False) == "stopped" else "was not refused"


def in_dialogues(place: Place, number: int) -> list[tuple[str, str, str]]:
    wrong = []
    for said in DIALOGUES[number]:
        found = came_of(place, said)
        if word := wrong_with(found, said):
            wrong.append((said.title, word, show(found)[:500]))
    return wrong


def test_startup_options_of_the_lexer_are_refused(place: Place) -> None:
    assert [given for given in STARTUPS[7] if not refused_at_startup(place, given)] == []


def test_replication_is_refused(place: Place) -> None:
    assert [given for given in STARTUPS[55] if not refused_at_startup(place, given)] == []


def test_what_would_be_refused_otherwise_is_let_in(place: Place) -> None:
    """The two above could not fail if every session were refused at once."""
    assert not refused_at_startup(place, {"application_name": "x", "client_encoding": "UTF8"})


@pytest.mark.parametrize("number", sorted(DIALOGUES))
def test_dialogues_come_to_nothing(place: Place, number: int) -> None:
    before = place.fingerprint()
    assert in_dialogues(place, number) == []
    assert place.fingerprint() == before


def test_behind_what_was_refused_the_next_runs(place: Place) -> None:
    with place.client() as client:
        for said in DIALOGUES[32][:4]:
            answer(client, *said.rounds[0])
            found, held = answer(client, *simple("SELECT 1"))
            assert verdict(found, held) == "rows", said.title


def test_function_calls_by_oid_are_refused(place: Place) -> None:
    before = place.fingerprint()
    wrong = []
    for name, arguments in CALLS:
        oid = place.owner.execute("SELECT %s::regprocedure::oid::int8", (name,)).fetchone()
        assert oid is not None
        said = Dialogue(name, ((call(oid[0], arguments),),))
        if word := wrong_with(came_of(place, said), said):
            wrong.append((name, word))
    assert wrong == []
    assert place.fingerprint() == before


@pytest.mark.parametrize(
    ("name", "is_refused"), [("spied", True), ("holder", True), ("spied[]", True), ("kind", False)]
)
def test_a_parameter_of_a_type_that_functions_look_at_is_refused(place: Place, name: str, is_refused: bool) -> None:
    found = place.owner.execute("SELECT %s::regtype::oid::int8", (name,)).fetchone()
    assert found is not None
    value = {"spied": b"010-11-1235", "holder": b"(010-11-1235,1)", "spied[]": b"{010-11-1235}", "kind": b"a"}[name]
    typed = message("P", b"\0SELECT 1 WHERE $1 IS NOT NULL\0\0\1" + found[0].to_bytes(4))
    for rounds in (
        ((typed, bind(parameters=(value,)), execute(), SYNC),),
        ((typed, SYNC), (bind(parameters=(value,)), execute(), SYNC)),
    ):
        came = came_of(place, Dialogue(name, rounds))
        assert (verdict(came, False) == "stopped") is is_refused, show(came)


def test_a_dialogue_that_ran_or_leaked_would_be_seen() -> None:
    refused, harmless = Dialogue("a", ()), Dialogue("b", (), is_refused=False)
    ready = ("Z", b"I")
    assert wrong_with([("C", b"DELETE 3\0"), ready], harmless) == "ran"
    assert wrong_with([("V", b""), ready], harmless) == "ran"
    assert wrong_with([("D", b"\0\1\0\0\0\x0b010-11-1234"), ready], harmless) == "leaks"
    assert wrong_with([("C", b"SELECT 1\0"), ready], refused) == "was not refused"
    assert wrong_with([("E", b"C42501\0M\0\0"), ready], refused) == ""


def test_every_special_case_is_here() -> None:
    assert [case.special for case in CASES if case.special and case.special not in globals()] == []
