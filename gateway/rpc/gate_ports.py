"""The ports of the services over the real gate, tickets and log. Built by the composition root.

Here is what only callers from outside need: whom they asked for, which tickets are theirs to wait for, and the record of
what was no question. The path of a command is the gate's.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import msgspec

from adapters.core.ports import Answer, Question
from engine.command.tree import ParsedCommand
from engine.decision import DenyKind
from engine.request import Json, Principal, Resource, Session
from gateway.approvals.states import Approved, Person, Refused, State, Ticket, Withdrawn
from gateway.approvals.store import Approvals
from gateway.asked import Asked
from gateway.audit.entry import Entry, Kind, encode
from gateway.audit.index.finding import Finder
from gateway.audit.index.sought import Sought
from gateway.audit.log import AuditLog
from gateway.audit.read import read_lines
from gateway.audit.recent import line_at
from gateway.errors import ApprovalConflict
from gateway.gate import Gate
from gateway.identity.logins import Login
from gateway.rpc.limits import MAX_MESSAGE
from gateway.rpc.ports import RuleTrace, Unsubscribe
from gateway.rpc.remembering import RememberedCommand, remembered_commands, take_back
from gateway.tracing import Trace
from gateway.waiting import MAX_HELD

_KINDS = {
    "CALLER_UNKNOWN": DenyKind.NOT_AUTHENTICATED,
    "TOO_MANY_LOGINS": DenyKind.NOT_AUTHENTICATED,
    "NOT_PERMITTED": DenyKind.NOT_AUTHENTICATED,
    "STALE_POLICY": DenyKind.STALE_POLICY,
    "OBLIGATION_UNKNOWN": DenyKind.OBLIGATION_UNKNOWN,
    "INTERNAL": DenyKind.INTERNAL,
}
"""Kinds of deny for codes of refusals; every other code means bad input."""


class Texts(Protocol):
    """What the services need of the engine beside a decision."""

    def parse(self, question: Question) -> ParsedCommand:
        """The command tree of a text."""

    def names(self, search_path: Sequence[str], relations: Mapping[str, Sequence[str]]) -> object:
        """A handle for `Question.catalog`. Raises EngineError."""

    def explain(self, asked: Asked) -> Sequence[RuleTrace]:
        """Every candidate rule and what became of it."""


class Askers:
    """Which caller asked for a ticket, as long as the gate remembers the question. Above the number of those, the oldest goes of the
    caller that asked for most of them: nobody drives out what others wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, str] = {}
        self._theirs: dict[str, OrderedDict[str, None]] = {}

    def note(self, ticket_id: str, caller: str) -> None:
        """The caller asked; who asked the same before waits no more."""
        with self._lock:
            self._forget(ticket_id)
            self._of[ticket_id] = caller
            self._theirs.setdefault(caller, OrderedDict())[ticket_id] = None
            while len(self._of) > MAX_HELD:
                most = max(self._theirs.values(), key=len)
                self._forget(next(iter(most)))

    def _forget(self, ticket_id: str) -> None:
        caller = self._of.pop(ticket_id, None)
        if caller is None:
            return
        del self._theirs[caller][ticket_id]
        if not self._theirs[caller]:
            del self._theirs[caller]

    def is_asker(self, ticket_id: str, caller: str) -> bool:
        """Whether this caller did."""
        with self._lock:
            return self._of.get(ticket_id) == caller


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the services."""

    gate: Gate
    log: AuditLog
    approvals: Approvals
    texts: Texts
    resources: Mapping[str, Resource]
    clock: Callable[[], int]


class GateDecisions:
    """DecisionPort over the gate."""

    def __init__(self, behind: Behind, askers: Askers) -> None:
        self._behind = behind
        self._askers = askers
        self._boot = secrets.token_hex(5)
        self._numbers = itertools.count(1)

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
        """Take the question through the gate. `login` has the limits of the token that a caller came with, `came` is its trace."""
        known = self._known(resource)
        asked = Asked(question, principal, session, known, context, caller, dry_run, login=login, trace=came)
        answer = self._behind.gate.decide(asked)
        if answer.ticket is not None:
            self._askers.note(answer.ticket, caller)
        return answer

    def explain(
        self,
        *,
        question: Question | ParsedCommand,
        principal: Principal,
        session: Session,
        resource: Resource,
        context: Mapping[str, Json],
    ) -> Sequence[RuleTrace]:
        """What became of every candidate rule."""
        behind = self._behind
        asked = Asked(question, principal, session, self._known(resource), context)
        return behind.texts.explain(behind.gate.informed(asked, behind.clock()))

    def parse(self, question: Question) -> ParsedCommand:
        """The command tree of a text."""
        return self._behind.texts.parse(question)

    def catalog(self, *, search_path: Sequence[str], relations: Mapping[str, Sequence[str]]) -> object:
        """What the names in a text mean."""
        return self._behind.texts.names(search_path, relations)

    def refused(self, *, caller: str, method: str, code: str, message: str) -> None:
        """Record a deny of something that was no question."""
        self._behind.log.append(
            Entry(
                kind=Kind.DECISION,
                time=self._behind.clock(),
                decision_id=f"r-{self._boot}-{next(self._numbers):x}",
                caller=caller,
                verdict="deny",
                deny_kind=_kind_of(code).value,
                rules=((code, "deny"),),
                step=method,
                note=message,
            )
        )

    def _known(self, resource: Resource) -> Resource:
        """The resource as this gateway knows it; what only the caller can know stays (which database, which role)."""
        known = self._behind.resources.get(resource.name)
        if known is None:
            return resource
        # INVARIANT: labels decide; those of a resource that is configured here are never a caller's word.
        return replace(known, database=resource.database or known.database, role=resource.role or known.role)


class GateApprovals:
    """ApprovalPort over the store of tickets; every step goes through the gate, which records it."""

    def __init__(self, behind: Behind, askers: Askers) -> None:
        self._gate = behind.gate
        self._approvals = behind.approvals
        self._clock = behind.clock
        self._askers = askers

    def tickets(self, *, states: Sequence[str], limit: int, principal: str | None) -> Sequence[Ticket]:
        """The newest ones."""
        return self._approvals.recent(tuple(State(state) for state in states), limit, principal)

    def ticket(self, ticket_id: str) -> Ticket:
        """One of them."""
        found = self._approvals.get(ticket_id)
        if found is None:
            raise _no_such()
        return found

    def approve(self, ticket_id: str, *, by: Principal, comment: str, remember: int) -> Ticket:
        """A yes, to this command or for a while to what is like it."""
        return self._gate.advance(ticket_id, Approved(Person(by.name, by.groups), comment, remember))

    def remembered(self, principal: str | None) -> Sequence[RememberedCommand]:
        """The approvals that are remembered and count now."""
        return remembered_commands(self._approvals, self._clock(), principal)

    def take_back(self, remembered_id: str, *, by: Principal) -> RememberedCommand:
        """End one."""
        return take_back(self._approvals, self._gate.recalling, remembered_id, Person(by.name, by.groups))

    def refuse(self, ticket_id: str, *, by: Principal, comment: str) -> Ticket:
        """A no."""
        return self._gate.advance(ticket_id, Refused(Person(by.name, by.groups), comment))

    def withdraw(self, ticket_id: str, *, caller: str, comment: str) -> Ticket:
        """Taken back by the one it is about, or by who asked."""
        ticket = self.ticket(ticket_id)
        if caller != ticket.principal and not self._askers.is_asker(ticket_id, caller):
            raise ApprovalConflict("only who asked may withdraw it", code="NOT_REQUESTER")
        return self._gate.advance(ticket_id, Withdrawn(comment, by_choice=True))

    def subscribe(self, ticket_id: str, *, caller: str, listener: Callable[[], None]) -> Unsubscribe:
        """Ring at each change, for who asked."""
        if not self._askers.is_asker(ticket_id, caller):
            raise _no_such()
        return self._approvals.bell.subscribe(ticket_id, listener)

    def settle(self, ticket_id: str) -> Answer:
        """What became of it."""
        return self._gate.settle(ticket_id)


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """One entry as it stands in the log."""

    index: int
    body: bytes


@dataclass(frozen=True, slots=True)
class FoundLine:
    """One entry that was looked for, as it stands in the log, and with its content where that is closed there."""

    index: int
    body: bytes
    readable: bytes


@dataclass(frozen=True, slots=True)
class FoundLines:
    """A page of them."""

    entries: Sequence[FoundLine]
    older: int | None
    looked: int


class LogAudit:
    """AuditPort over the log of this process. An entry's index is its `seq`, which begins at 1."""

    def __init__(self, log: AuditLog, directory: Path, finder: Finder) -> None:
        self._log = log
        self._directory = directory
        self._finder = finder

    def entries(self, *, start: int, limit: int) -> Sequence[LoggedLine]:
        """Entries from an index on; no more than are needed to fill a message."""
        found, size = list[LoggedLine](), 0
        for seq, line in itertools.islice(read_lines(self._directory, max(start - 1, 0)), limit):
            found.append(LoggedLine(seq, line.removesuffix(b"\n")))
            size += len(line)
            if size >= MAX_MESSAGE:
                break
        return found

    def search(self, sought: Sought, *, limit: int, before: int | None) -> FoundLines:
        """Entries that are looked for."""
        found = self._finder.find(sought, limit, before)
        lines = [line for entry in found.entries if (line := self._line(entry)) is not None]
        return FoundLines(lines, found.older, found.looked)

    def _line(self, entry: Entry) -> FoundLine | None:
        """An entry as it stands in the log; None where that has let go of it meanwhile."""
        line = line_at(self._directory, entry.seq)
        if line is None:
            return None
        is_opened = bool(entry.content_key) and not entry.unreadable
        readable = encode(msgspec.structs.replace(entry, seq=0), entry.seq).removesuffix(b"\n") if is_opened else b""
        return FoundLine(entry.seq, line.removesuffix(b"\n"), readable)

    def next_index(self) -> int:
        """The index that the next entry gets."""
        return self._log.next_seq

    def subscribe(self, listener: Callable[[int], None]) -> Unsubscribe:
        """Tell of new entries."""
        return self._log.subscribe(lambda seq: listener(seq + 1))


def _kind_of(code: str) -> DenyKind:
    """The kind of a refusal. WHY by how it begins: each way in which a token can be wrong has its code (`identity.proofs`)."""
    return DenyKind.NOT_AUTHENTICATED if code.startswith("TOKEN_") else _KINDS.get(code, DenyKind.INPUT_INVALID)


def _no_such() -> ApprovalConflict:
    return ApprovalConflict("no such ticket", code="TICKET_UNKNOWN")
