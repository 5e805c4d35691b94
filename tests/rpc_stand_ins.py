"""Small stand-ins for what the gRPC services need, shared by their unit and interop tests. They satisfy gateway/rpc/ports.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock, Semaphore

from adapters.core.ports import Answer, Question
from engine.command.tree import Command, Effect, Operation, ParsedCommand
from engine.decision import Decision, DenyKind, Hold, Location, Reason, Verdict
from engine.errors import InputInvalid
from engine.request import Json, Principal, Resource, Session
from gateway.approvals.estimate import Estimate
from gateway.approvals.states import Escalation
from gateway.audit.index.sought import Sought
from gateway.errors import ApprovalConflict, AuditUnavailable, RecordingBroken
from gateway.identity.logins import Login
from gateway.rpc.decision_service import DecisionPorts
from gateway.rpc.identity import Caller, Role
from gateway.tracing import Trace
from gateway.viewing import Look, Playing

ALLOWED = Decision(
    verdict=Verdict.ALLOW,
    deny_kind=None,
    reasons=(Reason("demo/READERS", "allow", "READERS", "reading", "for the admin", "", Location("demo.rego", 7)),),
    revision="r1",
    cacheable=True,
)
HELD = Decision(
    verdict=Verdict.HOLD,
    deny_kind=None,
    hold=Hold(approvers=({"groups": ["dba"], "users": [], "quorum": 1},), expires=900, rules=("demo/WRITES",)),
    revision="r1",
)
DENIED = Decision(revision="r1")

ADAPTER = Caller(Principal("pg-adapter", kind="service"), frozenset({Role.ADAPTER}))
ASKER = Caller(Principal("portal", kind="service"), frozenset({Role.ASKER}))
AGENT = Caller(Principal("agent-7", kind="agent", groups=("agents",)))
APPROVER = Caller(Principal("dora", groups=("dba",)), frozenset({Role.APPROVER}))
AUDITOR = Caller(Principal("otto"), frozenset({Role.AUDITOR}))


@dataclass(frozen=True, slots=True)
class AskedOnce:
    """What the gate was asked."""

    question: Question | ParsedCommand
    principal: Principal
    session: Session
    resource: Resource
    context: Mapping[str, Json]
    caller: str
    dry_run: bool
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class OneRule:
    rule: str = "demo/READERS"
    matched: bool = True
    condition: str = ""
    location: Location | None = None
    values: Mapping[str, Json] = field(default_factory=lambda: {"effect": "read"})


class StandInGate:
    """Answers by the text: `select` is allowed, `update` is held, anything else denied."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.asked: list[AskedOnce] = []
        self.refusals: list[tuple[str, str, str, str]] = []
        self.audit_fails = False
        self.answers: dict[bytes, Decision] = {}
        self.before_answer: Callable[[], None] = lambda: None

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
        self.before_answer()
        with self.lock:
            self.asked.append(AskedOnce(question, principal, session, resource, context, caller, dry_run, login))
            number = len(self.asked)
        text = question.text if isinstance(question, Question) else question.command.text.encode()
        decision = self.answers.get(text)
        if decision is None:
            word = text[:6].lower()
            decision = ALLOWED if word == b"select" else HELD if word == b"update" else DENIED
        ticket = "t-1" if decision.verdict is Verdict.HOLD and not dry_run else None
        return Answer(decision, f"d-{number}", ticket=ticket, link="https://console/t-1" if ticket else None)

    def explain(
        self,
        *,
        question: Question | ParsedCommand,
        principal: Principal,
        session: Session,
        resource: Resource,
        context: Mapping[str, Json],
    ) -> Sequence[OneRule]:
        return [OneRule()]

    def parse(self, question: Question) -> ParsedCommand:
        return ParsedCommand.of(tree(question.text.decode("utf-8", "replace"), question.protocol))

    def catalog(self, *, search_path: Sequence[str], relations: Mapping[str, Sequence[str]]) -> object:
        if any("." not in name for name in relations):
            raise InputInvalid("catalog: a relation without a schema")
        return (tuple(search_path), {name: tuple(columns) for name, columns in relations.items()})

    def refused(self, *, caller: str, method: str, code: str, message: str) -> None:
        if self.audit_fails:
            raise AuditUnavailable("the disk is full at /somewhere/secret")
        with self.lock:
            self.refusals.append((caller, method, code, message))

    def codes(self) -> list[str]:
        """The codes of all recorded refusals."""
        with self.lock:
            return [code for _, _, code, _ in self.refusals]


