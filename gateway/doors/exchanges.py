"""The recording of one session's exchanges: begun by the first command that demands it, then with every command of the session in it.

INVARIANT: an answer that comes out of `take` was recorded, or it is a deny. Once the recorder failed, whoever noticed it, the session
ends and every later answer is a deny. What becomes of results is for who shows them: `show` raises before they do. Where every demand of
the session was for best effort it goes on instead, once the audit knows that its recording is incomplete (`recording.recorder`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from adapters.core.ports import Answer, Outcome, Part, Question
from adapters.core.recorded import may_stop
from adapters.errors import RecorderFailed
from engine.masking.patterns import hide_secrets
from engine.rego.contract import LimitType, Recorded
from gateway.denials import unrecorded
from gateway.errors import GatewayError
from gateway.recording.exchanges import Asked, asked_lines, done_line, shown_lines
from gateway.recording.recorder import About, Recording, Recordings, Stopped
from gateway.telling import shown_text

FAILED = "RECORDER_FAILED"
MAX_OPEN = 10_000
"""Commands whose outcome is waited for; of those before nobody is told what became of them."""


def demands(answer: Answer) -> bool:
    """Whether a policy wants this recorded."""
    return any(one.type == LimitType.RECORD for one in answer.decision.obligations)


class Exchanges:
    """One session's. Used on the loop's thread; `failed` may come from any."""

    __slots__ = ("_failed", "_has_failed", "_hides", "_is_told", "_open", "_recording")

    def __init__(self, *, hides: bool, failed: Callable[[], None]) -> None:
        """`hides`: secrets in texts are hidden. `failed` is told, from any thread, that the session has to end."""
        self._hides = hides
        self._failed = failed
        self._recording: Recording | Stopped | None = None
        self._is_told = self._has_failed = False
        self._open: dict[str, None] = {}

    def begin(self, recordings: Recordings | None, about: About, *, forgives: bool = False) -> None:
        """Have a file. What goes wrong is said by `take`. `forgives`: best effort is enough."""
        try:
            if recordings is None:
                raise RecorderFailed("no recordings are kept here", code=FAILED)
            self._recording = recordings.begin_exchanges(about, self._fail, may_stop=forgives)
        except (RecorderFailed, GatewayError):
            self._fail()

    def take(self, question: Question, answer: Answer) -> Answer:
        """Record what was asked and decided. The answer, or the deny in its place."""
        try:
            if demands(answer) and not may_stop(answer) and self._recording is not None:
                self._recording.insist()
            self._write(lambda at: asked_lines(self._asked(question, answer, at)))
        except (RecorderFailed, GatewayError):
            self._fail()
            return Answer(unrecorded(), answer.decision_id, command=answer.command)
        if answer.decision.is_granted and not question.prepares:
            self._open[answer.decision_id] = None
            if len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]
        return answer

    def show(self, decision_id: str, part: Part) -> None:
        """Record some of a result. Raises RecorderFailed."""
        try:
            self._write(lambda at: shown_lines(at, decision_id, part))
        except (RecorderFailed, GatewayError) as error:
            self._fail()
            raise RecorderFailed("a result cannot be recorded", code=FAILED) from error

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        """Record what became of a command that is in here. Never raises: the session ends when that fails."""
        if decision_id not in self._open:
            return
        del self._open[decision_id]
        try:
            self._write(lambda at: (done_line(at, decision_id, outcome),))
        except (RecorderFailed, GatewayError):
            self._fail()

    def end(self) -> None:
        """The session is over."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.end(None)

    def _write(self, lines: Callable[[int], Iterable[bytes]]) -> None:
        if self._recording is None or self._has_failed:
            raise RecorderFailed("the recording is over", code=FAILED)
        self._recording.write(lines)

    def _fail(self) -> None:
        """INVARIANT: that the session has to end is said before anybody is refused: who shows a result closes the connection then, and
        what runs would have no outcome. Whoever writes meanwhile waits for the recording, which tells this while it is locked."""
        if not self._is_told:
            self._is_told = True
            self._failed()
            self._has_failed = True

    def _hidden(self, value: str) -> str:
        value = value.encode("utf-8", "backslashreplace").decode()
        return hide_secrets(value) if self._hides else value

    def _asked(self, question: Question, answer: Answer, at: int) -> Asked:
        decision = answer.decision
        text, is_hidden = shown_text(question, answer.command, hides=self._hides)
        parameters: tuple[str | None, ...] = ()
        if question.parameters is not None and _adds(answer, Recorded.PARAMETERS):
            parameters = tuple(None if one is None else self._hidden(one) for one in question.parameters)
        return Asked(
            at=at,
            id=answer.decision_id,
            protocol=question.protocol,
            text=text,
            verdict=decision.verdict.value,
            rules=tuple(dict.fromkeys(reason.rule or reason.code for reason in decision.reasons)),
            ticket=answer.ticket or "",
            hidden=is_hidden,
            masked=len(decision.mask_plan),
            prepares=question.prepares,
            parameters=parameters,
        )


def _adds(answer: Answer, what: Recorded) -> bool:
    values = [one.value for one in answer.decision.obligations if one.type == LimitType.RECORD]
    return any(isinstance(value, list) and what in value for value in values)
