"""The ways around that are no text of a simple query: what is said at startup, and several messages (numbers as in `cases.py`).

Each dialogue is a session of its own: rounds of messages, after each of which the client waits for what it asked for. The
one that matters in each is harmful; nothing of it may run, and none of its values may come.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from tests.wire import FLUSH, SYNC, bind, close, describe, execute, message, parse, query

HARMFUL = "DELETE FROM cust"
LONG = "n" * 63
"""As much of a name as the server looks at."""
Round = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a client sends, round by round. `is_refused`: somewhere in it the gateway must say no."""

    title: str
    rounds: tuple[Round, ...]
    is_refused: bool = True


def dialogue(title: str, *rounds: Round, is_refused: bool = True) -> Dialogue:
    return Dialogue(title, rounds, is_refused)


STARTUPS: Mapping[int, tuple[Mapping[str, str], ...]] = {
    7: (
        {"options": "-c standard_conforming_strings=off"},
        {"options": "-cstandard_conforming_strings=off"},
        {"options": "--standard_conforming_strings=off"},
        {"options": "--standard-conforming-strings=off"},
        {"options": "-c  search_path=evil"},
        {"options": "-c client_encoding=SJIS"},
        {"options": "-c\\ standard_conforming_strings=off"},
        {"options": "-c standard_conforming\\_strings=off"},
        {"options": "-c statement_timeout=1 -c standard_conforming_strings=off"},
        {"options": "-c role=x"},
        {"options": "-c session_replication_role=replica"},
        {"options": "-c STANDARD_CONFORMING_STRINGS=off"},
        {"options": "-c backslash_quote=on"},
        {"standard_conforming_strings": "off"},
        {"STANDARD_CONFORMING_STRINGS": "off"},
        {"search_path": "evil"},
        {"client_encoding": "SJIS"},
        {"client_encoding": "'GBK'"},
        {"row_security": "off"},
    ),
    55: (
        {"replication": "database"},
        {"replication": "true"},
        {"replication": "on"},
        {"replication": "1"},
        {"replication": "yes"},
        {"replication": "DATABASE"},
        {"replication": "t"},
        {"options": "-c replication=database"},
    ),
}
"""Startup parameters with which no session may come to be."""

