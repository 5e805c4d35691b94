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
from typing import cast

import msgspec

from adapters.core.ports import Question
from engine._native import Catalog, NativeError
from engine.decision import Decision
from engine.errors import EngineError
from engine.suite.replay import Answer, Change, compare
from gateway.asked import Asked, Policies
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.errors import GatewayError
from gateway.telemetry import Meters, logger

MAX_WAITING = 1_000
"""Questions that wait for the candidate,"""
MAX_BYTES = 64 << 20
"""and bytes of them; more are dropped and counted."""
_EACH = 2_000
"""Bytes of a question beside its text, about;"""
_PARAMETER = 60
"""of a parameter beside its own;"""
_NAMES = 4
"""and of a catalog for each byte that it was built from."""
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
        self._waiting: queue.SimpleQueue[tuple[tuple[Asked, Decision, str, int], int] | None] = queue.SimpleQueue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._minute = -1
        self._listed = 0
        self._thread = threading.Thread(target=self._run, name="policy-shadow", daemon=True)
        self._thread.start()

    def __call__(self, asked: Asked, decision: Decision, decision_id: str, now: int) -> None:
        """Take note of a decision. Returns at once, whatever the candidate does."""
        size = _size(asked)
        with self._lock:
            is_full = self._waiting.qsize() >= MAX_WAITING or self._bytes + size > MAX_BYTES
            self._bytes += 0 if is_full else size
        if is_full:
            self._counted.labels("dropped").inc()
            return
        # WHY without: what a session was told before would stay when it is over.
        asked = asked if asked.memory is None else msgspec.structs.replace(asked, memory=None)
        self._waiting.put(((asked, decision, decision_id, now), size))

    def close(self) -> None:
        """Ask what still waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            what, size = item
            try:
                result = self._ask(*what)
            except _FAILURES as error:
                result = "failed"
                logger("shadow").warning("the candidate failed", error=type(error).__name__)
            del item, what
            with self._lock:
                self._bytes -= size
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


def _size(asked: Asked) -> int:
    question = asked.question
    if not isinstance(question, Question):
        return len(question.encoded) + _EACH
    parameters = question.parameters or ()
    size = len(question.text) + sum(len(one or "") for one in parameters) + _PARAMETER * len(parameters) + _EACH
    # WHY not that of a session: it is everybody's.
    is_own = bool(asked.caller) and isinstance(question.catalog, Catalog)
    return size + (_NAMES * len(cast("Catalog", question.catalog).source) if is_own else 0)
