"""The tables a statement of another server touches, and how: by scope, so that a CTE hides a table only where it is in sight.

Where it is not certain what a name means, every table it may mean is listed. Called by `dialects` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from engine.command.tree import Access, Effect, Target

_ACCESS = {Effect.WRITE: Access.WRITE, Effect.DELETE: Access.DELETE, Effect.CREATE: Access.CREATE}
_OTHER_THINGS = frozenset({"schema", "database", "index", "sequence", "function", "procedure", "trigger"})
"""What CREATE and DROP name that is no table."""
_LOCKS = frozenset({"UPDLOCK", "XLOCK", "TABLOCKX", "TABLOCK", "HOLDLOCK", "SERIALIZABLE", "REPEATABLEREAD"})
"""Hints of SQL Server that hold a lock until the transaction ends."""


@dataclass
class Touched:
    """`targets` in the order of the text; `computed`: a table whose name is not in the text as one."""

    targets: list[Target] = field(default_factory=list)
    computed: bool = False


def touched(dialect: str, statement: exp.Expr, effect: Effect) -> Touched:
    """The tables of a statement that has `effect`, each with its access."""
    written = _written(dialect, statement, _ACCESS.get(effect, Access.READ))
    found = Touched()
    kind = str(statement.args.get("kind") or "").lower() if isinstance(statement, (exp.Create, exp.Drop)) else ""
    kind = kind if kind in _OTHER_THINGS else ""
    named = {id(table) for table in (statement.this, *(statement.args.get("tables") or ()))}
    for table in _visible(dialect, statement, written):
        if not isinstance(table, exp.Table):
            literal = _named_by_text(dialect, table)
            if literal is None:
                found.computed = True
            else:
                found.targets.append(_target(literal, Access.READ))
        elif kind and id(table) in named:
            names = [_part(part) for part in table.parts]
            found.targets.append(Target(kind, ".".join(names), written.get(id(table), Access.READ)))
        elif isinstance(table.this, exp.Func) and not isinstance(table.this, exp.DynamicIdentifier):
            continue  # a function that gives rows: `dialect_calls` says which are known
        elif not isinstance(table.this, exp.Identifier):
            found.computed = True
        else:
            found.targets.append(_target(table, written.get(id(table), Access.READ)))
    for returning in statement.find_all(exp.Returning):
        into = returning.args.get("into")
        if isinstance(into, exp.Identifier):
            found.targets.append(_target(exp.Table(this=into.copy()), Access.WRITE))
        elif into and not isinstance(into, exp.Parameter):
            found.computed = True
    found.targets = list(dict.fromkeys(found.targets))
    return found


def named_first(change: exp.Expr) -> tuple[Target, ...]:
    """What a change inside of another statement changes."""
    table = change.find(exp.Table)
    return (_target(table, Access.WRITE),) if table is not None and isinstance(table.this, exp.Identifier) else ()


def is_locking(statement: exp.Expr) -> bool:
    """Whether rows or tables stay locked behind a query."""
    return statement.find(exp.Lock) is not None or any(map(_is_locked, statement.find_all(exp.Table)))


def _is_locked(table: exp.Table) -> bool:
    return any(
        isinstance(word, exp.Expr) and word.name.upper() in _LOCKS
        for hint in table.args.get("hints") or ()
        if isinstance(hint, exp.WithTableHint)
        for word in hint.expressions
    )


def _target(table: exp.Table, access: Access) -> Target:
    parts = [_part(part) for part in table.parts]
    schema = parts[-2] if len(parts) > 1 else None
    name = ".".join(f'"{part}"' if "." in part else part for part in (parts if schema else ["?", *parts]))
    return Target("table", name, access, schema=schema, relation=parts[-1])


def _part(part: exp.Expr) -> str:
    mark = "##" if part.args.get("global_") else "#" if part.args.get("temporary") else ""
    return mark + part.name


def _named_by_text(dialect: str, node: exp.Expr) -> exp.Table | None:
    """`TABLE('a.b.c')` of Snowflake."""
    literal = node.this
    if not isinstance(literal, exp.Literal) or not literal.is_string:
        return None
    table = exp.to_table(literal.name, dialect=dialect)
    return table if isinstance(table.this, exp.Identifier) else None


# Scopes.

_Hidden = frozenset[str]


def _visible(dialect: str, statement: exp.Expr, written: dict[int, Access]) -> Iterator[exp.Expr]:
    """The tables that no CTE in sight hides, in no particular depth: a stack, since a tree can be as deep as the text."""
    stack: list[tuple[exp.Expr, _Hidden]] = [(statement, frozenset())]
    while stack:
        node, hidden = stack.pop()
        with_ = node.args.get("with_")
        later: list[tuple[exp.Expr, _Hidden]] = []
        if isinstance(with_, exp.With):
            for cte in with_.expressions:
                key = _key(dialect, cte.args["alias"].this) if cte.args.get("alias") else ""
                later.extend(_bodies(dialect, cte.this, hidden, key, bool(with_.args.get("recursive"))))
                hidden |= {key}
        if isinstance(node, exp.TableFromRows):
            if not isinstance(node.this, exp.Func) or isinstance(node.this, exp.DynamicIdentifier):
                yield node
        elif isinstance(node, exp.Table) and id(node) not in written:
            plain = isinstance(node.this, exp.Identifier) and not node.db and not node.catalog
            if not plain or _key(dialect, node.this) not in hidden:
                yield node
        elif isinstance(node, exp.Table) and written[id(node)] is not _NOWHERE:
            yield node
        later.extend((child, hidden) for child in node.iter_expressions() if child is not with_)
        stack.extend(reversed(later))


def _bodies(
    dialect: str, body: exp.Expr, hidden: _Hidden, key: str, recursive: bool
) -> Iterator[tuple[exp.Expr, _Hidden]]:
    """A CTE's query, with its own name in sight only in those branches of a UNION where it means the CTE itself."""
    if not isinstance(body, exp.SetOperation) or body.args.get("with_") or not (recursive or dialect == "tsql"):
        yield body, hidden
        return
    while isinstance(body, exp.SetOperation) and not body.args.get("with_"):
        for child in body.iter_expressions():
            if child is not body.this:
                yield child, hidden | {key}
        body = body.this
    yield body, hidden


