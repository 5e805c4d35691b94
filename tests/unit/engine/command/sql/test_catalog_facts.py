"""What a richer catalog lets the tree say: views' paths, inheritance, functions with a body, operators, conditions."""

from __future__ import annotations

import pytest

from engine.command.sql.parse import CatalogFacts, FunctionFacts, RelationFacts, build_catalog, parse_sql, read_catalog
from engine.command.tree import Command
from engine.errors import InputInvalid
from tests.sql_commands import FACTS, catalog, kinds, only, tree

LABEL = FunctionFacts(language="sql", volatility="stable", arguments=("k",), body="SELECT name FROM cust WHERE id = k")
BUILT_IN = FunctionFacts(arguments=("x",), language="sql", volatility="volatile")


def with_functions(**functions: FunctionFacts | list[FunctionFacts]) -> object:
    return catalog(functions={f"public.{name}": facts for name, facts in functions.items()})


def asked(text: str, names: object) -> Command:
    return tree(text, names)  # type: ignore[arg-type]  # a catalog


def reads(command: Command) -> tuple[str, ...]:
    assert command.sql is not None
    return command.sql.reads


# --- views


def test_a_views_tables_are_bound_whatever_path_a_session_has() -> None:
    base = catalog()
    for path in (b"\x91\xa4evil", b"\x90"):
        session = base.for_session(b"\x81\xabsearch_path" + path)
        assert only(tree("SELECT code FROM public.v", session)).origins == ("public.cust.ssn", "public.v.code")


def test_what_a_view_calls_is_listed_and_what_it_filters_by_is_its_makers_business() -> None:
    views = {"public.v": "SELECT ssn AS code, id FROM cust WHERE amt > 1 AND public.leak(id)"}
    command = tree("SELECT code FROM v", catalog(views=views))
    assert "unknown_function" in command.features
    assert not command.complete
    assert command.sql is not None
    assert command.sql.filters == ()
    assert command.sql.relations == ("public.cust", "public.v")


def test_a_view_that_comes_back_to_itself_is_unproven() -> None:
    views = {"public.a": "SELECT x FROM b", "public.b": "SELECT x FROM a"}
    relations = {"public.a": ("x",), "public.b": ("x",)}
    command = tree("SELECT x FROM a", catalog(views=views, relations=relations))
    assert not only(command).proven


# --- inheritance

FAMILY = catalog(
    relations={
        "public.log": RelationFacts(("day", "line")),
        "public.log_1": RelationFacts(("day", "line"), parents=("public.log",)),
        "public.log_1a": RelationFacts(("day", "line", "own"), parents=("public.log_1",)),
    },
    views={},
)


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("SELECT line FROM log", ("public.log.line", "public.log_1.line", "public.log_1a.line")),
        ("SELECT line FROM ONLY log", ("public.log.line",)),
        ("SELECT line FROM log_1a", ("public.log.line", "public.log_1.line", "public.log_1a.line")),
        ("SELECT line FROM ONLY log_1", ("public.log.line", "public.log_1.line")),
        ("SELECT own FROM log_1a", ("public.log_1a.own",)),
    ],
)
def test_a_partitions_column_is_its_parents_column_too(text: str, origins: tuple[str, ...]) -> None:
    output = only(tree(text, FAMILY))
    assert output.origins == origins
    assert output.proven


def test_a_write_to_a_partition_writes_its_parents_column() -> None:
    command = tree("UPDATE log_1 SET line = ''", FAMILY)
    assert command.sql is not None
    assert set(command.sql.writes) >= {"public.log.line", "public.log_1.line"}


# --- what a statement stores, its RETURNING shows


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO orders (total) SELECT ssn FROM cust RETURNING total",
        "INSERT INTO orders SELECT 1, 2, ssn FROM cust RETURNING total",
        "UPDATE orders SET total = ssn FROM cust RETURNING total",
        "UPDATE orders SET (id, total) = (SELECT 1, ssn FROM cust) RETURNING total",
        "INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET total = (SELECT ssn FROM cust) RETURNING total",
        "INSERT INTO orders (id, total) SELECT 1, ssn FROM cust ON CONFLICT (id) DO UPDATE SET total = excluded.total"
        " RETURNING total",
        "MERGE INTO orders o USING cust c ON o.id = c.id WHEN MATCHED THEN UPDATE SET total = c.ssn RETURNING o.total",
        "MERGE INTO orders o USING cust c ON o.id = c.id WHEN NOT MATCHED THEN INSERT VALUES (1, 2, c.ssn)"
        " RETURNING o.total",
    ],
)
def test_returning_shows_what_was_stored(text: str) -> None:
    output = only(tree(text))
    assert {"public.cust.ssn", "public.orders.total"} <= set(output.origins)


