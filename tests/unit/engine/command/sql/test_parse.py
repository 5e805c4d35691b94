"""The Python side of the SQL parser: texts of all sorts, catalogs, statements' places."""

from __future__ import annotations

import hashlib

import pytest

from engine import _native
from engine.command.sql.parse import CatalogFacts, FunctionFacts, build_catalog, parse_sql, read_catalog, split_sql
from engine.errors import InputInvalid
from tests.sql_commands import FACTS, catalog, effects, kinds, only, tree


def test_text_and_digest_are_those_of_what_was_sent() -> None:
    command = tree("SELECT 'é'")
    assert command.text == "SELECT 'é'"
    assert command.digest == hashlib.sha256("postgres\0SELECT 'é'".encode()).hexdigest()
    assert command.protocol == "postgres"


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        (b"SELECT 1\0; DROP TABLE cust", "nul_byte", 8),
        (b"SELECT '\xff'", "not_utf8", 8),
        ("SELECT '\ud800'", "not_utf8", 8),
        (b"SELECT " + b"1," * (1 << 20) + b"1", "too_long", None),
        (b"SELECT 1 FROM FROM cust", "syntax_error", 14),
        (b"SELECT (1", "syntax_error", 9),
        (b"SELECT 'open", "syntax_error", 7),
    ],
)
def test_a_text_nobody_can_read_is_one_unknown_operation(text: bytes | str, code: str, at: int | None) -> None:
    command = parse_sql(text).command
    assert kinds(command) == ["unknown"]
    assert effects(command) == {"unknown"}
    assert (command.problems[0].code, command.problems[0].at) == (code, at)
    assert not command.complete


@pytest.mark.parametrize("text", ["", " \n", ";", ";;", "-- nothing", "/* nothing */"])
def test_a_text_without_a_statement_runs_nothing(text: str) -> None:
    command = tree(text)
    assert kinds(command) == ["empty"]
    assert command.complete
    assert command.sql is not None
    assert command.sql.outputs == ()


def test_all_statements_are_listed_with_their_number_and_place() -> None:
    text = "SELECT 1; /* a;b */ DELETE FROM cust\n;  DROP TABLE orders ; "
    command = tree(text)
    assert [(item.statement, item.kind) for item in command.operations] == [
        (0, "select"),
        (1, "delete"),
        (2, "drop_table"),
    ]
    assert command.sql is not None
    assert (command.sql.statements, command.sql.is_multi, command.sql.outputs) == (3, True, None)
    spans = [text.encode()[slice(*item.span)].decode() for item in command.operations]
    assert spans == ["SELECT 1", "DELETE FROM cust", "DROP TABLE orders"]
    assert [tuple(item.span) for item in command.operations] == split_sql(text.encode())


def test_places_count_bytes() -> None:
    text = "SELECT 'é'; DROP TABLE cust"
    start, end = tree(text).operations[1].span
    assert text.encode()[start:end] == b"DROP TABLE cust"


@pytest.mark.parametrize("text", [b"SELECT 1 FROM FROM", b"\0", b"\xff", b"", b"SELECT " + b"(" * 5000])
def test_nothing_is_split_that_cannot_be_parsed(text: bytes) -> None:
    assert split_sql(text) == []


def test_a_catalog_resolves_names_along_the_search_path() -> None:
    assert only(tree("SELECT ssn FROM cust")).origins == ("public.cust.ssn",)
    assert only(tree("SELECT ssn FROM cust", catalog(search_path=("evil", "public")))).origins == ("evil.cust.ssn",)
    assert only(tree("SELECT ssn FROM cust", catalog(search_path=()))).origins == ("?.cust.ssn",)
    assert only(tree("SELECT ssn FROM cust", None)).origins == ("?.cust.ssn",)


def test_a_temporary_table_comes_before_the_path() -> None:
    names = catalog(relations=FACTS.relations | {"pg_temp.cust": ("ssn",)})
    assert only(tree("SELECT ssn FROM cust", names)).origins == ("pg_temp.cust.ssn",)


def test_a_vouched_function_is_complete_and_another_is_not() -> None:
    functions = {
        "public.total": FunctionFacts(effect="read"),
        "public.wipe": FunctionFacts(effect="delete", security_definer=True),
        "public.opaque": FunctionFacts(),
        "public.upper": FunctionFacts(),
    }
    names = catalog(functions=functions)
    assert tree("SELECT total(1)", names).complete
    wipe = tree("SELECT wipe()", names)
    assert wipe.complete
    assert effects(wipe) == {"read", "delete"}
    assert wipe.features == ("security_definer",)
    for text in ("SELECT opaque()", "SELECT nowhere()", "SELECT upper('a')"):
        command = tree(text, names)
        assert not command.complete, text
        assert "unknown_function" in command.features
        assert "execute" in effects(command)
    assert tree("SELECT pg_catalog.upper('a')", names).complete


def test_a_prepared_text_makes_execute_readable() -> None:
    assert not tree("EXECUTE p").complete
    command = tree("EXECUTE p", catalog(prepared={"p": "DELETE FROM cust"}))
    assert command.complete
    assert kinds(command) == ["execute_prepared", "delete"]


def test_equal_catalogs_have_equal_versions() -> None:
    assert build_catalog(FACTS).version == build_catalog(FACTS).version
    assert build_catalog(FACTS).version != catalog(search_path=("evil",)).version


def test_a_name_with_a_dot_is_never_taken_for_two() -> None:
    names = build_catalog(CatalogFacts(("public",), {"a.b.c": ("x",)}))
    assert not only(tree('SELECT x FROM "a"."b.c"', names)).proven
    assert only(tree('SELECT x FROM "a.b"."c"', names)).origins == ('"a.b".c.x',)


@pytest.mark.parametrize(
    "document",
    [
        [],
        "x",
        {"search_paths": []},
        {"relations": []},
        {"relations": {"public.t": "a"}},
        {"search_path": "public"},
        {"views": 7},
        {"prepared": {"p": 1}},
        {"types": {"public.t": 1, "x": 2}, "functions": 3},
    ],
)
def test_a_document_of_another_shape_is_no_catalog(document: object) -> None:
    with pytest.raises(InputInvalid):
        read_catalog(document)


def test_catalog_documents_may_leave_parts_out() -> None:
    for document in (
        {},
        {"relations": None},
        {"views": ["public.v"]},
        {"views": {"public.v": None}},
        {"functions": ["public.f"]},
    ):
        assert len(read_catalog(document).version) == 64


def test_a_catalog_of_garbage_is_refused_with_a_code() -> None:
    for raw in (b"", b"\xc1", b"\x81", b"\xdf\xff\xff\xff\xff", b"\x93" * 50, b"\x01"):
        with pytest.raises(_native.NativeError) as caught:
            _native.Catalog(raw)
        assert caught.value.code in ("MALFORMED", "CATALOG_INVALID")


@pytest.mark.parametrize(
    ("text", "proven"),
    [
        ("SELECT * FROM unnest(ARRAY[1, 2]) AS u", True),
        ("SELECT * FROM unnest('{a}'::tsvector) AS u, cust", False),
        ("SELECT * FROM unnest((SELECT array_agg(cust) FROM cust)) AS u", False),
        ("SELECT * FROM json_populate_record(NULL::cust, '{}')", False),
        ("SELECT * FROM json_each('{}')", True),
        ("SELECT * FROM generate_series(1, 2) AS g", True),
    ],
)
def test_the_columns_of_a_table_function_are_proven_only_where_its_types_do_not_decide_them(
    text: str, proven: bool
) -> None:
    command = tree(text)
    assert command.sql is not None
    assert command.sql.outputs_proven is proven
