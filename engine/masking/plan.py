"""Which outputs of a command are rewritten, by which method, or why nobody can say: lineage meets the masks in force.

A plan is given only when it is *proven*: every place a masked column's value could show is an output of the result
that the plan rewrites. Everything else (a filter, a sort, a copy into another table, a function that could raise an
error with the value in it, a relation nobody resolved) has no plan, and the command is denied.

Called by `evaluator/combine.py` with the masks that the policies put on one command. Not here: what a method does to
a value (`transforms.py`), and which masks apply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from engine.command.kubernetes.lines import STEP
from engine.command.shell.tree import Shell
from engine.command.tree import Access, Command, Effect, Operation, Output, Sql
from engine.errors import InputInvalid
from engine.masking.paths import Path, parse_path
from engine.masking.patterns import chosen
from engine.masking.transforms import Method, Param

_PARTS = 3
_LONGEST_NAME = 255
_UNKNOWN_PART = "?"
_QUOTED_OR_PLAIN = re.compile(r'"(?:[^"]|"")*"|[^."]+')

_HARMLESS = frozenset({Effect.READ, Effect.DELETE})
"""Effects that cannot carry a value they read to another place. WHY not `session`: PREPARE keeps a query whose rows come out of a later
command, which this plan does not rewrite."""

_DECLARES = "declare_cursor"
"""What keeps a query whose rows come out of FETCH alone, with a plan of its own: one that nobody can tell the query of has none."""

_DEFERRED = frozenset({"fetch", "execute", "execute_prepared", "call", "do"})
"""Kinds whose rows are fixed by something else than their own text."""

_NAMED = frozenset({"table", "view", "materialized_view", "foreign_table", "sequence", "relation", "index", "type"})
"""What columns stand in, by whatever word it is renamed: ALTER INDEX renames tables too."""

_NAMES = frozenset({"new_name", "schema"})
"""What something that has a name is given: another one, or another schema."""

_ANY_COLUMN: Mapping[str, str] = {**dict.fromkeys(_NAMED, ".?"), "schema": ".?.?", "column": ""}
"""What stands behind a name where one of the columns in it is meant."""

_COPIES = frozenset({"copy", "copy_to_file", "copy_to_program"})
"""Kinds whose rows go elsewhere than to the client. Those of `copy_to` are the outputs of the command."""

_SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema"})
"""Where PostgreSQL describes itself. No catalog lists these, and no user's column is in them (but see below)."""

_VALUES_OF_OTHERS = frozenset(
    {
        "pg_catalog.pg_statistic",
        "pg_catalog.pg_statistic_ext_data",
        "pg_catalog.pg_stats",
        "pg_catalog.pg_stats_ext",
        "pg_catalog.pg_stats_ext_exprs",
    }
)
"""Relations of PostgreSQL that hold samples of other relations' values."""

_TRACED = frozenset({"table", "view"})
"""What columns are traced to, and through: a view's only where its query is known, else its outputs are unproven."""
_RELATIONS = frozenset({"table", "view", "materialized_view", "foreign_table", "sequence", "relation", "index"})

TOTAL = frozenset(
    {
        *("upper", "lower", "initcap", "btrim", "ltrim", "rtrim", "reverse", "left", "right", "length", "char_length"),
        *("character_length", "octet_length", "bit_length", "md5", "concat", "concat_ws", "starts_with", "ascii"),
        *("coalesce", "op:||"),
        # What the server computed when the row was written, or computes as whoever made the table wanted.
        "column:generated",
    }
)
"""What can never raise an error because of the value it is given: an error text, or only its absence, tells of it."""


_ANSWERED_WITH_OBJECTS = frozenset(
    {
        *("get", "list", "watch", "review", "server_info", "create", "update", "patch", "apply", "scale", "cordon"),
        *("delete", "deletecollection", "evict", "finalize", "ephemeral_container", "change_access"),
    }
)
"""Kinds of Kubernetes whose answer is an object, or many. Of others it is what a container (`_SAID`), a proxy or kubectl says."""


_SAID = frozenset({"exec", "attach", "logs", "guarded_shell", "raw_shell"})
"""Kinds of Kubernetes whose answer is what a container says: text, without paths."""

_SHOWN = frozenset({"guarded_shell", "raw_shell", "terminal", "screen_program"})
"""Kinds of SSH of which somebody sees a terminal. Of files and connections pass the bytes."""

