"""Values hidden within columns, through a whole gateway with a real PostgreSQL: in text, in binary, by types; and the ways round it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.masked import copied, fetched, masking, owner, rows
from tests.e2e.world import World

MAIL = "canary.schmidt@example.org"
CARD = "4111111111111111"
TOKEN = "ghp_" + "".join(chr(97 + 7 * n % 26) + str(n % 10) for n in range(18))
COLUMNS = {
    "text": ("text", f"'write to {MAIL} soon'"),
    "varchar": ("varchar(60)", f"'card {CARD} of June'"),
    "bpchar": ("char(80)", f"'token {TOKEN} is lost'"),
    "plain": ("text", "'nothing to hide'"),
    "json": ("json", f"""'{{"mail": "{MAIL}", "{MAIL}": [{CARD}, "x"], "n": 7}}'"""),
    "jsonb": ("jsonb", f"""'{{"deep": {{"note": "see {TOKEN}"}}, "n": 7}}'"""),
    "texts": ("text[]", f"ARRAY['a', NULL, 'for {MAIL}']"),
    "pair": ("val.pair", f"ROW('by {MAIL}', 7)"),
    "int8": ("int8", CARD),
    "small": ("int8", "4711"),
    "numeric": ("numeric", CARD),
    "float8": ("float8", CARD),
    "bytea": ("bytea", f"convert_to('{MAIL}', 'UTF8')"),
    "xml": ("xml", f"'<a>{MAIL}</a>'"),
    "bool": ("bool", "true"),
    "day": ("date", "'2026-11-29'"),
    "at": ("timestamptz", "'2026-11-29 12:00:00+00'"),
    "uuid": ("uuid", "'ca9a4177-58cc-4372-a567-0e02b2c3d479'"),
}
STAY = {"plain", "small", "bool", "day", "at", "uuid"}
NULL = {"int8", "numeric", "float8", "bytea", "xml"}
"""Columns of which nothing but NULL may be left."""
RAW = (MAIL.encode(), CARD.encode(), TOKEN.encode(), MAIL.encode().hex().encode(), int(CARD).to_bytes(8, "big"))
MADE = ", ".join(f"v_{name} {of}" for name, (of, _) in COLUMNS.items())
SETUP = [
    "CREATE SCHEMA val",
    "CREATE TYPE val.pair AS (name text, n int8)",
    f"CREATE TABLE val.t (id int, other text, {MADE})",
    f"INSERT INTO val.t VALUES (1, '{MAIL}', {', '.join(value for _, value in COLUMNS.values())})",
    "INSERT INTO val.t (id) VALUES (2)",
    "CREATE VIEW val.seen AS SELECT id, v_text AS renamed, v_jsonb FROM val.t",
    "CREATE TABLE val.whole (id int, note text)",
    f"INSERT INTO val.whole VALUES (1, 'write to {MAIL} soon')",
    "CREATE TABLE val.asked (id int, mail text)",
    f"INSERT INTO val.asked VALUES (1, '{MAIL}'), (2, 'other@example.org')",
    "ANALYZE",
]
POLICY = """policy world
applies to postgres

allow read "reading"
  when every operation has effect in {read, session}

mask known
  values pii.email, pii.credit_card, secret.*
  within "val.t.v_*"
  with redact

mask marked
  values pii.email
  within "val.whole.note"
  with redact

mask asked
  columns "val.asked.mail"
  with redact
  permits equality

mask whole
  columns "val.whole.note"
  with partial keep first 40