# --- functions


def test_a_stable_function_in_sql_is_what_its_body_does() -> None:
    command = asked("SELECT label(id) FROM orders", with_functions(label=LABEL))
    assert command.complete
    assert kinds(command) == ["select", "call_function", "select"]
    assert set(only(command).origins) == {"public.cust.name", "public.orders.id"}
    assert only(command).proven
    assert {"public.cust.id", "public.cust.name"} <= set(reads(command))


@pytest.mark.parametrize(
    "facts",
    [
        FunctionFacts(language="sql", volatility="volatile", arguments=("k",), body=LABEL.body),
        FunctionFacts(language="plpgsql", volatility="stable", arguments=("k",), body="BEGIN END"),
        FunctionFacts(language="sql", volatility="stable", arguments=("k",), body=LABEL.body, security_definer=True),
        FunctionFacts(language="sql", volatility="stable", arguments=("k",), body=LABEL.body, settings=True),
        FunctionFacts(language="sql", volatility="stable", arguments=("k",), body="DELETE FROM cust"),
        FunctionFacts(language="sql", volatility="stable", arguments=("k",), body="nonsense"),
        FunctionFacts(language="sql", volatility="stable", arguments=("k",), body="SELECT label(k)"),
        FunctionFacts(language="c", volatility="immutable", arguments=("k",)),
        [LABEL, LABEL],
    ],
)
def test_every_other_function_is_opaque(facts: FunctionFacts | list[FunctionFacts]) -> None:
    command = asked("SELECT label(id) FROM orders", with_functions(label=facts))
    assert not command.complete
    assert "unknown_function" in command.features
    assert not only(command).proven


@pytest.mark.parametrize(
    ("call", "values", "shown"),
    [
        ("f(1)", "(SELECT max(ssn) FROM cust)", {"public.cust.ssn"}),
        ("f(k => 1)", "'a'::text, (SELECT max(ssn) FROM cust)", {"public.cust.ssn"}),
        ("f(1, 'x')", "(SELECT max(ssn) FROM cust)", set()),
        ("f(1)", "'a, b'::text", set()),
    ],
)
def test_an_argument_that_is_left_out_is_what_the_server_puts_in_for_it(
    call: str, values: str, shown: set[str]
) -> None:
    facts = FunctionFacts(
        language="sql", volatility="stable", arguments=("k", "t"), defaults=1, default_values=values, body="SELECT t"
    )
    command = asked(f"SELECT {call}", with_functions(f=facts))
    assert command.complete
    assert set(only(command).origins) == shown
    assert command.sql is not None
    assert set(command.sql.filters) == shown


@pytest.mark.parametrize("values", [None, "a b c", "1; DELETE FROM cust", "hidden()"])
def test_a_call_that_leaves_out_what_nobody_can_read_is_opaque(values: str | None) -> None:
    facts = FunctionFacts(
        language="sql", volatility="stable", arguments=("k", "t"), defaults=1, default_values=values, body="SELECT 1"
    )
    functions = with_functions(f=facts, hidden=FunctionFacts(language="plpgsql", arguments=()))
    assert not asked("SELECT f(1)", functions).complete
    assert asked("SELECT f(1, 2)", functions).complete


HIDDEN = FunctionFacts(language="plpgsql", volatility="stable", arguments=("k",))
TURNS = FunctionFacts(language="sql", volatility="immutable", arguments=("k",), body="SELECT k")


@pytest.mark.parametrize(
    ("text", "is_seen"),
    [
        ("SELECT id::mood FROM cust", False),
        ("SELECT CAST(1 AS public.mood)", False),
        ("SELECT 'a'::text::mood", False),
        ("SELECT ARRAY[1]::mood[]", False),
        ("SELECT 'a'::mood", True),
        ("SELECT mood 'a'", True),
        ("SELECT id::text FROM cust", True),
        ("SELECT 'x'::spied", False),
        ("SELECT id FROM cust WHERE name::spied = ''", False),
    ],
)
def test_a_cast_that_people_made_is_a_call_and_so_is_a_domains_check(text: str, is_seen: bool) -> None:
    functions = {"public.turned": HIDDEN, "public.looked": HIDDEN}
    casts, checks = {"mood": ("public.turned",)}, {"spied": ("public.looked",)}
    command = tree(
        text, catalog(functions=functions, types=("public.mood", "public.spied"), casts=casts, checks=checks)
    )
    assert command.complete is is_seen
    assert ("unknown_function" in command.features) is not is_seen
    readable = dict.fromkeys(functions, TURNS)
    assert tree(
        text, catalog(functions=readable, types=("public.mood", "public.spied"), casts=casts, checks=checks)
    ).complete


