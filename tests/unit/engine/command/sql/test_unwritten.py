"""What runs though the text does not say so: arguments by name, texts behind casts, values of types, operators of other words."""

from __future__ import annotations

import pytest

from engine.command.sql.parse import FunctionFacts
from engine.command.tree import Command
from tests.sql_commands import catalog, kinds, only, tree

HIDDEN = FunctionFacts(language="plpgsql", volatility="stable", arguments=("k",))


def reads(command: Command) -> tuple[str, ...]:
    assert command.sql is not None
    return command.sql.reads


def targets(command: Command, kind: str) -> list[str]:
    return [one.name for item in command.operations for one in item.targets if one.type == kind]


# --- arguments by name


@pytest.mark.parametrize(
    "text",
    [
        "SELECT query_to_xml(targetns => 'select 1', nulls => true, tableforest => false, query => 'select ssn from cust')",
        "SELECT query_to_xml(nulls := true, query := 'select ssn from cust', tableforest := false, targetns := '')",
        "SELECT query_to_xml('select ssn from cust', targetns => 'select 1', nulls => true, tableforest => false)",
        "SELECT query_to_xml_and_xmlschema(targetns => '', query => 'select ssn from cust', nulls => true, tableforest => true)",
        "SELECT * FROM ts_stat(weights => 'select 1', query => 'select ssn::tsvector from cust')",
        "SELECT table_to_xml(targetns => 'orders', nulls => true, tableforest => false, tbl => 'cust')",
    ],
)
def test_an_argument_is_found_by_its_name(text: str) -> None:
    command = tree(text)
    assert "public.cust.ssn" in reads(command)
    assert command.complete


def test_a_setting_is_found_by_its_name() -> None:
    command = tree("SELECT set_config(new_value => 'timezone', is_local => false, setting_name => 'role')")
    assert targets(command, "setting") == ["role"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT query_to_xml(targetns => 'select 1', nulls => true, tableforest => false)",
        "SELECT query_to_xml(queri => 'select 1', nulls => true, tableforest => false, targetns => '')",
        "SELECT query_to_xml(VARIADIC ARRAY['select 1'])",
        "SELECT table_to_xml(relation => 'orders', nulls => true, tableforest => false, targetns => '')",
        "SELECT set_config(name => 'timezone', new_value => 'UTC', is_local => false)",
    ],
)
def test_what_is_not_there_is_nothing_known(text: str) -> None:
    command = tree(text)
    assert not command.complete
    assert "dynamic_sql" in command.features


# --- texts behind casts


@pytest.mark.parametrize(
    ("cast", "is_read"),
    [
        ("{}::text", True),
        ("{}::varchar", True),
        ("{}::text::varchar", True),
        ("text {}", True),
        ("{}::varchar(65)", False),
        ("{}::varchar(65)::text", False),
        ("CAST({} AS char(65))", False),
        ("{}::bpchar", False),
        ("{}::name", False),
        ("{}::regclass::text", False),
        ("{}::text[]", False),
        ('{}::"char"', False),
        ("{}::public.text", False),
        ('{} COLLATE "C"', False),
    ],
)
def test_a_text_counts_only_as_the_server_reads_it(cast: str, is_read: bool) -> None:
    for call in ("query_to_xml({}, true, false, '')", "set_config({}, '', false)", "table_to_xml({}, true, false, '')"):
        text = "SELECT " + call.format(cast.format("'select ssn from cust'" if "query" in call else "'cust'"))
        assert tree(text).complete is is_read, text


def test_a_relations_name_may_say_that_it_is_one() -> None:
    command = tree("SELECT table_to_xml('public.cust'::regclass, true, false, '')")
    assert command.complete
    assert "public.cust.ssn" in reads(command)


@pytest.mark.parametrize("name", ["1260", " 1260 ", "-", "nowhere", "pg_catalog.nowhere", "public.nowhere", "a.b.c"])
def test_what_is_no_known_relations_name_may_be_any(name: str) -> None:
    assert not tree(f"SELECT table_to_xml('{name}', true, false, '')").complete


@pytest.mark.parametrize("name", ["1259", "-"])
def test_a_sequence_by_number_may_be_any(name: str) -> None:
    assert not tree(f"SELECT nextval('{name}')").complete
    assert tree("SELECT nextval('s'::regclass)").complete