_SPEAKS_BYTES = frozenset(
    {
        *("sftp-server", "git-shell", "git-upload-pack", "git-receive-pack", "git-upload-archive", "svnserve"),
    }
)
"""Programs that speak with one of their own at the other end: a value hidden there breaks what is carried."""


_AS_SERVER: Mapping[str, frozenset[str]] = {
    "scp": frozenset({"-f", "-t"}),
    "rsync": frozenset({"--server"}),
    "git": frozenset({"upload-pack", "receive-pack", "upload-archive"}),
}
"""Programs that do so with one of these words."""


class Obstacle(StrEnum):
    """Why there is no plan; the values are those of `DenyKind`."""

    CONFLICT = "MASK_CONFLICT"
    UNPROVEN = "MASK_UNPROVEN"


@dataclass(frozen=True, slots=True)
class Mask:
    """One mask in force. `columns` are globs over `schema.table.column`, `values` names of value patterns, `paths` of JSON.

    `within`: the columns, by globs too, in which the values are looked for.
    """

    rule: str
    method: Method
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    params: Mapping[str, Param] | None = None
    within: tuple[str, ...] = ()
    permits_equality: bool = False
    """Whether a condition may ask if a masked column is equal to a constant."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One output (0-based), or what stands at a path of the answer, and what becomes of it.

    Without either: the values of these types of the scanner (`origins`) wherever they are. With `values`: of the output only what is of
    these types.
    """

    output: int | None
    origins: tuple[str, ...]
    method: Method
    params: Mapping[str, Param]
    rules: tuple[str, ...]
    path: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unplanned:
    """Why there is no plan: `why` for people, `rules` the masks concerned."""

    obstacle: Obstacle
    why: str
    rules: tuple[str, ...]


def plan_masks(masks: Sequence[Mask], command: Command) -> tuple[Rewrite, ...] | Unplanned:
    """Find the outputs that the masks concern, or say why that cannot be proven.

    The order of `masks` does not matter. No masks, or none that concerns anything the command can show: an empty plan.
    """
    if not masks:
        return ()
    if command.protocol != "postgres" and any(mask.within for mask in masks):
        return Unplanned(Obstacle.UNPROVEN, "`within` names columns, and this answer has none", _names(masks))
    if command.protocol == "mcp":
        return _plan_messages(masks, command, "what a tool answers is masked by `paths` and `values`")
    if command.http is not None or (command.protocol == "kubernetes" and not _is_said(command)):
        return _plan_paths(masks, command)
    if command.protocol in ("shell", "ssh", "kubernetes"):
        return _plan_output(masks, command)
    found = _obstacle(masks, command)
    if found is not None:
        return Unplanned(Obstacle.UNPROVEN, found, _names(masks))
    plan: list[Rewrite] = []
    outputs = command.sql.outputs if command.sql is not None else None
    for position, output in enumerate(outputs or ()):
        concerned = [mask for mask in masks if any(concerns(mask, origin) for origin in output.origins)]
        if not concerned:
            continue
        item = _rewrite(position, output, concerned)
        if isinstance(item, Unplanned):
            return item
        plan.append(item)
    return tuple(plan)


def _is_said(command: Command) -> bool:
    """Whether all that a request to a cluster is answered with is what containers say."""
    requests = [one for one in command.operations if one.kubernetes is not None and STEP not in one.via]
    return bool(requests) and all(one.kind in _SAID for one in requests)


def _plan_paths(masks: Sequence[Mask], command: Command) -> tuple[Rewrite, ...] | Unplanned:
    """The plan for what answers a request: by path. Whether an answer can be rewritten so is seen when it is there."""
    if command.protocol == "http" and any(one.kind == "upgrade" for one in command.operations):
        return _plan_messages(masks, command, "messages are masked by `paths` and `values`")
    found = _unseen(command)
    if found is None and any(mask.columns or mask.values for mask in masks):
        found = "the answer to a request is masked by `paths` only"
    if found is None and command.protocol == "kubernetes":
        strange = next((one.kind for one in command.operations if one.kind not in _ANSWERED_WITH_OBJECTS), None)
        found = None if strange is None else f"`{strange}` is answered with something that has no paths"
    if found is not None:
        return Unplanned(Obstacle.UNPROVEN, found, _names(masks))
    return _by_path(masks)