def test_a_cast_that_nobody_has_to_write_runs_in_every_statement() -> None:
    made = catalog(functions={"public.turned": HIDDEN}, casts={"mood": ("public.turned",), "*": ("public.turned",)})
    command = tree("SELECT id FROM cust", made)
    assert not command.complete
    assert not only(command).proven
    assert tree("BEGIN", made).complete
    assert tree("SET timezone = 'UTC'", made).complete


def test_a_cast_of_assignment_runs_where_something_is_stored() -> None:
    made = catalog(functions={"public.turned": HIDDEN}, casts={"mood": ("public.turned",), "=": ("public.turned",)})
    assert tree("SELECT id FROM cust", made).complete
    assert not tree("INSERT INTO orders (id) VALUES (1)", made).complete


def test_the_gravest_thing_a_body_calls_is_what_the_call_does() -> None:
    facts = FunctionFacts(language="sql", volatility="stable", arguments=(), body="SELECT nextval('s')")
    command = asked("SELECT f()", with_functions(f=facts))
    assert [item.effect.value for item in command.operations if item.kind == "call_function"] == ["write", "write"]


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        (FunctionFacts(arguments=("x",)), True),
        (FunctionFacts(arguments=("x", "y"), defaults=1), True),
        (FunctionFacts(arguments=("x",), variadic=True), True),
        (FunctionFacts(), True),
        (FunctionFacts(arguments=("x", "y")), False),
        (FunctionFacts(arguments=("x",), shadows=False), False),
    ],
)
def test_a_function_of_a_built_in_name_counts_where_a_call_may_mean_it(facts: FunctionFacts, counts: bool) -> None:
    command = asked("SELECT upper(name) FROM cust", with_functions(upper=facts))
    assert command.complete is not counts


@pytest.mark.parametrize(
    ("path", "counts"),
    [(("public",), False), (("pg_catalog", "public"), False), (("public", "pg_catalog"), True)],
)
def test_a_function_with_the_types_of_a_built_in_one_counts_where_it_is_searched_before(
    path: tuple[str, ...], counts: bool
) -> None:
    facts = FunctionFacts(arguments=("x",), shadows=False, repeats=True)
    command = tree("SELECT upper('x')", catalog(functions={"public.upper": facts}, search_path=path))
    assert command.complete is not counts


def test_an_empty_body_is_a_body_that_nobody_knows() -> None:
    facts = FunctionFacts(language="sql", volatility="stable", arguments=(), body="")
    assert not asked("SELECT f()", with_functions(f=facts)).complete


def test_an_operator_of_a_built_in_name_counts_in_the_path() -> None:
    command = tree("SELECT id FROM cust WHERE id = 1", catalog(operators=("public.=",)))
    assert "custom_operator" in command.features
    assert not command.complete
    assert tree("SELECT id FROM cust WHERE id = 1", catalog(operators=("other.=",))).complete


@pytest.mark.parametrize(
    ("call", "proven"),
    [
        ("unnest(tags)", True),
        ("unnest(t.tags)", True),
        ("unnest(rows)", False),
        ("unnest('{1}'::int[])", True),
        ("unnest('{1}'::mine[])", False),
        ("unnest(string_to_array(name, ','))", True),
    ],
)
def test_unnest_is_proven_where_the_array_holds_no_rows(call: str, proven: bool) -> None:
    relations = {"public.t": RelationFacts(("name", "tags", "rows"), ("text", "text[]", "public.pair[]"))}
    command = tree(f"SELECT u FROM t, {call} AS u", catalog(relations=relations, views={}))
    assert only(command).proven is proven


# --- columns that the server computes

MADE = {"public.t": RelationFacts(("id", "ssn", "ends"), generated={"ends": ("ssn",)})}


@pytest.mark.parametrize(
    "text", ["SELECT ends FROM t", "SELECT x.b FROM (SELECT t.ends AS b FROM t) x", "SELECT e FROM t AS u (i, s, e)"]
)
def test_a_computed_column_is_also_what_it_is_made_of(text: str) -> None:
    output = only(tree(text, catalog(relations=MADE, views={})))
    assert (output.origins, output.derived, output.proven) == (("public.t.ends", "public.t.ssn"), True, True)
    assert (output.calls, output.function) == (("column:generated",), "generated")


