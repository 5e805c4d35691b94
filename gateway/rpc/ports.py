"""What the gRPC services need from the program they run in. The gate, the tickets, the log and the policy store satisfy these.

Only types that stand below the gate appear here, so that the other side satisfies a port
by its shape alone and imports nothing of ours. Read-only properties, not fields: any frozen dataclass fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from adapters.core.ports import Answer, Question
from engine.command.tree import ParsedCommand
from engine.decision import Location
from engine.request import Json, Principal, Resource, Session
from gateway.approvals.estimate import Estimate
from gateway.audit.index.sought import Sought
from gateway.identity.logins import Login
from gateway.tracing import Trace
from gateway.viewing import Look

Unsubscribe: TypeAlias = Callable[[], None]


class RuleTrace(Protocol):
    """What one candidate rule came to, for `detail = TRACE`."""

    @property
    def rule(self) -> str: ...
    @property
    def matched(self) -> bool: ...
    @property
    def condition(self) -> str:
        """The first condition that failed, as written; empty when the rule matched or nothing is known."""

    @property
    def location(self) -> Location | None: ...
    @property
    def values(self) -> Mapping[str, Json]: ...


class DecisionPort(Protocol):
    """The path of a command, as `adapters.core.ports.GateSession` has it, for callers that bring the whole question."""

    def decide(
        self,
        *,
        question: Question | ParsedCommand,
        principal: Principal,
        session: Session,
        resource: Resource,
        context: Mapping[str, Json],
        caller: str,
        dry_run: bool,
        login: Login | None = None,
        came: Trace | None = None,
    ) -> Answer:
        """Decide now; the audit entry is written before this returns. Never raises: failure is a deny.

        `login` has the limits of the token that the caller came with. `caller` is the authenticated identity that asks (an adapter, a service), `principal` the one it asks about.
        A `ParsedCommand` comes only from callers trusted to parse (the services check that). Labels and role of a
        resource that the gateway knows itself win over those in `resource`. A dry run is recorded as one and opens no
        ticket.
        """

    def explain(
        self,
        *,
        question: Question | ParsedCommand,
        principal: Principal,
        session: Session,
        resource: Resource,
        context: Mapping[str, Json],
    ) -> Sequence[RuleTrace]:
        """Every candidate rule and what became of it. Records nothing, decides nothing."""

    def parse(self, question: Question) -> ParsedCommand:
        """The command tree of a text. Never raises for hostile text."""

    def catalog(self, *, search_path: Sequence[str], relations: Mapping[str, Sequence[str]]) -> object:
        """A handle for `Question.catalog`. Equal contents may share one. Raises EngineError for contents that are none."""

    def refused(self, *, caller: str, method: str, code: str, message: str) -> None:
        """Write a deny to the audit for a call that never became a question (bad bytes, too large, not permitted).

        Raises AuditUnavailable when it cannot be written.
        """


class PolicyPort(Protocol):
    """Which policies decide."""

    @property
    def revision(self) -> str:
        """What decides now. Empty when there is none (everything is denied)."""

    def has_reached(self, revision: str) -> bool:
        """Whether this revision is, or was before, the one that decides. Revisions are content hashes, so order is history."""

    def subscribe(self, listener: Callable[[str], None]) -> Unsubscribe:
        """Call `listener` with each new revision, from any thread; it must return quickly."""


class Vote(Protocol):
    """What one person said about a ticket."""

    @property
    def approver(self) -> str: ...
    @property
    def granted(self) -> bool: ...
    @property
    def comment(self) -> str: ...
    @property
    def at(self) -> int:
        """UTC nanoseconds."""


class Escalation(Protocol):
    """Who is told when nobody has decided `after` seconds."""

    @property
    def after(self) -> int: ...

    @property
    def users(self) -> Sequence[str]: ...

    @property
    def groups(self) -> Sequence[str]: ...

    @property
    def may_approve(self) -> bool:
        """Whether they count as approvers from then on."""


class Ticket(Protocol):
    """A held command as an approver sees it. Times are UTC nanoseconds."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str:
        """requested, granted, refused, expired, withdrawn or superseded."""

    @property
    def principal(self) -> str: ...
    @property
    def session(self) -> str: ...
    @property
    def job(self) -> str | None: ...
    @property
    def resource(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def text(self) -> str:
        """The exact command."""

    @property
    def digest(self) -> str: ...
    @property
    def rules(self) -> Sequence[str]: ...
    @property
    def reason(self) -> str:
        """Why it is held; once refused or withdrawn, why that."""

    @property
    def approvers(self) -> Sequence[Mapping[str, Json]]:
        """The demands of all holds, as in `engine.decision.Hold`: each must be met."""

    @property
    def requested_at(self) -> int: ...
    @property
    def expires_at(self) -> int: ...
    @property
    def votes(self) -> Sequence[Vote]: ...
    @property
    def lately(self) -> Sequence[tuple[str, int]]:
        """What the requester did before, by name, as far as the policies read it."""

    @property
    def unusual(self) -> str:
        """Why the command is not what that kind of job does; empty when it is."""

    @property
    def stated(self) -> Sequence[str]:
        """What nobody vouches for but the requester itself: `job`, `prompt`."""

    @property
    def remember(self) -> int:
        """For how many seconds at most a yes may be remembered; 0: not at all."""

    @property
    def escalations(self) -> Sequence[Escalation]:
        """Who is told when nobody decides, in the order of their times."""

    @property
    def told_at(self) -> Sequence[int]:
        """When each of the first of them was told; UTC nanoseconds."""

    def estimate_for(self, viewer: str, now: int) -> Estimate | None:
        """What a planner expects it to touch, for one of those who may see that; never for the requester."""


class Remembered(Protocol):
    """An approval that is remembered, and the command (`text`) whose like it lets pass. Times are UTC nanoseconds."""

    @property
    def id(self) -> str: ...
    @property
    def ticket(self) -> str: ...
    @property
    def principal(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def job(self) -> str: ...
    @property
    def rules(self) -> Sequence[str]: ...
    @property
    def approvers(self) -> Sequence[str]: ...
    @property
    def granted_at(self) -> int: ...
    @property
    def expires_at(self) -> int: ...
    @property
    def uses(self) -> int: ...
    @property
    def text(self) -> str: ...


class ApprovalPort(Protocol):
    """The tickets. Every step raises ApprovalConflict with a code of its own when it is not permitted.

    Codes: TICKET_UNKNOWN, NOT_APPROVER, OWN_REQUEST, ALREADY_VOTED, TICKET_CLOSED, NOT_REQUESTER and others of the machine.
    """

    def tickets(self, *, states: Sequence[str], limit: int, principal: str | None) -> Sequence[Ticket]:
        """Newest first; all states when `states` is empty, only one principal's when there is one."""

    def ticket(self, ticket_id: str) -> Ticket: ...

    def approve(self, ticket_id: str, *, by: Principal, comment: str, remember: int) -> Ticket:
        """`remember`: for how many seconds what is like the command is to pass too; 0: not at all."""

    def remembered(self, principal: str | None) -> Sequence[Remembered]:
        """Those that count now, newest first; only one principal's when there is one."""

    def take_back(self, remembered_id: str, *, by: Principal) -> Remembered:
        """End one. Code LASTING_OVER when there is none that counts."""

    def refuse(self, ticket_id: str, *, by: Principal, comment: str) -> Ticket: ...

    def withdraw(self, ticket_id: str, *, caller: str, comment: str) -> Ticket:
        """`caller` is the principal it is about, or who asked for that principal."""

    def subscribe(self, ticket_id: str, *, caller: str, listener: Callable[[], None]) -> Unsubscribe:
        """Call `listener` at each change, from any thread; it must return quickly. Look at `ticket` after subscribing.

        Only for the caller who asked the held question; for anybody else there is no such ticket.
        """

    def settle(self, ticket_id: str) -> Answer:
        """What became of a ticket that is not `requested` any more. Never raises: failure is a deny.

        A granted one is decided again and recorded, and its grant comes out once; any other end is a deny.
        """


class OpenSession(Protocol):
    """A session of a client that is open now."""

    @property
    def session(self) -> Session: ...
    @property
    def principal(self) -> Principal: ...
    @property
    def resource(self) -> Resource: ...
    @property
    def opened_at(self) -> int:
        """UTC nanoseconds."""

    @property
    def verdict(self) -> str:
        """That of its last command; empty when there was none."""

    @property
    def is_held(self) -> bool:
        """Whether a command of it waits for people."""


class SessionPort(Protocol):
    """The sessions that are open at this program."""

    def live(self) -> Sequence[OpenSession]: ...

    def end(self, session_id: str, *, by: str, comment: str) -> OpenSession:
        """Have one end, with what runs in it, and record who wanted that. Raises SessionUnknown."""


class AuditEntry(Protocol):
    """One entry of the log, as it was hashed."""

    @property
    def index(self) -> int: ...
    @property
    def body(self) -> bytes:
        """The canonical JSON of the entry."""


class AuditHit(AuditEntry, Protocol):
    """One entry that was looked for."""

    @property
    def readable(self) -> bytes:
        """The same with its content, where `body` has that closed and it can be opened; else empty."""


class AuditFound(Protocol):
    """A page of entries that were looked for, newest first."""

    @property
    def entries(self) -> Sequence[AuditHit]: ...
    @property
    def older(self) -> int | None:
        """Before which index to go on; None when the log's beginning was reached."""

    @property
    def looked(self) -> int:
        """At how many entries."""


class AuditPort(Protocol):
    """The log, for reading."""

    def entries(self, *, start: int, limit: int) -> Sequence[AuditEntry]:
        """Entries from index `start` on, oldest first."""

    def next_index(self) -> int:
        """The index that the next entry will get."""

    def search(self, sought: Sought, *, limit: int, before: int | None) -> AuditFound:
        """The newest entries that are looked for, before an index. Raises AuditUnavailable."""

    def subscribe(self, listener: Callable[[int], None]) -> Unsubscribe:
        """Call `listener` with the new `next_index` after each entry, from any thread; it must return quickly."""


class RecordingPort(Protocol):
    """The recordings, for whoever reads their files by themselves."""

    def announce(self, look: Look, *, by: str) -> int:
        """Record that somebody is about to look; the index of the entry. Raises RecordingBroken for one that is not there,
        AuditUnavailable."""
