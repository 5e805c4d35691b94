"""Masks of every type through a whole gateway with a real PostgreSQL: in text, in binary, in copies; and that masked columns still join."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from subprocess import run
from uuid import UUID

import asyncpg
import psycopg
import pytest

from tests.e2e.masked import copied, fetched, masking, owner, rows
from tests.e2e.world import USER, World

COLUMNS = {
    "text": ("text", "'canary.schmidt@example.org'"),
    "varchar": ("varchar(40)", "'DE89 3704 0044 0532 0130 00'"),
    "bpchar": ("char(20)", "'canary-padded'"),
    "citext": ("citext", "'Canary Citext'"),
    "int2": ("int2", "31415"),
    "int4": ("int4", "271828182"),
    "int8": ("int8", "-314159265358979"),
    "numeric": ("numeric(14,2)", "1618033988.74"),
    "uuid": ("uuid", "'ca9a4177-58cc-4372-a567-0e02b2c3d479'"),
    "date": ("date", "'1971-07-31'"),
    "ts": ("timestamp", "'1971-07-31 13:37:42.25'"),
    "tstz": ("timestamptz", "'1971-07-31 13:37:42+02'"),
    "bytea": ("bytea", "'\\xca9a417700ff'"),
    "inet": ("inet", "'203.0.113.77/24'"),
    "cidr": ("cidr", "'198.51.100.0/24'"),
    "mac": ("macaddr", "'ca:9a:41:77:00:01'"),
    "json": ("json", """'{"card": "4111111111111111", "n": 271828182}'"""),
    "jsonb": ("jsonb", """'{"card": "4111111111111111", "n": 271828182}'"""),
    "texts": ("text[]", "ARRAY['canary one', NULL, 'canary \"two\"']"),
    "ints": ("int4[]", "ARRAY[[271828182, NULL], [314159265, 7]]"),
    "domain": ("tok.number", "271828182"),
    "domains": ("tok.number[]", "ARRAY[271828182, NULL]::tok.number[]"),
    "pair": ("tok.pair", "ROW('canary, \"pair\"', 271828182)"),
    "pairs": ("tok.pair[]", "ARRAY[ROW('canary pair', 271828182)]::tok.pair[]"),
    "mood": ("tok.mood", "'canary'"),
    "moods": ("tok.mood[]", "ARRAY['canary']::tok.mood[]"),
    "range": ("int8range", "'[271828182,314159265)'"),
    "bool": ("bool", "true"),
    "float8": ("float8", "2.718281828459045"),
}
NEVER = {"int2", "mood", "moods", "range", "bool", "float8"}
"""Types that hold no token and no hash."""
UNREAD = {"pair", "pairs", "domains", "citext", "mac"}
"""Types that psycopg leaves as they come in one of the formats."""
WORDS = {"text", "varchar", "bpchar", "citext", "json", "jsonb", "texts", "pair", "pairs"}
"""Types that hold characters."""
SEEN = ("canary", "Canary", "ca9a4177", "271828182", "314159265", "1618033988", "1971-07-31", "203.0.113", "198.51.100")
SEEN += ("4111111111111111", "2.71828", "ca:9a:41", "0532 0130", "31415")
RAW = (
    *(piece.encode() for piece in SEEN),
    *((271828182).to_bytes(4, "big"), (314159265).to_bytes(4, "big"), (314159265358979).to_bytes(8, "big")[2:]),
    *(bytes.fromhex("ca9a4177"), bytes.fromhex("cb007149"), bytes.fromhex("cb00714d"), bytes.fromhex("c6336400")),
)
SETUP = [
    "CREATE EXTENSION citext SCHEMA public",
    *(f"CREATE SCHEMA {name}" for name in ("tok", "has", "red", "par")),
    "CREATE DOMAIN tok.number AS int8",
    "CREATE TYPE tok.mood AS ENUM ('canary', 'calm')",
    "CREATE TYPE tok.pair AS (name text, n int8)",
]
MADE = ", ".join(f"v_{name} {of}" for name, (of, _) in COLUMNS.items())
VALUES = ", ".join(value for _, value in COLUMNS.values())
SETUP += [f"CREATE TABLE {name} (id int, {MADE})" for name in ("tok.t", "tok.u", "has.t", "red.t", "par.t")]
SETUP += [f"INSERT INTO {name} VALUES (1, {VALUES})" for name in ("tok.t", "tok.u", "has.t", "red.t", "par.t")]
SETUP += [f"INSERT INTO {name} (id) VALUES (2)" for name in ("tok.t", "tok.u", "has.t", "red.t", "par.t")]
SETUP += [
    "CREATE TABLE tok.cards (id int, number text)",
    "INSERT INTO tok.cards VALUES (1, '4111 1111 1111 1111'), (2, '378282246310005'), (3, '4111111111111111')",
    "CREATE TABLE red.made (id int, v_a text, upper text GENERATED ALWAYS AS (upper(v_a)) STORED)",
    "INSERT INTO red.made VALUES (1, 'canary')",
    "ANALYZE",
]
POLICY = """policy world
applies to postgres