def _key(dialect: str, name: exp.Expr | None) -> str:
    """Two names with one key are one name to the server; where that is a setting, only what is written alike is."""
    if name is None:
        return ""
    text = _part(name)
    if dialect == "bigquery":
        return text.lower()
    return text.upper() if dialect == "snowflake" and not name.args.get("quoted") else text


# What is written.

_MAX_PAIRS = 20_000
"""Of things changed and sources; beyond that every table of the statement counts as changed."""
_NOWHERE = Access.SET
"""A name that stands for another table of the statement, and is none itself."""


def _written(dialect: str, statement: exp.Expr, access: Access) -> dict[int, Access]:
    """The tables that are not only read, by their identity."""
    if isinstance(statement, exp.Update):
        return _changed(dialect, statement, _updated(dialect, statement), access)
    if isinstance(statement, exp.Delete):
        return _changed(dialect, statement, _deleted(statement), access)
    if isinstance(statement, (exp.Alter, exp.Drop)):
        return {id(node): access for node in _outside_queries(statement, exp.Reference)}
    if isinstance(statement, exp.TruncateTable):
        return {id(node): access for node in statement.find_all(exp.Table)}
    if isinstance(statement, (exp.Insert, exp.Merge, exp.Create)):
        own = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
        if isinstance(own, exp.Index):
            return {id(node): access for node in own.find_all(exp.Table)}
        if not isinstance(own, exp.Table):
            return {}
        if not isinstance(statement, exp.Create):
            return _changed(dialect, statement, [own], access)
        return {id(own): access}
    if statement.find(exp.Lock):
        return {id(node): access for node in statement.find_all(exp.Table)}
    found = {id(node): access for node in statement.find_all(exp.Table) if _is_locked(node)}
    for into in statement.find_all(exp.Into):
        found |= {id(node): access for node in into.find_all(exp.Table)}
    return found


def _outside_queries(node: exp.Expr, *without: type[exp.Expr]) -> Iterator[exp.Table]:
    for part in node.walk(prune=lambda item: isinstance(item, (exp.Query, *without))):
        if isinstance(part, exp.Table):
            yield part


def _deleted(statement: exp.Delete) -> list[exp.Expr]:
    """What a DELETE names as changed: `DELETE a, b FROM ...`, `DELETE FROM a, b USING ...`, `DELETE FROM a`."""
    own = statement.this
    if statement.args.get("tables") or not isinstance(own, exp.Expr):
        return list(statement.args.get("tables") or ())
    return list(_outside_queries(own)) if isinstance(own, exp.Table) else [own]


