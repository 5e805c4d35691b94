"""The steps of tickets as the audit tells them: each is recorded before it counts, and taken back where it never did.

So is what is done with approvals that are remembered: used (`recalled`), taken back (`taken_back`).

A step that was recorded may still not happen: another replica moved the ticket first, the store refused it, or the process
ended in between. Then an entry `lost` names the first (`takes_back`): at once; or as soon as the store can say; or after the
next start, for what an earlier life left (`remember`). So a step in the log that no entry takes back is one that happened.

Not here: which steps are possible (`approvals.states`), who wins (`approvals.store`). Called by the gate and by `app`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gateway.approvals.states import Expired, Step, Ticket
from gateway.approvals.store import Approvals
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.audit.recent import newest_marked
from gateway.errors import ApprovalConflict, AuditUnavailable, GatewayError
from gateway.telemetry import logger
from gateway.telling import LOST, step_entry

MOST_LEFT = 20_000
"""Entries of an earlier life that are looked through for steps: what was under way when it ended is among its last."""
_MARK = b'"kind":"approval"'
_APPROVED = b'"granted_at":'
"""In the entry of every decision that was made with an approval."""
RECALLED, TAKEN_BACK = "recalled", "taken_back"


class Steps:
    """Takes the steps of this process. Safe from any thread."""

    def __init__(self, log: AuditLog, approvals: Approvals, clock: Callable[[], int]) -> None:
        """`clock`: UTC nanoseconds."""
        self._log, self._approvals, self._clock = log, approvals, clock
        self._lock = threading.Lock()
        self._doubtful: dict[int, Entry] = {}
        """Steps in the log of which nobody knows yet whether they happened, by their numbers."""

    @property
    def doubtful(self) -> int:
        """How many recorded steps may not have happened."""
        return len(self._doubtful)

    def advance(self, ticket_id: str, event: Step) -> Ticket:
        """A step of a ticket, recorded before it counts. Raises ApprovalConflict, AuditUnavailable, StoreUnavailable."""
        now = self._clock()
        recorded: list[Entry] = []

        def told(after: Ticket) -> None:
            recorded.append(self.record(step_entry(after, event, now)))

        def lost(after: Ticket) -> None:
            self._take_back(recorded.pop())

        try:
            after = self._approvals.advance(ticket_id, event, now, before=told, lost=lost)
            recorded.clear()
            return after
        finally:
            # Recorded, and neither written nor lost: the store failed, and may have it all the same.
            for entry in recorded:
                self._doubt(entry)

    @contextmanager
    def recording(self) -> Iterator[Callable[[Entry], Entry]]:
        """Records what is about to be written to the store, and doubts it when this is left by an exception."""
        recorded: list[Entry] = []

        def record(entry: Entry) -> Entry:
            recorded.append(self.record(entry))
            return recorded[-1]

        try:
            yield record
            recorded.clear()
        finally:
            for entry in recorded:
                self._doubt(entry)

    def record(self, entry: Entry) -> Entry:
        """Record one step whose fate its caller knows; the entry with its number. Raises AuditUnavailable."""
        return msgspec.structs.replace(entry, seq=self._log.append(entry))

    def void(self, entry: Entry) -> None:
        """Take back what was recorded and is known not to have happened: now, or as soon as it can be written. Never raises."""
        self._take_back(entry)

    def expire_overdue(self) -> None:
        """Close every ticket whose time is over. Raises AuditUnavailable, StoreUnavailable."""
        for ticket in self._approvals.overdue(self._clock()):
            try:
                self.advance(ticket, Expired())
            except ApprovalConflict:
                continue  # WHY: another replica, or its own session, was faster; or it cannot be read

    def remember(self, directory: Path) -> None:
        """Doubt the last steps of an earlier life that nobody took back. Never raises; a log that cannot be read is said to be."""
        taken_back: set[int] = set()
        recalled: list[Entry] = []
        try:
            for entry in newest_marked(directory, _MARK, MOST_LEFT):
                if entry.kind is not Kind.APPROVAL:
                    continue
                if entry.takes_back:
                    taken_back.add(entry.takes_back)
                elif entry.seq not in taken_back and entry.step == RECALLED:
                    recalled.append(entry)
                elif entry.seq not in taken_back:
                    self._doubt(entry)
            for entry in _unused(recalled, directory) if recalled else ():
                self._doubt(entry)
        except AuditUnavailable as error:
            logger("gate").warning("the steps of an earlier life cannot be read", code=error.code, problem=str(error))

    def resolve(self) -> None:
        """Ask the store what became of doubtful steps, and take back those that did not happen. What cannot be asked waits."""
        with self._lock:
            waiting = list(self._doubtful.values())
        for entry in waiting:
            try:
                if not self._has_happened(entry):
                    self._write_lost(entry)
            except ApprovalConflict:
                continue  # WHY: this one cannot be read, or is fought over; the next look may know
            except GatewayError as error:
                logger("gate").warning("it is not known yet whether a recorded step happened", code=error.code)
                return
            with self._lock:
                self._doubtful.pop(entry.seq, None)

    def _has_happened(self, entry: Entry) -> bool:
        if entry.step == RECALLED:
            return False  # WHY: such a one is doubted only where no decision was made with it
        if entry.step == TAKEN_BACK:
            lasting = self._approvals.lasting.settled(entry.note)
            return lasting is None or lasting.revoked_at == entry.time
        ticket = self._approvals.get(entry.ticket or "")
        if ticket is not None and not is_so(ticket, entry):
            # WHY again: a write whose end nobody saw may still be on its way. Behind this it has come, or never will.
            ticket = self._approvals.fence(ticket.id)
        # WHY a ticket that is gone counts: it was forgotten with the contents of its time, long after it was over.
        return ticket is None or is_so(ticket, entry)

    def _doubt(self, entry: Entry) -> None:
        with self._lock:
            self._doubtful[entry.seq] = entry

    def _take_back(self, entry: Entry) -> None:
        try:
            self._write_lost(entry)
        except AuditUnavailable as error:
            logger("gate").error("a step that lost could not be taken back yet", code=error.code)
            self._doubt(entry)

    def _write_lost(self, entry: Entry) -> None:
        back = Entry(
            kind=Kind.APPROVAL,
            time=self._clock(),
            ticket=entry.ticket,
            step=LOST,
            takes_back=entry.seq,
            person=entry.person,
            note=f"`{entry.step}` of entry {entry.seq} did not happen",
            principal=entry.principal,
            session=entry.session,
            job=entry.job,
            resource=entry.resource,
            digest=entry.digest,
            revision=entry.revision,
        )
        self._log.append(back, promised=True)


def _unused(recalled: list[Entry], directory: Path) -> list[Entry]:
    """Those of the uses of remembered approvals, the newest first, behind which no decision was recorded. Raises AuditUnavailable."""
    decided: dict[tuple[str | None, str, str], list[int]] = {}
    for entry in newest_marked(directory, _APPROVED, MOST_LEFT):
        if entry.kind is Kind.DECISION and entry.verdict in ("allow", "mask"):
            decided.setdefault((entry.ticket, entry.session, entry.digest), []).append(entry.seq)
    unused = []
    for entry in reversed(recalled):
        left = decided.get((entry.ticket, entry.session, entry.digest), [])
        while left and left[-1] < entry.seq:
            left.pop()
        if left:
            left.pop()
        else:
            unused.append(entry)
    return unused


def is_so(ticket: Ticket, entry: Entry) -> bool:
    """Whether the step that an entry tells of is one that the ticket took: that very one, and not another's like it."""
    match entry.step:
        case "approved" | "refused":
            told = (entry.person, entry.time, entry.step == "approved")
            return any((vote.approver, vote.at, vote.granted) == told for vote in ticket.votes)
        case "used":
            return ticket.used_at == entry.time
        case "escalated":
            number = max(entry.rows or 0, 1)
            return number == entry.rows and ticket.told_at[number - 1 : number] == (entry.time,)
        case "withdrawn" | "superseded" | "expired":
            # None: closed by an older version, which did not keep when.
            return ticket.state.value == entry.step and ticket.closed_at in (None, entry.time)
        case _:
            return True  # WHY: what a planner expects decides nothing