def _plan_messages(masks: Sequence[Mask], command: Command, why: str) -> tuple[Rewrite, ...] | Unplanned:
    """The plan for messages, of a tool or on a WebSocket: by path in their data, and by pattern in every text that they show.

    WHY patterns here: a tool takes arguments, no expressions, so that nothing but the tool itself takes a value apart; and a message
    is looked at whole.
    """
    found = _unseen(command)
    if found is None and any(mask.columns for mask in masks):
        found = why
    if found is not None:
        return Unplanned(Obstacle.UNPROVEN, found, _names(masks))
    by_path = _by_path([mask for mask in masks if mask.paths])
    if isinstance(by_path, Unplanned):
        return by_path
    concerned = [mask for mask in masks if mask.values]
    if not concerned:
        return by_path
    by_value = _by_value(concerned)
    return by_value if isinstance(by_value, Unplanned) else (*by_path, by_value)


# WHY no proof is asked for here as it is of SQL: what a program does to a value before it writes it (`rev`, `base64`, `cut`)
# nobody can tell from its name and arguments. Which programs may run is for rules; what they write in plain is masked.
def _plan_output(masks: Sequence[Mask], command: Command) -> tuple[Rewrite, ...] | Unplanned:
    """The plan for what programs write, or what a terminal shows: by pattern, wherever a value stands in it."""
    found = None
    if any(mask.columns or mask.paths for mask in masks):
        found = "what a program writes, or a container says, is masked by `values` only"
    for operation in command.operations:
        if command.protocol == "ssh" and operation.kind not in _SHOWN:
            found = f"nothing is masked in what `{operation.kind}` carries"
        elif operation.shell is not None and _speaks_bytes(operation.shell):
            found = f"`{operation.shell.program}` speaks a protocol of bytes, in which nothing can be masked"
    if found is not None:
        return Unplanned(Obstacle.UNPROVEN, found, _names(masks))
    by_value = _by_value(masks)
    return by_value if isinstance(by_value, Unplanned) else (by_value,)


def _speaks_bytes(shell: Shell) -> bool:
    program = (shell.program or "").rpartition("/")[2]
    return program in _SPEAKS_BYTES or not _AS_SERVER.get(program, frozenset()).isdisjoint(shell.argv)


def _by_value(concerned: Sequence[Mask]) -> Rewrite | Unplanned:
    """The one rewriting of what several masks by pattern find: the strictest of their methods for all their types."""
    strictest, params = _strictest(concerned, "values")
    if isinstance(strictest, Unplanned):
        return strictest
    try:
        types = chosen([glob for mask in concerned for glob in mask.values])
    except InputInvalid as error:
        return Unplanned(Obstacle.UNPROVEN, str(error), _names(concerned))
    return Rewrite(None, types, strictest, params, _names(concerned))


def _by_path(masks: Sequence[Mask]) -> tuple[Rewrite, ...] | Unplanned:
    by_path: dict[Path, tuple[str, list[Mask]]] = {}
    for mask in masks:
        for path in mask.paths:
            by_path.setdefault(parse_path(path), (path, []))[1].append(mask)
    plan: list[Rewrite] = []
    for path, concerned in by_path.values():
        strictest, params = _strictest(concerned, f"path `{path}`")
        if isinstance(strictest, Unplanned):
            return strictest
        plan.append(Rewrite(None, (), strictest, params, _names(concerned), path))
    return tuple(sorted(plan, key=lambda item: item.path or ""))


def concerns(mask: Mask, column: str) -> bool:
    """Whether a mask may be meant for a column, written `schema.table.column`; parts nobody knows match everything."""
    return any(_matches(pattern, column) for pattern in (*mask.columns, *mask.within))


# WHY masks by pattern alone are never proven on SQL: the scanner knows a secret when it sees it whole in a result. A statement
# may show it in parts (`substr`, `reverse`, `encode`) or ask about it (`WHERE note LIKE '%sk_live_a%'`), and which columns
# hold such values nobody says, so that neither lineage nor filters can rule it out. With `within` somebody says: those columns are
# guarded as masked ones are, and only what of their cells is shown differs.
def _obstacle(masks: Sequence[Mask], command: Command) -> str | None:
    """The first thing that keeps a plan from being proven, in words."""
    if any(mask.paths for mask in masks):
        return "paths of JSON are no part of this command's result that can be told"
    if any(mask.values and not mask.within for mask in masks):
        return (
            "a value can be taken apart or asked about before a pattern sees it, so masks by pattern are not proven "
            "unless `within` says in which columns such values are"
        )
    sql = command.sql
    if sql is None:
        return f"columns cannot be told in a command of protocol `{command.protocol}`"
    unseen = _unseen(command)
    if unseen is not None:
        return unseen
    if any(operation.kind == "fetch" and operation.via != ("top",) for operation in command.operations):
        return "a block or function fetches from a cursor, and nobody can tell of which query"
    for relation in sql.relations:
        if relation in _VALUES_OF_OTHERS:
            return f"`{relation}` holds samples of other tables' values"
    lost = _renamed(masks, command.operations) or _detached(masks, command.operations)
    if lost is not None:
        return f"`{lost}` has masked columns, and afterwards nobody would know them by the names that masks go by"
    handed = _handed(masks, command.operations)
    if handed is not None:
        return f"`{handed}` has masked columns, and a trigger's function is handed its rows"
    masked = {column for column in _columns(sql) if any(concerns(mask, column) for mask in masks)}
    asked = {column for column in masked.intersection(sql.equalities) if _may_be_asked(column, masks)}
    return _escape(sql, command.operations, masked, asked) or _unproven_output(masks, sql, command.operations)