def _updated(dialect: str, statement: exp.Update) -> Sequence[exp.Expr]:
    """What an UPDATE names as changed: in MySQL each table of a join whose column is set."""
    own = statement.this
    if not isinstance(own, exp.Expr):
        return []
    if dialect != "mysql" or not own.args.get("joins"):
        return [own]
    columns = [item.this for item in statement.expressions if isinstance(item, exp.Binary)]
    names = [
        exp.Table(this=item.args["table"].copy(), db=item.args.get("db")) for item in columns if _is_qualified(item)
    ]
    return names if names and len(names) == len(columns) else [exp.Table()]


def _is_qualified(column: object) -> bool:
    return isinstance(column, exp.Column) and isinstance(column.args.get("table"), exp.Identifier)


def _changed(dialect: str, statement: exp.Expr, targets: Sequence[exp.Expr], access: Access) -> dict[int, Access]:
    """The tables that the targets of a change mean: by an alias, by a CTE, or by their own name."""
    sources = list(_sources(statement))
    ctes = {_key(dialect, cte.args["alias"].this): cte for cte in _with(statement) if cte.args.get("alias")}
    found: dict[int, Access] = {}
    if len(targets) * len(sources) > _MAX_PAIRS:
        return {id(table): access for table in statement.find_all(exp.Table)}
    for target in targets:
        if not isinstance(target, exp.Table):
            found |= {id(table): access for table in target.find_all(exp.Table)}
            continue
        meant = [source for source in sources if source is target or _means(target, source)]
        is_listed = isinstance(statement, exp.Delete) and bool(
            statement.args.get("tables") or (dialect == "mysql" and statement.args.get("using"))
        )
        is_name_alone = target.parent is None or is_listed
        names = [target, *(source for source in meant if isinstance(source, exp.Table))]
        keys = [_key(dialect, name.this) if name.this is not None and not name.db else "" for name in names]
        for key in set(keys):
            found |= {id(table): access for table in _under(dialect, ctes, key)}
        for name, key in zip(names, keys, strict=True):
            found[id(name)] = _NOWHERE if key in ctes and dialect == "tsql" else access
        for source in meant:
            if not isinstance(source, exp.Table):
                found |= {id(table): access for table in source.find_all(exp.Table)}
        if any(_is_alias(target, source, exactly=True) for source in meant) and (is_name_alone or dialect == "tsql"):
            found[id(target)] = _NOWHERE
        elif is_name_alone and not meant:
            found |= {id(table): access for source in sources for table in source.find_all(exp.Table)}
    return found


def _with(statement: exp.Expr) -> list[exp.CTE]:
    with_ = statement.args.get("with_")
    return list(with_.expressions) if isinstance(with_, exp.With) else []


def _under(dialect: str, ctes: dict[str, exp.CTE], key: str) -> Iterator[exp.Table]:
    """The tables that a CTE is made of, those of the CTEs it is made of too."""
    waiting, seen = [key], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in ctes:
            continue
        seen.add(name)
        for table in ctes[name].find_all(exp.Table):
            inner = _key(dialect, table.this) if not table.db else ""
            if inner in ctes and inner not in seen:
                waiting.append(inner)
            else:
                yield table


def _sources(statement: exp.Expr) -> Iterator[exp.Expr]:
    """What a change reads from or joins, queries in FROM as one."""
    names = _deleted(statement) if isinstance(statement, exp.Delete) else []
    named = {id(table) for table in names} if statement.args.get("tables") or statement.args.get("using") else set()
    for key, value in statement.args.items():
        for item in value if isinstance(value, list) else [value]:
            if key in ("this", "from_", "using") and isinstance(item, exp.Expr):
                for part in item.walk(prune=lambda node: isinstance(node, exp.Query)):
                    if isinstance(part, (exp.Table, exp.Query)) and id(part) not in named:
                        yield part


def _means(target: exp.Table, source: exp.Expr) -> bool:
    if _is_alias(target, source, exactly=False):
        return True
    if not isinstance(source, exp.Table) or source is target:
        return source is target
    wanted, parts = ([part.name.lower() for part in item.parts if part] for item in (target, source))
    return bool(wanted) and (parts[-len(wanted) :] == wanted or wanted[-len(parts) :] == parts)


def _is_alias(target: exp.Table, source: exp.Expr, exactly: bool) -> bool:
    alias = source.alias
    if not alias or target.db or source is target:
        return False
    return alias == target.name or (not exactly and alias.lower() == target.name.lower())
