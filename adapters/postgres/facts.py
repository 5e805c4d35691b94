"""What the adapter must know of a command besides the verdict: read from the tree that was judged, never from the text.

Two things come from here: what a command may do to the session it runs in (settings that change how the next one is
read, names of prepared statements, the catalog), and the question put to the gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.command.tree import Command, Effect, ParsedCommand

PROTOCOL = "postgres"

_LEXER = "lexer_setting"
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
_NAMING = frozenset(
    {"prepare", "execute_prepared", "deallocate", "discard", "declare_cursor", "fetch", "move", "close_cursor"}
)
_DATA = frozenset({Effect.READ, Effect.WRITE, Effect.DELETE})
_COPIES_IN = "copy_from"


@dataclass(frozen=True, slots=True)
class Facts:
    """`changes_lexer`: would make the server read later texts otherwise. `changes_session`: path, role or settings may
    differ afterwards. `changes_catalog`: names may mean something else afterwards. `names`: it makes, uses or ends
    prepared statements or cursors by SQL."""

    changes_lexer: bool
    changes_session: bool
    changes_catalog: bool
    names: bool
    ends_transaction: bool


WORST = Facts(changes_lexer=False, changes_session=True, changes_catalog=True, names=True, ends_transaction=True)
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
    changing = any(
        op.effect not in _DATA and op.kind not in _HARMLESS_SESSION and op.effect is not Effect.GRANT
        for op in command.operations
    )
    return Facts(
        changes_lexer=_LEXER in features,
        changes_session=unseen
        or changing
        or bool(features & {"search_path", "role_change", "opaque_code", "temp_object"}),
        changes_catalog=unseen
        or any(op.effect in (Effect.CREATE, Effect.UNKNOWN) or _drops(op.kind) for op in command.operations),
        names=unseen or bool(kinds & _NAMING),
        ends_transaction=bool(kinds & {"commit", "rollback", "rollback_to_savepoint"}),
    )


def _drops(kind: str) -> bool:
    return kind.startswith(("drop_", "alter_"))
