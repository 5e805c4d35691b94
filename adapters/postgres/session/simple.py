"""Simple queries, translated to Parse, Bind, Describe, Execute, Sync.

WHY: the server itself then refuses a second statement in a text that was judged as one, and a denial is an error of the
server's own, so that transaction state stays its truth. Several statements in one text are `batch`'s.
"""

from __future__ import annotations

from adapters.postgres.facts import facts_of
from adapters.postgres.messages import notices
from adapters.postgres.messages.query import (
    DESCRIBE_PORTAL,
    EXECUTE_ALL,
    FLUSH,
    SYNC,
    encode_bind,
    encode_parse,
)
from adapters.postgres.session import refusals, steps
from adapters.postgres.session.desk import Desk
from adapters.postgres.session.names import UNNAMED_GOES, Portal, Run, Statement
from adapters.postgres.session.steps import Due, Step, Tag
from adapters.postgres.session.turns import Turn
from engine.decision import Verdict

_BIND = encode_bind()
_OPENED = _BIND + DESCRIBE_PORTAL + EXECUTE_ALL
_TAIL = _OPENED + SYNC
_POISON = refusals.poison() + SYNC
_DROPPING_PARSE = Step(Due.PARSE, shown=False, change=UNNAMED_GOES)
"""A simple query ends the client's unnamed statement; ours takes its place and is not for the client."""


def may_copy(text: bytes) -> bool:
    """Whether a text could begin a COPY: if it holds the word. WHY so wide: a Sync behind COPY FROM STDIN is eaten."""
    return b"copy" in text.lower()


class Simple:
    """Runs the texts of Query messages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def run(self, text: bytes) -> Turn:
        """One Query message from question to last byte sent up."""
        desk = self._desk
        if b";" in text.rstrip(b"; \t\r\n"):
            self._deny(refusals.unsupported("several statements in one query are not supported yet"))
            return
        answer = yield from desk.judge.judge(text, unsent=True)
        if isinstance(answer, bytes):
            self._deny(answer)
            return
        run = Run(answer, desk.out.now)
        desk.granted(facts_of(answer.command))
        if answer.decision.verdict is Verdict.MASK:
            yield from self._masked(text, run)
        elif may_copy(text):
            yield from self._copying(text, run)
        else:
            desk.out.up(encode_parse(text) + _TAIL)
            desk.replies.expect(self._parse_step(), steps.OWN_BIND, steps.QUERY_DESCRIBE, _execute(run), steps.SYNC)

    def _parse_step(self) -> Step:
        return _DROPPING_PARSE if self._desk.names.has_unnamed else steps.OWN_PARSE

    def _deny(self, error: bytes) -> None:
        desk = self._desk
        desk.out.up(_POISON)
        desk.replies.expect(Step(Due.PARSE, shown=False, poison=error, change=UNNAMED_GOES), steps.SYNC)

    def _copying(self, text: bytes, run: Run) -> Turn:
        """A text that may be COPY FROM STDIN: Sync goes up only when the server is not copying in (any more)."""
        desk = self._desk
        desk.out.up(encode_parse(text) + _OPENED + FLUSH)
        desk.replies.expect(self._parse_step(), steps.OWN_BIND, steps.QUERY_DESCRIBE, _execute(run, awaited=True))
        yield from desk.wait_for_reply()
        if desk.replies.is_copying_in:
            yield from desk.feed_copy()
        desk.sync()

    def _masked(self, text: bytes, run: Run) -> Turn:
        """The result is described before anything runs; what the plan does not fit never runs."""
        desk = self._desk
        run.masks = True
        portal = Portal(Statement(text), run)
        desk.out.up(encode_parse(text) + _BIND + DESCRIBE_PORTAL + FLUSH)
        desk.replies.expect(
            Step(Due.PARSE, shown=False, run=run, change=UNNAMED_GOES),
            Step(Due.BIND, shown=False, run=run),
            Step(Due.DESCRIBE, shown=True, run=run, hides_no_data=True, awaited=True),
        )
        yield from desk.wait_for_reply()
        if not desk.replies.group_failed:
            refused = desk.prepare_masks(portal, run)
            if refused is None:
                desk.out.up(EXECUTE_ALL)
                desk.replies.expect(_execute(run, portal=portal))
            else:
                desk.judge.not_run(run.answer, notices.DENIED)
                run.is_over = True
                desk.out.up(refusals.poison())
                desk.replies.expect(Step(Due.PARSE, shown=False, poison=refused))
        desk.sync()


def _execute(run: Run, *, portal: Portal | None = None, awaited: bool = False) -> Step:
    return Step(Due.EXECUTE, True, run, Tag.UNTIL_READY, portal=portal, awaited=awaited)
