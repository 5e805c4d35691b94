"""Queries over one small database, from a seed, for comparing lineage with a real server.

Not Hypothesis: thousands of them run on a server, and each has to be valid there. `Writer.query` makes one; `Query.traits`
says what is in it. The database is `SCHEMA`; every text column holds values that no other column holds (`token`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

TEXT, INT, ROW = "text", "int", "row"
TABLES: dict[str, list[tuple[str, str]]] = {
    "cust": [("id", INT), ("name", TEXT), ("ssn", TEXT), ("region_id", INT), ("note", TEXT)],
    "orders": [("order_id", INT), ("id", INT), ("item", TEXT), ("total", INT)],
    "region": [("region_id", INT), ("label", TEXT), ("boss", INT)],
    "tree": [("id", INT), ("parent", INT), ("title", TEXT)],
    "asset": [("id", INT), ("tag", TEXT)],
    "asset_car": [("id", INT), ("tag", TEXT), ("plate", TEXT)],
    "log": [("day", INT), ("line", TEXT)],
    "log_1": [("day", INT), ("line", TEXT)],
    "log_2": [("day", INT), ("line", TEXT)],
}
VIEWS: dict[str, tuple[list[tuple[str, str]], str]] = {
    "v_cust": (
        [("id", INT), ("who", TEXT), ("code", TEXT), ("label", TEXT)],
        "SELECT c.id, c.name AS who, c.ssn AS code, r.label FROM cust c JOIN region r USING (region_id)",
    ),
    "v_deep": (
        [("code", TEXT), ("loud", TEXT), ("label", TEXT)],
        "SELECT code, upper(who) AS loud, label FROM v_cust UNION ALL SELECT item, note, title FROM orders"
        " JOIN cust USING (id) JOIN tree USING (id)",
    ),
    "v_sum": (
        [("region_id", INT), ("n", INT), ("names", TEXT)],
        "SELECT region_id, count(*)::int, string_agg(name, ',' ORDER BY name) FROM cust GROUP BY region_id",
    ),
    "v_tree": (
        [("id", INT), ("path", TEXT), ("depth", INT)],
        "WITH RECURSIVE w AS (SELECT id, title AS path, 1 AS depth FROM tree WHERE parent IS NULL UNION ALL"
        " SELECT t.id, w.path || '/' || t.title, w.depth + 1 FROM tree t JOIN w ON t.parent = w.id) SELECT * FROM w",
    ),
    "v_renamed": ([("a", INT), ("b", TEXT), ("label", TEXT)], "SELECT id AS a, code AS b, label FROM v_cust"),
}
FUNCTIONS = (
    "CREATE FUNCTION f_label(k int) RETURNS text LANGUAGE sql STABLE AS"
    " 'SELECT label FROM region WHERE region_id = k LIMIT 1'",
    "CREATE FUNCTION f_items(k int) RETURNS TABLE (what text, price int) LANGUAGE sql STABLE AS"
    " 'SELECT item, total FROM orders WHERE orders.id = k'",
)
STORED: list[tuple[str, str, str]] = [
    (table, column, kind) for table, columns in TABLES.items() for column, kind in columns if table != "log"
]
"""Every column that holds values of its own: (table, column, type). Those of `log` are in its partitions."""
ROWS = 4
AGGREGATES = ("max(", "min(", "sum(", "count(", "string_agg(", "array_agg(")


def token(table: str, column: str, row: int, changed: bool) -> str:
    """What a text column holds in one row: no other column's values contain it, or are contained in it."""
    place = next(at for at, (own, name, _) in enumerate(STORED) if (own, name) == (table, column))
    return f"{'w' if changed else 'k'}{place:02d}q{row}z"


def number(table: str, column: str, row: int, changed: bool) -> int | None:
    """What an int column holds. Those that joins use share a small range."""
    if column in ("total", "order_id"):
        return (2000 if changed else 1000) + 10 * row
    if column == "day":
        return (1 if table == "log_1" else 101) + row + (50 if changed else 0)
    if (table, column) == ("tree", "parent"):
        if changed:
            return None if row == 2 else 2
        return None if row == 1 else row - 1
    return row % ROWS + 1 if changed else row


