"""Simple queries, translated to Parse, Bind, Describe, Execute, Sync.

WHY: the server itself then refuses a second statement in a text that was judged as one, and a denial is an error of the
server's own, so that transaction state stays its truth. Several statements in one text are `batch`'s.
"""

from __future__ import annotations

from adapters.core.effects import Record
from adapters.core.ports import Answer, Outcome
from adapters.postgres.facts import Piece, Sort, facts_of, outline
from adapters.postgres.messages import notices, results
from adapters.postgres.messages.frames import Back, frame
from adapters.postgres.messages.query import (
    DESCRIBE_PORTAL,
    DESCRIBE_STATEMENT,
    EXECUTE_ALL,
    FLUSH,
    SYNC,
    encode_bind,
    encode_execute,
    encode_parse,
)
from adapters.postgres.session import refusals, steps
from adapters.postgres.session.batch import TRANSACTION_CONTROL, Batch
from adapters.postgres.session.desk import Desk
from adapters.postgres.session.limits import NO_LIMITS, Limits
from adapters.postgres.session.masking import copy_out
from adapters.postgres.session.names import UNNAMED_GOES, NameChange, Portal, Run, Statement
from adapters.postgres.session.naming import USES_PREPARED, change_of, refusal_of
from adapters.postgres.session.recorded import result_of
from adapters.postgres.session.steps import Due, Step, Tag
from adapters.postgres.session.turns import Need, Refused, Turn
from engine.decision import Verdict

_BIND = encode_bind()
_TAIL = _BIND + DESCRIBE_PORTAL + EXECUTE_ALL + SYNC
EMPTY_ANSWER = frame(Back.EMPTY_QUERY, b"")
_POISON = refusals.poison() + SYNC
_DROPPING_PARSE = Step(Due.PARSE, shown=False, change=UNNAMED_GOES)
"""A simple query ends the client's unnamed statement; ours takes its place and is not for the client."""


def may_copy(text: bytes) -> bool:
    """Whether a text could begin a COPY: if it holds the word. WHY so wide: a Sync behind COPY FROM STDIN is eaten."""
    return b"copy" in text.lower()