DIALOGUES: Mapping[int, tuple[Dialogue, ...]] = {
    30: (
        dialogue("PREPARE in SQL, then Bind", (query(f"PREPARE n2 AS {HARMFUL}"),), (bind(statement="n2"), execute(), SYNC)),
        dialogue("Parse, then EXECUTE in SQL", (parse(HARMFUL, "m"), SYNC), (query("EXECUTE m"),)),
        dialogue("the same with a quoted name", (parse(HARMFUL, "M 2"), SYNC), (query('EXECUTE "M 2"'),)),
        dialogue("a name that folds", (parse(HARMFUL, "m3"), SYNC), (query("EXECUTE M3"),)),
        dialogue("DEALLOCATE in between", (parse("SELECT 1", "d"), SYNC), (query("DEALLOCATE d"),), (parse(HARMFUL, "d"), SYNC), (bind(statement="d"), execute(), SYNC)),
        dialogue("PREPARE under a name that stands", (parse("SELECT 1", "e"), SYNC), (query(f"PREPARE e AS {HARMFUL}"),), (query("DEALLOCATE ALL"),), (query(f"PREPARE e AS {HARMFUL}"),), (bind(statement="e"), execute(), SYNC)),
        dialogue("PREPARE by the extended way", (parse(f"PREPARE z AS {HARMFUL}"), bind(), execute(), SYNC), (bind(statement="z"), execute(), SYNC)),
        dialogue("EXECUTE by the extended way", (parse(HARMFUL, "y"), SYNC), (parse("EXECUTE y"), bind(), execute(), SYNC)),
        dialogue("a masked query by EXECUTE", (parse("SELECT ssn FROM cust", "x"), SYNC), (query("EXECUTE x"),), (query("COPY (SELECT 1) TO STDOUT; EXECUTE x"),), is_refused=False),
        dialogue("a masked query by PREPARE and Bind", (query("PREPARE w AS SELECT ssn FROM cust"),), (bind(statement="w"), describe(), execute(), SYNC)),
        dialogue("DISCARD ALL in between", (parse("SELECT id FROM cust", "v"), SYNC), (query("DISCARD ALL"),), (query(f"PREPARE v AS {HARMFUL}"),), (bind(statement="v"), execute(), SYNC)),
        dialogue("two long names that are one to the server", (parse("SELECT name FROM cust", f"{LONG}a"), SYNC), (close("S", f"{LONG}b"), parse("SELECT ssn FROM cust", f"{LONG}b"), SYNC), (bind(f"{LONG}a"), execute(), SYNC)),
        dialogue("two long names of portals", (query("BEGIN"),), (parse("SELECT name FROM cust"), bind(portal=f"{LONG}a"), SYNC), (close("P", f"{LONG}b"), parse("SELECT ssn FROM cust"), bind(portal=f"{LONG}b"), SYNC), (execute(f"{LONG}a"), SYNC)),
    ),
    31: (
        dialogue("Parse again between Bind and Execute", (parse("SELECT 1"), bind(), parse(HARMFUL), execute(), SYNC)),
        dialogue("Close, then Parse the same name", (parse("SELECT 1", "a"), bind(statement="a"), close("S", "a"), parse(HARMFUL, "a"), bind(statement="a"), execute(), SYNC)),
        dialogue("Parse a name that stands", (parse("SELECT 1", "b"), SYNC), (parse(HARMFUL, "b"), bind(statement="b"), execute(), SYNC)),
        dialogue("a denied Parse, then Bind of what stood there", (parse("SELECT 1"), SYNC), (parse(HARMFUL), SYNC), (bind(), execute(), SYNC)),
        dialogue("a simple query takes the unnamed statement", (parse("SELECT 1"), SYNC), (query(HARMFUL),), (bind(), execute(), SYNC)),
        dialogue("a masked text under a name that was plain", (parse("SELECT name FROM cust", "c"), SYNC), (close("S", "c"), parse("SELECT ssn FROM cust", "c"), bind(statement="c"), execute(), SYNC), is_refused=False),
        dialogue("a portal of the one, a statement of the other", (parse("SELECT name FROM cust", "d"), bind("d", "p"), parse("SELECT ssn FROM cust", "e"), execute("p"), SYNC), (bind("e", "p"), execute("p", 1), SYNC), is_refused=False),
        dialogue("a portal left open, then another under its name", (query("BEGIN"),), (parse("SELECT name FROM cust", "f"), bind("f", "p"), execute("p", 1), SYNC), (close("P", "p"), parse("SELECT code FROM v", "g"), bind("g", "p"), execute("p", 1), execute("p", 1), SYNC), (query("ROLLBACK"),), is_refused=False),
        dialogue("Describe of the plain, Execute of the masked", (parse("SELECT name FROM cust", "h"), describe("S", "h"), SYNC), (close("S", "h"), SYNC), (parse("SELECT ssn FROM cust", "h"), SYNC), (bind("h", formats=b"\0\1\0\1"), execute(), SYNC), is_refused=False),
    ),
    32: (
        dialogue("a denied Parse, then an allowed one", (parse(HARMFUL), parse("SELECT 1"), bind(), execute(), SYNC)),
        dialogue("a denied query, then an allowed one", (parse("SELECT max(ssn) FROM cust"), parse("SELECT 1"), bind(), execute(), SYNC)),
        dialogue("a denied definition, then an allowed query", (parse("CREATE TABLE x()"), parse("SELECT 1"), bind(), execute(), SYNC)),
        dialogue("an allowed query, then a denied one", (parse("SELECT 1"), bind(), execute(), parse(HARMFUL), bind(), execute(), SYNC)),
        dialogue("a Flush between them", (parse(HARMFUL), FLUSH, parse("SELECT 1"), bind(), execute(), SYNC)),
        dialogue("the denied one by name, the allowed one without", (parse(HARMFUL, "a"), parse("SELECT 1"), bind(), execute(), bind("a"), execute(), SYNC)),
        dialogue("a Close of the denied one", (parse(HARMFUL, "b"), close("S", "b"), parse("SELECT 1", "b"), bind("b"), execute(), SYNC)),
        dialogue("a Terminate in the middle", (parse(HARMFUL), bind(), execute(), message("X"))),
    ),
    33: (
        dialogue("statements", (query("SELECT 1;" * 20_000 + HARMFUL),)),
        dialogue("padding", (query("/*" + "x" * (1 << 21) + f"*/ {HARMFUL}"),)),
        dialogue("brackets", (query("SELECT " + "(" * 3_000 + "1" + ")" * 3_000 + f"; {HARMFUL}"),)),
        dialogue("terms", (query("SELECT " + "+".join(["1"] * 60_000) + f"; {HARMFUL}"),)),
        dialogue("comments in comments", (query("/*" * 20_000 + "*/" * 20_000 + HARMFUL),)),
        dialogue("queries in queries", (query("SELECT * FROM (" * 600 + "SELECT 1" + ") q" * 600 + f"; {HARMFUL}"),)),
        dialogue("common table expressions", (query("WITH " + ",".join(f"a{n} AS (SELECT 1)" for n in range(3_000)) + " " + HARMFUL),)),
        dialogue("NOT before NOT", (query("SELECT " + "NOT " * 5_000 + f"true; {HARMFUL}"),)),
        dialogue("padding by the extended way", (parse("/*" + "x" * (1 << 21) + f"*/ {HARMFUL}"), bind(), execute(), SYNC)),
        dialogue("a NUL in the text", (message("Q", b"SELECT 1;\0" + HARMFUL.encode() + b"\0"),)),
        dialogue("bytes that are no UTF-8", (message("Q", b"SELECT '\xbf\\'; " + HARMFUL.encode() + b" --'\0"),)),
    ),
}  # fmt: skip

CALLS_CASE = 34
CALLS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("pg_read_file(text)", (b"PG_VERSION",)),
    ("pg_read_binary_file(text)", (b"PG_VERSION",)),
    ("lo_export(oid,text)", (b"1", b"/tmp/pwned_bypass")),
    ("lo_creat(int4)", (b"-1",)),
    ("lo_import(text)", (b"/etc/passwd",)),
    ("pg_sleep(float8)", (b"0",)),
    ("nextval(regclass)", (b"s",)),
    ("query_to_xml(text,bool,bool,text)", (b"select ssn from cust", b"t", b"f", b"")),
    ("set_config(text,text,bool)", (b"standard_conforming_strings", b"off", b"f")),
    ("upper(text)", (b"a",)),
    ("public.my_udf(int4)", (b"1",)),
)
"""Functions called by OID (34), and what they are given."""


def call(oid: int, arguments: tuple[bytes, ...]) -> bytes:
    """A FunctionCall with arguments in text, and a result in text."""
    cells = b"".join(struct.pack("!i", len(cell)) + cell for cell in arguments)
    return message("F", struct.pack("!Ihh", oid, 0, len(arguments)) + cells + struct.pack("!h", 0))


def spellings(number: int) -> int:
    """How many ways of a case stand here."""
    return len(STARTUPS.get(number, ())) + len(DIALOGUES.get(number, ())) + (len(CALLS) if number == CALLS_CASE else 0)
