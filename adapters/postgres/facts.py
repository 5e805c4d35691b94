"""What the adapter must know of a command besides the verdict: read from the tree that was judged, never from the text.

Two things come from here: what a command may do to the session it runs in (settings that change how the next one is
read, names of prepared statements, the catalog), and the outline of a text: where its statements begin and end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import msgspec

from engine._native import outline_sql
from engine.command.tree import Access, Command, Effect, Operation, ParsedCommand

PROTOCOL = "postgres"

_LEXER = "lexer_setting"
_LEXER_SETTINGS = frozenset(
    {
        *("standard_conforming_strings", "backslash_quote", "client_encoding", "names"),
        *("escape_string_warning", "array_nulls"),
    }
)
_OPAQUE = frozenset({"opaque_code", "dynamic_sql", "unknown_function"})
_SETTINGS_TABLE = "pg_catalog.pg_settings"
_TRANSACTION = frozenset({"begin", "commit", "rollback", "savepoint", "release_savepoint", "prepare_transaction"})
_HARMLESS_SESSION = _TRANSACTION | {
    *(
        "show",
        "fetch",
        "move",
        "declare_cursor",
        "close_cursor",
        "prepare",
        "deallocate",
        "listen",
        "unlisten",
        "notify",
    ),
    *("lock", "vacuum", "analyze", "checkpoint", "set_transaction", "set_constraints", "explain", "execute_prepared"),
    *("commit_prepared", "rollback_prepared", "cluster", "reindex"),
}
"""Kinds that leave every setting as it is. What a prepared statement does is judged when it is executed."""
_PLAIN_SETTING = re.compile(r"[a-z_]+|session characteristics")
_NAMING = frozenset(
    {"prepare", "execute_prepared", "deallocate", "discard", "declare_cursor", "fetch", "move", "close_cursor"}
)
_CHECKING = frozenset({"commit", "prepare_transaction", "set_constraints"})
"""Deferred constraints are looked at there."""
_ENDING = frozenset({"commit", "rollback", "prepare_transaction"})
_DATA = frozenset({Effect.READ, Effect.WRITE, Effect.DELETE})
_UNPARSABLE = "syntax_error"
_ADMINISTERING = frozenset({"server_admin", "server_file", "server_program"})
_UNSEEN_KINDS = frozenset({"load", "do"})
_UNDONE = re.compile(
    r"pg_catalog\.(set_config|setseed|pg_(try_)?advisory_[a-z_]+|pg_sleep[a-z_]*|pg_stat_clear_snapshot)"
)
"""Functions that change a session in no way, or in one that is undone when it is washed."""
_KEEPS_NOTHING = (_TRANSACTION - {"prepare_transaction"}) | {
    "rollback_to_savepoint",
    *("show", "fetch", "move", "close_cursor", "reset", "unlisten", "notify", "lock", "set_constraints", "explain"),
    *("vacuum", "analyze", "checkpoint", "cluster", "reindex", "commit_prepared", "rollback_prepared"),
}
"""Kinds of SESSION of which nothing lasts beyond a transaction, in a session that had nothing before."""
_TRANSACTIONS_OWN = re.compile(
    r"pg_catalog\.(pg_(try_)?advisory_xact_lock(_shared)?|pg_advisory_unlock_all|pg_sleep[a-z_]*|pg_stat_clear_snapshot"
    r"|pg_notify|lo_[a-z0-9_]+)"
)
"""Functions that write or change a session, and keep nothing beyond a transaction."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`changes_lexer`: would make the server read later texts otherwise; `sets_lexer`: by SET, so the value decides.
    `opaque`: what it runs cannot be seen, so it may change even that. `changes_session`: path, role or settings may
    differ afterwards. `changes_catalog`: names may mean something else afterwards. `names`: it makes, uses or ends
    prepared statements or cursors by SQL. `copies_out`: COPY TO. `unparsable`: PostgreSQL's grammar refuses the text.
    `checks_rows`: the server looks at whole rows on its way, and its errors quote them. `marks`: the connection may keep something
    of it that `DISCARD ALL` does not undo. `declares`: names of cursors that it makes. `keeps`: the session may have something of it beyond the transaction, and would miss it on another
    connection. `planned`: the server reads names in it before it runs it, maybe long before. `ends_transaction`: what was set for the open one alone is undone, also where the next one is open at once."""

    changes_lexer: bool = False
    sets_lexer: bool = False
    opaque: bool = False
    changes_session: bool = False
    changes_catalog: bool = False
    names: bool = False
    copies_out: bool = False
    unparsable: bool = False
    checks_rows: bool = False
    marks: bool = False
    keeps: bool = False
    planned: bool = False
    ends_transaction: bool = False
    declares: tuple[bytes, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether a grant of it can be carried as it is, and changes nothing about the session."""
        changes = self.changes_lexer or self.sets_lexer or self.changes_session or self.changes_catalog
        return not (changes or self.opaque or self.names or self.copies_out or self.unparsable or self.marks)


WORST = Facts(
    opaque=True,
    changes_session=True,
    changes_catalog=True,
    names=True,
    copies_out=True,
    checks_rows=True,
    marks=True,
    keeps=True,
    planned=True,
)
"""Of a command whose tree nobody gave. Not `changes_lexer`: that is a refusal, and the server reports such a change."""


def facts_of(parsed: ParsedCommand | None) -> Facts:
    """The facts of a judged command."""
    return WORST if parsed is None else _of_encoded(parsed.encoded)


@lru_cache(maxsize=4096)
def _of_encoded(encoded: bytes) -> Facts:
    return facts_of_command(ParsedCommand(encoded).command)