def _renamed(masks: Sequence[Mask], operations: Iterable[Operation]) -> str | None:
    """What gets another name, or goes to another schema, and may have columns that masks find by the name they have now."""
    for operation in operations:
        types = {target.type for target in operation.targets}
        if not operation.kind.startswith("alter_") or types.isdisjoint(_NAMES) or "constraint" in types:
            continue
        whole = [target for target in operation.targets if target.type in _NAMED]
        # The schema that something goes to comes last, one that is renamed first.
        whole += [target for target in operation.targets[:1] if target.type == "schema"]
        for target in [target for target in operation.targets if target.type == "column"] or whole:
            name = target.name + _ANY_COLUMN[target.type]
            if any(concerns(mask, name) for mask in masks):
                return target.name
    return None


def _detached(masks: Sequence[Mask], operations: Sequence[Operation]) -> str | None:
    """What is parted from, or with, a table with masked columns: those of a table are masked in what belongs to it too, while it does."""
    if all(operation.kind != "detach_partition" for operation in operations):
        return None
    parted = (target.name for operation in operations for target in operation.targets if target.type in _NAMED)
    return next((name for name in parted if any(concerns(mask, f"{name}.?") for mask in masks)), None)


def _handed(masks: Sequence[Mask], operations: Iterable[Operation]) -> str | None:
    """A table with masked columns that gets a trigger: whatever its function makes of a row, nobody would mask."""
    triggers = (operation for operation in operations if operation.kind == "create_trigger")
    tables = (target.name for operation in triggers for target in operation.targets if target.type in _NAMED)
    return next((name for name in tables if any(concerns(mask, f"{name}.?") for mask in masks)), None)


def _may_be_asked(column: str, masks: Iterable[Mask]) -> bool:
    return all(mask.permits_equality for mask in masks if concerns(mask, column))


def _escape(sql: Sql, operations: Iterable[Operation], masked: set[str], asked: set[str]) -> str | None:
    """A way by which a masked column's value leaves otherwise than in an output. `asked`: it may be asked what these are equal to."""
    if not masked:
        return None
    tested = sorted(masked.intersection(sql.filters) - asked)
    if tested:
        return f"masked column `{tested[0]}` decides which rows there are or in what order"
    for operation in operations:
        if (operation.effect not in _HARMLESS and operation.kind != _DECLARES) or operation.kind in _COPIES:
            return f"masked column `{min(masked)}` is read by a command that does `{operation.kind}`"
    shown = {origin for output in sql.outputs or () for origin in output.origins}
    # What an inner query hands on to nobody decides nothing, and no error depends on it.
    hidden = sorted(masked - shown - asked - set(sql.passed))
    if hidden:
        return f"masked column `{hidden[0]}` is used where no output of the result shows it"
    return None


def _unproven_output(masks: Sequence[Mask], sql: Sql, operations: Iterable[Operation]) -> str | None:
    outputs = sql.outputs or ()
    if sql.outputs_proven and all(output.proven for output in outputs):
        return None
    if any(operation.kind in _DEFERRED for operation in operations):
        return "what the result shows is not written in the command itself"
    # WHY not only relations that a mask names: an untraced column may come through a view, from any table.
    near = [relation for relation in sql.relations if not _is_system(relation)]
    near += [relation for relation in sql.relations if any(_names_system(mask, relation) for mask in masks)]
    if near or not sql.relations:
        return f"the columns of the result cannot be traced{f' through `{near[0]}`' if near else ''}"
    for output in outputs:
        if not output.proven and any(concerns(mask, origin) for origin in output.origins for mask in masks):
            return f"output `{output.name or '?'}` may show a masked column"
    return None