def test_each_relation_by_text_is_named_wherever_the_call_stands() -> None:
    command = tree(
        "SELECT table_to_xml('cust', true, false, ''), (SELECT 1 FROM orders LIMIT 1),"
        " table_to_xml('pg_authid', true, false, '')"
    )
    assert {"public.cust", "pg_catalog.pg_authid"} <= set(targets(command, "table"))


@pytest.mark.parametrize(("text", "name"), [("'Work_Mem'", "work_mem"), ("'work' || '_mem'", "?")])
def test_a_setting_that_is_read_is_named(text: str, name: str) -> None:
    assert targets(tree(f"SELECT current_setting({text})"), "setting") == [name]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("pg_read_file($1)", ("file", "?")),
        ("pg_read_file('/etc/' || 'passwd')", ("file", "?")),
        ("lo_export(1, lower('/TMP/X'))", ("file", "?")),
        ("lo_export(1, '/tmp/x')", ("file", "/tmp/x")),
        ("nextval(lower('S'))", ("sequence", "?")),
        ("setval(pg_get_serial_sequence('cust', 'id'), 1)", ("sequence", "?")),
    ],
)
def test_a_file_or_sequence_whose_name_is_computed_is_one_that_nobody_knows(call: str, named: tuple[str, str]) -> None:
    assert targets(tree(f"SELECT {call}"), named[0]) == [named[1]]


def test_a_function_that_lists_its_own_folder_names_no_file() -> None:
    assert targets(tree("SELECT * FROM pg_ls_waldir()"), "file") == []


# --- values of types

FUNCTIONS = {"public.turned": HIDDEN, "public.looked": HIDDEN}
TYPES = ("public.kind", "public.dkind", "public.holder", "public.spied")
CASTS = dict.fromkeys(("kind", "dkind", "compk"), ("public.turned",))
CHECKS = dict.fromkeys(("spied", "holder", "_spied"), ("public.looked",))


@pytest.mark.parametrize(
    ("text", "is_seen"),
    [
        ("SELECT 1::dkind", False),
        ("SELECT ROW(1)::compk", False),
        ("SELECT ARRAY[1]::dkind[]", False),
        ("SELECT $1::dkind", False),
        ("SELECT 'a'::dkind", True),
        ("SELECT NULL::dkind", True),
        ("SELECT '(x,1)'::holder", False),
        ("SELECT ROW('x', 1)::holder", False),
        ("SELECT '{x}'::_spied", False),
        ("SELECT * FROM json_to_record('{}') AS x(a spied)", False),
        ("SELECT * FROM ROWS FROM (json_to_record('{}') AS (a spied)) AS x", False),
        ("SELECT * FROM json_to_record('{}') AS x(a text)", True),
        ("SELECT * FROM json_to_record('{}') AS x(a kind)", True),
        ("SELECT * FROM xmltable('/r' PASSING '<r/>' COLUMNS a spied)", False),
        ("SELECT * FROM xmltable('/r' PASSING '<r/>' COLUMNS a text)", True),
        ("SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a spied))", False),
        ("SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a text))", True),
        ("SELECT JSON_VALUE('{}', '$.a' RETURNING spied)", False),
        ("SELECT JSON_QUERY('{}', '$.a' RETURNING holder)", False),
        ("SELECT JSON_VALUE('{}', '$.a' RETURNING text)", True),
        ("SELECT json_populate_record(NULL::holder, '{}')", False),
        ("SELECT json_populate_record(NULL::mine, '{}')", True),
        ("SELECT jsonb_populate_record(c, '{}') FROM cust c", False),
        ("SELECT domain_in('x', 'spied'::regtype, -1)", False),
        ("SELECT array_in('{x}', 'spied'::regtype, -1)", False),
        ("SELECT record_in('(x,1)', 'holder'::regtype, -1)", False),
        ("SELECT int4in('1')", True),
        ("SELECT pg_input_is_valid('x', 'spied')", False),
        ("SELECT pg_input_is_valid('x', name) FROM cust", False),
        ("SELECT pg_input_is_valid('1', 'Integer')", False),
        ("SELECT pg_input_is_valid('1', 'int4')", True),
        ("PREPARE p (spied) AS SELECT $1", False),
        ("PREPARE p (text) AS SELECT $1", True),
        ("ALTER TABLE cust ADD COLUMN x spied", False),
        ("ALTER TABLE cust ALTER COLUMN name TYPE spied", False),
        ("ALTER TABLE cust ADD COLUMN x text", True),
        ("DO 'DECLARE x spied; BEGIN x := 1; END'", False),
        ("DO 'DECLARE x text; BEGIN x := 1; END'", True),
    ],
)
def test_a_value_of_a_type_calls_what_it_is_made_and_looked_at_by(text: str, is_seen: bool) -> None:
    command = tree(text, catalog(functions=FUNCTIONS, types=TYPES, casts=CASTS, checks=CHECKS))
    assert command.complete is is_seen, command.problems