def tree(text: str, protocol: str = "postgres") -> Command:
    """A small command tree."""
    operation = Operation(kind="select", effect=Effect.READ, via=("top",), span=(0, len(text.encode())))
    return Command(protocol=protocol, text=text, digest="ab" * 32, operations=(operation,), complete=True)


class StandInPolicies:
    """A revision that tests change."""

    def __init__(self) -> None:
        self.revision = "r1"
        self.seen = {"r1"}
        self.listeners: list[Callable[[str], None]] = []
        self.listened = 0

    def has_reached(self, revision: str) -> bool:
        return revision in self.seen

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        self.listened += 1
        return lambda: self.listeners.remove(listener)

    def change(self, revision: str) -> None:
        self.revision = revision
        self.seen.add(revision)
        for listener in [*self.listeners]:
            listener(revision)


@dataclass(frozen=True, slots=True)
class StandInVote:
    approver: str
    granted: bool
    comment: str
    at: int


@dataclass(frozen=True, slots=True)
class StandInTicket:
    id: str = "t-1"
    state: str = "requested"
    principal: str = "ana"
    session: str = "s-1"
    resource: str = "orders"
    protocol: str = "postgres"
    text: str = "UPDATE orders SET paid = true"
    digest: str = "ab" * 32
    rules: tuple[str, ...] = ("demo/WRITES",)
    reason: str = "a DBA looks at every write"
    approvers: tuple[Mapping[str, Json], ...] = ({"groups": ["dba"], "users": [], "quorum": 1},)
    requested_at: int = 1_000
    expires_at: int = 900_000_001_000
    job: str | None = None
    votes: tuple[StandInVote, ...] = ()
    estimate: Estimate | None = None
    lately: tuple[tuple[str, int], ...] = ()
    unusual: str = ""
    stated: tuple[str, ...] = ()
    remember: int = 0
    escalations: tuple[Escalation, ...] = ()
    told_at: tuple[int, ...] = ()

    def estimate_for(self, viewer: str, now: int) -> Estimate | None:
        return None if viewer == self.principal else self.estimate


@dataclass(frozen=True, slots=True)
class StandInRemembered:
    id: str = "a-1"
    ticket: str = "t-0"
    principal: str = "ana"
    resource: str = "orders"
    job: str = "build-42"
    rules: tuple[str, ...] = ("demo/WRITES",)
    approvers: tuple[str, ...] = ("dora",)
    granted_at: int = 1_000
    expires_at: int = 900_000_001_000
    uses: int = 2
    text: str = "INSERT INTO orders VALUES (7)"


