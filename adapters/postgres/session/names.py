"""Prepared statements and portals of one session, by name: which text a name stands for on the server.

INVARIANT: a name is looked up as the server will see it. A change is made here when the server confirms it, never when
we send it: a Parse that fails (the name exists already) leaves the old statement behind the name, and a decision about
the new text must not let the old one run. Inside one pipeline, `session.pipeline` knows its own names: a failure there
makes the server skip everything up to Sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, auto

import msgspec

from adapters.core.ports import Answer
from adapters.errors import PeerProtocolError
from adapters.postgres.messages.notices import TOO_LARGE
from adapters.postgres.messages.query import NO_TYPES
from adapters.postgres.session.recorded import Result
from engine._native import CopyMasker, RowMasker

MAX_STATEMENTS = 10_000
"""Prepared statements in one session; drivers keep some hundreds."""
MAX_PORTALS = 10_000
MAX_BYTES = 64 << 20
"""Bytes of the texts behind all names of one session, and of what they were judged by."""
_EACH = 500
"""Bytes that one takes beside its text, about."""
_DECODED = 4
"""What was decoded of a command is so much larger, about."""


class Statement(msgspec.Struct, frozen=True, gc=False):
    """A text that the server has parsed, `types` of its parameters as sent. `in_sql`: by PREPARE, not by Parse."""

    text: bytes
    in_sql: bool = False
    types: bytes = NO_TYPES


class Run(msgspec.Struct, eq=False):
    """One command that was granted and runs: what becomes of it, for the audit and for what is shown of errors."""

    answer: Answer
    started: float
    masks: bool = False
    rows: int = 0
    bytes: int = 0
    masked: int = 0
    """Cells that were shown otherwise than the server sent them."""
    is_over: bool = False
    result: Result | None = None
    """Where its result is recorded, when that is demanded."""


class Cursor(msgspec.Struct, frozen=True, eq=False):
    """A cursor of SQL's. `meaning`: what names, its own too, meant when it was declared, as `Meanings.handle` gives it; None: nobody knows.
    `size`: bytes of its query."""

    meaning: object | None = None
    size: int = 0


NOT_KNOWN = Cursor()


class Planned(msgspec.Struct, frozen=True):
    """By which names statements are planned, as `Meanings.version` gives it."""

    version: str | None


class Use(msgspec.Struct, frozen=True, eq=False):
    """The name that an EXECUTE or FETCH has, and what stood behind it when that was decided on; None: nobody knew."""

    name: bytes
    is_cursor: bool
    thing: Statement | Cursor | None


class Portal(msgspec.Struct, eq=False):
    """A statement with parameters. `masker` is there once the result is described; rows do not pass before."""

    statement: Statement
    run: Run
    masker: RowMasker | CopyMasker | None = None
    change: NameChange | None = None
    """What running it changes about names."""
    rows_left: int | None = None
    """How many rows the policy still lets out of it."""
    uses: Use | None = None
    """What its statement runs by name."""

    @property
    def shows_masked(self) -> bool:
        """Whether its rows are masked: those of a cursor come by FETCH."""
        return self.run.masks and (self.change is None or self.change.change is not Change.CURSOR)


class Change(IntEnum):
    """What can become of a name."""

    STATEMENT = auto()
    NO_STATEMENT = auto()
    NO_STATEMENTS = auto()
    PORTAL = auto()
    NO_PORTAL = auto()
    NO_PORTALS = auto()
    CURSOR = auto()
    """Made by DECLARE: it can be described, not executed, by the protocol."""
    NOTHING_LEFT = auto()
    """Neither statements nor portals."""
    PLANNED = auto()
    """The server has forgotten every plan: what was parsed before is read anew when it is used next."""


class NameChange(msgspec.Struct, frozen=True):
    """A change that the server will confirm."""

    change: Change
    name: bytes = b""
    thing: Statement | Portal | Cursor | Planned | None = None
    even_if_failed: bool = False


class Names:
    """The names the server knows for sure, and for which of them it has not confirmed a change yet."""

    __slots__ = (
        "_bytes",
        "_in_flight",
        "changes",
        "cursors",
        "elsewhere",
        "ended",
        "planned_by",
        "portals",
        "statements",
    )

    def __init__(self) -> None:
        self.statements: dict[bytes, Statement] = {}
        self.elsewhere: set[bytes] = set()
        """Those of the statements that were made on another connection, and not on the one of now."""
        self.portals: dict[bytes, Portal] = {}
        self.cursors: dict[bytes, Cursor] = {}
        self.ended: list[Run] = []
        """What ran in portals that are gone, and nobody was told so yet."""
        self._in_flight: dict[tuple[bool | None, bytes], int] = {}
        self._bytes = 0
        """Of what is behind the names at the most: what went since it was counted is in it still."""
        self.changes = 0
        """How many were made."""
        self.planned_by: str | None = None
        """The names by which, or by later ones, the server has read the texts of all statements."""

    def moved(self) -> None:
        """Another connection serves, which knows none of them yet."""
        self.changes += 1
        self.elsewhere = set(self.statements)
        self.cursors.clear()

    def missing(self, name: bytes) -> Statement | None:
        """The statement of a name that has to be made on this connection before it is used; None when it is there, or is being changed."""
        if name not in self.elsewhere or self.is_moving(name, is_portal=False):
            return None
        return self.statements[name]

    def sent(self, change: NameChange) -> None:
        """A change was asked of the server."""
        key = _key(change)
        self._in_flight[key] = self._in_flight.get(key, 0) + 1

    def settled(self, change: NameChange, done: bool) -> None:
        """The server confirmed a change, or failed to make it."""
        key = _key(change)
        left = self._in_flight[key] - 1
        if left:
            self._in_flight[key] = left
        else:
            del self._in_flight[key]
        if done or change.even_if_failed:
            self._apply(change)
        elif change.change is Change.STATEMENT and not change.name:
            # WHY: a Parse without a name drops the old unnamed statement before it looks at the new text.
            self._apply(UNNAMED_GOES)

    def confirm(self, change: NameChange) -> None:
        """The server made a change that nobody else can have waited for (`session.plain`)."""
        self._apply(change)

    def is_moving(self, name: bytes, *, is_portal: bool) -> bool:
        """Whether what a name stands for is being changed: nobody can tell yet."""
        moving = self._in_flight
        return bool(moving) and ((is_portal, name) in moving or (is_portal, ALL) in moving or (None, ALL) in moving)

    def stands(self, use: Use | None) -> bool:
        """Whether a name still means what it meant. One of which nothing was known was decided on as that."""
        if use is None or use.thing is None:
            return True
        known: Mapping[bytes, Statement | Cursor] = self.cursors if use.is_cursor else self.statements
        return known.get(use.name) is use.thing and not self.is_moving(use.name, is_portal=use.is_cursor)

    def is_planned_by(self, version: str | None) -> bool:
        """Whether the server has read the text of every statement by these names or later ones. Notes so where there is none."""
        # WHY: of names that come to stand before others, such as a new table's in an earlier schema of the path, it takes no notice by itself.
        if not self.statements and not self._in_flight:
            self.planned_by = version
        return self.planned_by == version

    def texts(self) -> dict[str, str]:
        """The texts of all prepared statements, for who resolves EXECUTE."""
        found: dict[str, str] = {}
        for name, statement in self.statements.items():
            try:
                found[name.decode()] = statement.text.decode()
            except UnicodeDecodeError:
                continue
        return found

    def forget_cursors(self, names: Iterable[bytes] | None = None) -> None:
        """Others may stand behind these names soon, or behind any: what is fetched from them is not known until the server confirms one.

        INVARIANT: called when what makes them is granted, so that nothing behind it is decided by the query of an earlier one.
        """
        for name in tuple(self.cursors) if names is None else names:
            if name in self.cursors:
                self.cursors[name] = NOT_KNOWN

    @property
    def is_any_moving(self) -> bool:
        """Whether any change is not confirmed yet."""
        return bool(self._in_flight)

    @property
    def has_unnamed(self) -> bool:
        """Whether there is, or may soon be, an unnamed statement of the client's."""
        return b"" in self.statements or (False, b"") in self._in_flight

    def _apply(self, change: NameChange) -> None:
        self.changes += 1
        self._count(change.thing)
        match change:
            case NameChange(Change.STATEMENT, name, Statement() as statement):
                self.statements[name] = statement
                self.elsewhere.discard(name)
            case NameChange(Change.NO_STATEMENT, name):
                self.statements.pop(name, None)
                self.elsewhere.discard(name)
            case NameChange(Change.NO_STATEMENTS):
                self.statements.clear()
                self.elsewhere.clear()
            case NameChange(Change.PORTAL, name, Portal() as portal):
                self._end_portal(name)
                self.portals[name] = portal
            case NameChange(Change.NO_PORTAL, name):
                self._end_portal(name)
                self.cursors.pop(name, None)
            case NameChange(Change.NO_PORTALS):
                self.end_portals()
                self.cursors.clear()
            case NameChange(Change.CURSOR, name, Cursor() as cursor):
                self.cursors[name] = cursor
            case NameChange(Change.PLANNED, _, Planned(version)):
                self.planned_by = version
            case NameChange(Change.NOTHING_LEFT):
                self.statements.clear()
                self.elsewhere.clear()
                self.end_portals()
                self.cursors.clear()
            case _:
                raise TypeError(f"no such change: {change}")
        if len(self.statements) > MAX_STATEMENTS or len(self.portals) + len(self.cursors) > MAX_PORTALS:
            raise PeerProtocolError("the session has too many prepared statements or portals", code=TOO_LARGE)

    def _end_portal(self, name: bytes) -> None:
        portal = self.portals.pop(name, None)
        if portal is not None:
            self.ended.append(portal.run)

    def end_portals(self) -> None:
        """All of them are gone, as at the end of a transaction."""
        self.ended += (portal.run for portal in self.portals.values())
        self.portals.clear()

    def _count(self, thing: Statement | Portal | Cursor | Planned | None) -> None:
        """Count one more. Raises where too much would be behind all names."""
        if thing is None or isinstance(thing, Planned):
            return
        more = _size(thing)
        self._bytes += more
        if self._bytes > MAX_BYTES:
            known: list[Statement | Portal | Cursor] = [*self.statements.values(), *self.portals.values()]
            known += self.cursors.values()
            self._bytes = sum(map(_size, known)) + more
        if self._bytes > MAX_BYTES:
            raise PeerProtocolError("the texts of prepared statements and portals are too long", code=TOO_LARGE)


ALL = b"\0"
"""In place of a name: all of them. No name holds a zero byte."""
UNNAMED_GOES = NameChange(Change.NO_STATEMENT, even_if_failed=True)


def _size(thing: Statement | Portal | Cursor) -> int:
    match thing:
        case Statement(text):
            return len(text) + _EACH
        case Portal(statement, run):
            command = run.answer.command
            return len(statement.text) + (0 if command is None else _DECODED * len(command.encoded)) + _EACH
        case Cursor():
            return thing.size + _EACH


def _key(change: NameChange) -> tuple[bool | None, bytes]:
    match change.change:
        case Change.STATEMENT | Change.NO_STATEMENT:
            return False, change.name
        case Change.NO_STATEMENTS:
            return False, ALL
        case Change.PORTAL | Change.NO_PORTAL | Change.CURSOR:
            return True, change.name
        case Change.NO_PORTALS:
            return True, ALL
        case Change.NOTHING_LEFT:
            return None, ALL
        case Change.PLANNED:
            return None, b""
