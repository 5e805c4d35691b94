"""What principals and jobs did lately, for the policies that ask: `input.context.activity`, and what each decision adds to it.

Nothing is counted, and nothing costs anything, until policies are loaded that read it (`begin`). Then the last hour is counted
again from the audit, so a restart forgives nobody: an entry says what its command used (`Entry.uses`), and the numbers a decision
was made with stand in its context. INVARIANT: what is counted here and what is counted again from the entries are the same
(tests/property/gateway/test_activity.py). Counts are this process's alone. Safe from any thread. Called by the gate, built by `app`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import cast

import msgspec

from adapters.core.ports import Outcome
from engine.command.tree import ParsedCommand
from engine.decision import Decision, Verdict
from engine.errors import InputInvalid
from engine.evaluator.generations import Generations
from engine.evaluator.reader import CommandReader, Names
from engine.request import Json
from gateway.activity.kinds import kind_of
from gateway.activity.known import Familiar, KnownUses
from gateway.activity.ledger import Ledger, Standing, Step
from gateway.activity.touched import Touched, touched_by
from gateway.activity.windows import HOUR
from gateway.asked import Asked
from gateway.audit.entry import Entry, Kind, Uses
from gateway.audit.unusual import unusual_in
from gateway.errors import AuditUnavailable, StoreUnavailable
from gateway.telemetry import logger

ACTIVITY = "activity"
"""Its name in the context of a request. INVARIANT: nobody but this module fills it in (`gate`)."""
LOOKS_BACK = (HOUR.buckets + 1) * HOUR.width
MAX_SHOWN = 20
"""Uses a request lists one by one that are new to its kind of job."""
MAX_UNFINISHED = 100_000
"""Decisions whose outcome is waited for while the audit is read."""
_KEPT = 4096
_KEPT_BYTES = 8 * 1024 * 1024

Past = Callable[[int], Iterable[Entry]]
"""The entries of the audit since a time, in order, up to the last one there is. May raise AuditUnavailable."""


class Counting:
    """The counts of one gate."""

    def __init__(
        self,
        reader: CommandReader,
        known: KnownUses,
        past: Past,
        clock: Callable[[], int],
        flagged: Callable[[], None] = lambda: None,
    ) -> None:
        """`flagged` is told of each decision about a command that its kind of job, of which something is known, never did before."""
        self._flagged = flagged
        self._reader = reader
        self._known = known
        self._past = past
        self._clock = clock
        self._beginning = threading.Lock()
        self._ledger = Ledger()
        self._partial_until = 0
        self._touched: Generations[tuple[bytes, str, str, str], Touched] = Generations(_KEPT, _KEPT_BYTES)
        self.is_active = False

    # --- beginning and ending -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Count from now on, and what the last hour of the audit holds. Raises AuditUnavailable; then nothing is counted."""
        with self._beginning:
            if self.is_active:
                return
            # WHY before the audit is read: what is decided meanwhile is counted here, at worst twice.
            now = self._clock()
            self._ledger, self._partial_until = Ledger(), 0
            self.is_active, is_read = True, False
            try:
                self._read_past(self._past(now - LOOKS_BACK), now)
                is_read = True
            finally:
                self.is_active = is_read

    def end(self) -> None:
        """No policy asks any more."""
        with self._beginning:
            self.is_active = False
            self._ledger = Ledger()

    def _read_past(self, entries: Iterable[Entry], now: int) -> None:
        unfinished: OrderedDict[str, tuple[str, str | None]] = OrderedDict()
        is_whole = True
        for entry in entries:
            if entry.kind is Kind.DECISION and entry.principal:
                is_whole &= self._decided_then(entry, min(entry.time, now))
                unfinished[entry.decision_id] = (entry.principal, entry.job)
                if len(unfinished) > MAX_UNFINISHED:
                    unfinished.popitem(last=False)
            elif entry.kind is Kind.OUTCOME:
                who = (entry.principal, entry.job) if entry.principal else unfinished.get(entry.decision_id)
                if who is None:
                    is_whole &= not entry.rows
                else:
                    self._ledger.finished(*who, min(entry.time, now), entry.rows or 0, entry.bytes or 0)
        if not is_whole:
            self._partial_until = now + LOOKS_BACK

    def _decided_then(self, entry: Entry, at: int) -> bool:
        """Count a decision of the past. False where its entry is of a time when nobody asked, and does not say everything."""
        if entry.is_dry:
            return True
        if entry.verdict in (Verdict.DENY, Verdict.HOLD):
            self._ledger.decided(entry.principal, entry.job, at, _not_granted(entry.verdict))
        elif entry.uses is not None:
            self._ledger.decided(entry.principal, entry.job, at, _step_of(entry.uses))
        elif ACTIVITY not in entry.context:
            self._ledger.decided(entry.principal, entry.job, at, Step(commands=1))
            return False
        return True

    # --- deciding -------------------------------------------------------------------------------------------------------

    def informed(self, asked: Asked, now: int, *, may_wait: bool = True) -> Asked:
        """The question with what is known of who asks, as of now. Without it where nobody can read the command: that is denied.

        Raises MustWait where the store has to be asked and `may_wait` is no.
        """
        context = {name: value for name, value in asked.context.items() if name != ACTIVITY}
        try:
            touched = self._of(asked)
        except InputInvalid:
            return msgspec.structs.replace(asked, context=context, touched=None, unseen=())
        who, job = asked.principal.name, asked.session.job
        kind = kind_of(job)
        standing = self._ledger.read(who, job, now, touched.objects, touched.unnamed)
        familiar = self._known.look(who, kind, touched.uses, may_wait=may_wait)
        is_exact = now >= self._partial_until and touched.more == 0
        context[ACTIVITY] = _activity(standing, familiar, touched, kind, is_exact=is_exact)
        return msgspec.structs.replace(asked, context=context, touched=touched, unseen=familiar.unseen)

    def _of(self, asked: Asked) -> Touched:
        question = asked.question
        if isinstance(question, ParsedCommand):
            tree = question
        else:
            # WHY a cast: to adapters a catalog is an opaque handle. The program reads the same text, and finds it read.
            tree = self._reader.read(question.protocol, question.text, cast("Names | None", question.catalog))
        resource, session = asked.resource, asked.session
        key = (tree.encoded, resource.name, resource.database or "", repr(session.state.get("search_path")))
        found = self._touched.get(key)
        if found is None:
            found = touched_by(tree, resource, session)
            self._touched.put(key, found, len(tree.encoded) + 200 * (1 + len(found.uses)))
        return found

    def decided(self, asked: Asked, decision: Decision, decision_id: str, now: int) -> None:
        """Count a decision that was recorded, and learn from a grant."""
        if asked.is_dry:
            return
        who, job, touched = asked.principal.name, asked.session.job, asked.touched
        if unusual_in(asked.context.get(ACTIVITY), who, of_known=True):
            self._flagged()
        if not decision.is_granted:
            self._ledger.decided(who, job, now, _not_granted(decision.verdict))
        elif asked.is_to_run:
            seen = touched or Touched()
            first = len(asked.unseen) + seen.more
            step = Step(commands=1, first_uses=first, objects=seen.objects, unnamed=seen.unnamed)
            self._ledger.decided(who, job, now, step)
            if asked.unseen:
                self._known.learn(who, kind_of(job), asked.unseen, decision_id, now)

    def finished(self, principal: str, job: str | None, outcome: Outcome, now: int) -> None:
        """Count what a granted command gave back."""
        self._ledger.finished(principal, job, now, outcome.rows, outcome.bytes)

    @property
    def counted(self) -> int:
        """How many principals and jobs are counted."""
        return self._ledger.counted

    def flush(self) -> None:
        """Write what was learned. Never raises: what cannot be written waits."""
        try:
            self._known.flush()
        except StoreUnavailable as error:
            logger("counting").warning("what jobs did for the first time could not be written", code=error.code)


def _not_granted(verdict: str) -> Step:
    is_denied = verdict == Verdict.DENY
    return Step(denials=int(is_denied), holds=int(not is_denied))


def _step_of(uses: Uses) -> Step:
    """What a granted command of the past adds. Raises AuditUnavailable."""
    try:
        objects = tuple([int(one, 16) for one in uses.objects])
    except ValueError as error:
        raise AuditUnavailable("an entry of the audit names objects that are none", code="AUDIT_ALTERED") from error
    return Step(commands=1, first_uses=uses.first, objects=objects, unnamed=uses.unnamed)


def _activity(standing: Standing, familiar: Familiar, touched: Touched, kind: str, *, is_exact: bool) -> Json:
    """What `engine.request.Activity` says of it."""
    shown: list[Json] = [
        {"operation": use.operation, "effect": use.effect, "object": use.object} for use in familiar.unseen[:MAX_SHOWN]
    ]
    return {
        **standing.principal,
        "job": cast("dict[str, Json]", standing.job),
        "kind": kind,
        "known_uses": familiar.known,
        "unseen": shown,
        "unseen_count": len(familiar.unseen) + touched.more,
        "exact": is_exact and standing.exact and familiar.certain,
    }