class StandInApprovals:
    """One ticket, `t-1`, asked for by ana; dora may approve."""

    def __init__(self) -> None:
        self.held = StandInTicket()
        self.listeners: list[Callable[[], None]] = []
        self.asker = ADAPTER.name
        self.remember = 0
        self.kept = [StandInRemembered()]
        self.taken_back_by = ""

    def tickets(self, *, states: Sequence[str], limit: int, principal: str | None) -> Sequence[StandInTicket]:
        is_wanted = (not states or self.held.state in states) and principal in (None, self.held.principal)
        return [self.held][:limit] if is_wanted else []

    def ticket(self, ticket_id: str) -> StandInTicket:
        if ticket_id != self.held.id:
            raise ApprovalConflict("no such ticket", code="TICKET_UNKNOWN")
        return self.held

    def approve(self, ticket_id: str, *, by: Principal, comment: str, remember: int) -> StandInTicket:
        self.remember = remember
        return self._vote(ticket_id, by, comment, granted=True)

    def remembered(self, principal: str | None) -> Sequence[StandInRemembered]:
        return [one for one in self.kept if principal in (None, one.principal)]

    def take_back(self, remembered_id: str, *, by: Principal) -> StandInRemembered:
        (found,) = [one for one in self.kept if one.id == remembered_id]
        self.kept.remove(found)
        self.taken_back_by = by.name
        return found

    def refuse(self, ticket_id: str, *, by: Principal, comment: str) -> StandInTicket:
        return self._vote(ticket_id, by, comment, granted=False)

    def withdraw(self, ticket_id: str, *, caller: str, comment: str) -> StandInTicket:
        if caller not in (self.ticket(ticket_id).principal, self.asker):
            raise ApprovalConflict("only the requester withdraws", code="NOT_REQUESTER")
        return self._become(replace(self.held, state="withdrawn", reason=comment))

    def subscribe(self, ticket_id: str, *, caller: str, listener: Callable[[], None]) -> Callable[[], None]:
        if caller != self.asker:
            raise ApprovalConflict("no such ticket", code="TICKET_UNKNOWN")
        self.ticket(ticket_id)
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def settle(self, ticket_id: str) -> Answer:
        if self.ticket(ticket_id).state == "granted":
            return Answer(ALLOWED, "d-again", ticket=ticket_id)
        return Answer(replace(DENIED, deny_kind=DenyKind.APPROVAL_REFUSED), "d-again", ticket=ticket_id)

    def _vote(self, ticket_id: str, by: Principal, comment: str, *, granted: bool) -> StandInTicket:
        ticket = self.ticket(ticket_id)
        if ticket.state != "requested":
            raise ApprovalConflict("the ticket is closed", code="TICKET_CLOSED")
        if "dba" not in by.groups:
            raise ApprovalConflict("not asked", code="NOT_APPROVER")
        voted = (*ticket.votes, StandInVote(by.name, granted, comment, 2_000))
        state = "granted" if granted else "refused"
        return self._become(replace(ticket, votes=voted, state=state))

    def _become(self, ticket: StandInTicket) -> StandInTicket:
        self.held = ticket
        for listener in [*self.listeners]:
            listener()
        return ticket


@dataclass(frozen=True, slots=True)
class StandInEntry:
    index: int
    body: bytes


@dataclass(frozen=True, slots=True)
class StandInHit:
    index: int
    body: bytes
    readable: bytes = b""


@dataclass(frozen=True, slots=True)
class StandInFound:
    entries: Sequence[StandInHit] = ()
    older: int | None = None
    looked: int = 0


class StandInRecordings:
    """Recordings of which one is there, `r-1`."""

    def __init__(self) -> None:
        self.told: list[tuple[Look, str]] = []

    def announce(self, look: Look, *, by: str) -> int:
        if isinstance(look, Playing) and look.recording != "r-1":
            raise RecordingBroken("there is none", code="NO_RECORDING")
        self.told.append((look, by))
        return len(self.told)


class StandInAudit:
    """A log of small entries."""

    def __init__(self) -> None:
        self.log = [StandInEntry(number, b'{"seq":%d}' % number) for number in range(3)]
        self.listeners: list[Callable[[int], None]] = []
        self.looked = Semaphore(0)
        self.sought: list[tuple[Sought, int, int | None]] = []
        self.found = StandInFound()

    def entries(self, *, start: int, limit: int) -> Sequence[StandInEntry]:
        return self.log[start : start + limit]

    def next_index(self) -> int:
        end = len(self.log)
        self.looked.release()
        return end

    def search(self, sought: Sought, *, limit: int, before: int | None) -> StandInFound:
        self.sought.append((sought, limit, before))
        return self.found

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def add(self) -> None:
        self.log.append(StandInEntry(len(self.log), b'{"seq":%d}' % len(self.log)))
        for listener in [*self.listeners]:
            listener(len(self.log))


@dataclass(frozen=True, slots=True)
class StandIns:
    """All of them, for one server."""

    gate: StandInGate = field(default_factory=StandInGate)
    policies: StandInPolicies = field(default_factory=StandInPolicies)
    approvals: StandInApprovals = field(default_factory=StandInApprovals)
    audit: StandInAudit = field(default_factory=StandInAudit)
    recordings: StandInRecordings = field(default_factory=StandInRecordings)

    @property
    def ports(self) -> DecisionPorts:
        return DecisionPorts(self.gate, self.policies, self.approvals)