allow read "reading"
  when every operation has effect in {read, session}

mask tokens
  columns "tok.*.v_*"
  with tokenize key "k" tweak "people"

mask cards
  columns "tok.cards.number"
  with tokenize key "k" keep first 6 check luhn

mask hashes
  columns "has.*.v_*"
  with hash key "k"

mask redacted
  columns "red.*.v_*"
  with redact

mask parts
  columns "par.*.v_*"
  with partial keep last 2
"""


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with masking(POLICY, SETUP) as made:
        yield made


def names(of: str) -> str:
    return "SELECT id, " + ", ".join(f"v_{name}" for name in COLUMNS) + f" FROM {of} ORDER BY id"


@pytest.mark.parametrize("schema", ["tok", "has", "red", "par"])
def test_no_value_is_seen_in_text_or_binary_and_null_stays(here: World, schema: str) -> None:
    for binary in (False, True):
        first, second = rows(here, names(f"{schema}.t"), binary=binary, raw=True)
        shown = b"\0".join(cell or b"" for cell in first)
        assert [piece for piece in RAW if piece in shown] == []
        assert set(second[1:]) == {None}
        filled = {name for name, cell in zip(COLUMNS, first[1:], strict=True) if cell is not None}
        assert filled == (set(COLUMNS) - NEVER if schema in ("tok", "has") else WORDS)


@pytest.mark.parametrize("schema", ["tok", "has", "red", "par"])
def test_what_clients_read_in_text_and_in_binary_is_the_same(here: World, schema: str) -> None:
    query = "SELECT " + ", ".join(f"v_{n}" for n in COLUMNS if n not in UNREAD) + f" FROM {schema}.t"
    assert rows(here, query) == rows(here, query, binary=True)


@pytest.mark.parametrize("schema", ["tok", "has", "red", "par"])
def test_the_server_itself_reads_what_is_left_as_its_type(here: World, schema: str) -> None:
    (first, _) = rows(here, names(f"{schema}.t"), raw=True)
    with owner(here) as server:
        for (name, (of, _)), cell in zip(COLUMNS.items(), first[1:], strict=True):
            if cell is not None:
                kind = (
                    "varchar"
                    if name == "varchar"
                    else "text"
                    if name == "bpchar"
                    else of.replace("numeric(14,2)", "numeric")
                )
                (read,) = server.execute(
                    f"SELECT (%s::text::{kind})::text IS NOT NULL".encode(), (cell.decode(),)
                ).fetchone() or (0,)
                assert read, name


def test_asyncpg_reads_every_token(here: World) -> None:
    left_out = ("citext", "mood", "moods", "pair", "pairs", "domains")
    chosen = ", ".join(f"v_{name}" for name in COLUMNS if name not in left_out)
    made = fetched(here, f"SELECT {chosen} FROM tok.t WHERE id = 1")
    assert isinstance(made["v_int4"], int)
    assert len(str(made["v_int4"])) == 9
    assert made["v_int8"] < 0
    assert len(str(made["v_int8"])) == 16
    assert isinstance(made["v_numeric"], Decimal)
    assert made["v_numeric"].as_tuple().exponent == -2
    assert UUID(str(made["v_uuid"])).version == 4
    assert len(made["v_bytea"]) == 6
    assert made["v_ints"][0][1] is None
    assert made["v_texts"][1] is None
    document = json.loads(made["v_jsonb"])
    assert len(document["card"]) == 16
    assert isinstance(document["n"], int)
    assert not [piece for piece in SEEN if piece in repr(made)]


def test_two_masked_columns_still_join(here: World) -> None:
    columns = "id, v_text, v_int4, v_int8, v_numeric, v_uuid, v_date, v_tstz, v_bytea, v_inet, v_mac, v_citext, v_domain, v_pair"
    assert rows(here, f"SELECT {columns} FROM tok.t") == rows(here, f"SELECT {columns} FROM tok.u")
    assert rows(here, "SELECT v_ints FROM tok.t") == rows(here, "SELECT v_ints FROM tok.u")
    ((_, number),) = rows(here, "SELECT id, v_int4 FROM tok.t WHERE id = 1")
    ((_, domain),) = rows(here, "SELECT id, v_domain FROM tok.u WHERE id = 1")
    assert number == domain


def test_cards_keep_issuer_length_separators_and_check(here: World) -> None:
    one, two, three = (number for (number,) in rows(here, "SELECT number FROM tok.cards"))
    assert one.replace(" ", "") == three
    assert (one[:7], two[:6], len(two)) == ("4111 11", "378282", 15)
    assert [character == " " for character in one] == [character == " " for character in "4111 1111 1111 1111"]
    assert one != "4111 1111 1111 1111"
    for card in (two, three):
        doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(card))]
        assert sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


TEXT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
FORMS: dict[str, str] = {
    "": "text",
    "(HEADER)": "text with names",
    "(DELIMITER '|', NULL '')": "text with bars",
    "(FORMAT csv)": "csv",
    "CSV HEADER QUOTE '''' ESCAPE '!' NULL '[redacted]' FORCE QUOTE *": "csv with everything",
    "(FORMAT binary)": "binary",
}


def lines(here: World, what: str, options: str) -> list[tuple[bytes | None, ...]]:
    """What a COPY shows, cell by cell, by a reader of our own."""
    received: list[bytes] = []
    copied(here, f"COPY {what} TO STDOUT {options}", received)
    whole = b"".join(received)
    assert [piece for piece in RAW if piece in whole] == []
    form = FORMS[options]
    if form == "binary":
        return binary_cells(whole)
    text = whole.decode()
    if form.startswith("text"):
        delimiter, null = ("|", "") if "bars" in form else ("\t", "\\N")
        found = [
            [None if cell == null else unescaped(cell) for cell in line.split(delimiter)] for line in text.splitlines()
        ]
    else:
        quote, escape, null = ("'", "!", "[redacted]") if "everything" in form else ('"', '"', "")
        found = csv_cells(text, quote, escape, null)
    if "names" in form or "everything" in form:
        found = found[1:]
    return [tuple(None if cell is None else cell.encode() for cell in line) for line in found]


def unescaped(cell: str) -> str:
    return re.sub(r"\\(.)", lambda found: TEXT.get(found[1], found[1]), cell)


def csv_cells(text: str, quote: str, escape: str, null: str) -> list[list[str | None]]:
    made: list[list[str | None]] = [[]]
    at = 0
    while at < len(text):
        quoted = text[at] == quote
        cell = ""
        if quoted:
            at += 1
            while text[at] != quote or (escape == quote and text[at + 1] == quote):
                at += text[at] == escape
                cell += text[at]
                at += 1
            at += 1
        else:
            while text[at] not in ",\n":
                cell += text[at]
                at += 1
        made[-1].append(None if cell == null and not quoted else cell)
        if text[at] == "\n":
            made.append([])
        at += 1
    return made[:-1]


def binary_cells(whole: bytes) -> list[tuple[bytes | None, ...]]:
    at, made = 19, []
    while (count := int.from_bytes(whole[at : at + 2], signed=True)) >= 0:
        at += 2
        row: list[bytes | None] = []
        for _ in range(count):
            size = int.from_bytes(whole[at : at + 4], signed=True)
            row.append(whole[at + 4 : at + 4 + size] if size >= 0 else None)
            at += 4 + max(size, 0)
        made.append(tuple(row))
    assert at + 2 == len(whole)
    return made


@pytest.mark.parametrize("options", FORMS)
@pytest.mark.parametrize("schema", ["tok", "has", "red", "par"])
def test_a_copy_shows_what_a_query_shows(here: World, schema: str, options: str) -> None:
    columns = ", ".join(f"v_{name}" for name in COLUMNS)
    shown = rows(here, f"SELECT id, {columns} FROM {schema}.t", binary="binary" in options, raw=True)
    assert len(shown) == 2
    for what in (f"{schema}.t", f"{schema}.t (id, {columns})", f"(SELECT id, {columns} FROM {schema}.t)"):
        assert lines(here, what, options) == shown


def test_names_of_columns_are_shown_and_nothing_in_their_place(here: World) -> None:
    received: list[bytes] = []
    copied(here, 'COPY (SELECT id, v_text AS "a,b" FROM red.t ORDER BY id) TO STDOUT CSV HEADER', received)
    assert b"".join(received) == b'id,"a,b"\n1,[redacted]\n2,\n'


def test_the_session_goes_on_and_the_audit_counts(here: World) -> None:
    text = "COPY tok.t (id, v_text) TO STDOUT"
    with psycopg.connect(here.conninfo()) as client, client.cursor() as cursor:
        for _ in range(2):
            with cursor.copy(text.encode()) as copy:
                assert len(list(copy.rows())) == 2
        assert cursor.execute("SELECT 1").fetchone() == (1,)
    entries = here.entries()
    asked = [one["decision_id"] for one in entries if one["kind"] == "decision" and one.get("text") == text]
    outcomes = [one for one in entries if one["kind"] == "outcome" and one["decision_id"] in asked]
    assert [(one["rows"], one["masked"]) for one in outcomes] == [(2, 1), (2, 1)]


def test_columns_that_the_server_computes_are_not_copied(here: World) -> None:
    received: list[bytes] = []
    copied(here, "COPY red.made TO STDOUT", received)
    copied(here, "COPY (SELECT upper, id FROM red.made) TO STDOUT", received)
    assert received == [b"1\t[redacted]\n", b"[redacted]\t1\n"]


@pytest.mark.parametrize(
    "text",
    [
        "COPY red.t (v_text) TO STDOUT (NULL 'canary.schmidt@example.org')",
        "COPY red.t (v_text) TO STDOUT (NULL 'x')",
        "COPY red.t (v_text) TO STDOUT (ENCODING 'SJIS')",
        "COPY (SELECT v_text FROM red.t ORDER BY v_text) TO STDOUT",
        "COPY (SELECT id FROM red.t WHERE v_text LIKE 'c%') TO STDOUT",
        "COPY (SELECT v_int4 + 1 FROM red.t) TO STDOUT",
        "COPY (SELECT t FROM red.t t) TO STDOUT",
        "COPY red.t TO '/tmp/pwned'",
        "COPY red.t (v_text) TO STDOUT; SELECT 1",
    ],
)
def test_a_copy_that_could_show_more_is_refused(here: World, text: str) -> None:
    received: list[bytes] = []
    with pytest.raises(psycopg.Error) as refused:
        copied(here, text, received)
    assert received == []
    assert not [piece for piece in RAW if piece in str(refused.value).encode()]


def test_psql_and_asyncpg_copy(here: World) -> None:
    query = "SELECT id, v_text, v_uuid FROM red.t ORDER BY id"
    shown = run(["psql", here.conninfo(), "-Xc", f"\\copy ({query}) to stdout csv"], capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (0, "1,[redacted],\n2,,\n"), shown.stderr
    assert asyncio.run(by_asyncpg(here, query)) == b"1,[redacted],\n2,,\n"


async def by_asyncpg(here: World, query: str) -> bytes:
    client = await asyncpg.connect(
        host="127.0.0.1", port=here.port, user=USER, password=here.password, database="world", ssl="require"
    )
    into = io.BytesIO()
    try:
        assert await client.copy_from_query(query, output=into, format="csv") == "COPY 2"
    finally:
        await client.close()
    return into.getvalue()


def test_a_type_that_is_changed_is_masked_by_what_it_is_now(here: World) -> None:
    with owner(here) as server:
        server.execute("ALTER TYPE tok.pair ADD ATTRIBUTE more int8 CASCADE")
        try:
            for binary in (False, True):
                ((cell,), _) = rows(here, "SELECT v_pair FROM tok.t ORDER BY id", binary=binary, raw=True)
                assert not [piece for piece in RAW if piece in (cell or b"")]
        finally:
            server.execute("ALTER TYPE tok.pair DROP ATTRIBUTE more CASCADE")
