"""The ways around that are more than a text: startup, several messages, names, sizes (numbers as in `cases.py`)."""

from __future__ import annotations

import socket
import struct

import pytest

from tests.e2e.bypass.postgres.cases import CASES
from tests.e2e.bypass.postgres.place import Place, answer, extended, leaks, simple, verdict
from tests.interop.postgres.client import Raw, show
from tests.wire import bind, close, execute, message, parse, startup

SYNC = message("S")


def refused_at_startup(place: Place, **parameters: str) -> bool:
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


@pytest.mark.parametrize(
    "options",
    [
        "-c standard_conforming_strings=off", "-cstandard_conforming_strings=off", "--standard_conforming_strings=off",
        "-c  search_path=evil", "-c client_encoding=SJIS", "-c\\ standard_conforming_strings=off", "-c role=x",
    ],
)  # fmt: skip
def test_startup_options_of_the_lexer_are_refused(place: Place, options: str) -> None:
    assert refused_at_startup(place, options=options)


def test_startup_parameters_of_the_lexer_are_refused(place: Place) -> None:
    for parameters in ({"standard_conforming_strings": "off"}, {"search_path": "evil"}, {"client_encoding": "SJIS"}):
        assert refused_at_startup(place, **parameters), parameters


def test_replication_is_refused(place: Place) -> None:
    for value in ("database", "true", "on", "1"):
        assert refused_at_startup(place, replication=value), value


def test_a_statement_prepared_in_sql_is_the_same_in_the_protocol(place: Place) -> None:
    before = place.fingerprint()
    with place.client() as client:
        for text in ("PREPARE n2 AS DELETE FROM cust", "PREPARE n3 AS SELECT id FROM cust"):
            answer(client, *simple(text))
        for name in ("n2", "n3"):
            found, held = answer(client, bind(statement=name), execute(), SYNC)
            assert "C:DELETE" not in show(found)
            assert not leaks(found)
        answer(client, parse("DELETE FROM cust", "m"), SYNC)
        found, held = answer(client, *simple("EXECUTE m"))
        assert verdict(found, held) in ("stopped", "failed")
    assert place.fingerprint() == before


def test_a_verdict_belongs_to_the_text_and_not_to_the_name(place: Place) -> None:
    before = place.fingerprint()
    with place.client() as client:
        harmful = "DELETE FROM cust"
        for messages in (
            (parse("SELECT 1"), bind(), parse(harmful), execute(), SYNC),
            (parse("SELECT 1", "a"), bind(statement="a"), close("S", "a"), parse(harmful, "a"), bind(statement="a"), execute(), SYNC),
            (parse("SELECT 1", "b"), SYNC, parse(harmful, "b"), bind(statement="b"), execute(), SYNC),
            (parse("SELECT 1"), SYNC, parse(harmful), SYNC, bind(), execute(), SYNC),
        ):  # fmt: skip
            client.send(*messages)
            found = client.until_ready(messages.count(SYNC))
            assert "C:DELETE" not in show(found), show(found)
            if found[-1][0] == "EOF":
                break
    assert place.fingerprint() == before


def test_a_denied_parse_is_latched_to_sync(place: Place) -> None:
    before = place.fingerprint()
    with place.client() as client:
        for harmful in ("DELETE FROM cust", "SELECT max(ssn) FROM cust", "CREATE TABLE x()"):
            messages = (parse(harmful), parse("SELECT 1"), bind(), execute(), SYNC)
            found, held = answer(client, *messages)
            assert verdict(found, held) == "stopped", show(found)
            assert not any(kind == "D" for kind, _ in found)
        found, _ = answer(client, *extended("SELECT 1"))
        assert verdict(found, False) == "rows"
    assert place.fingerprint() == before


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;" * 20_000 + "DELETE FROM cust",
        "/*" + "x" * (1 << 21) + "*/ DELETE FROM cust",
        "SELECT " + "(" * 3_000 + "1" + ")" * 3_000 + "; DELETE FROM cust",
        "SELECT " + "+".join(["1"] * 60_000) + "; DELETE FROM cust",
    ],
    ids=["statements", "padding", "brackets", "terms"],
)
def test_more_than_can_be_read_is_refused(place: Place, text: str) -> None:
    before = place.fingerprint()
    with place.client() as client:
        found, held = answer(client, *simple(text))
        assert verdict(found, held) == "stopped"
    assert place.fingerprint() == before


def test_function_calls_by_oid_are_refused(place: Place) -> None:
    before = place.fingerprint()
    for name in ("pg_read_file(text)", "lo_export(oid,text)", "lo_creat(int4)", "pg_sleep(float8)"):
        oid = place.owner.execute("SELECT %s::regprocedure::oid::int", (name,)).fetchone()
        assert oid is not None
        with place.client() as client:
            found, held = answer(
                client, message("F", struct.pack("!IhhiB", oid[0], 0, 1, 1, 49) + struct.pack("!h", 0))
            )
            assert verdict(found, held) == "stopped"
            assert not any(kind == "V" for kind, _ in found)
    assert place.fingerprint() == before


def test_every_special_case_is_here() -> None:
    assert [case.special for case in CASES if case.special and case.special not in globals()] == []
