"""A candidate set of policies beside the one that decides: asked the same questions, never listened to.

The gate hands over each decision after it was recorded and answered from; the candidate is asked on a thread of its own.
Differences are counted (`sallyport_shadow_decisions`) and listed in the audit as entries of kind `shadow`, a bounded number
a minute. INVARIANT: nothing that happens here reaches an answer; a full queue drops, a failure counts. Built by `app`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from engine._native import NativeError
from engine.decision import Decision
from engine.errors import EngineError
from engine.suite.replay import Answer, Change, compare
from gateway.asked import Asked, Policies
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.errors import GatewayError
from gateway.telemetry import Meters, logger

MAX_WAITING = 1_000
"""Questions that wait for the candidate; more are dropped and counted."""
LISTED_A_MINUTE = 600
"""Differences that are listed; all are counted."""
_FAILURES = (
    *(EngineError, NativeError, GatewayError, ArithmeticError, AssertionError, AttributeError, LookupError),
    *(MemoryError, OSError, RuntimeError, TypeError, ValueError),
)


class Shadow:
    """The candidate of one gateway. Call it with each decision; `close` it at the end."""

    def __init__(
        self, policies: Policies, log: AuditLog, meters: Meters, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policies = policies
        self._log = log
        self._counted = meters.shadow_decisions
        self._clock = clock
        self._waiting: queue.SimpleQueue[tuple[Asked, Decision, str, int] | None] = queue.SimpleQueue()
        self._minute = -1
        self._listed = 0
        self._thread = threading.Thread(target=self._run, name="policy-shadow", daemon=True)
        self._thread.start()

    def __call__(self, asked: Asked, decision: Decision, decision_id: str, now: int) -> None:
        """Take note of a decision. Returns at once, whatever the candidate does."""
        if self._waiting.qsize() >= MAX_WAITING:
            self._counted.labels("dropped").inc()
            return
        self._waiting.put((asked, decision, decision_id, now))

    def close(self) -> None:
        """Ask what still waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            try:
                result = self._ask(*item)
            except _FAILURES as error:
                result = "failed"
                logger("shadow").warning("the candidate failed", error=type(error).__name__)
            self._counted.labels(result).inc()

    def _ask(self, asked: Asked, decision: Decision, decision_id: str, now: int) -> str:
        program = self._policies.program
        if program is None:
            return "absent"
        candidate = program.judge(asked, now, None).decision
        change = compare(Answer.of(decision), Answer.of(candidate))
        if change in (Change.VERDICT, Change.EFFECT):
            self._list(asked, decision, candidate, decision_id, now)
        return change.value

    def _list(self, asked: Asked, decision: Decision, candidate: Decision, decision_id: str, now: int) -> None:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._listed = minute, 0
        self._listed += 1
        if self._listed > LISTED_A_MINUTE:
            return
        entry = Entry(
            kind=Kind.SHADOW,
            time=now,
            decision_id=decision_id,
            principal=asked.principal.name,
            resource=asked.resource.name,
            verdict=candidate.verdict.value,
            deny_kind=None if candidate.deny_kind is None else candidate.deny_kind.value,
            rules=tuple((reason.rule or reason.code, reason.kind) for reason in candidate.reasons),
            masks=tuple((item.output, item.method) for item in candidate.mask_plan),
            revision=candidate.revision,
            step="differs",
            note=f"{decision.verdict.value} -> {candidate.verdict.value}",
        )
        self._log.note(entry)