def facts_of_command(command: Command) -> Facts:
    """The facts of a decoded tree. What could not be seen to the bottom may change the session."""
    kinds = {operation.kind for operation in command.operations}
    features = set(command.features)
    unseen = not command.complete or any(op.effect is Effect.UNKNOWN for op in command.operations)
    opaque = unseen or bool(features & _OPAQUE) or _writes_settings(command.operations)
    lexer_by = {op.kind for op in command.operations if _sets_lexer(op)}
    changing = any(
        op.effect not in _DATA and op.kind not in _HARMLESS_SESSION and op.effect is not Effect.GRANT
        for op in command.operations
    )
    marks = opaque or bool(features & _ADMINISTERING) or any(map(_marks, command.operations))
    return Facts(
        changes_lexer=_LEXER in features and not (lexer_by and lexer_by <= {"set", "reset"}),
        sets_lexer="set" in lexer_by,
        opaque=opaque,
        changes_session=opaque or changing or bool(features & {"search_path", "role_change", "temp_object"}),
        changes_catalog=unseen
        or any(op.effect in (Effect.CREATE, Effect.UNKNOWN) or _drops(op.kind) for op in command.operations),
        names=unseen or bool(kinds & _NAMING),
        copies_out=unseen or "copy_to" in kinds,
        checks_rows=unseen
        or any(op.effect not in (Effect.READ, Effect.SESSION) or op.kind in _CHECKING for op in command.operations),
        marks=marks,
        keeps=marks or "temp_object" in features or not all(map(_keeps_nothing, command.operations)),
        planned="execute_prepared" in kinds
        or any(op.effect in _DATA and not _drops(op.kind) for op in command.operations),
        ends_transaction=bool(kinds & _ENDING),
        declares=tuple(
            target.name.encode()
            for op in command.operations
            if op.kind == "declare_cursor"
            for target in op.targets
            if target.type == "cursor"
        ),
        unparsable=any(problem.code == _UNPARSABLE for problem in command.problems),
    )


def _sets_lexer(operation: Operation) -> bool:
    """Whether it names a setting of the lexer; RESET ALL names all."""
    return any(
        target.type == "setting"
        and target.access is Access.SET
        and (target.name in _LEXER_SETTINGS or target.name == "all")
        for target in operation.targets
    )


def _marks(operation: Operation) -> bool:
    """Whether it makes up a setting (one with a dot in its name), runs what is not seen, or changes a session in a way nobody undoes."""
    is_call = operation.kind == "call_function" and operation.effect is Effect.SESSION
    return operation.kind in _UNSEEN_KINDS or any(
        (target.type == "setting" and target.access is Access.SET and not _PLAIN_SETTING.fullmatch(target.name))
        or (is_call and target.type == "function" and not _UNDONE.fullmatch(target.name))
        for target in operation.targets
    )


def _keeps_nothing(operation: Operation) -> bool:
    """Whether nothing of it lasts in the session beyond its transaction. What is not known to be so is not."""
    effect, kind = operation.effect, operation.kind
    is_call = kind == "call_function"
    if effect is Effect.READ or (effect in _DATA and not is_call and not _drops(kind)):
        return True
    functions = [target.name for target in operation.targets if target.type == "function"]
    if is_call:
        is_known = bool(functions) and all(map(_TRANSACTIONS_OWN.fullmatch, functions))
        return effect in (Effect.WRITE, Effect.SESSION) and is_known
    if kind == "set_transaction":
        return all(target.name == "transaction" for target in operation.targets)
    return effect is Effect.SESSION and kind in _KEEPS_NOTHING


def _writes_settings(operations: Sequence[Operation]) -> bool:
    """UPDATE pg_settings is SET by another name."""
    return any(
        target.name == _SETTINGS_TABLE and target.access is not Access.READ
        for op in operations
        for target in op.targets
    )


def _drops(kind: str) -> bool:
    return kind.startswith(("drop_", "alter_"))


class Sort(StrEnum):
    """What a statement means for the connection that carries it."""

    PLAIN = "plain"
    BEGIN = "begin"
    END = "end"
    CHAIN = "chain"
    SAVEPOINT = "savepoint"
    PREPARE_TRANSACTION = "prepare_transaction"
    COPY_IN = "copy_in"
    PREPARE = "prepare"
    EXECUTE = "execute"
    DEALLOCATE = "deallocate"
    DEALLOCATE_ALL = "deallocate_all"
    DISCARD_ALL = "discard_all"
    DECLARE = "declare"
    FETCH = "fetch"
    CLOSE = "close"
    CLOSE_ALL = "close_all"
    SET_LEXER = "set_lexer"


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement of a text. `name`: of the prepared statement or cursor (for SAVEPOINT and CHAIN the command's own
    words); `inner`: what PREPARE keeps; `characters` how many stand before it."""

    text: bytes
    sort: Sort
    name: bytes
    inner: bytes
    characters: int


def outline(text: bytes) -> tuple[Piece, ...] | None:
    """The statements of a text; None when PostgreSQL's grammar refuses it or there are too many."""
    found = _OUTLINE.decode(outline_sql(text))
    if found is None:
        return None
    pieces: list[Piece] = []
    counted_to = characters = 0
    for start, end, sort, name, inner in found:
        characters += len(text[counted_to:start].decode())
        counted_to = start
        pieces.append(Piece(text[start:end], sort, name.encode(), text[inner:end], characters))
    return tuple(pieces)


_OUTLINE = msgspec.msgpack.Decoder(tuple[tuple[int, int, Sort, str, int], ...] | None)
