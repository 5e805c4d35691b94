"""What the session's state on the server is, as far as it changes the meaning of names: search_path and role.

Asked from the server with a statement of our own, whenever a command may have changed it; until the answer is there it
is unknown, and then nothing about names can be proven. Transaction state is the server's own word (ReadyForQuery).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from adapters.postgres.messages import results
from adapters.postgres.messages.frames import Front
from adapters.postgres.messages.query import (
    FLUSH,
    PORTAL,
    STATEMENT,
    SYNC,
    encode_bind,
    encode_execute,
    encode_named,
    encode_parse,
)
from adapters.postgres.session import steps
from adapters.postgres.session.steps import Due, Hush, Step
from engine.request import Json

_TEXT = (
    b"SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text, "
    b"current_user::pg_catalog.text, session_user::pg_catalog.text"
)
"""WHY `current_schemas(true)`: the schemas really searched, temporary and implicit ones included, in order.
WHY every name is qualified: the path we ask about must not change the asking."""

_MODE = rb"(?:isolation\s+level\s+(?:serializable|repeatable\s+read|read\s+committed|read\s+uncommitted)|read\s+only|read\s+write|not\s+deferrable|deferrable)"
_COMES_FIRST = re.compile(
    rb"\s*set\s+(?:local\s+)?(?:transaction\s+(?:"
    + _MODE
    + rb"(?:(?:\s*,\s*|\s+)"
    + _MODE
    + rb")*|snapshot\s+'[0-9A-Fa-f-]+')|transaction_(?:isolation|read_only|deferrable)\s*(?:=|\sto\s)\s*'?[a-z]+(?: [a-z]+)?'?)\s*;?\s*",
    re.IGNORECASE,
)
_LONGEST_FIRST = 256

_PARSE = Step(Due.PARSE, shown=False, hush=Hush.ALL, probe=True)
_BIND = Step(Due.BIND, shown=False, hush=Hush.ALL, probe=True)
_EXECUTE = Step(Due.EXECUTE, shown=False, hush=Hush.ALL, probe=True)
_CLOSE = Step(Due.CLOSE, shown=False, hush=Hush.ALL, probe=True)
_LAST_CLOSE = Step(Due.CLOSE, shown=False, hush=Hush.ALL, probe=True, awaited=True)
PROBE_STEPS = (_PARSE, _BIND, _EXECUTE, _CLOSE, _CLOSE, steps.OWN_SYNC)
LEXER_PROBE_STEPS = (_PARSE, _BIND, _EXECUTE, _CLOSE, _LAST_CLOSE)

_LEXER_TEXT = (
    b"SELECT pg_catalog.current_setting('standard_conforming_strings'), pg_catalog.current_setting('client_encoding')"
)
LEXER_AS_EXPECTED = (b"on", b"UTF8")


def encode_probe(name: bytes) -> bytes:
    """The question, under a name of our own so that the client's unnamed statement and portal stay."""
    return _encode_question(_TEXT, name) + SYNC


def comes_first(text: bytes) -> bool:
    """Whether a text is SET TRANSACTION alone, which PostgreSQL takes only before the first query of a transaction: our own would be one. It has
    no name whose meaning would have to be asked for. One with a comment is not found."""
    return len(text) <= _LONGEST_FIRST and _COMES_FIRST.fullmatch(text) is not None


def encode_lexer_probe(name: bytes) -> bytes:
    """How the server reads texts now; for the middle of a group, where its own reports come too late."""
    return _encode_question(_LEXER_TEXT, name) + FLUSH


def _encode_question(text: bytes, name: bytes) -> bytes:
    return (
        encode_parse(text, name)
        + encode_bind(name, name)
        + encode_execute(name)
        + encode_named(Front.CLOSE, PORTAL, name)
        + encode_named(Front.CLOSE, STATEMENT, name)
    )


_WORDS = {results.IDLE: "idle", results.IN_TRANSACTION: "open", results.FAILED: "failed"}


class Standing:
    """The last known answer, and whether it still holds."""

    __slots__ = ("_is_known", "_learned_inside", "_state", "has_temporary", "role", "search_path", "user")

    def __init__(self) -> None:
        self.search_path: tuple[str, ...] | None = None
        self.has_temporary = False
        """Whether the session has temporary objects: they stand before all others, and only this session knows them."""
        self.role: str | None = None
        self.user: str | None = None
        self._is_known = False
        self._learned_inside = False
        self._state: dict[int, Mapping[str, Json]] = {}

    @property
    def is_of_transaction(self) -> bool:
        """Whether it is known, and ends with the transaction that is open."""
        return self._is_known and self._learned_inside

    def is_known(self, status: int) -> bool:
        """Whether nothing can have changed it. What was learned inside a transaction may end with it."""
        return self._is_known and not (self._learned_inside and status == results.IDLE)

    def forget(self) -> None:
        """A command that may change it goes up."""
        self._is_known = False
        self.search_path = self.role = self.user = None
        self.has_temporary = False
        self._state.clear()

    def learn(self, row: Sequence[str | None], path: tuple[str, ...], status: int) -> None:
        """The server's answer to the probe."""
        self.search_path = path
        self.has_temporary = any(schema.startswith("pg_temp_") for schema in path)
        self.role, self.user = row[1], row[2]
        self._is_known = True
        self._learned_inside = status != results.IDLE
        self._state.clear()

    def state(self, status: int) -> Mapping[str, Json]:
        """What policies may read of the session. Unknown things are absent."""
        found = self._state.get(status)
        if found is None:
            facts: dict[str, Json] = {"transaction": _WORDS.get(status, "unknown")}
            if self.search_path is not None:
                facts["search_path"] = list(self.search_path)
            if self.role is not None:
                facts["role"] = self.role
            found = self._state[status] = facts
        return found
