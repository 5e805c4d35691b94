"""The command tree: what policies see as `input.command`, what every parser produces, whatever the protocol.

The Rust core writes it as msgpack (`ParsedCommand.encoded`), which goes into evaluation unchanged; Python decodes it
(`ParsedCommand.command`) only where somebody looks. Field names here are the names policies use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import msgspec

from engine.command.http.tree import Http
from engine.command.kubernetes.tree import Kubernetes
from engine.command.mcp.tree import Mcp
from engine.command.python.tree import Python
from engine.command.shell.tree import Shell


class Effect(StrEnum):
    """What an operation does to the world. `UNKNOWN` is never treated as harmless."""

    READ = "read"
    WRITE = "write"
    CREATE = "create"
    DELETE = "delete"
    EXECUTE = "execute"
    GRANT = "grant"
    SESSION = "session"
    UNKNOWN = "unknown"


class Access(StrEnum):
    """How an operation touches a target."""

    READ = "read"
    WRITE = "write"
    CREATE = "create"
    DELETE = "delete"
    EXECUTE = "execute"
    GRANT = "grant"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing an operation touches.

    `type`: table column function program file host setting role schema database type extension index view sequence ...
    `name` is the full name as resolved (`public.orders`); `schema` and `relation` its parts where it has them;
    `resolved` says whether a catalog confirmed it.
    """

    type: str
    name: str
    access: Access
    schema: str | None = None
    relation: str | None = None
    column: str | None = None
    resolved: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that could run. Nested ones (a CTE's write, EXPLAIN ANALYZE's statement) are listed too.

    `kind` is a closed enum for each protocol (docs/commands.md), `unknown` included. `via` says how it is reached,
    outermost first (`top`, `cte`, `subquery`, `explain`, `prepare`, `copy`, `function` ...). `span` is the byte
    offsets [start, end) in the text.
    """

    kind: str
    effect: Effect
    via: tuple[str, ...]
    targets: tuple[Target, ...] = ()
    span: tuple[int, int] = (0, 0)
    has_where: bool | None = None
    has_limit: bool | None = None
    statement: int = 0
    kubernetes: Kubernetes | None = None
    shell: Shell | None = None
    python: Python | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the parser could not see or refuses to see. Stable `code`, `at` is a byte offset or None."""

    code: str
    message: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One column of a result.

    `origins`: `schema.table.column` of every base column whose value can be in it; `derived`: more than a plain copy;
    `function`: the outermost function when derived; `proven`: the origins are complete and certain; `calls`: every
    function, operator (`op:||`), cast (`cast:int4`) and column that the server computes (`column:generated`) of a derived output,
    None when they were not all listed.
    """

    name: str | None = None
    origins: tuple[str, ...] = ()
    derived: bool = False
    function: str | None = None
    proven: bool = False
    calls: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sql:
    """What is particular to SQL. Columns are `schema.table.column`, relations `schema.table`.

    A part of a name that nobody could resolve is `?` (`?.orders.total` without a catalog), a part with a dot in it stands
    in double quotes. `filters`: columns that decide which rows, in what order or groups, or (by an error in what no output
    shows) whether there is an answer. `equalities`: those that decide by nothing but being equal to constants; where else
    they are read, an output shows them. `passed`: those of `reads` that inner queries name plainly in their results, and nobody
    uses. `outputs`: empty for statements without a result, None where nobody can know
    (FETCH, EXECUTE, several statements). `outputs_proven`: the same of all of them, also of several statements. `has_where`: of every UPDATE and DELETE, or without any, of every statement;
    `has_limit`: of every statement. `constants_matter` is false only when no constant's value was looked at to build the
    tree.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    equalities: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    outputs: tuple[Output, ...] | None = None
    outputs_proven: bool = False
    has_where: bool = False
    has_limit: bool = False
    joins: int = 0
    statements: int = 1
    is_multi: bool = False
    constants_matter: bool = True


@dataclass(frozen=True, slots=True)
class Command:
    """A command of any protocol, as a tree.

    `digest` is the SHA-256 (hex) of protocol and canonical text; approvals bind to it. `complete` is false whenever
    something could not be seen to the bottom. `features` are short flags (`secret_literal`, `dynamic_sql`, ...).
    """

    protocol: str
    text: str
    digest: str
    operations: tuple[Operation, ...]
    features: tuple[str, ...] = ()
    complete: bool = False
    problems: tuple[Problem, ...] = ()
    sql: Sql | None = None
    kubernetes: Kubernetes | None = None
    http: Http | None = None
    mcp: Mcp | None = None


@dataclass(frozen=True)
class ParsedCommand:
    """A command as the core encoded it, decoded on first look.

    `encoded` is msgpack of `Command`, absent optional fields left out.
    """

    encoded: bytes = field(repr=False)

    @cached_property
    def command(self) -> Command:
        return _DECODER.decode(self.encoded)

    def document(self) -> dict[str, object]:
        """The tree as plain values, as its JSON form has it."""
        return _PLAIN.decode(self.encoded)

    @classmethod
    def of(cls, command: Command) -> ParsedCommand:
        """Encode a tree that somebody else built (an adapter's, a test's)."""
        return cls(_ENCODER.encode(_without_none(msgspec.to_builtins(command))))


def _without_none(value: object) -> object:
    match value:
        case dict():
            return {key: _without_none(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [_without_none(item) for item in value]
        case _:
            return value


_DECODER = msgspec.msgpack.Decoder(Command)
_PLAIN = msgspec.msgpack.Decoder(dict[str, object])
_ENCODER = msgspec.msgpack.Encoder()