def schema(name: str, changed: tuple[str, str] | None = None) -> list[str]:
    """The statements that make the database in a schema; `changed` is the one column that has other values."""
    made = [f"CREATE SCHEMA {name}", f"SET search_path = {name}"]
    for table, columns in TABLES.items():
        if table == "asset_car":
            made.append("CREATE TABLE asset_car (plate text) INHERITS (asset)")
        elif table == "log":
            made.append("CREATE TABLE log (day int, line text) PARTITION BY RANGE (day)")
        elif table in ("log_1", "log_2"):
            bounds = "(0) TO (100)" if table == "log_1" else "(100) TO (200)"
            made.append(f"CREATE TABLE {table} PARTITION OF log FOR VALUES FROM {bounds}")
        else:
            made.append(f"CREATE TABLE {table} ({', '.join(f'{column} {kind}' for column, kind in columns)})")
    for table, columns in TABLES.items():
        if table == "log":
            continue
        rows = []
        for row in range(1, ROWS + 1):
            cells = []
            for column, kind in columns:
                is_changed = changed == (table, column)
                if kind == TEXT:
                    cells.append(f"'{token(table, column, row, is_changed)}'")
                else:
                    value = number(table, column, row, is_changed)
                    cells.append("NULL" if value is None else str(value))
            rows.append(f"({', '.join(cells)})")
        made.append(f"INSERT INTO {table} VALUES {', '.join(rows)}")
    made += [f"CREATE VIEW {view} AS {text}" for view, (_, text) in VIEWS.items()]
    made += FUNCTIONS
    return made


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    traits: frozenset[str]


@dataclass
class Rel:
    """Something in FROM, as far as expressions need it."""

    alias: str
    columns: list[tuple[str, str]]
    is_row: bool = True


@dataclass
class Scope:
    rels: list[Rel] = field(default_factory=list)
    outer: Scope | None = None

    def columns(self, kind: str) -> list[str]:
        found = [f"{rel.alias}.{name}" for rel in self.rels for name, own in rel.columns if own == kind]
        if self.outer is not None:
            found += self.outer.columns(kind)
        return found

    def unique(self, kind: str) -> list[str]:
        """Columns that need no table's name."""
        names = [name for rel in self.rels for name, _ in rel.columns]
        return [name for rel in self.rels for name, own in rel.columns if own == kind and names.count(name) == 1]