# --- operators


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("SELECT 1 FROM cust JOIN orders USING (id)", "="),
        ("SELECT 1 FROM cust NATURAL JOIN orders", "="),
        ("SELECT CASE name WHEN 'x' THEN 1 END FROM cust", "="),
        ("SELECT name IN (SELECT name FROM cust) FROM cust", "="),
        ("SELECT name NOT IN (SELECT name FROM cust) FROM cust", "="),
        ("SELECT name IN ('x') FROM cust", "="),
        ("SELECT NULLIF(name, 'x') FROM cust", "="),
        ("SELECT name IS DISTINCT FROM 'x' FROM cust", "="),
        ("SELECT 1 FROM cust WHERE name BETWEEN 'a' AND 'b'", "<="),
        ("SELECT 1 FROM cust WHERE name NOT BETWEEN 'a' AND 'b'", ">"),
        ("SELECT 1 FROM cust WHERE name BETWEEN SYMMETRIC 'a' AND 'b'", ">="),
        ("SELECT 1 FROM cust WHERE name LIKE 'a'", "~~"),
    ],
)
def test_words_that_use_an_operator_use_somebodys_own(text: str, operator: str) -> None:
    command = tree(text, catalog(operators=(f"public.{operator}",)))
    assert "custom_operator" in command.features
    assert not command.complete
    assert "custom_operator" not in tree(text, catalog(operators=("public.@@@",))).features


@pytest.mark.parametrize(
    "text",
    [
        "SELECT CASE WHEN id > 1 THEN 1 END FROM cust",
        "SELECT EXISTS (SELECT 1 FROM cust)",
        "SELECT (SELECT max(id) FROM cust)",
        "SELECT 1 FROM cust CROSS JOIN orders",
    ],
)
def test_words_that_use_none_use_none(text: str) -> None:
    assert "custom_operator" not in tree(text, catalog(operators=("public.=",))).features


# --- calls without columns


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("coalesce(ssn, (1/(random()*0)::int)::text)", {"coalesce", "op:/", "op:*", "cast:int4", "cast:text"}),
        ("coalesce(ssn, (1/$1)::text)", {"op:/"}),
        ("coalesce(ssn, (current_date - 1)::text)", {"op:-", "cast:text"}),
        ("coalesce(ssn, ('x' || name)::date::text)", {"cast:date"}),
        ("coalesce(ssn, (SELECT name FROM cust))", {"subquery"}),
        ("concat(ssn, 1 / $1)", {"op:/"}),
    ],
)
def test_what_is_worked_out_without_a_column_is_on_the_way_too(text: str, calls: set[str]) -> None:
    assert calls <= {one.removeprefix("pg_catalog.") for one in only(tree(f"SELECT {text} FROM cust")).calls or ()}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("coalesce(ssn, 'none')", {"coalesce"}),
        ("coalesce(ssn, 'none'::text)", {"coalesce"}),
        ("coalesce((SELECT max(ssn) FROM cust), 'none')", {"coalesce", "max"}),
        ("left(ssn, 1 + 1)", {"left"}),
        ("coalesce(ssn, $1)", {"coalesce"}),
    ],
)
def test_a_constant_is_no_call(text: str, calls: set[str]) -> None:
    found = only(tree(f"SELECT {text} FROM cust")).calls or ()
    assert {one.removeprefix("pg_catalog.") for one in found} == calls
    assert kinds(tree(f"SELECT {text} FROM cust"))[0] == "select"


def test_a_catalog_without_checks_makes_nothing_of_types() -> None:
    assert tree("SELECT jsonb_populate_record(c, '{}') FROM cust c", catalog()).complete
