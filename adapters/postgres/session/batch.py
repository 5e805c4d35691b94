"""Several statements in one simple query: one implicit transaction, as the server makes it of them.

A pipeline with one Sync is not that transaction (LOCK and DECLARE fail in it, and it runs what the server refuses in a
transaction), so the pieces go up inside a BEGIN and COMMIT of ours. The client's own BEGIN and COMMIT inside the text take
ours over and end it, with the warnings that the server would give. After an error inside our block we roll it back before
the client sees ReadyForQuery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.postgres.facts import Piece, Sort
from adapters.postgres.messages import notices, results
from adapters.postgres.messages.query import (
    DESCRIBE_PORTAL,
    EXECUTE_ALL,
    FLUSH,
    encode_bind,
    encode_execute,
    encode_parse,
)
from adapters.postgres.session import refusals, steps
from adapters.postgres.session.desk import Desk
from adapters.postgres.session.limits import NO_LIMITS, Limits
from adapters.postgres.session.names import Run
from adapters.postgres.session.naming import change_of
from adapters.postgres.session.steps import Due, Hush, Step, Tag
from adapters.postgres.session.turns import Need, Turn

_ENDS = (Sort.END, Sort.PREPARE_TRANSACTION)
_NEEDS_BLOCK = (Sort.SAVEPOINT, Sort.CHAIN)
_OWN = (steps.OWN_PARSE, steps.OWN_BIND, steps.OWN_EXECUTE)
_OWN_IN_BLOCK = tuple(Step(step.due, shown=False, hush=Hush.ALL, in_our_block=True) for step in _OWN)
TRANSACTION_CONTROL = (*_ENDS, *_NEEDS_BLOCK, Sort.BEGIN)


def _own(text: bytes) -> bytes:
    return encode_parse(text) + encode_bind() + EXECUTE_ALL


class Batch:
    """Sends one granted text of several statements."""

    def __init__(self, desk: Desk, run: Run, limits: Limits, *, opaque: bool) -> None:
        """`opaque`: a piece may change how the server reads the next, so each is waited for and that is checked."""
        self._desk = desk
        self._run = run
        self._limits = limits
        self._opaque = opaque
        self._frames: list[bytes] = []
        self._steps: list[Step] = []
        self._ours = False
        self._in_block = False

    def send(self, pieces: Sequence[Piece], name: bytes) -> Turn:
        """All pieces, each COPY FROM STDIN waited for. Nothing else may be under way: what is open decides the wrapping."""
        desk = self._desk
        while desk.replies.owed:
            yield Need.IDLE
        self._in_block = desk.replies.status != results.IDLE
        limits = self._limits
        for number, piece in enumerate(pieces):
            self._begin_if_needed()
            if number == 0:
                self._enforce(limits.of_transaction, name)
            if piece.sort not in TRANSACTION_CONTROL:
                # WHY not before: in a transaction that has failed nothing runs but its end.
                self._enforce(limits.of_plans, name)
                limits = NO_LIMITS
            self._add(piece, is_last=number == len(pieces) - 1)
            if piece.sort is Sort.COPY_IN:
                yield from self._copy()
            if self._opaque and number < len(pieces) - 1 and not desk.replies.group_failed:
                self._flush()
                yield from desk.check_lexer()
            if desk.replies.group_failed:
                desk.sync()
                return
        if self._ours:
            self._frames.append(_own(b"COMMIT"))
            self._steps += _OWN_IN_BLOCK
        self._flush()
        desk.sync()

    def _flush(self, more: bytes = b"") -> None:
        self._desk.out.up(b"".join(self._frames) + more)
        self._desk.replies.expect(*self._steps)
        self._frames.clear()
        self._steps.clear()

    def _begin_if_needed(self) -> None:
        if not self._in_block and not self._ours:
            self._frames.append(_own(b"BEGIN"))
            self._steps += _OWN
            self._ours = True

    def _enforce(self, limits: Limits, name: bytes) -> None:
        if limits.has_texts:
            self._frames.append(limits.encode_texts(name))
            self._steps += (replace(step, in_our_block=self._ours) for step in limits.steps)

    def _add(self, piece: Piece, *, is_last: bool) -> None:
        ours = self._ours
        if ours and piece.sort in _NEEDS_BLOCK:
            message = f"{piece.name.decode()} can only be used in transaction blocks"
            error = notices.encode_error(notices.NO_TRANSACTION, message)
            self._frames.append(refusals.poison())
            self._steps.append(Step(Due.PARSE, shown=False, poison=error, in_our_block=True))
            return
        tag = Tag.UNTIL_READY if is_last else Tag.SHOWN
        if ours and piece.sort in _ENDS:
            tag = Tag.AFTER_WARNING
        hush = Hush.BEGIN if ours and piece.sort is Sort.BEGIN else Hush.NONE
        limit = self._limits.rows
        self._frames.append(encode_parse(piece.text) + encode_bind() + DESCRIBE_PORTAL)
        self._frames.append(EXECUTE_ALL if limit is None else encode_execute(limit=limit))
        for due in (Due.PARSE, Due.BIND, Due.DESCRIBE, Due.EXECUTE):
            is_execute = due is Due.EXECUTE
            self._steps.append(
                Step(
                    due,
                    shown=due in (Due.DESCRIBE, Due.EXECUTE),
                    run=self._run,
                    hides_no_data=True,
                    tag=tag if is_execute else Tag.SHOWN,
                    hush=hush,
                    offset=piece.characters,
                    in_our_block=ours,
                    change=change_of(piece) if is_execute else None,
                    awaited=is_execute and piece.sort is Sort.COPY_IN,
                    ends_run=is_execute and is_last,
                    limited=(limit or 0) if is_execute else 0,
                )
            )
        if piece.sort is Sort.BEGIN:
            self._ours, self._in_block = False, True
        elif piece.sort in _ENDS:
            self._ours = self._in_block = False

    def _copy(self) -> Turn:
        """Up to a COPY FROM STDIN; what follows goes up when its data are through."""
        desk = self._desk
        self._flush(FLUSH)
        yield from desk.wait_for_reply()
        if desk.replies.is_copying_in:
            yield from desk.feed_copy()
