"""From a text to a grant or to the error the user reads: asks the gate, waits for approvals, checks what cannot be carried.

Called by `simple` and `pipeline`, before any byte of the command goes up.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import msgspec

from adapters.core.buffer import MAX_TEXT
from adapters.core.effects import Ask, Leave, Record, WakeAt, Withdraw
from adapters.core.ports import Answer, Outcome, Question
from adapters.postgres.facts import PROTOCOL, Facts, facts_of
from adapters.postgres.messages import notices, results
from adapters.postgres.session import refusals
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.replies import Replies
from adapters.postgres.session.settings import Settings
from adapters.postgres.session.standing import PROBE_STEPS, Standing, encode_probe
from adapters.postgres.session.turns import Judged, Need
from engine.decision import Verdict

_PATH = msgspec.json.Decoder(tuple[str, ...])


@dataclass(slots=True)
class Held:
    """A command that waits for people."""

    ticket: int
    answer: Answer
    since: float


class Judge:
    """The session's way to the gate."""

    def __init__(self, outbox: Outbox, replies: Replies, settings: Settings) -> None:
        self._out = outbox
        self._replies = replies
        self._notice_seconds = settings.notice_seconds
        self._probe = encode_probe(settings.own_name)
        self.standing = Standing()
        self.held: Held | None = None
        self.ticket = 0
        self.early_fate: Answer | None = None

    def judge(
        self,
        text: bytes,
        *,
        unsent: bool,
        parameters: tuple[str | None, ...] | None = None,
        prepares: bool = False,
    ) -> Judged:
        """Ask about a text. `unsent`: nothing of what belongs to it has gone up yet, so it can wait."""
        if len(text) > MAX_TEXT:
            return notices.encode_error(notices.TOO_LARGE, f"a command may have at most {MAX_TEXT} bytes")
        yield from self._find_standing(unsent)
        answer = yield from self._ask(text, parameters, prepares)
        if answer.decision.verdict is Verdict.HOLD:
            if prepares:
                if answer.ticket is not None:
                    self._out.wish(Withdraw(self.ticket, "only prepared"))
                return answer
            fate = yield from self._hold(answer, unsent)
            if isinstance(fate, bytes):
                return fate
            answer = fate
        if not answer.decision.is_granted:
            return refusals.denial(answer)
        return self._carried(answer, facts_of(answer.command))

    def _ask(
        self, text: bytes, parameters: tuple[str | None, ...] | None, prepares: bool
    ) -> Generator[Need, Answer | None, Answer]:
        self.ticket += 1
        self.early_fate = None
        state = self.standing.state(self._replies.status)
        self._out.wish(Ask(self.ticket, Question(PROTOCOL, text, None, parameters, state, prepares)))
        answer = yield Need.ANSWER
        if answer is None:
            raise RuntimeError("the gate's answer is missing")
        return answer

    def _carried(self, answer: Answer, facts: Facts) -> Answer | bytes:
        """A grant, unless it is of something the adapter does not carry."""
        if facts.changes_lexer:
            self.not_run(answer, notices.UNSUPPORTED)
            return refusals.unsupported("settings that change how the server reads SQL cannot be changed here")
        return answer

    def not_run(self, answer: Answer, code: str) -> None:
        """Something granted will not run: the audit learns why."""
        self._out.wish(Record(answer.decision_id, Outcome(error=code)))

    # --- holds

    def _hold(self, answer: Answer, unsent: bool) -> Generator[Need, Answer | None, Answer | bytes]:
        ticket = self.ticket
        if unsent:
            while self._replies.owed:
                yield Need.IDLE
        if not unsent or self._replies.status != results.IDLE:
            self._out.wish(Leave(ticket))
            return refusals.needs_approval_first(answer)
        if self.early_fate is not None:
            return self._ended(self.early_fate)
        self.held = Held(ticket, answer, self._out.now)
        self._out.down(refusals.waiting(answer, 0))
        self._out.wish(WakeAt(self._out.now + self._notice_seconds))
        fate = yield Need.FATE
        self.held = None
        self._out.wish(WakeAt(None))
        if fate is None:
            self._out.wish(Withdraw(ticket, "cancelled by the client"))
            return refusals.cancelled()
        return self._ended(fate)

    def _ended(self, fate: Answer) -> Answer | bytes:
        return fate if fate.decision.is_granted else refusals.denial(fate)

    def remind(self) -> None:
        """Time passed while a command is held: tell the client that it still is."""
        if self.held is not None:
            waited = int(self._out.now - self.held.since)
            self._out.down(refusals.waiting(self.held.answer, max(waited, 1)))
            self._out.wish(WakeAt(self._out.now + self._notice_seconds))

    # --- what names mean

    def _find_standing(self, unsent: bool) -> Generator[Need, Answer | None, None]:
        """Ask the server for path and role where they may have changed; they stay unknown when it cannot say."""
        replies = self._replies
        if self.standing.is_known(results.IDLE):
            return
        if not unsent:
            if not self.standing.is_known(replies.status):
                self.standing.forget()
            return
        while replies.owed:
            yield Need.IDLE
        if self.standing.is_known(replies.status):
            return
        self.standing.forget()
        if replies.status == results.FAILED:
            return
        replies.probed.clear()
        self._out.up(self._probe)
        replies.expect(*PROBE_STEPS)
        while replies.owed:
            yield Need.IDLE
        self._learn()

    def _learn(self) -> None:
        rows = self._replies.probed
        if len(rows) != 1 or len(rows[0]) != 3:
            return
        try:
            row = [None if cell is None else cell.decode() for cell in rows[0]]
            path = _PATH.decode(row[0] or "")
        except (UnicodeDecodeError, msgspec.DecodeError):
            return
        self.standing.learn(row, path, self._replies.status)
