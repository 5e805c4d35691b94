"""Tickets and entries of the audit as pages show them. Pure; used by the pages, read by the templates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.approvals.estimate import Estimate, step_lines, summary
from gateway.approvals.lasting import LastingApproval
from gateway.approvals.states import Demand, Escalation, Person, State, Ticket, Vote, may_meet
from gateway.audit.entry import Entry
from gateway.audit.unusual import numbers_in, unusual
from gateway.console.calls import Viewer

SHOWN_LINES = 14
SHOWN_CHARACTERS = 1_200
"""A longer command is decided about on its own page, below its last line: nobody approves what they have not seen the end of."""
LAST_SECONDS = 60 * 10**9
"""A hold with less time than this is shown as one that is about to end."""
_OPERATION = re.compile(r"(?P<kind>\S+) \((?P<effect>\w+)\): (?P<targets>.*)", re.DOTALL)

WORDS = {
    State.REQUESTED: "waiting",
    State.GRANTED: "approved",
    State.REFUSED: "refused",
    State.EXPIRED: "expired",
    State.WITHDRAWN: "withdrawn",
    State.SUPERSEDED: "superseded",
}


@dataclass(frozen=True, slots=True)
class Work:
    """One operation of a command."""

    kind: str
    effect: str
    targets: str


@dataclass(frozen=True, slots=True)
class Held:
    """One ticket for one viewer. `why_not` says why they may not decide about it, in a sentence; empty when they may."""

    ticket: Ticket
    word: str
    works: Sequence[Work]
    needs: Sequence[str]
    why_not: str
    is_short: bool
    lines: int
    is_ending: bool
    left: int
    estimate: Estimate | None

    @property
    def expected(self) -> str:
        """What it would touch, in a sentence; empty where nobody asks a planner."""
        return "" if self.estimate is None else summary(self.estimate)

    @property
    def plan(self) -> Sequence[str]:
        """The plan, a node a line."""
        return [] if self.estimate is None else step_lines(self.estimate)

    @property
    def may_decide(self) -> bool:
        """Whether there are buttons for this viewer."""
        return not self.why_not

    @property
    def told(self) -> Sequence[Escalation]:
        """Who was told because nobody had decided."""
        return self.ticket.escalations[: self.ticket.escalated]

    @property
    def comes(self) -> Sequence[tuple[int, Escalation]]:
        """Who is told next if nobody decides, and when (UTC nanoseconds)."""
        steps = self.ticket.escalations[self.ticket.escalated :] if self.ticket.is_open else ()
        return [(self.ticket.requested_at + step.after * 10**9, step) for step in steps]

    @property
    def may_remember(self) -> int:
        """For how many seconds this viewer's yes may be remembered; 0: it may not."""
        return self.ticket.remember if self.may_decide and self.ticket.likeness is not None else 0

    @property
    def yes(self) -> Sequence[Vote]:
        """Who approved so far."""
        return [vote for vote in self.ticket.votes if vote.granted]


@dataclass(frozen=True, slots=True)
class Remembered:
    """An approval that is remembered, with the ticket of the command that was approved. `left` is nanoseconds."""

    lasting: LastingApproval
    ticket: Ticket
    left: int
    may_end: bool


def held(ticket: Ticket, viewer: Viewer, now: int) -> Held:
    """A ticket as this viewer sees it."""
    lines = ticket.text.count("\n") + 1
    word = WORDS[ticket.state]
    if ticket.state is State.GRANTED and ticket.used_at is not None:
        word = "released"
    elif ticket.state is State.REQUESTED and ticket.expires_at <= now:
        word = "expired"
    return Held(
        ticket=ticket,
        word=word,
        works=[_work(line) for line in ticket.shown.operations],
        needs=[need(demand, ticket) for demand in ticket.demands],
        why_not=_why_not(ticket, viewer, now),
        is_short=lines <= SHOWN_LINES and len(ticket.text) <= SHOWN_CHARACTERS,
        lines=lines,
        is_ending=ticket.expires_at - now < LAST_SECONDS,
        left=max(0, ticket.expires_at - now),
        estimate=ticket.estimate_for(viewer.name, now),
    )


def need(demand: Demand, ticket: Ticket) -> str:
    """Whose yes is needed, and how many have said it."""
    names = [*demand.users, *(f"group {group}" for group in demand.groups)]
    votes = [Person(vote.approver, vote.groups) for vote in ticket.votes if vote.granted]
    have = len({person.name for person in votes if may_meet(demand, person)})
    return f"{min(have, demand.quorum)} of {demand.quorum} from {' or '.join(names)}"


def _work(line: str) -> Work:
    found = _OPERATION.fullmatch(line)
    return Work(line, "", "") if found is None else Work(found["kind"], found["effect"], found["targets"])


def _why_not(ticket: Ticket, viewer: Viewer, now: int) -> str:
    """What the tickets' own rules (`approvals.states`) would say to this viewer's vote; they have the last word."""
    person = Person(viewer.name, viewer.groups)
    if ticket.state is not State.REQUESTED or ticket.expires_at <= now:
        return "It is decided."
    if viewer.name == ticket.principal:
        return "It is yours: somebody else decides."
    if not viewer.may_vote:
        return "You may look, and need the role `approver` to decide."
    if not any(may_meet(demand, person) for demand in ticket.demands):
        return "It asks for other people than you."
    if any(vote.approver == viewer.name for vote in ticket.votes):
        return "You approved it; others are still to decide."
    return ""


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision of the audit, for a row or a page."""

    entry: Entry

    @property
    def rules(self) -> str:
        """The rules that had a say, each once."""
        return ", ".join(dict.fromkeys(rule for rule, _ in self.entry.rules))

    @property
    def text(self) -> str:
        """The command, or why it cannot be read any more."""
        return "(unreadable: the key of its content is gone)" if self.entry.unreadable else self.entry.text

    @property
    def verdict(self) -> str:
        """The verdict, as templates colour it."""
        return self.entry.verdict or "deny"

    @property
    def lately(self) -> Sequence[tuple[str, int]]:
        """The numbers that it was decided with, those that are not 0."""
        return numbers_in(self.entry.context.get("activity"), ("",))

    @property
    def unusual(self) -> str:
        """Why it is not what that kind of job does; empty when it is."""
        return unusual(self.entry)