def test_other_columns_of_its_table_are_themselves() -> None:
    output = only(tree("SELECT ssn FROM t", catalog(relations=MADE, views={})))
    assert (output.origins, output.derived) == (("public.t.ssn",), False)


def test_a_filter_over_a_computed_column_is_one_over_what_it_is_made_of() -> None:
    command = tree("SELECT id FROM t WHERE ends = '1'", catalog(relations=MADE, views={}))
    assert command.sql is not None
    assert command.sql.filters == ("public.t.ends", "public.t.ssn")


def test_a_column_that_a_child_table_computes_is_found_by_its_parent() -> None:
    relations = {
        "public.up": RelationFacts(("id", "ends")),
        "public.t": RelationFacts(("id", "ends", "ssn"), parents=("public.up",), generated={"ends": ("ssn",)}),
    }
    output = only(tree("SELECT ends FROM up", catalog(relations=relations, views={})))
    assert output.origins == ("public.t.ends", "public.t.ssn", "public.up.ends")
    assert output.derived


# --- the document


def test_a_document_of_every_shape_is_read() -> None:
    names = read_catalog(
        {
            "search_path": ["public"],
            "relations": {
                "public.t": [{"name": "id", "type": "int4"}, "b"],
                "public.u": {"columns": ["id", "b"], "parents": ["public.t"], "generated": {"b": ["id"]}},
            },
            "views": {"public.v": {"definition": "SELECT b FROM t"}},
            "functions": {"public.f": [{"arguments": ["a"]}, {"effect": "read"}], "public.g": {}},
            "operators": ["public.+"],
        }
    )
    command = parse_sql("SELECT b FROM v", names).command
    assert only(command).origins == ("public.t.b", "public.u.b", "public.u.id", "public.v.b")


@pytest.mark.parametrize(
    "document",
    [
        {"relations": {"public.t": {"colums": []}}},
        {"functions": {"public.f": {"efect": "read"}}},
        {"functions": {"public.f": [{"bodies": ""}]}},
        {"views": {"public.v": {"query": "SELECT 1"}}},
        {"relations": {"public.t": {"columns": [], "parents": "public.u"}}},
        {"relations": {"public.t": {"columns": ["a"], "generated": {"a": "b"}}}},
        {"relations": {"public.t": {"columns": ["a"], "generated": ["a"]}}},
        {"operators": 7},
    ],
)
def test_a_misspelt_fact_is_refused(document: object) -> None:
    with pytest.raises(InputInvalid):
        read_catalog(document)


# --- conditions


@pytest.mark.parametrize(
    "condition",
    [
        "true", "1 = 1", "id = id", "cust.id = id", "NOT false", "1 = 1 OR id = 5", "id = 5 OR true", "id = 5 OR 'a' < 'b'",
        "id IS NULL OR id IS NOT NULL", "id IN (1, id)", "id BETWEEN id AND id", "(id = id) IS TRUE", "length('x') = 1",
        "coalesce(true, id = 5)", "EXISTS (SELECT 1)", "(SELECT true)", "now() > '2000-01-01'", "id >= id AND true",
        "lower(name) = lower(name)", "id::text = id::text", "'t'::bool", "$1", "name LIKE name", "id IS NOT DISTINCT FROM id",
    ],
)  # fmt: skip
def test_a_condition_that_leaves_no_row_out_is_none(condition: str) -> None:
    for text in (f"DELETE FROM cust WHERE {condition}", f"UPDATE cust SET amt = 0 WHERE {condition}"):
        command = tree(text)
        assert command.operations[0].has_where is False, text
        assert command.sql is not None
        assert not command.sql.has_where


@pytest.mark.parametrize(
    "condition",
    [
        "id = 5", "id = amt", "id = 5 AND 1 = 1", "id = 5 OR id = 6", "NOT id = 5", "name IS NULL", "id IN (1, 2)",
        "EXISTS (SELECT 1 FROM orders o WHERE o.cust_id = cust.id)", "id = (SELECT max(id) FROM orders)", "id = $1",
        "CURRENT OF c", "id IS NULL OR name IS NOT NULL", "lower(name) = 'x'", "o.id = cust.id",
    ],
)  # fmt: skip
def test_a_condition_that_picks_rows_counts(condition: str) -> None:
    using = "USING orders o" if "o." in condition and "EXISTS" not in condition else ""
    command = tree(f"DELETE FROM cust {using} WHERE {condition}")
    assert command.operations[0].has_where is True


def test_the_small_database_still_is_what_it_was() -> None:
    assert build_catalog(CatalogFacts(**{name: getattr(FACTS, name) for name in FACTS.__slots__})).version