class Simple:
    """Runs the texts of Query messages."""

    def __init__(self, desk: Desk, own_name: bytes) -> None:
        self._desk = desk
        self._own_name = own_name

    def run(self, text: bytes) -> Turn:
        """One Query message from question to last byte sent up."""
        desk = self._desk
        judged = yield from desk.judge.judge(text, unsent=True)
        if isinstance(judged, Refused):
            self._refuse(text, judged)
            return
        answer, limits = judged.answer, judged.limits
        facts = facts_of(answer.command)
        pieces: tuple[Piece, ...] = ()
        if facts.names or facts.sets_lexer or b";" in text.rstrip(b"; \t\r\n"):
            while desk.names.is_any_moving:
                yield Need.NEWS
            found = outline(text)
            error = self._check(answer, limits, found)
            if error is not None:
                desk.judge.not_run(answer, notices.DENIED)
                self._refuse(text, Refused(error, unparsable=found is None))
                return
            pieces = found or ()
        if len(pieces) == 1 and pieces[0].sort in USES_PREPARED:
            desk.restore(pieces[0].name)
        run = Run(answer, desk.out.now, result=result_of(answer, desk.out))
        if desk.replies.status == results.FAILED and outline(text) == ():
            self._empty(text, run)
        elif len(pieces) > 1:
            yield from Batch(desk, run, limits, opaque=facts.opaque).send(pieces, self._own_name)
        elif answer.decision.verdict is Verdict.MASK and not (pieces and pieces[0].sort is Sort.DECLARE):
            yield from self._masked(text, run, limits, copies=facts.copies_out)
        elif may_copy(text):
            yield from self._copying(text, run, limits)
        else:
            run.masks = answer.decision.verdict is Verdict.MASK
            self._plain(text, run, limits, change_of(pieces[0], desk.judge.cursor_of(pieces[0])) if pieces else None)

    def _check(self, answer: Answer, limits: Limits, pieces: tuple[Piece, ...] | None) -> bytes | None:
        """Why the statements of a granted text cannot be carried, or None."""
        if pieces is None:
            return refusals.not_followed()
        several = len(pieces) > 1
        if several and answer.decision.verdict is Verdict.MASK:
            return refusals.mask_refused(answer, "masked columns in several statements at once are not supported")
        if several and limits.settings and any(piece.sort in TRANSACTION_CONTROL for piece in pieces):
            return refusals.unenforceable(answer, "limit", "cannot be enforced over transactions inside one text")
        return next(filter(None, (refusal_of(piece, self._desk.names) for piece in pieces)), None)

    def _plain(self, text: bytes, run: Run, limits: Limits, change: NameChange | None) -> None:
        desk = self._desk
        if limits is NO_LIMITS and change is None:
            desk.out.up(encode_parse(text) + _TAIL)
            desk.replies.expect(self._parse_step(), steps.OWN_BIND, steps.QUERY_DESCRIBE, _execute(run), steps.SYNC)
            return
        self._settings(limits)
        desk.out.up(encode_parse(text) + _BIND + DESCRIBE_PORTAL + encode_execute(limit=limits.rows or 0))
        execute = Step(Due.EXECUTE, True, run, Tag.UNTIL_READY, change=change, limited=limits.rows or 0)
        desk.replies.expect(self._parse_step(), steps.OWN_BIND, steps.QUERY_DESCRIBE, execute)
        desk.sync()

    def _empty(self, text: bytes, run: Run) -> None:
        """A text of no statement, in a transaction that has failed. The server parses it, binds nothing in there, and
        answers the query all the same."""
        desk = self._desk
        desk.out.up(encode_parse(text) + SYNC)
        desk.replies.expect(
            Step(Due.PARSE, shown=False, run=run, instead=EMPTY_ANSWER, change=UNNAMED_GOES), steps.SYNC
        )
        desk.out.wish(Record(run.answer.decision_id, Outcome()))
        run.is_over = True

    def _settings(self, limits: Limits) -> None:
        if limits.has_texts:
            self._desk.out.up(limits.encode_texts(self._own_name))
            self._desk.replies.expect(*limits.steps)

    def _parse_step(self) -> Step:
        return _DROPPING_PARSE if self._desk.names.has_unnamed else steps.OWN_PARSE

    def _refuse(self, text: bytes, refused: Refused) -> None:
        """The server says that the text is no SQL, or what we put in its place is none. Nothing of it runs either way."""
        desk = self._desk
        if refused.unparsable:
            desk.out.up(encode_parse(text) + SYNC)
            step = Step(Due.PARSE, shown=False, instead=refused.error, change=UNNAMED_GOES)
        else:
            desk.out.up(_POISON)
            step = Step(Due.PARSE, shown=False, poison=refused.error, change=UNNAMED_GOES)
        desk.replies.expect(step, steps.SYNC)

    def _copying(self, text: bytes, run: Run, limits: Limits) -> Turn:
        """A text that may be COPY FROM STDIN: Sync goes up only when the server is not copying in (any more)."""
        desk = self._desk
        self._settings(limits)
        desk.out.up(encode_parse(text) + _BIND + DESCRIBE_PORTAL + encode_execute(limit=limits.rows or 0) + FLUSH)
        execute = Step(Due.EXECUTE, True, run, Tag.UNTIL_READY, awaited=True, limited=limits.rows or 0)
        desk.replies.expect(self._parse_step(), steps.OWN_BIND, steps.QUERY_DESCRIBE, execute)
        yield from desk.wait_for_reply()
        if desk.replies.is_copying_in:
            yield from desk.feed_copy()
        desk.sync()

    def _masked(self, text: bytes, run: Run, limits: Limits, *, copies: bool) -> Turn:
        """The result is described before anything runs; what the plan does not fit never runs."""
        desk = self._desk
        copied = copy_out(run.answer, text) if copies else None
        if copies and copied is None:
            desk.judge.not_run(run.answer, notices.UNSUPPORTED)
            self._refuse(
                text, Refused(refusals.unsupported("COPY of masked columns with these options is not supported"))
            )
            return
        run.masks = True
        portal = Portal(Statement(text), run)
        self._settings(limits)
        if copied is None:
            yield from self._describe(run, encode_parse(text) + _BIND + DESCRIBE_PORTAL, shown=True)
        else:
            # WHY in one group: what the query was described by stays locked, and as it is, until the COPY has run.
            yield from self._describe(run, encode_parse(copied.query) + DESCRIBE_STATEMENT, shown=False)
        if not desk.replies.group_failed:
            refused = desk.prepare_masks(portal, run, copied)
            if refused is None:
                if copied is not None:
                    desk.out.up(encode_parse(text) + _BIND)
                    desk.replies.expect(Step(Due.PARSE, shown=False, run=run), Step(Due.BIND, shown=False, run=run))
                desk.out.up(encode_execute(limit=limits.rows or 0))
                execute = Step(Due.EXECUTE, True, run, Tag.UNTIL_READY, portal=portal, limited=limits.rows or 0)
                desk.replies.expect(execute)
            else:
                desk.judge.not_run(run.answer, notices.DENIED)
                run.is_over = True
                desk.out.up(refusals.poison())
                desk.replies.expect(Step(Due.PARSE, shown=False, poison=refused))
        desk.sync()

    def _describe(self, run: Run, messages: bytes, *, shown: bool) -> Turn:
        """Have what begins with a Parse described; for the client too if `shown`, which has it bound."""
        desk = self._desk
        desk.out.up(messages + FLUSH)
        desk.replies.expect(Step(Due.PARSE, shown=False, run=run, change=UNNAMED_GOES))
        if shown:
            desk.replies.expect(Step(Due.BIND, shown=False, run=run))
        desk.replies.expect(Step(Due.DESCRIBE, shown=shown, run=run, hides_no_data=True, awaited=True))
        yield from desk.wait_for_reply()


def _execute(run: Run) -> Step:
    return Step(Due.EXECUTE, True, run, Tag.UNTIL_READY)
