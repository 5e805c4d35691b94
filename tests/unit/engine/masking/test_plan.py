"""Which outputs are masked, and what keeps a plan from being proven."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.command.parse import parse_command
from engine.command.sql.parse import read_catalog
from engine.command.tree import Access, Command, Effect, Operation, Output, Sql, Target
from engine.masking.plan import Mask, Obstacle, Rewrite, Unplanned, concerns, plan_masks
from engine.masking.transforms import Method

PAN = "billing.cards.pan"
LAST4 = {"keep_last": 4}
PARTIAL = Mask("pci/PAN", Method.PARTIAL, (PAN,), params=LAST4)
CARDS = Target("table", "billing.cards", Access.READ, "billing", "cards", resolved=True)
SELECT = Operation("select", Effect.READ, ("top",), (CARDS,))


def command(sql: Sql | None, *operations: Operation, complete: bool = True, protocol: str = "postgres") -> Command:
    return Command(protocol, "", "", operations or (SELECT,), complete=complete, sql=sql)


def plain(*columns: str) -> tuple[Output, ...]:
    return tuple(Output(column.rpartition(".")[2], (column,), proven=True) for column in columns)


def reading(*columns: str, filters: tuple[str, ...] = ()) -> Sql:
    return Sql(
        reads=columns + filters,
        relations=("billing.cards",),
        filters=filters,
        outputs=plain(*columns),
        outputs_proven=True,
    )


def why(got: object, obstacle: Obstacle = Obstacle.UNPROVEN) -> str:
    assert isinstance(got, Unplanned)
    assert got.obstacle is obstacle
    assert got.rules
    return got.why


def test_a_plainly_selected_column_is_rewritten_where_it_stands() -> None:
    got = plan_masks([PARTIAL], command(reading("billing.cards.id", PAN)))
    assert got == (Rewrite(1, (PAN,), Method.PARTIAL, LAST4, ("pci/PAN",)),)


def test_without_masks_nothing_is_planned_even_for_what_nobody_understands() -> None:
    assert plan_masks([], command(None, complete=False)) == ()


def test_masks_that_concern_nothing_leave_an_empty_plan() -> None:
    assert plan_masks([PARTIAL], command(reading("billing.cards.id"))) == ()


@pytest.mark.parametrize(
    ("glob", "column", "expected"),
    [
        ("billing.cards.pan", PAN, True),
        ("*.*.card_number", "a.b.card_number", True),
        ("*.*.card_*", "a.b.card_number", True),
        ("*.*.card_?", "a.b.card_1", True),
        ("*.*.card_?", "a.b.card_12", False),
        ("cards.pan", PAN, True),
        ("pan", PAN, True),
        ("billing.*.pan", "shop.cards.pan", False),
        ("billing.cards.pan", "billing.cards.pan2", False),
        ("billing.c.rds.pan", PAN, True),
        ("billing.cards.PAN", PAN, True),
        ("billing.car.s", PAN, False),
        ("billing.cards.pan", "cards.pan", True),
        ("billing.cards.pan", "pan", True),
        ("billing.cards.pan", "cards.id", False),
        ("billing.cards.pan", "billing.odd.name.pan", True),
        ("billing.cards.pan", "billing.cards." + "x" * 256, True),
        ("billing.cards.pan", "billing.cards.*", True),
        ("billing.cards.pan", "billing.orders.*", False),
        ("billing.cards.pan", "?.cards.pan", True),
        ("billing.cards.pan", "?.orders.pan", False),
        ("billing.cards.pan", "billing.?.?", True),
        ("billing.cards.pan", 'billing.cards."pan"', True),
        ("billing.cards.a?b", 'billing.cards."a.b"', True),
        ("billing.cards.pan", 'billing.cards."a.b"', False),
        ("*.*.a+b", "x.y.a+b", True),
        ("*.*.a+b", "x.y.aab", False),
    ],
)
def test_globs_match_part_by_part_and_what_is_unknown_matches(glob: str, column: str, expected: bool) -> None:
    assert concerns(Mask("r", Method.NULL, (glob,)), column) is expected


def test_the_stricter_method_wins_whatever_the_order() -> None:
    masks = [PARTIAL, Mask("pci/HASH", Method.HASH, ("*.*.pan",), params={"key": "k1"})]
    got = plan_masks(masks, command(reading(PAN)))
    assert got == plan_masks(masks[::-1], command(reading(PAN)))
    assert got == (Rewrite(0, (PAN,), Method.HASH, {"key": "k1"}, ("pci/HASH", "pci/PAN")),)


def test_equal_methods_with_different_parameters_are_a_conflict() -> None:
    other = Mask("pci/OTHER", Method.PARTIAL, (PAN,), params={"keep_first": 6})
    text = why(plan_masks([PARTIAL, other], command(reading(PAN))), Obstacle.CONFLICT)
    assert "partial" in text


def test_a_conflict_below_a_stricter_mask_does_not_count() -> None:
    other = Mask("pci/OTHER", Method.PARTIAL, (PAN,), params={"keep_first": 6})
    drop = Mask("pci/DROP", Method.DROP, (PAN,))
    got = plan_masks([PARTIAL, drop, other], command(reading(PAN)))
    assert isinstance(got, tuple)
    assert got[0].method is Method.DROP


def test_an_output_of_several_origins_is_masked_as_its_strictest_origin() -> None:
    sql = replace(reading(PAN, "billing.cards.iban"), outputs=(Output("x", (PAN, "billing.cards.iban"), proven=True),))
    iban = Mask("pci/IBAN", Method.NULL, ("*.*.iban",))
    got = plan_masks([PARTIAL, iban], command(sql))
    assert got == (Rewrite(0, (PAN, "billing.cards.iban"), Method.NULL, {}, ("pci/IBAN", "pci/PAN")),)


def test_a_mask_by_value_pattern_is_not_proven_and_says_why() -> None:
    got = plan_masks([Mask("pii/MAIL", Method.REDACT, values=("pii.email",))], command(reading("billing.cards.id")))
    assert "masks by pattern are not proven" in why(got)


MAILS = Mask("pii/MAIL", Method.PARTIAL, values=("pii.email",), params=LAST4, within=("billing.cards.*",))
KEYS = Mask("sec/KEY", Method.REDACT, values=("secret.github_token", "pii.email"), within=("*.cards.note",))
NOTE = "billing.cards.note"


def test_values_within_columns_are_hidden_where_these_columns_are_shown() -> None:
    got = plan_masks([MAILS, KEYS], command(reading("billing.cards.id", NOTE)))
    assert got == (
        Rewrite(0, ("billing.cards.id",), Method.PARTIAL, LAST4, ("pii/MAIL",), values=("pii.email",)),
        Rewrite(1, (NOTE,), Method.REDACT, {}, ("pii/MAIL", "sec/KEY"), values=("pii.email", "secret.github_token")),
    )


def test_columns_with_values_are_guarded_as_masked_ones_are() -> None:
    assert "decides which rows" in why(plan_masks([KEYS], command(reading("billing.cards.id", filters=(NOTE,)))))
    copy = Operation("copy_to_file", Effect.EXECUTE, ("top",), (CARDS,))
    assert "`copy_to_file`" in why(plan_masks([KEYS], command(reading(NOTE), copy)))
    hidden = replace(reading("billing.cards.id"), reads=("billing.cards.id", NOTE))
    assert "no output" in why(plan_masks([KEYS], command(hidden)))
    assert plan_masks([KEYS], command(reading("billing.cards.id", filters=("billing.cards.id",)))) == ()


def test_what_is_computed_of_such_a_column_is_hidden_whole_or_not_at_all() -> None:
    total = replace(
        reading(NOTE), outputs=(Output("x", (NOTE,), proven=True, derived=True, calls=("pg_catalog.upper",)),)
    )
    assert plan_masks([MAILS, KEYS], command(total)) == (
        Rewrite(0, (NOTE,), Method.REDACT, {}, ("pii/MAIL", "sec/KEY")),
    )
    cut = replace(
        reading(NOTE), outputs=(Output("x", (NOTE,), proven=True, derived=True, calls=("pg_catalog.substr",)),)
    )
    assert "total functions" in why(plan_masks([KEYS], command(cut)))


def test_a_mask_of_the_whole_column_makes_the_strictest_of_all_one_of_the_whole() -> None:
    whole = Mask("pci/ALL", Method.PARTIAL, ("*.*.note",), params=LAST4)
    assert plan_masks([whole, KEYS], command(reading(NOTE))) == (
        Rewrite(0, (NOTE,), Method.REDACT, {}, ("pci/ALL", "sec/KEY")),
    )
    other = replace(MAILS, params={"keep_last": 2})
    assert why(plan_masks([whole, other], command(reading(NOTE))), Obstacle.CONFLICT)


def test_columns_to_look_within_are_for_sql_and_values_are_known_ones() -> None:
    for protocol in ("shell", "http", "mcp", "kubernetes", "ssh"):
        assert "`within` names columns" in why(plan_masks([MAILS], command(reading(NOTE), protocol=protocol)))
    unknown = replace(MAILS, values=("pii.nothing",))
    assert "`pii.nothing`" in why(plan_masks([unknown], command(reading(NOTE))))


def test_a_mask_may_permit_to_ask_what_a_column_is_equal_to() -> None:
    asked = replace(reading("billing.cards.id", filters=(PAN,)), equalities=(PAN,))
    shown = replace(reading(PAN, filters=(PAN,)), equalities=(PAN,))
    permits = replace(PARTIAL, permits_equality=True)
    assert plan_masks([permits], command(asked)) == ()
    assert plan_masks([permits], command(shown)) == (Rewrite(0, (PAN,), Method.PARTIAL, LAST4, ("pci/PAN",)),)
    assert "decides which rows" in why(plan_masks([PARTIAL], command(asked)))
    assert "decides which rows" in why(plan_masks([permits], command(replace(asked, equalities=()))))
    # Every mask that concerns it has to.
    assert "decides which rows" in why(plan_masks([permits, replace(PARTIAL, rule="pci/ALL")], command(asked)))


def test_columns_of_another_protocol_cannot_be_told() -> None:
    assert "`values` only" in why(plan_masks([PARTIAL], command(None, protocol="shell")))
    assert "`strange`" in why(plan_masks([PARTIAL], command(None, protocol="strange")))


def test_a_masked_column_in_a_filter_has_no_plan() -> None:
    for sql in (reading("billing.cards.id", filters=(PAN,)), reading(PAN, filters=(PAN,))):
        assert "decides which rows" in why(plan_masks([PARTIAL], command(sql)))


def test_a_masked_column_that_is_read_but_not_shown_has_no_plan() -> None:
    sql = replace(reading("billing.cards.id"), reads=(PAN, "billing.cards.id"))
    assert "no output" in why(plan_masks([PARTIAL], command(sql)))


@pytest.mark.parametrize(
    "operation",
    [
        Operation("insert", Effect.WRITE, ("top",)),
        Operation("create_table_as", Effect.CREATE, ("top",)),
        Operation("create_view", Effect.CREATE, ("top",)),
        Operation("copy_to_file", Effect.EXECUTE, ("top",)),
        Operation("copy_to_program", Effect.EXECUTE, ("top",)),
        Operation("prepare", Effect.SESSION, ("top",)),
        Operation("function", Effect.EXECUTE, ("function",)),
    ],
)
def test_a_masked_column_may_not_be_carried_elsewhere(operation: Operation) -> None:
    assert operation.kind in why(plan_masks([PARTIAL], command(reading(PAN), operation, SELECT)))


def test_writing_a_masked_column_shows_nothing() -> None:
    insert = Operation("insert", Effect.WRITE, ("top",), (replace(CARDS, access=Access.WRITE, resolved=False),))
    sql = Sql(writes=(PAN,), relations=("billing.cards",), outputs=(), outputs_proven=True)
    assert plan_masks([PARTIAL], command(sql, insert)) == ()


def test_deleted_rows_are_shown_masked() -> None:
    delete = Operation("delete", Effect.DELETE, ("top",), (CARDS,))
    got = plan_masks([PARTIAL], command(reading(PAN), delete))
    assert isinstance(got, tuple)
    assert [item.output for item in got] == [0]


def test_what_could_not_be_read_to_the_bottom_has_no_plan() -> None:
    assert "bottom" in why(plan_masks([PARTIAL], command(reading("billing.cards.id"), complete=False)))


@pytest.mark.parametrize(
    "operation",
    [
        Operation("unknown", Effect.READ, ("top",)),
        Operation("select", Effect.UNKNOWN, ("top",)),
        Operation("select", Effect.READ, ("top",), (replace(CARDS, resolved=False),)),
        Operation("select", Effect.READ, ("top",), (replace(CARDS, type="view", resolved=False),)),
        Operation("select", Effect.READ, ("top",), (replace(CARDS, type="foreign_table"),)),
    ],
)
def test_what_nobody_resolved_has_no_plan(operation: Operation) -> None:
    why(plan_masks([PARTIAL], command(reading("billing.cards.id"), operation)))


def test_outputs_that_cannot_be_traced_have_no_plan() -> None:
    sql = Sql(relations=("billing.cards",), outputs=None)
    assert "billing.cards" in why(plan_masks([PARTIAL], command(sql)))
    sql = replace(reading("billing.cards.id"), outputs_proven=False)
    assert "billing.cards" in why(plan_masks([PARTIAL], command(sql)))
    sql = replace(reading(), outputs=(Output("c", proven=False),))
    assert "billing.cards" in why(plan_masks([PARTIAL], command(sql)))
    assert "cannot be traced" in why(plan_masks([PARTIAL], command(replace(sql, relations=()))))


def test_far_from_any_masked_column_an_untraced_one_may_still_come_through_a_view() -> None:
    seen = Operation("select", Effect.READ, ("top",), (replace(CARDS, name="public.orders"),))
    assert "orders" in why(plan_masks([PARTIAL], command(Sql(relations=("public.orders",), outputs=None), seen)))


def test_an_unproven_output_of_a_masked_origin_has_no_plan_wherever_it_is_read() -> None:
    sql = Sql(reads=(PAN,), outputs=(Output("c", (PAN,), proven=False),), outputs_proven=True)
    assert "traced" in why(plan_masks([PARTIAL], command(sql)))


@pytest.mark.parametrize("kind", ["fetch", "execute"])
def test_rows_that_another_command_decided_have_no_plan(kind: str) -> None:
    operation = Operation(kind, Effect.READ, ("top",))
    assert "not written in the command" in why(plan_masks([PARTIAL], command(Sql(), operation)))


def test_a_command_without_result_needs_no_plan() -> None:
    sql = Sql(outputs=(), outputs_proven=True)
    assert plan_masks([PARTIAL], command(sql, Operation("begin", Effect.SESSION, ("top",)))) == ()


def test_statistics_hold_values_of_other_tables() -> None:
    stats = replace(CARDS, name="pg_catalog.pg_stats", type="table")
    sql = Sql(relations=("pg_catalog.pg_stats",), outputs=(Output("x", proven=True),), outputs_proven=True)
    got = plan_masks([PARTIAL], command(sql, Operation("select", Effect.READ, ("top",), (stats,))))
    assert "samples" in why(got)


def test_the_servers_own_catalogs_are_read_freely_and_what_they_hold_is_masked_by_name_only() -> None:
    classes = replace(CARDS, name="pg_catalog.pg_class", resolved=False)
    reads = Operation("select", Effect.READ, ("top",), (classes,))
    sql = Sql(relations=("pg_catalog.pg_class",), outputs=(Output("relname"),))
    anywhere = Mask("pci/ANY", Method.REDACT, ("*.*.pan", "secret"))
    assert plan_masks([anywhere], command(sql, reads)) == ()
    assert "pg_class" in why(plan_masks([Mask("m", Method.NULL, ("pg_*.pg_class.*",))], command(sql, reads)))
    mixed = replace(sql, relations=("pg_catalog.pg_class", "billing.cards"))
    assert "billing.cards" in why(plan_masks([anywhere], command(mixed, reads)))
    origin = "pg_catalog.pg_authid.secret"
    named = replace(sql, reads=(origin,), outputs=(Output("x", (origin,)),))
    assert "`x`" in why(plan_masks([anywhere], command(named, reads)))


REAL = {
    "search_path": ["public"],
    "relations": {
        "public.orders": ["id", "total"],
        "billing.cards": ["id", "pan", "name"],
        "public.pans": ["seen", "id"],
    },
    "views": {"public.open_view": None, "public.pans": "SELECT pan AS seen, id FROM billing.cards"},
    "cursors": {"known": "SELECT id, pan FROM billing.cards", "asks": "SELECT id FROM billing.cards ORDER BY pan"},
}


@pytest.mark.parametrize(
    ("text", "planned"),
    [
        ("SELECT id, pan FROM billing.cards", [1]),
        ("SELECT * FROM billing.cards WHERE id = 7 ORDER BY name LIMIT 3", [1]),
        ("SELECT c.pan AS x, o.total FROM billing.cards c JOIN orders o ON o.id = c.id", [0]),
        ("WITH w AS (SELECT pan AS p, id FROM billing.cards) SELECT id, p FROM w", [1]),
        ("DELETE FROM billing.cards WHERE id = 1 RETURNING pan", [0]),
        ("SELECT count(*) FROM billing.cards", []),
        ("SELECT total FROM orders", []),
        ("INSERT INTO billing.cards (id, pan) VALUES (1, '4')", []),
        ("BEGIN", []),
        ("SHOW work_mem", []),
        ("SELECT relname FROM pg_catalog.pg_class", []),
        ("SELECT id, seen FROM pans", [1]),
        ("SELECT pan FROM billing.cards UNION ALL SELECT name FROM billing.cards", [0]),
        ("SELECT id FROM pans WHERE seen = '4'", None),
        ("SELECT pan FROM billing.cards EXCEPT ALL SELECT '4'", None),
        ("SELECT pan FROM billing.cards INTERSECT SELECT '4'", None),
        ("SELECT pan FROM billing.cards UNION SELECT name FROM billing.cards", None),
        ("SELECT id FROM billing.cards WHERE pan LIKE '4%'", None),
        ("SELECT pan FROM billing.cards ORDER BY pan", None),
        ("SELECT DISTINCT pan FROM billing.cards", None),
        ("SELECT pan, count(*) FROM billing.cards GROUP BY pan", None),
        ("SELECT max(pan) FROM billing.cards", None),
        ("SELECT pan::int FROM billing.cards", None),
        ("SELECT upper(pan), id FROM billing.cards", [0]),
        ("SELECT lower(left(pan, 4)) || name FROM billing.cards", [0]),
        ("SELECT (SELECT pan) FROM billing.cards", [0]),
        ("SELECT coalesce(pan, name) FROM billing.cards", [0]),
        ("SELECT concat(pan, 1 / (id - 5)) FROM billing.cards", None),
        ("SELECT upper(substr(pan, 1, id)) FROM billing.cards", None),
        ("SELECT pan = '4' FROM billing.cards", None),
        ("SELECT count(pan) FROM billing.cards", None),
        ("SELECT public.upper(pan) FROM billing.cards", None),
        ("SELECT format('%s', pan) FROM billing.cards", None),
        ("SELECT CASE WHEN pan = '4' THEN 1 ELSE 1/0 END FROM billing.cards", None),
        ("SELECT c FROM billing.cards c", None),
        ("SELECT row_to_json(c) FROM billing.cards c", None),
        ("SELECT (SELECT pan FROM billing.cards LIMIT 1) = '4'", None),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM billing.cards WHERE pan = '4')", None),
        ("SELECT o.id FROM orders o JOIN billing.cards c ON c.pan = o.total::text", None),
        ("INSERT INTO orders SELECT 1, pan FROM billing.cards", None),
        ("CREATE TABLE copied AS SELECT pan FROM billing.cards", None),
        ("SELECT pan INTO copied FROM billing.cards", None),
        ("CREATE VIEW seen AS SELECT pan FROM billing.cards", None),
        ("CREATE TEMP TABLE t AS TABLE billing.cards", None),
        ("COPY billing.cards TO STDOUT", [1]),
        ("COPY (SELECT pan FROM billing.cards) TO STDOUT", [0]),
        ("COPY (SELECT name, lower(pan) FROM billing.cards) TO STDOUT", [1]),
        ("COPY (SELECT name FROM billing.cards WHERE pan = '4') TO STDOUT", None),
        ("COPY (DELETE FROM billing.cards RETURNING pan) TO STDOUT", [0]),
        ("COPY (UPDATE billing.cards SET name = pan RETURNING name) TO STDOUT", None),
        ("COPY billing.cards TO '/tmp/x'", None),
        ("COPY billing.cards TO PROGRAM 'x'", None),
        ("UPDATE orders SET total = (SELECT pan FROM billing.cards LIMIT 1)", None),
        ("UPDATE billing.cards SET name = pan RETURNING name", None),
        ("DECLARE c CURSOR FOR SELECT pan FROM billing.cards", [0]),
        ("DECLARE c CURSOR FOR SELECT name FROM billing.cards WHERE pan = '4'", None),
        ("DECLARE c CURSOR FOR SELECT name FROM billing.cards; FETCH c", None),
        ("FETCH ALL FROM known", [1]),
        ("FETCH known", [1]),
        ("MOVE known", []),
        ("FETCH ALL FROM asks", None),
        ("SELECT cursor_to_xml('known', 1, true, true, '')", None),
        ("DO $$ DECLARE r record; c refcursor := 'known'; BEGIN FETCH c INTO r; RAISE NOTICE '%', r; END $$", None),
        ("PREPARE p AS SELECT pan FROM billing.cards", None),
        ("EXECUTE p", None),
        ("FETCH ALL FROM c", None),
        ("DO $$ BEGIN PERFORM pan FROM billing.cards; END $$", None),
        ("DO LANGUAGE plperl $$ x $$", None),
        ("SELECT my_function(1)", None),
        ("SELECT * FROM open_view", None),
        ("SELECT * FROM nowhere", None),
        ("SELECT most_common_vals FROM pg_stats", None),
        ("SELECT query_to_xml('select pan from billing.cards', true, true, '')", None),
        ("SELECT 1; SELECT pan FROM billing.cards", None),
        ("ALTER TABLE billing.cards RENAME TO other", None),
        ("ALTER INDEX billing.cards RENAME TO other", None),
        ("ALTER TABLE billing.cards RENAME pan TO other", None),
        ("ALTER TABLE billing.cards RENAME COLUMN name TO other", []),
        ("ALTER TABLE billing.cards RENAME CONSTRAINT a TO b", []),
        ("ALTER TYPE billing.cards RENAME ATTRIBUTE pan TO other", None),
        ("ALTER TABLE billing.cards SET SCHEMA public", None),
        ("ALTER TABLE cards RENAME TO other", None),
        ("ALTER SCHEMA billing RENAME TO other", None),
        ("ALTER SCHEMA public RENAME TO other", []),
        ("ALTER TABLE orders RENAME TO other", []),
        ("ALTER TABLE orders RENAME total TO other", []),
        ("ALTER TABLE orders SET SCHEMA billing", []),
        ("ALTER INDEX orders_pkey RENAME TO other", []),
        ("ALTER FUNCTION my_function(int) RENAME TO other", []),
        ("ALTER DOMAIN d SET SCHEMA billing", []),
        ("DO $$ BEGIN EXECUTE 'ALTER TABLE billing.cards RENAME TO other'; END $$", None),
        ("ALTER TABLE billing.cards DETACH PARTITION orders", None),
        ("ALTER TABLE billing.cards DETACH PARTITION orders CONCURRENTLY", None),
        ("ALTER TABLE orders NO INHERIT billing.cards", None),
        ("ALTER TABLE orders INHERIT billing.cards", []),
        ("ALTER TABLE orders DETACH PARTITION pans", []),
        ("CREATE TRIGGER t BEFORE UPDATE ON billing.cards FOR EACH ROW EXECUTE FUNCTION f()", None),
        ("CREATE TRIGGER t AFTER UPDATE OF name ON billing.cards EXECUTE FUNCTION f()", None),
        ("CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION f()", []),
        ("ALTER TABLE billing.cards ADD UNIQUE (pan)", None),
        ("ALTER TABLE billing.cards ADD PRIMARY KEY (id)", []),
        ("ALTER TABLE billing.cards ADD FOREIGN KEY (pan) REFERENCES orders (total)", None),
        ("ALTER TABLE billing.cards ADD FOREIGN KEY (id) REFERENCES orders (id)", []),
        ("ALTER TABLE orders ADD FOREIGN KEY (total) REFERENCES billing.cards (pan)", None),
        ("CREATE TABLE guesses (pan text REFERENCES billing.cards (pan))", None),
        ("CREATE TABLE notes (card int REFERENCES billing.cards (id))", []),
        ("SELEKT", None),
    ],
)
def test_real_statements(text: str, planned: list[int] | None) -> None:
    got = plan_masks([PARTIAL], parse_command("postgres", text, read_catalog(REAL)).command)
    if planned is None:
        why(got)
    else:
        assert isinstance(got, tuple), got
        assert [item.output for item in got] == planned


def derived(*calls: str | None) -> Sql:
    named = None if calls == (None,) else tuple(call for call in calls if call is not None)
    return replace(reading(PAN), outputs=(Output("x", (PAN,), derived=True, proven=True, calls=named),))


def test_a_value_computed_by_total_functions_is_redacted_whole() -> None:
    got = plan_masks([PARTIAL], command(derived("pg_catalog.upper", "op:||")))
    assert got == (Rewrite(0, (PAN,), Method.REDACT, {}, ("pci/PAN",)),)


def test_a_computed_value_keeps_a_method_stricter_than_redact() -> None:
    got = plan_masks([Mask("pci/N", Method.NULL, (PAN,))], command(derived("lower")))
    assert isinstance(got, tuple)
    assert got[0].method is Method.NULL


@pytest.mark.parametrize(
    "sql", [derived(None), derived("cast:int4"), derived("upper", "op:/"), derived("public.upper")]
)
def test_a_value_computed_by_what_may_raise_has_no_plan(sql: Sql) -> None:
    assert "total" in why(plan_masks([PARTIAL], command(sql)))


def test_a_mask_over_every_column_of_a_relation_masks_each() -> None:
    got = plan_masks([Mask("all", Method.NULL, ("billing.cards.*",))], command(reading("billing.cards.id", PAN)))
    assert isinstance(got, tuple)
    assert [item.output for item in got] == [0, 1]


def asked_over_http(text: bytes = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n") -> Command:
    return parse_command("http", text).command


def test_answers_over_http_are_planned_by_path() -> None:
    masks = [
        Mask("a/X", Method.PARTIAL, paths=("$.a", "$..b"), params=LAST4),
        Mask("a/Y", Method.REDACT, paths=("$.A",)),
        Mask("a/Z", Method.PARTIAL, paths=("$..b",), params=LAST4),
    ]
    assert plan_masks(masks, asked_over_http()) == (
        Rewrite(None, (), Method.PARTIAL, LAST4, ("a/X", "a/Z"), "$..b"),
        Rewrite(None, (), Method.REDACT, {}, ("a/X", "a/Y"), "$.a"),
    )


def test_objects_of_kubernetes_are_planned_by_path_and_what_containers_say_is_not() -> None:
    masks = (Mask("r/A", Method.REDACT, paths=("$.data.*",)),)

    def asked(line: str) -> Command:
        return parse_command("kubernetes", f"{line} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).command

    planned = (Rewrite(None, (), Method.REDACT, {}, ("r/A",), "$.data.*"),)
    for line in (
        "GET /api/v1/namespaces/t/secrets/a",
        "GET /api/v1/secrets",
        "GET /api/v1/secrets?watch=1",
        "DELETE /api/v1/namespaces/t/secrets/a",
    ):
        assert plan_masks(masks, asked(line)) == planned, line
    by_value = (Mask("r/V", Method.REDACT, values=("pii.email",)),)
    for line in (
        "GET /api/v1/namespaces/t/pods/a/exec?command=env",
        "GET /api/v1/namespaces/t/pods/a/exec?command=kubectl&command=get&command=pods",
        "GET /api/v1/namespaces/t/pods/a/exec?command=sh&command=-c&command=cat%20x%3B%20$(y)",
        "GET /api/v1/namespaces/t/pods/a/log",
        "GET /api/v1/namespaces/t/pods/a/attach",
        "GET /api/v1/namespaces/t/pods/a/exec?command=sh&stdin=1&tty=1 HTTP/1.1\r\nsallyport-shell: guarded\r\nx: ",
    ):
        assert "`values` only" in why(plan_masks(masks, asked(line))), line
        assert "`values` only" in why(plan_masks((*masks, *by_value), asked(line))), line
        (item,) = plan_masks(by_value, asked(line))
        assert (item.origins, item.path, item.output) == (("pii.email",), None, None), line
    for line in (
        "GET /api/v1/namespaces/t/services/a/proxy/x",
        "GET /api/v1/namespaces/t/pods/a/portforward",
        "GET /api/v1/namespaces/t/pods/a",
    ):
        said = why(plan_masks(by_value, asked(line)))
        assert "no paths" in said or "`paths` only" in said, line
    assert "bytes" in why(
        plan_masks(by_value, asked("GET /api/v1/namespaces/t/pods/a/exec?command=rsync&command=--server"))
    )
    assert why(plan_masks((Mask("r/A", Method.REDACT, columns=("a.b.c",)),), asked("GET /api/v1/secrets")))


def test_over_http_nothing_else_is_proven() -> None:
    path = Mask("a/X", Method.REDACT, paths=("$.a",))
    for masks, text in (
        ([Mask("a/X", Method.REDACT, columns=("a",), paths=("$.a",))], None),
        ([Mask("a/X", Method.REDACT, values=("secret.*",))], None),
        ([path], b"BREW /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        ([path], b"POST /a HTTP/1.1\r\nHost: a\r\nSallyport-Unread-Body: 5\r\n\r\n"),
    ):
        why(plan_masks(masks, asked_over_http() if text is None else asked_over_http(text)))
    several = [
        Mask("a/X", Method.PARTIAL, paths=("$.a",), params=LAST4),
        Mask("a/Y", Method.PARTIAL, paths=("$.a",), params={"keep_last": 1}),
    ]
    why(plan_masks(several, asked_over_http()), Obstacle.CONFLICT)


def test_messages_of_a_websocket_are_planned_by_path_and_by_pattern() -> None:
    upgrade = asked_over_http(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    masks = [Mask("a/X", Method.REDACT, paths=("$.a",)), Mask("a/Y", Method.REDACT, values=("pii.credit_card",))]
    assert plan_masks(masks, upgrade) == (
        Rewrite(None, (), Method.REDACT, {}, ("a/X",), "$.a"),
        Rewrite(None, ("pii.credit_card",), Method.REDACT, {}, ("a/Y",)),
    )
    assert "messages" in why(plan_masks([Mask("a/X", Method.REDACT, columns=("a",))], upgrade))


def test_paths_prove_nothing_of_sql() -> None:
    why(plan_masks([Mask("a/X", Method.REDACT, paths=("$.a",))], command(reading(PAN))))


def run_as(text: str, protocol: str = "shell") -> Command:
    return parse_command(protocol, text.encode()).command


def test_what_programs_write_is_masked_by_value() -> None:
    masks = [
        Mask("a/X", Method.REDACT, values=("secret.github_*",)),
        Mask("a/Y", Method.HASH, values=("pii.email",), params={"key": "k"}),
    ]
    planned = plan_masks(masks, run_as("cat /etc/app.conf | grep key"))
    assert not isinstance(planned, Unplanned)
    (item,) = planned
    assert (item.output, item.path, item.method, item.rules) == (None, None, Method.REDACT, ("a/X", "a/Y"))
    assert "pii.email" in item.origins
    assert "secret.github_token" in item.origins
    # Nobody can say what a program does to a value, seen to the bottom or not; that is for rules.
    assert not isinstance(plan_masks(masks, run_as("$(x) | rev")), Unplanned)
    for text in ("shell guarded", "shell raw", "terminal", 'screen "less"'):
        assert not isinstance(plan_masks(masks, run_as(text, "ssh")), Unplanned), text


def test_bytes_that_pass_are_not_masked() -> None:
    masks = [Mask("a/X", Method.REDACT, values=("secret.*",))]
    for text in (
        "scp -f /etc/x",
        "rsync --server --sender . /etc",
        "git-upload-pack 'x'",
        "/usr/lib/openssh/sftp-server",
        "git upload-pack x",
    ):
        assert "protocol of bytes" in why(plan_masks(masks, run_as(text))), text
    for text in ('sftp read "/etc/x"', 'subsystem "sftp"', 'connect "db" "5432"'):
        assert "carries" in why(plan_masks(masks, run_as(text, "ssh"))), text
    for mask in (Mask("a/X", Method.REDACT, columns=("a.b.c",)), Mask("a/X", Method.REDACT, paths=("$.a",))):
        assert "`values` only" in why(plan_masks([*masks, mask], run_as("ls")))
    assert not isinstance(plan_masks(masks, run_as("git log; rsync -a a b; scp a b")), Unplanned)
    assert why(plan_masks([Mask("a/X", Method.REDACT, values=("secret.nonesuch",))], run_as("ls")))


def test_masks_of_output_that_contradict_each_other_have_no_plan() -> None:
    masks = [
        Mask("a/X", Method.PARTIAL, values=("secret.*",), params=LAST4),
        Mask("a/Y", Method.PARTIAL, values=("pii.*",), params={"keep_last": 1}),
    ]
    why(plan_masks(masks, run_as("ls")), Obstacle.CONFLICT)
