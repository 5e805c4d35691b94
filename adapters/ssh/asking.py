"""One question of a channel that is answered while the channel goes on: asked, waited for, granted or not.

For what is no command: operations on files, subsystems, connections. A grant comes out of `granted` alone.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.core.ports import Answer, Outcome, Pending, Question
from adapters.errors import AdapterError
from adapters.ssh.session import unmet
from adapters.ssh.visit import Visit
from adapters.terminal import messages
from engine.decision import Verdict


class NotGranted(AdapterError):
    """The answer was no. The message is for the client, one line or more."""


class Asker:
    """Asks for one channel, and takes its waiting questions back when the channel ends."""

    def __init__(self, visit: Visit, tell: Callable[[str], None]) -> None:
        """`tell` writes to the client's standard error, where there is one."""
        self._visit = visit
        self._tell = tell
        self._tickets: set[str] = set()
        self._is_over = False
        self._cancels = 0

    async def granted(self, question: Question, *, can_record: bool = False, can_mask: bool = False) -> Answer:
        """The answer that lets it happen. Raises NotGranted. `can_record`, `can_mask`: as in `session.unmet`."""
        gate, cancels = self._visit.gate, self._cancels
        said = gate.decide(question)
        answer = await said if isinstance(said, Pending) else said
        ticket = answer.ticket
        if answer.decision.verdict is Verdict.HOLD and ticket is not None:
            if self._why_gone(cancels) is None:
                self._tell(messages.held(answer))
                answer = await self._wait(ticket)
            else:
                gate.withdraw(ticket, str(self._why_gone(cancels)))
        gone = self._why_gone(cancels)
        if gone is not None:
            if answer.decision.is_granted:
                gate.finished(answer.decision_id, Outcome(error=gone.code))
            raise gone
        if ticket is not None and answer.decision.is_granted:
            self._tell(messages.released(ticket))
        if not answer.decision.is_granted:
            raise NotGranted(messages.denial(answer), code="DENIED")
        missing = unmet(answer, can_record=can_record, can_mask=can_mask)
        if missing is not None:
            gate.finished(answer.decision_id, Outcome(error="OBLIGATION_UNKNOWN"))
            raise NotGranted(messages.unenforceable(answer, missing), code="OBLIGATION_UNKNOWN")
        return answer

    async def _wait(self, ticket: str) -> Answer:
        self._tickets.add(ticket)
        is_over = False
        try:
            answer = await self._visit.gate.fate(ticket)
            is_over = True
            return answer
        finally:
            # A wait that was broken off takes its question back.
            if not is_over and ticket in self._tickets:
                self._visit.gate.withdraw(ticket, "the client is gone")
            self._tickets.discard(ticket)

    @property
    def is_waiting(self) -> bool:
        """Whether a question waits for people."""
        return bool(self._tickets)

    def _why_gone(self, cancels: int) -> NotGranted | None:
        """Why nobody waits any more for what was asked after so many cancels; None while somebody does."""
        if self._is_over:
            return NotGranted("the client is gone", code="CLIENT_GONE")
        if self._cancels != cancels:
            return NotGranted("cancelled by the client", code="CANCELLED")
        return None

    def cancel(self) -> None:
        """The client does not want what is asked now any more; it may ask again."""
        self._cancels += 1
        self._take_back("cancelled by the client")

    def leave(self) -> None:
        """The channel is over."""
        self._is_over = True
        self._take_back("the client is gone")

    def _take_back(self, reason: str) -> None:
        for ticket in list(self._tickets):
            self._visit.gate.withdraw(ticket, reason)
        self._tickets.clear()