"""


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with masking(POLICY, SETUP) as made:
        yield made


def names() -> str:
    return "SELECT id, " + ", ".join(f"v_{name}" for name in COLUMNS) + " FROM val.t ORDER BY id"


def is_denied(here: World, query: str) -> None:
    with psycopg.connect(here.conninfo(), autocommit=True) as client, pytest.raises(psycopg.Error) as refused:
        client.execute(query.encode())
    assert refused.value.sqlstate == "42501"
    assert not [piece for piece in RAW if piece in str(refused.value).encode()]


@pytest.mark.parametrize("binary", [False, True])
def test_of_each_type_the_values_are_hidden_and_what_else_is_there_stays(here: World, binary: bool) -> None:
    first, second = rows(here, names(), binary=binary, raw=True)
    shown = dict(zip(COLUMNS, first[1:], strict=True))
    assert [piece for piece in RAW if piece in b"\0".join(cell or b"" for cell in shown.values())] == []
    assert {name for name, cell in shown.items() if cell is None} == NULL
    assert set(second[1:]) == {None}
    assert shown["text"] == b"write to [redacted] soon"
    assert shown["varchar"] == b"card [redacted] of June"
    assert (shown["bpchar"] or b"").startswith(b"token [redacted] is lost")
    with owner(here) as server, server.cursor(binary=binary) as cursor:
        cursor.execute(
            ("SELECT " + ", ".join(f"v_{name}" for name in sorted(STAY)) + " FROM val.t WHERE id = 1").encode()
        )
        assert cursor.pgresult is not None
        there = [cursor.pgresult.get_value(0, at) for at in range(len(STAY))]
    assert [shown[name] for name in sorted(STAY)] == there


def test_documents_arrays_and_rows_keep_their_form(here: World) -> None:
    ((document, other, texts, pair), _) = rows(here, "SELECT v_json, v_jsonb, v_texts, v_pair FROM val.t ORDER BY id")
    assert document == {"mail": "[redacted]", "[redacted]": ["[redacted]", "x"], "n": 7}
    assert other == {"deep": {"note": "see [redacted]"}, "n": 7}
    assert texts == ["a", None, "for [redacted]"]
    assert pair == '("by [redacted]","7")'


def test_another_column_is_shown_as_it_is_and_a_view_is_looked_through(here: World) -> None:
    assert rows(here, "SELECT other FROM val.t WHERE id = 1") == [(MAIL,)]
    assert rows(here, "SELECT renamed AS x, v_jsonb FROM val.seen WHERE id = 1") == [
        ("write to [redacted] soon", {"deep": {"note": "see [redacted]"}, "n": 7})
    ]


def test_what_is_computed_of_such_a_column_by_what_never_fails_is_hidden_whole(here: World) -> None:
    assert rows(here, "SELECT upper(v_text), v_plain || 'x' FROM val.t WHERE id = 1") == [("[redacted]", "[redacted]")]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM val.t WHERE v_text LIKE '%canary%'",
        "SELECT id FROM val.t ORDER BY v_text",
        "SELECT count(*) FROM val.t GROUP BY v_text",
        "SELECT a.id FROM val.t a JOIN val.t b ON a.v_text = b.v_text",
        "SELECT substr(v_text, 10, 3) FROM val.t",
        "SELECT v_text::int FROM val.t",
        "SELECT encode(v_bytea, 'base64') FROM val.t",
        "SELECT regexp_matches(v_text, '.*') FROM val.t",
        "SELECT string_to_table(v_text, 'n') FROM val.t",
        "SELECT v_jsonb ->> 'deep' FROM val.t",
        "SELECT query_to_xml('SELECT v_text FROM val.t', true, true, '')",
        "EXPLAIN ANALYZE SELECT 1 FROM val.t WHERE v_text > 'c'",
        "SELECT most_common_vals FROM pg_stats WHERE tablename = 't'",
    ],
)
def test_what_would_take_a_value_apart_or_ask_about_it_is_denied(here: World, query: str) -> None:
    is_denied(here, query)


def test_somebody_is_looked_up_by_a_masked_column_where_the_mask_permits_it(here: World) -> None:
    query = "SELECT id, mail FROM val.asked WHERE mail = %s"
    with psycopg.connect(here.conninfo(), autocommit=True) as client:
        assert client.execute(query, (MAIL,)).fetchall() == [(1, "[redacted]")]
        assert client.execute(query, ("nobody@example.org",)).fetchall() == []
        assert client.execute(
            "SELECT id FROM val.asked WHERE mail = ANY(%s) OR mail IN (%s)", ([MAIL], "x")
        ).fetchall() == [(1,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM val.asked WHERE mail < 'm'",
        "SELECT id FROM val.asked WHERE mail LIKE 'canary%'",
        "SELECT id FROM val.asked WHERE mail = 'x' OR substr(mail, 1, 1) = 'c'",
        "SELECT id FROM val.asked WHERE mail <> 'x' ORDER BY mail",
        "SELECT a.id FROM val.asked a JOIN val.asked b ON a.mail > b.mail WHERE a.mail = 'x'",
        "SELECT id, (SELECT count(mail) FROM val.asked) FROM val.asked WHERE mail = 'x'",
    ],
)
def test_of_such_a_column_nothing_else_is_asked(here: World, query: str) -> None:
    is_denied(here, query)


def test_a_copy_shows_what_is_left(here: World) -> None:
    received: list[bytes] = []
    copied(here, "COPY val.t (v_text) TO STDOUT", received)
    assert received[0] == b"write to [redacted] soon\n"


def test_with_a_mask_of_the_whole_column_the_strictest_of_all_is_for_the_whole(here: World) -> None:
    assert rows(here, "SELECT note FROM val.whole") == [("[redacted]",)]


def test_asyncpg_reads_what_is_left(here: World) -> None:
    chosen = ", ".join(f"v_{name}" for name in COLUMNS if name not in ("pair", "xml"))
    made = fetched(here, f"SELECT {chosen} FROM val.t WHERE id = 1")
    assert made["v_text"] == "write to [redacted] soon"
    assert made["v_texts"] == ["a", None, "for [redacted]"]
    assert json.loads(made["v_jsonb"])["deep"]["note"] == "see [redacted]"
    assert (made["v_small"], made["v_bool"]) == (4711, True)
    assert made["v_int8"] is None


def test_the_outcome_counts_the_cells_that_were_changed(here: World) -> None:
    mark = f"m{secrets.token_hex(4)}"
    rows(here, f"SELECT v_text AS {mark}, v_plain FROM val.t")
    (decided,) = [entry for entry in here.entries() if entry.get("kind") == "decision" and mark in str(entry)]
    outcomes = [entry for entry in here.entries() if entry.get("kind") == "outcome"]
    assert [entry["masked"] for entry in outcomes if entry.get("decision_id") == decided["decision_id"]] == [1]
