"""Texts that try to see columns: grown at random from ways that could show a value, in results and beside them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.e2e.canaries.schema import Column, Table

_WRAPS = (
    *("{}", "{}", "{}", "{}::text", "({})", "coalesce({}, null)", "max({})", "min({})", "array_agg({})", "to_json({})"),
    *("md5({}::text)", "substr({}::text, 3)", "reverse({}::text)", "left({}::text, 9)", "upper({}::text)"),
    *("({} || '')", "concat({}, '-')", "format('%s', {})", "quote_literal({})", "string_agg({}::text, ',')"),
    *(
        "encode({}::text::bytea, 'hex')",
        "encode({}::text::bytea, 'base64')",
        "ARRAY[{}]",
        "ROW({})",
        "jsonb_build_object('a', {})",
    ),
    *(
        "length({}::text)",
        "{} IS NULL",
        "CASE WHEN {} IS NULL THEN 'a' ELSE 'b' END",
        "(SELECT {})",
        "first_value({}) OVER ()",
    ),
    *(
        "xmlforest({} AS a)::text",
        "regexp_replace({}::text, 'a', 'b')",
        "translate({}::text, 'a', 'b')",
        "convert_to({}::text, 'UTF8')",
    ),
    *(
        "nullif({}, null)",
        "lag({}) OVER (ORDER BY 1)",
        "to_jsonb({}) #>> '{{}}'",
        "unnest(ARRAY[{}])",
        "count({})",
        "(ARRAY[{}])[1]",
    ),
    *(
        "cast({} AS varchar)",
        "overlay({}::text placing 'x' from 1)",
        "split_part({}::text, 'a', 1)",
        "{}::text::int",
        "{}::text::date",
    ),
    *("1 / length(left({}::text, 0))", "int4({}::text)", "{}::text::xml", "({}::text)::json", "row_to_json(ROW({}))"),
)
_OF_TYPE = {
    "jsonb": ("{} -> 'k'", "{} ->> 'k'", "{} #> '{{l,1}}'", "jsonb_path_query({}, '$.k')", "jsonb_pretty({})"),
    "text[]": ("{}[1]", "array_to_string({}, ',')", "unnest({})", "cardinality({})", "{}[1:1]"),
    "int8": (
        "{} + 1",
        "{} % 1000000000",
        "to_char({}, '999999999999999')",
        "sum({})",
        "to_hex({})",
        "{}::int4",
        "int8send({})",
    ),
    "int8range": ("lower({})", "upper({})", "{} * '[0,)'::int8range", "range_merge({}, {})"),
    "bytea": ("encode({}, 'escape')", "convert_from({}, 'UTF8')", "substring({} from 2)", "get_byte({}, 1)"),
}


@dataclass(frozen=True)
class Writer:
    """Grows texts over some tables."""

    tables: tuple[Table, ...]
    chance: random.Random

    def text(self) -> str:
        """One statement (now and then several), inside no transaction."""
        ways = (
            *([self._select] * 10),
            *([self._beside] * 4),
            *([self._write] * 4),
            self._copy,
            self._explain,
            self._cursor,
            self._prepared,
            self._several,
        )
        return self.chance.choice(ways)()

    def _table(self) -> Table:
        return self.chance.choice(self.tables)

    def _column(self, table: Table) -> Column:
        masked = [column for column in table.columns if column.masked]
        return self.chance.choice(masked if self.chance.random() < 0.7 else table.columns)

    def _expression(self, column: Column, of: str = "") -> str:
        text = f"{of}{column.name}"
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            wraps = _WRAPS + _OF_TYPE.get(column.type, ()) * 3
            text = self.chance.choice(wraps).format(*[text] * 2)
        return text

    def _columns(self, table: Table, of: str = "") -> str:
        return ", ".join(self._expression(self._column(table), of) for _ in range(self.chance.randrange(1, 4)))

    def _select(self) -> str:
        chance, table = self.chance, self._table()
        other = self._table()
        column, plain = self._column(table), chance.choice(table.columns)
        full = table.full
        shapes = (
            lambda: f"SELECT {self._columns(table)} FROM {full}",
            lambda: f"SELECT {column.name} AS a, {plain.name} AS b FROM {full} LIMIT 2",
            lambda: f"SELECT * FROM {full}",
            lambda: f"TABLE {full}",
            lambda: f"SELECT x.* FROM {full} AS x",
            lambda: f"SELECT {self._columns(table, 'x.')} FROM {full} x JOIN {other.full} y ON true LIMIT 3",
            lambda: f"SELECT a FROM (SELECT {self._expression(column)} AS a FROM {full}) AS q",
            lambda: f"WITH q AS (SELECT {self._columns(table)} FROM {full}) SELECT * FROM q",
            lambda: f"WITH q AS MATERIALIZED (SELECT * FROM {full}) SELECT q.{column.name} FROM q",
            lambda: (
                f"SELECT {column.name}::text FROM {full} UNION SELECT {self._column(other).name}::text FROM {other.full}"
            ),
            lambda: f"SELECT 'x' UNION ALL SELECT {self._expression(column)}::text FROM {full}",
            lambda: f"SELECT q.a FROM {full} x, LATERAL (SELECT {self._expression(column, 'x.')} AS a) AS q",
            lambda: f"SELECT {table.name} FROM {full}",
            lambda: f"SELECT row_to_json({table.name}) FROM {full}",
            lambda: f"SELECT to_jsonb(x) - 'id' FROM {full} x",
            lambda: f"SELECT (SELECT {self._expression(column)} FROM {full} LIMIT 1)",
            lambda: f"VALUES ((SELECT {column.name}::text FROM {full} LIMIT 1))",
            lambda: f"SELECT id FROM {full} WHERE {column.name} IS NOT NULL ORDER BY {column.name}".replace(
                "id", plain.name, 1
            ),
            lambda: f"SELECT {self._expression(column)}, count(*) FROM {full} GROUP BY 1",
            lambda: f"SELECT DISTINCT ON ({column.name}) {column.name} FROM {full}",
            lambda: f"SELECT {plain.name} FROM {full} WHERE {column.name}::text LIKE 'b%'",
            lambda: f"SELECT query_to_xml('select {column.name} from {full}', true, false, '')",
            lambda: f"SELECT array(SELECT {column.name} FROM {full})",
            lambda: (
                f"SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE tablename = '{table.name}'"
            ),
            lambda: "SELECT query FROM pg_stat_activity",
            lambda: f"SELECT t.a FROM {full} AS t({', '.join('abcdefghij'[: len(table.columns)])})",
            lambda: f"SELECT x.{column.name} FROM {full} x NATURAL JOIN {full} y",
            lambda: f"SELECT {column.name} FROM ONLY {full} TABLESAMPLE system (100)",
            lambda: f"SELECT json_agg(q) FROM (SELECT {column.name} FROM {full}) q",
            lambda: f"SELECT max(a) FROM (SELECT {column.name}::text FROM {full}) AS q(a)",
            lambda: f"SELECT {column.name} FROM {full} FOR UPDATE",
            lambda: f"(SELECT {column.name}::text FROM {full}) EXCEPT SELECT 'a' ORDER BY 1",
            lambda: f"SELECT string_agg(a, '') FROM (SELECT {self._expression(column)}::text AS a FROM {full}) q",
        )
        return chance.choice(shapes)()

    def _beside(self) -> str:
        """Channels beside the result."""
        table = self._table()
        column, full = self._column(table), table.full
        one = f"(SELECT {column.name}::text FROM {full} LIMIT 1)"
        return self.chance.choice(
            (
                f"SELECT {one}::int",
                f"SELECT id FROM {full} WHERE {column.name}::text::int = 1".replace("id", table.columns[0].name),
                f"SELECT 1 / (CASE WHEN {one} LIKE 'b%' THEN 0 ELSE 1 END)",
                f"SELECT set_config('application_name', {one}, false)",
                f"SELECT set_config('DateStyle', {one}, false)",
                f"SELECT set_config('TimeZone', {one}, false)",
                f"SELECT pg_notify('news', {one})",
                f"SELECT pg_notify({one}, 'x')",
                f"DO $$ BEGIN RAISE NOTICE '%', {one}; END $$",
                f"DO $$ BEGIN PERFORM {one}::int; END $$",
                f"SELECT to_regclass({one})::text, {one}::regclass",
                f"SELECT to_timestamp({one}, 'YYYY')",
                f"SELECT jsonb_path_query('{{}}', {one}::jsonpath)",
                f"SELECT regexp_match('a', '[' || {one})",
                f"SELECT current_setting({one})",
                f"SELECT lo_from_bytea(0, {one}::bytea)",
                f"SELECT pg_sleep({one}::float)",
                f"SELECT xmlparse(document {one})",
                f"SELECT nextval({one})",
                f"SELECT format({one})",
                f"SELECT {one}::bit(8), {one}::uuid",
                f"SELECT decode({one}, 'hex')",
                f"SELECT enum_range(null::{table.schema}.{table.name})",
                f"CREATE TEMP TABLE l{self.chance.randrange(999)} AS SELECT {column.name} FROM {full}",
                f"SELECT {column.name} INTO TEMP k{self.chance.randrange(999)} FROM {full}",
                f"ALTER TABLE {full} ADD CHECK ({column.name} IS NULL)",
                f"CREATE UNIQUE INDEX ON {full} ((left({column.name}::text, 0)))",
                f"ALTER TABLE {full} ALTER {column.name} TYPE int USING {column.name}::text::int",
                f"LISTEN news; SELECT pg_notify('news', {one})",
            )
        )

    def _write(self) -> str:
        """Writers are told values in the details of errors."""
        table = self.chance.choice([table for table in self.tables if table.columns[0].name == "id"])
        column, full = self._column(table), table.full
        names = ", ".join(column.name for column in table.columns)
        return self.chance.choice(
            (
                f"UPDATE {full} SET n = -1",
                f"UPDATE {full} SET n = -1 WHERE id = 1",
                f"UPDATE {full} SET {table.columns[1].name} = NULL",
                f"UPDATE {full} SET id = 1",
                f"UPDATE {full} SET n = length({column.name}::text)",
                f"UPDATE {full} SET n = n + 1 RETURNING *",
                f"UPDATE {full} SET n = n + 1 RETURNING {self._expression(column)}",
                f"UPDATE {full} SET n = {column.name}::text::int",
                f"DELETE FROM {full} RETURNING {column.name}",
                f"DELETE FROM {full} WHERE id = 1 RETURNING *",
                f"INSERT INTO {full} ({names}) SELECT {names} FROM {full}",
                f"INSERT INTO {full} ({names}) SELECT {names} FROM {full} ON CONFLICT DO NOTHING RETURNING {column.name}",
                f"INSERT INTO {full} SELECT * FROM {full} ON CONFLICT (id) DO UPDATE SET n = -5",
                f"INSERT INTO {full} (id, n) SELECT id + 100, n FROM {full}",
                f"WITH d AS (DELETE FROM {full} RETURNING *) SELECT {column.name} FROM d",
                f"MERGE INTO {full} x USING {full} y ON x.id = y.id WHEN MATCHED THEN UPDATE SET n = -2",
            )
        )

    def _copy(self) -> str:
        table = self._table()
        column, full = self._column(table), table.full
        shown = self.chance.choice(
            (
                *("", " (FORMAT csv)", " (FORMAT binary)", " CSV HEADER", " (NULL '')", " (DELIMITER '|', HEADER)"),
                *(
                    " (FORMAT csv, NULL 'x', FORCE_QUOTE *)",
                    " (NULL 'x')",
                    " CSV QUOTE '7' ESCAPE '8'",
                    " CSV DELIMITER '1'",
                ),
            )
        )
        return self.chance.choice(
            (
                f"COPY {full} TO STDOUT{shown}",
                f"COPY {full} ({column.name}) TO STDOUT{shown}",
                f"COPY (SELECT {self._expression(column)} FROM {full}) TO STDOUT{shown}",
                f"COPY {full} FROM STDIN",
            )
        )

    def _explain(self) -> str:
        options = self.chance.choice(("", "(ANALYZE)", "(VERBOSE)", "(ANALYZE, VERBOSE, FORMAT json)"))
        return f"EXPLAIN {options} {self._select()}"

    def _cursor(self) -> str:
        fetch = self.chance.choice(("FETCH ALL FROM q", "FETCH 1 FROM q; FETCH LAST FROM q", "MOVE 1 FROM q; FETCH q"))
        return f"DECLARE q SCROLL CURSOR FOR {self._select()}\0{fetch}"

    def _prepared(self) -> str:
        name = f"p{self.chance.randrange(10**6)}"
        return f"PREPARE {name} AS {self._select()}\0EXECUTE {name}"

    def _several(self) -> str:
        return f"{self._select()}; {self._select()}"