class Writer:
    """Writes queries; the same seed, the same queries."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._traits: set[str] = set()
        self._number = 0
        self._ctes: dict[str, list[tuple[str, str]]] = {}

    def query(self, wanted: str) -> Query:
        """One query that has `wanted` among its traits, usually with others."""
        self._traits, self._number, self._ctes = set(), 0, {}
        match wanted:
            case "recursive":
                text = self._recursive()
            case "setop":
                text = self._set_operation(1, None, self._kinds())[0]
            case "changes":
                text = self._change()
            case _:
                text = self._select(self._random.choice((0, 1, 1, 2)), None, None, wanted)[0]
        return Query(text, frozenset(self._traits))

    # --- pieces

    def _pick(self, *options: str) -> str:
        return self._random.choice(options)

    def _chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def _alias(self) -> str:
        self._number += 1
        return f"t{self._number}"

    def _kinds(self) -> list[str]:
        return [self._pick(TEXT, TEXT, INT) for _ in range(self._random.randint(1, 3))]

    def _relation(self) -> tuple[str, list[tuple[str, str]]]:
        if self._ctes and self._chance(50):
            name = self._random.choice(sorted(self._ctes))
            return name, self._ctes[name]
        if self._chance(30):
            self._traits.add("view")
            view = self._random.choice(sorted(VIEWS))
            return view, VIEWS[view][0]
        table = self._random.choice(sorted(TABLES))
        return (f"ONLY {table}" if table == "asset" and self._chance(30) else table), TABLES[table]

    def _item(self, depth: int, scope: Scope, wanted: str | None = None) -> tuple[str, Rel]:
        """One thing in FROM."""
        alias = self._alias()
        choice = self._random.randrange(100)
        if wanted == "view":
            self._traits.add("view")
            view = self._random.choice(sorted(VIEWS))
            return f"{view} AS {alias}", Rel(alias, VIEWS[view][0])
        if choice < 55 or depth <= 0:
            name, columns = self._relation()
            if self._chance(15):
                renamed = [(f"c{at}_{alias}", kind) for at, (_, kind) in enumerate(columns)]
                keep = self._random.randint(1, len(renamed))
                listed = ", ".join(name for name, _ in renamed[:keep])
                return f"{name} AS {alias}({listed})", Rel(alias, renamed[:keep] + columns[keep:])
            return f"{name} AS {alias}", Rel(alias, columns)
        if choice < 85:
            text, columns = self._any_query(depth - 1, None)
            return f"({text}) AS {alias}", Rel(alias, columns)
        if choice < 92:
            kinds = self._kinds()
            rows = [", ".join(self._value(kind, 0, Scope()) for kind in kinds) for _ in range(2)]
            names = [(f"v{at}_{alias}", kind) for at, kind in enumerate(kinds)]
            listed = ", ".join(name for name, _ in names)
            return f"(VALUES ({rows[0]}), ({rows[1]})) AS {alias}({listed})", Rel(alias, names)
        if choice < 96:
            return f"generate_series(1, 3) AS {alias}(g_{alias})", Rel(alias, [(f"g_{alias}", INT)])
        return f"f_items({self._random.randint(1, 4)}) AS {alias}", Rel(alias, [("what", TEXT), ("price", INT)])

    def _from(self, depth: int, outer: Scope | None, wanted: str | None) -> tuple[str, Scope]:
        scope = Scope(outer=outer)
        text, rel = self._item(depth, scope, wanted)
        scope.rels.append(rel)
        for _ in range(self._random.choice((0, 0, 1, 1, 2)) if wanted not in ("using", "lateral") else 1):
            text = self._joined(text, scope, depth, wanted)
        return text, scope

    def _joined(self, text: str, scope: Scope, depth: int, wanted: str | None) -> str:
        if wanted == "lateral" or self._chance(12):
            self._traits.add("lateral")
            alias = self._alias()
            if self._chance(20) and scope.columns(INT):
                call = f"f_items({self._random.choice(scope.columns(INT))})"
                scope.rels.append(Rel(alias, [("what", TEXT), ("price", INT)]))
                return f"{text} CROSS JOIN LATERAL {call} AS {alias}"
            inner, columns = self._select(max(depth - 1, 0), scope, None, None)
            scope.rels.append(Rel(alias, columns))
            form = self._pick("{}, LATERAL ({}) AS {}", "{} LEFT JOIN LATERAL ({}) AS {} ON true")
            return (
                form.format(text, inner, alias)
                if "," not in form or " JOIN " not in text
                else (f"{text} CROSS JOIN LATERAL ({inner}) AS {alias}")
            )
        item, rel = self._item(depth, scope, "table" if wanted == "using" else None)
        kind = self._pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
        ours = [name for own in scope.rels for name, _ in own.columns]
        shared = [
            name
            for name, own in rel.columns
            if ours.count(name) == 1
            and [n for n, _ in rel.columns].count(name) == 1
            and any((name, own) in one.columns for one in scope.rels)
        ]
        if shared and (wanted == "using" or self._chance(45)):
            self._traits.add("using")
            together = all(ours.count(name) == 1 for name, _ in rel.columns if name in ours)
            if self._chance(25) and together and sorted(shared) == sorted(n for n, _ in rel.columns if n in ours):
                joined = f"{text} NATURAL {kind} {item}"
            else:
                chosen = self._random.sample(shared, self._random.randint(1, len(shared)))
                joined = f"{text} {kind} {item} USING ({', '.join(chosen)})"
            scope.rels.append(rel)
            return joined
        left, right = scope.columns(INT), [f"{rel.alias}.{name}" for name, own in rel.columns if own == INT]
        scope.rels.append(rel)
        if left and right:
            own = [name for name in left if any(name.startswith(f"{one.alias}.") for one in scope.rels)]
            if own:
                return f"{text} {kind} {item} ON {self._random.choice(own)} = {self._random.choice(right)}"
        return f"{text} CROSS JOIN {item}"

    def _any_query(self, depth: int, outer: Scope | None) -> tuple[str, list[tuple[str, str]]]:
        if self._chance(15):
            return self._set_operation(depth, outer, self._kinds())
        return self._select(depth, outer, None, None)

    def _set_operation(self, depth: int, outer: Scope | None, kinds: list[str]) -> tuple[str, list[tuple[str, str]]]:
        self._traits.add("setop")
        left, columns = self._select(depth - 1, outer, kinds, None)
        right, _ = self._select(depth - 1, outer, kinds, None)
        word = self._pick("UNION", "UNION ALL", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL")
        text = f"({left}) {word} ({right})"
        if self._chance(20):
            third, _ = self._select(0, outer, kinds, None)
            text = f"{text} UNION ALL ({third})"
        return text, columns

    def _select(
        self, depth: int, outer: Scope | None, kinds: list[str] | None, wanted: str | None
    ) -> tuple[str, list[tuple[str, str]]]:
        prefix, saved = "", dict(self._ctes)
        if depth > 0 and kinds is None and self._chance(15):
            inner, columns = self._any_query(depth - 1, None)
            # Sometimes under the name of a table, which it then hides.
            name = self._pick("w_one", "w_two", "orders") if "orders" not in self._ctes else "w_one"
            prefix = f"WITH {name} AS ({inner}) "
            self._ctes[name] = columns
        text, scope = self._from(depth, outer, wanted)
        where = f" WHERE {self._condition(depth, scope)}" if self._chance(40) else ""
        if wanted in (None, "table") and self._chance(20):
            targets, columns, rest = self._grouped(depth, scope, kinds)
        else:
            targets, columns = self._targets(depth, scope, kinds, wanted)
            rest = ""
        distinct = "DISTINCT " if not rest and self._chance(8) and all(kind != ROW for _, kind in columns) else ""
        self._ctes = saved
        return f"{prefix}SELECT {distinct}{', '.join(targets)} FROM {text}{where}{rest}", columns

    def _targets(
        self, depth: int, scope: Scope, kinds: list[str] | None, wanted: str | None
    ) -> tuple[list[str], list[tuple[str, str]]]:
        targets: list[str] = []
        columns: list[tuple[str, str]] = []
        if kinds is None and (wanted == "star" or self._chance(12)):
            self._traits.add("star")
            rel = self._random.choice(scope.rels)
            targets.append(f"{rel.alias}.*")
            columns += rel.columns
            if wanted == "star" and len(scope.rels) == 1 and self._chance(60):
                targets = ["*"]
        if kinds is None and (wanted == "whole_row" or self._chance(6)):
            self._traits.add("whole_row")
            rel = self._random.choice(scope.rels)
            name = f"o{self._alias()}"
            form = self._pick("{0}", "row_to_json({0})::text", "{0}::text", "({0}).{1}", "ROW({0}.*)::text")
            column, kind = self._random.choice(rel.columns)
            targets.append(f"{form.format(rel.alias, column)} AS {name}")
            columns.append((name, ROW if form == "{0}" else kind if form == "({0}).{1}" else TEXT))
        wishes = kinds if kinds is not None else self._kinds() if not targets or self._chance(60) else []
        for kind in wishes:
            plain = scope.unique(kind)
            if plain and kinds is None and self._chance(25):
                name = self._random.choice(plain)
                if name not in [own for own, _ in columns]:
                    targets.append(name)
                    columns.append((name, kind))
                    continue
            name = f"o{self._alias()}"
            targets.append(f"{self._value(kind, depth, scope)} AS {name}")
            columns.append((name, kind))
        names = [name for name, _ in columns]
        # What is named twice cannot be referred to.
        return targets, [(name, kind) for name, kind in columns if names.count(name) == 1] or columns[:0]

    def _grouped(
        self, depth: int, scope: Scope, kinds: list[str] | None
    ) -> tuple[list[str], list[tuple[str, str]], str]:
        targets, columns, keys = [], [], []
        for kind in kinds or self._kinds():
            name = f"o{self._alias()}"
            value = self._value(kind, 0, scope)
            if self._chance(50) and kinds is None:
                keys.append(value)
                targets.append(f"{value} AS {name}")
            elif kind == TEXT:
                form = self._pick(
                    "max({})", "min({})", "string_agg({0}, ',' ORDER BY {0})", "array_agg({0} ORDER BY {0})::text"
                )
                targets.append(f"{form.format(value)} AS {name}")
            else:
                form = self._pick("max({})", "sum({})::int", "count({})::int", "count(DISTINCT {})::int")
                targets.append(f"{form.format(value)} AS {name}")
            columns.append((name, kind))
        group = f" GROUP BY {', '.join(str(at + 1) for at in range(len(targets)) if not targets[at].startswith(AGGREGATES))}"
        having = " HAVING count(*) > 0" if self._chance(20) else ""
        return targets, columns, (group if keys else "") + having

    def _value(self, kind: str, depth: int, scope: Scope) -> str:
        """An expression of a type."""
        columns = scope.columns(kind)
        if not columns or self._chance(6):
            return f"'lit{self._random.randint(1, 9)}'::text" if kind == TEXT else str(self._random.randint(1, 9))
        column = self._random.choice(columns)
        if depth < 0 or self._chance(50):
            return column
        deeper = depth - 1
        if kind == INT:
            match self._random.randrange(6):
                case 0:
                    return f"({column} + {self._value(INT, deeper, scope)})"
                case 1 if scope.columns(TEXT):
                    return f"length({self._value(TEXT, deeper, scope)})"
                case 2:
                    return f"CASE WHEN {self._condition(deeper, scope)} THEN {column} ELSE 0 END"
                case 3:
                    return f"coalesce({column}, {self._value(INT, deeper, scope)})"
                case 4 if depth > 0:
                    text, inner = self._from(0, scope, None)
                    return f"(SELECT count(*)::int FROM {text} WHERE {self._condition(0, inner)})"
                case _:
                    return f"abs({column})"
        match self._random.randrange(12):
            case 0:
                return f"({column} || {self._value(TEXT, deeper, scope)})"
            case 1:
                return f"upper({self._value(TEXT, deeper, scope)})"
            case 2:
                return f"coalesce({column}, {self._value(TEXT, deeper, scope)})"
            case 3:
                other = self._value(TEXT, deeper, scope)
                return f"CASE WHEN {self._condition(deeper, scope)} THEN {column} ELSE {other} END"
            case 4 if scope.columns(INT):
                return f"({self._value(INT, deeper, scope)})::text"
            case 5:
                return f"array_to_string(ARRAY[{column}, {self._value(TEXT, deeper, scope)}], '-')"
            case 6 if depth > 0:
                text, inner = self._from(0, scope, None)
                return f"(SELECT max({self._value(TEXT, -1, inner)}) FROM {text})"
            case 7 if scope.columns(INT):
                return f"f_label({self._random.choice(scope.columns(INT))})"
            case 8:
                return f"concat_ws('+', {column}, {self._value(TEXT, deeper, scope)})"
            case 9:
                return f"md5({column})"
            case 10:
                return f"(json_build_object('k', {column}) ->> 'k')"
            case _:
                return f"substr({column}, 1, 5)"

    def _condition(self, depth: int, scope: Scope) -> str:
        numbers, texts = scope.columns(INT), scope.columns(TEXT)
        match self._random.randrange(7):
            case 0 if numbers:
                return f"{self._random.choice(numbers)} {self._pick('=', '<>', '<', '>=')} {self._random.randint(1, 4)}"
            case 1 if numbers:
                return f"{self._random.choice(numbers)} = {self._random.choice(numbers)}"
            case 2 if texts:
                return f"{self._random.choice(texts)} IS NOT NULL"
            case 3 if texts:
                return f"{self._random.choice(texts)} LIKE 'k%'"
            case 4 if depth > 0 and numbers:
                text, inner = self._from(0, scope, None)
                own = [name for name in inner.columns(INT) if any(name.startswith(f"{r.alias}.") for r in inner.rels)]
                if own:
                    return f"{self._random.choice(numbers)} IN (SELECT {self._random.choice(own)} FROM {text})"
                return f"EXISTS (SELECT 1 FROM {text})"
            case 5 if depth > 0:
                return f"({self._condition(depth - 1, scope)} OR {self._condition(depth - 1, scope)})"
            case _:
                return "true"

    def _recursive(self) -> str:
        self._traits.add("recursive")
        word = self._pick("UNION ALL", "UNION")
        name = self._pick("r", "walk", "cust")
        shown = self._pick("a, b, c, n", "*", "c AS z, a", "b, n", f"{name}.*", f"{name}, a")
        if "*" in shown:
            self._traits.add("star")
        if shown.startswith(f"{name},"):
            self._traits.add("whole_row")
        match self._random.randrange(5):
            case 0:
                start = "SELECT id, title, 'x'::text, 1 FROM tree WHERE parent IS NULL"
                step = f"SELECT t.id, {name}.b || t.title, {name}.b, {name}.n + 1 FROM tree t JOIN {name} ON t.parent = {name}.a"
            case 1:
                start = "SELECT o.id, item, label, 1 FROM orders o JOIN region ON region_id = o.id"
                step = f"SELECT a, c, b, n + 1 FROM {name}"
            case 2:
                self._traits.add("view")
                start = "SELECT id, who, code, 1 FROM v_cust"
                step = f"SELECT a, loud, c, n + 1 FROM {name}, v_deep WHERE n < 2"
            case 3:
                self._traits.add("using")
                start = "SELECT region_id, label, tag, 1 FROM region JOIN asset ON asset.id = region_id"
                step = f"SELECT x.a, y.item, x.b, x.n + 1 FROM {name} x JOIN (SELECT id AS a, item FROM orders) y USING (a)"
            case _:
                self._traits.add("lateral")
                start = "SELECT day, line, 'y'::text, 1 FROM log"
                step = (
                    f"SELECT s.a, s.c, s.b, s.n + 1 FROM {name} s CROSS JOIN LATERAL"
                    " (SELECT title FROM tree WHERE tree.id <= s.n) z"
                )
        last = " WHERE n > 1" if self._chance(30) else ""
        limit = " AND n < 3" if " WHERE " in step.rpartition(")")[2] else " WHERE n < 3"
        limit = limit.replace("n <", "x.n <" if " x JOIN" in step else "s.n <" if " s CROSS" in step else f"{name}.n <")
        return f"WITH RECURSIVE {name}(a, b, c, n) AS ({start} {word} {step}{limit}) SELECT {shown} FROM {name}{last}"

    def _change(self) -> str:
        """A statement that changes rows and shows them."""
        self._traits.add("changes")
        match self._random.randrange(4):
            case 0:
                shown = self._pick("*", "ssn, name", "name || ssn AS x, id", "cust")
                return (
                    f"UPDATE cust SET note = {self._pick('o.item', 'upper(o.item)', 'cust.ssn', 'NULL')}, ssn = note"
                    f" FROM orders o WHERE o.id = cust.id RETURNING {shown.replace('*', 'cust.*')}"
                )
            case 1:
                source = self._pick(
                    "SELECT id, item, title FROM orders JOIN tree USING (id)",
                    "SELECT id, who, code FROM v_cust",
                    "SELECT 9, label, boss::text FROM region",
                    "VALUES (7, 'new1', 'new2')",
                )
                return f"INSERT INTO cust (id, note, ssn) {source} RETURNING {self._pick('*', 'ssn, note', 'upper(note) AS u')}"
            case 2:
                return f"DELETE FROM cust USING region r WHERE r.region_id = cust.region_id RETURNING {self._pick('cust.*, label', 'ssn, r.label', 'r')}"
            case _:
                put = "INSERT INTO tree (id, title) SELECT region_id, label FROM region RETURNING *"
                return f"WITH put AS ({put}) SELECT * FROM put, (SELECT id, item FROM orders) x"
