"""The holds: what waits for people, and one held command with everything an approver needs. The rules are the tickets' own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gateway.approvals.states import Approved, Person, Refused, State, Step, Ticket
from gateway.approvals.store import Approvals
from gateway.console.calls import Call, CallRefused, Goto, Page, Reply, Viewer, not_here
from gateway.console.showing import Remembered, held
from gateway.errors import ApprovalConflict

MAX_WAITING = 50
MAX_DECIDED = 15
MAX_SAME = 10
LIVE = "holds"
_TICKET = re.compile(r"h-[0-9a-f]{16}")
_LASTING = re.compile(r"a-[0-9a-f]{16}")
_SECONDS = re.compile(r"[0-9]{1,6}")
_OVER = tuple(state for state in State if state is not State.REQUESTED)
Advance = Callable[[str, Step], Ticket]

_SAID: Mapping[str, str] = {
    "OWN_REQUEST": "Nobody decides about their own command.",
    "NOT_APPROVER": "This command asks for other people than you.",
    "ALREADY_VOTED": "You approved it already.",
    "TICKET_CLOSED": "Somebody was faster, or its time is over: it is decided.",
    "ALREADY_USED": "It was approved and has run.",
    "REMEMBER_FORBIDDEN": "It may not be remembered for so long, or not at all.",
    "CONTENDED": "Too many people decide about it at once. Look again.",
}


class Steps(Protocol):
    """What takes a ticket's step, and records it: the gate."""

    def advance(self, ticket_id: str, event: Step) -> Ticket:
        """The ticket after the step. Raises ApprovalConflict, AuditUnavailable, StoreUnavailable."""


class Ends(Protocol):
    """What ends a remembered approval, and records it: `gateway.recalling`."""

    def take_back(self, lasting: str, person: Person) -> object:
        """End one. Raises ApprovalConflict, AuditUnavailable, StoreUnavailable."""


class Holds:
    """The pages of held commands, and of approvals that are remembered."""

    def __init__(self, approvals: Approvals, steps: Steps, ends: Ends) -> None:
        self._approvals = approvals
        self._steps = steps
        self._ends = ends

    def list(self, call: Call) -> Reply:
        """What waits, oldest first, and what was decided of late."""
        viewer, now = call.viewer, call.now
        whose = None if viewer.sees_holds else viewer.name
        waiting = [held(one, viewer, now) for one in self._approvals.pending(now, whose, MAX_WAITING)]
        # WHY a stable sort: what this viewer can decide about comes first, each half as it waits.
        waiting.sort(key=lambda one: not one.may_decide)
        decided = self._approvals.recent(_OVER, MAX_DECIDED, whose)
        return Page(
            "holds.html",
            {
                "waiting": waiting,
                "more": max(0, self._approvals.count_pending(now, whose) - len(waiting)),
                "decided": [held(one, viewer, now) for one in decided],
                "lasting": self._lasting(viewer, now),
                "said": self._said(call),
            },
            live=LIVE,
        )

    def one(self, call: Call) -> Reply:
        """One held command, whole."""
        ticket = self._find(call)
        same = self._approvals.same_command(ticket, MAX_SAME)
        return Page(
            "hold.html",
            {
                "hold": held(ticket, call.viewer, call.now),
                "same": [held(one, call.viewer, call.now) for one in same],
                "said": self._said(call),
            },
            live=LIVE,
        )

    def approve(self, call: Call) -> Reply:
        """A yes of the viewer's own; with `remember` for so many seconds to what is like the command."""
        seconds = call.form.get("remember", "0")
        if not _SECONDS.fullmatch(seconds):
            raise CallRefused(400, "Nothing was decided", "The time to remember it for is no number of seconds.")
        return self._vote(call, Approved(_person(call.viewer), _reason(call), int(seconds)))

    def refuse(self, call: Call) -> Reply:
        """A no of the viewer's own."""
        return self._vote(call, Refused(_person(call.viewer), _reason(call)))

    def take_back(self, call: Call) -> Reply:
        """End an approval that is remembered."""
        wanted = call.path.get("lasting", "")
        found = self._approvals.lasting.get(wanted) if _LASTING.fullmatch(wanted) else None
        if found is None or not (call.viewer.sees_holds or found.principal == call.viewer.name):
            raise not_here()
        if not call.viewer.may_vote and found.principal != call.viewer.name:
            raise CallRefused(403, "You may not take it back", "It needs the role `approver`.")
        try:
            self._ends.take_back(found.id, _person(call.viewer))
        except ApprovalConflict as error:
            raise CallRefused(409, "It is over already", "Somebody was faster, or its time was over.") from error
        return Goto("/holds")

    def _lasting(self, viewer: Viewer, now: int) -> Sequence[Remembered]:
        """What is remembered now, of all or of this viewer."""
        whose = None if viewer.sees_holds else viewer.name
        found = [(one, self._approvals.get(one.ticket)) for one in self._approvals.lasting.alive(now, whose)]
        return [
            Remembered(one, ticket, max(0, one.expires_at - now), viewer.may_vote or one.principal == viewer.name)
            for one, ticket in found
            if ticket is not None
        ]

    def _vote(self, call: Call, step: Step) -> Reply:
        ticket = self._find(call)
        if not call.viewer.may_vote:
            raise CallRefused(403, "You may not decide", "It needs the role `approver`.")
        try:
            self._steps.advance(ticket.id, step)
        except ApprovalConflict as error:
            said = _SAID.get(error.code, "The command is not in a state that permits this.")
            raise CallRefused(409, "Nothing was decided", said) from error
        page = f"/holds/{ticket.id}" if call.form.get("from") == "one" else "/holds"
        return Goto(f"{page}?said={ticket.id}")

    def _find(self, call: Call) -> Ticket:
        ticket = self._known(call.path.get("ticket", ""), call.viewer)
        if ticket is None:
            raise not_here()
        return ticket

    def _known(self, ticket_id: str, viewer: Viewer) -> Ticket | None:
        """A ticket that this viewer may see."""
        ticket = self._approvals.get(ticket_id) if _TICKET.fullmatch(ticket_id) else None
        return ticket if ticket is not None and (viewer.sees_holds or ticket.principal == viewer.name) else None

    def _said(self, call: Call) -> Sequence[object]:
        """The ticket that the viewer has just decided about, as it is now. WHY looked up: a link proves nothing."""
        ticket = self._known(call.query.get("said", ""), call.viewer)
        is_theirs = ticket is not None and any(vote.approver == call.viewer.name for vote in ticket.votes)
        return [held(ticket, call.viewer, call.now)] if ticket is not None and is_theirs else []


def _person(viewer: Viewer) -> Person:
    return Person(viewer.name, viewer.groups)


def _reason(call: Call) -> str:
    return call.form.get("reason", "").strip()