def _unseen(command: Command) -> str | None:
    """Something the parser could not see to the bottom: a masked column may be in there."""
    if not command.complete:
        return "the command could not be read to the bottom"
    for operation in command.operations:
        if operation.kind == "unknown" or operation.effect is Effect.UNKNOWN:
            return f"what operation `{operation.kind}` does is not known"
        for target in operation.targets:
            if target.access is not Access.READ or target.type not in _RELATIONS or _is_system(target.name):
                continue
            if not target.resolved:
                return f"relation `{target.name}` is not in the catalog"
            if target.type not in _TRACED:
                return f"`{target.name}` is a {target.type}, whose columns are not traced to their tables"
    return None


def _rewrite(position: int, output: Output, concerned: Sequence[Mask]) -> Rewrite | Unplanned:
    strictest, params = _strictest(concerned, f"output `{output.name or position}`")
    if isinstance(strictest, Unplanned):
        return strictest
    if output.derived:
        if output.calls is None or not TOTAL.issuperset(map(_plain, output.calls)):
            why = f"output `{output.name or position}` is computed from a masked column by more than total functions"
            return Unplanned(Obstacle.UNPROVEN, why, _names(concerned))
        if strictest.strictness < Method.REDACT.strictness:
            strictest, params = Method.REDACT, {}
    elif all(mask.values for mask in concerned):
        by_value = _by_value(concerned)
        if isinstance(by_value, Unplanned):
            return by_value
        return replace(by_value, output=position, origins=output.origins, values=by_value.origins)
    return Rewrite(position, output.origins, strictest, params, _names(concerned))


def _strictest(concerned: Sequence[Mask], where: str) -> tuple[Method | Unplanned, dict[str, Param]]:
    strictest = max(concerned, key=lambda mask: mask.method.strictness).method
    deciding = [mask for mask in concerned if mask.method is strictest]
    params = dict(deciding[0].params or {})
    if any(dict(mask.params or {}) != params for mask in deciding):
        why = f"masks by `{strictest}` with different parameters meet on {where}"
        return Unplanned(Obstacle.CONFLICT, why, _names(deciding)), {}
    return strictest, params


def _columns(sql: Sql) -> Iterator[str]:
    yield from sql.reads
    yield from sql.filters
    for output in sql.outputs or ():
        yield from output.origins


def _names(masks: Iterable[Mask]) -> tuple[str, ...]:
    return tuple(sorted({mask.rule for mask in masks}))


def _plain(call: str) -> str:
    return call.removeprefix("pg_catalog.")


def _names_system(mask: Mask, relation: str) -> bool:
    """Whether a mask names this relation of the server's own; one over any schema means people's tables."""
    named = [pattern for pattern in mask.columns if pattern.count(".") == _PARTS - 1 and pattern[0] != "*"]
    return any(_matches(pattern, f"{relation}.*") for pattern in named)


def _is_system(relation: str) -> bool:
    return relation.partition(".")[0] in _SYSTEM_SCHEMAS


def _matches(pattern: str, column: str) -> bool:
    # INVARIANT: whatever is unknown matches: a part that is `?`, or a name that has not the parts of a column's.
    # WHY the longest name: the cost of a glob grows with the name, and hostile text chooses it; PostgreSQL ends at 63.
    globs, parts = pattern.split("."), _parts(column)
    if len(globs) > _PARTS or len(parts) > _PARTS or any(len(part) > _LONGEST_NAME for part in parts):
        return True
    globs = ["*"] * (_PARTS - len(globs)) + globs
    parts = [_UNKNOWN_PART] * (_PARTS - len(parts)) + parts
    return all(
        part in (_UNKNOWN_PART, "*") or _glob(glob).fullmatch(part) is not None
        for glob, part in zip(globs, parts, strict=True)
    )


def _parts(column: str) -> list[str]:
    """The parts of a name as the tree writes it: one with a dot in it stands in double quotes."""
    if '"' not in column:
        return column.split(".")
    return [part.strip('"') for part in _QUOTED_OR_PLAIN.findall(column)]


@lru_cache(maxsize=4096)
def _glob(glob: str) -> re.Pattern[str]:
    """`*` is any run of characters, `?` any one; case does not count (masking too much is safe, too little is not)."""
    pieces = {"*": ".*", "?": "."}
    return re.compile("".join(pieces.get(char, re.escape(char)) for char in glob), re.IGNORECASE | re.DOTALL)
