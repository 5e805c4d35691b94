"""The door for protocol adapters in this process: who may come in, to what, and their sessions.

Satisfies `adapters.core.ports.Doorkeeper` and `GateSession`. Logins, opened and closed sessions are recorded. Not here:
protocols, decisions (`gate`), proofs (`identity`). Built by `app`.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import msgspec

from adapters.core.ports import (
    Again,
    Answer,
    Connection,
    Ending,
    Lines,
    Outcome,
    Proof,
    Question,
    Recording,
    Refusal,
    ScramVerifier,
    Screen,
    Target,
)
from adapters.errors import RecorderFailed
from engine.command.parse import parse_command
from engine.decision import DenyKind, Verdict
from engine.request import Json, Principal, Resource, Session
from gateway.asked import Asked
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.doors.resources import Directory
from gateway.doors.sessions import Live, OpenSessions
from gateway.errors import AuditUnavailable
from gateway.gate import Gate
from gateway.identity.logins import NOT_PROVEN, Login, Unproven
from gateway.identity.people import People
from gateway.identity.proofs import TOLD, Proofs
from gateway.identity.signed import looks_signed
from gateway.identity.standing import REVOKED, UNASKED, Standing
from gateway.identity.throttle import Throttle
from gateway.recording.recorder import About, Recordings
from gateway.remembering import Memory, Remembered, ShapeOf
from gateway.telemetry import Meters, logger

TOO_MANY = Refusal("28000", "too many failed logins from here; wait a minute")
NO_RESOURCE = Refusal("3D000", "there is no such resource")
TOO_MANY_OPEN = "53300"
GONE = "this login is not valid any more"
NO_RECORD = Refusal("57P03", "this login cannot be recorded at the moment")
MAX_NAME = 128
EXAMINERS = 8
"""Threads that look into signed tokens."""


@dataclass(frozen=True, slots=True)
class Known:
    """Who and what the configuration knows, together: a decision sees one configuration, never parts of two."""

    people: People
    directory: Directory


class Doors:
    """The doorkeeper of this process. `known` is replaced as a whole when the configuration is read again."""

    def __init__(
        self,
        *,
        gate: Gate,
        log: AuditLog,
        people: People,
        directory: Directory,
        clock: Callable[[], int],
        meters: Meters,
        shape_of: ShapeOf = lambda protocol, text: None,
        recordings: Recordings | None = None,
        records_commands: bool = False,
        proofs: Proofs | None = None,
        standing: Standing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`shape_of` is the parser's, for what sessions remember. Without `recordings` nothing that has to be recorded runs.

        Without `proofs` and `standing` no signed token counts.
        """
        self.recordings = recordings
        self.records_commands = records_commands
        self.shape_of = shape_of
        self._gate = gate
        self._log = log
        self.known = Known(people, directory)
        self._clock = clock
        self._meters = meters
        self._throttle = Throttle()
        self._proofs = proofs
        self._standing = standing
        # WHY two: whoever waits for a slow issuer must not keep those from being let in who need none.
        self._examining = ThreadPoolExecutor(EXAMINERS, "examine")
        self._asking_issuers = ThreadPoolExecutor(EXAMINERS, "examine-issuer")
        self._boot = secrets.token_hex(5)
        self._numbers = itertools.count(1)
        self.sessions = OpenSessions(monotonic)

    def live(self) -> Sequence[Live]:
        """The sessions that are open, the newest last. Safe from any thread."""
        return self.sessions.live()

    def sweep(self, void: Sequence[tuple[str, str]] = ()) -> None:
        """End the sessions that are over the limits of their resources, and those in `void`. On the loop's thread."""
        directory = self.known.directory
        if void or directory.has_limits:
            self.sessions.sweep(directory.limits, void)

    def find_void(self) -> list[tuple[str, str]]:
        """The sessions whose logins were taken back, with why. On a thread that may wait: the store may have to be asked."""
        found = []
        for one in self.sessions.members():
            why = one.void(self) if isinstance(one, GatewaySession) else None
            if why is not None:
                found.append((one.id, why))
        return found

    def scram_verifier(self, user: str) -> ScramVerifier:
        """The verifier of a user; for an unknown one a decoy that no password fits, stable for the same name."""
        return self.known.people.verifier(user)

    def check_token(self, user: str, token: str, resource: str) -> bool:
        """Whether a secret given in clear (inside TLS) proves the user. Constant time."""
        return self.known.people.is_proven(user, token)

    @property
    def takes_tokens(self) -> bool:
        """Whether signed tokens are taken at all."""
        return self._proofs is not None

    def is_signed(self, token: str) -> bool:
        """Whether this is a token that has to be looked into."""
        return looks_signed(token)

    async def examine(self, token: str, user: str | None, resource: str) -> Proof:
        """Look into a signed token, on a thread: its keys may have to be fetched, and the store asked."""
        if self._proofs is None:
            return Unproven("TOKEN_UNKNOWN")
        pool = self._asking_issuers if self._proofs.is_of_issuer(token) else self._examining
        return await asyncio.get_running_loop().run_in_executor(pool, self._proofs.examine, token, user, resource)

    def key_authorities(self) -> Sequence[str]:
        """Public keys (lines as OpenSSH has them) whose certificates prove the people they name."""
        return self.known.people.authorities

    def is_key_of(self, user: str, key: bytes) -> bool:
        """Whether a public key (as it stands on the wire of SSH) is one of the user's."""
        return self.known.people.has_key(user, key)

    def owner_of(self, token: str) -> str | None:
        """Whose token this is; None when it is nobody's."""
        return self.known.people.owner_of(token)

    def groups_of(self, user: str) -> Sequence[str]:
        """The groups of a user; none when there is no such user."""
        found = self.known.people.find(user)
        return () if found is None else found.principal.groups

    def target(self, resource: str) -> Target | None:
        """Where the resource is; None when there is no such resource."""
        return self.known.directory.target(resource)

    def admit(
        self,
        *,
        user: str,
        resource: str,
        protocol: str,
        proven: bool,
        client_address: str | None,
        application: str | None,
        database: str | None = None,
        proof: Proof | None = None,
    ) -> GatewaySession | Refusal:
        """Open a session for a user who proved who they are. Every login is recorded, refused ones too."""
        now = self._clock()
        principal, login, problem = self._who(user, proven, proof)
        place = self.known.directory.resource(resource, protocol)
        if self._throttle.must_wait(user, client_address, now / 1e9):
            refusal: Refusal | None = TOO_MANY
        elif principal is None:
            if problem is None or not problem.is_fault:
                self._throttle.failed(user, client_address, now / 1e9)
            refusal = NOT_PROVEN if problem is None else problem.refusal
        else:
            # WHY only after the proof: who may not come in is not told which resources there are.
            refusal = NO_RESOURCE if place is None else None
        if refusal is None and principal is not None:
            refusal = self._crowded(principal.name, resource)
        if refusal is None and login is not None:
            problem = self._still_good(login, resource)
            refusal = None if problem is None else problem.refusal
        job = None if login is None else login.job
        session = Session(f"s-{self._boot}-{next(self._numbers):x}", job, _cut(application), client_address)
        entry = Entry(
            kind=Kind.SESSION,
            time=now,
            step="opened" if refusal is None else "refused",
            session=session.id,
            job=job,
            principal=user[:MAX_NAME],
            application=session.application,
            client_address=client_address,
            resource=resource[:MAX_NAME],
            protocol=protocol,
            note=_noted(refusal, problem, login),
        )
        try:
            self._log.append(entry)
        except AuditUnavailable:
            self._meters.audit_failures.inc()
            return NO_RECORD
        if refusal is not None or principal is None or place is None:
            refusal = refusal or NOT_PROVEN
            self._meters.logins_refused.labels(refusal.code).inc()
            return refusal
        self._meters.sessions.inc()
        seen = _at(place, database)
        opened = GatewaySession(self, principal, session, seen, login, opened_at=now)
        self.sessions.add(opened, principal.name, place.name)
        return opened

    def _crowded(self, principal: str, resource: str) -> Refusal | None:
        """Why somebody may have no session more there."""
        most = self.known.directory.limits(resource).connections_per_principal
        if not most or self.sessions.count(principal, resource) < most:
            return None
        return Refusal(TOO_MANY_OPEN, f"too many connections of yours: {most} at once may be open to this resource")

    def _who(
        self, user: str, proven: bool, proof: Proof | None
    ) -> tuple[Principal | None, Login | None, Unproven | None]:
        """Who comes in: by a proof of ours for exactly this name, or (without any) as the configuration knows them."""
        if isinstance(proof, Unproven):
            return None, None, proof
        if isinstance(proof, Login):
            is_theirs = proven and proof.user == user
            return (proof.principal, proof, None) if is_theirs else (None, None, None)
        # INVARIANT: a proof that is none of ours is no proof.
        found = self.known.people.find(user) if proven and proof is None else None
        return (None if found is None else found.principal), None, None

    def _still_good(self, login: Login, resource: str) -> Unproven | None:
        """Why a login does not open a session after all. What is good once is used up here, when nothing else is in the way."""
        if self._proofs is None or not login.reaches(resource):
            return Unproven("TOKEN_RESOURCE")
        trouble = self.trouble(login)
        return Unproven("TOKEN_ENDED", Refusal(TOLD, trouble)) if trouble is not None else self._proofs.use(login)

    def trouble(self, login: Login) -> str | None:
        """Why a login counts no more; None when it does."""
        return UNASKED if self._standing is None else self._standing.trouble(login)

    def renew(self, asked: Asked) -> Asked | None:
        """The question of a session with principal and resource as they are known now; None when one is not any more."""
        known, login = self.known, asked.login
        if asked.caller:
            # WHY: a service spoke for somebody whom this configuration need not know.
            return asked if login is None or self.trouble(login) is None else None
        place = known.directory.resource(asked.resource.name)
        is_good = login is None or self.trouble(login) is None
        principal = self.current(asked.principal.name, login) if is_good else None
        if principal is None or place is None:
            return None
        return msgspec.structs.replace(asked, principal=principal, resource=_at(place, asked.resource.database))

    def current(self, name: str, login: Login | None) -> Principal | None:
        """A principal as they are known at the moment; None when they are not any more."""
        if login is not None:
            return None if self._proofs is None else self._proofs.current(login)
        found = self.known.people.find(name)
        return None if found is None else found.principal

    def closed(self, session: Session, principal: Principal, reason: str) -> None:
        """Record the end of a session."""
        self._meters.sessions.dec()
        self.sessions.remove(session.id)
        entry = Entry(
            kind=Kind.SESSION,
            time=self._clock(),
            step="closed",
            session=session.id,
            principal=principal.name,
            note=reason[:500],
        )
        try:
            self._log.append(entry, promised=True)
        except AuditUnavailable as error:
            self._meters.audit_failures.inc()
            logger("doors").error("the end of a session could not be recorded", session=session.id, code=error.code)

    @property
    def gate(self) -> Gate:
        """Where sessions put their questions."""
        return self._gate


class GatewaySession:
    """One signed-in client on one resource."""

    __slots__ = (
        *("_doors", "_ending", "_gate", "_given", "_is_closed", "_is_gone", "_known", "_last", "_login", "_memory"),
        *("_opened_at", "_principal", "_resource", "_session", "_state", "_tickets", "connection", "finished_again"),
    )

    def __init__(
        self,
        doors: Doors,
        principal: Principal,
        session: Session,
        resource: Resource,
        login: Login | None = None,
        opened_at: int = 0,
    ) -> None:
        """`login` is there when a token with an end and limits let them in."""
        self.connection: Connection | None = None
        self._opened_at = opened_at
        self._last: Verdict | None = None
        self._ending = ""
        self._doors = doors
        self._gate = doors.gate
        self.finished_again = doors.gate.finished_again
        """Record what became of an answer that was given again."""
        self._principal = principal
        self._resource = resource
        self._session = session
        self._state: Mapping[str, Json] = session.state
        self._given: Mapping[str, Json] = session.state
        self._tickets: set[str] = set()
        self._is_closed = False
        self._is_gone = False
        self._known = doors.known
        self._memory = Memory(doors.shape_of)
        self._login = login

    @property
    def id(self) -> str:
        return self._session.id

    def watch(self, connection: Connection) -> None:
        """Say whose connection this session is."""
        self.connection = connection

    def seen(self) -> Live:
        """How it stands. Safe from any thread."""
        verdict = "" if self._last is None else self._last.value
        return Live(self._session, self._principal, self._resource, self._opened_at, verdict, bool(self._tickets))

    def ends(self, ending: Ending, note: str) -> None:
        """Note why it will be over: the audit is told that, whatever the connection says then."""
        self._ending = note

    def void(self, doors: Doors) -> str | None:
        """Why the login that opened it counts no more; None when it does, and when nobody can say.

        WHY not for one whose time is over: it runs no further command, and what it began before may end.
        """
        trouble = None if self._login is None else doors.trouble(self._login)
        if trouble == REVOKED:
            return trouble
        known = doors.known
        if known is self._known:
            return None
        is_there = known.directory.resource(self._resource.name) is not None
        return None if is_there and doors.current(self._principal.name, self._login) is not None else GONE

    def decide(self, question: Question) -> Answer:
        """Decide now; the audit entry is written before this returns. Never raises: failure is a deny."""
        answer = self._decide(question)
        self._last = answer.decision.verdict
        return answer

    def _decide(self, question: Question) -> Answer:
        if question.state is not self._given and question.state != self._state:
            # WHY a new object only then: the engine knows the facts of a session by the object that states them.
            self._state = dict(question.state)
            self._session = replace(self._session, state=self._state)
        self._given = question.state
        if self._login is not None and not self._is_gone:
            # INVARIANT: before anything else, also before what is remembered: whether this login still counts.
            trouble = self._doors.trouble(self._login)
            if trouble is not None:
                return self._gate.deny(self._asked(question), DenyKind.NOT_AUTHENTICATED, trouble)
        if self._known is self._doors.known and not self._is_gone:
            again = self._gate.again(self._memory, question, self._principal, self._session, self._resource)
            if again is not None:
                return again
        asked = self._asked(question)
        if self._known is not self._doors.known:
            self._known = self._doors.known
            renewed = self._doors.renew(asked)
            # INVARIANT: once gone, gone; whoever is known again signs in again.
            self._is_gone = self._is_gone or renewed is None
            if renewed is not None:
                asked, self._principal, self._resource = renewed, renewed.principal, renewed.resource
        if self._is_gone:
            return self._gate.deny(asked, DenyKind.NOT_AUTHENTICATED, GONE)
        answer = self._gate.decide(asked)
        if answer.ticket is not None:
            self._tickets.add(answer.ticket)
        return answer

    def give_again(self, again: Again, lines: Lines) -> bool:
        """Give an answer once more; recorded when this says yes. No: ask."""
        doors = self._doors
        if (
            not isinstance(again, Remembered)
            or self._is_gone
            or self._known is not doors.known
            or again.session is not self._session
            or again.principal is not self._principal
            or again.resource is not self._resource
        ):
            return False
        # INVARIANT: as in `_decide`.
        if self._login is not None and doors.trouble(self._login) is not None:
            return False
        return self._gate.give_again(again, lines)

    def _asked(self, question: Question) -> Asked:
        return Asked(
            *(question, self._principal, self._session, self._resource), memory=self._memory, login=self._login
        )

    def refuse(self, question: Question, reason: str) -> Answer:
        """Deny what an adapter does not carry, whatever the policies say, and record it. Never raises."""
        asked = Asked(question, self._principal, self._session, self._resource)
        return self._gate.deny(asked, DenyKind.RULE, reason, parse_command(question.protocol, question.text))

    async def fate(self, ticket: str) -> Answer:
        """Wait until a hold of this session is over; a granted one was decided again (and recorded)."""
        answer = await self._gate.fate(ticket)
        self._tickets.discard(ticket)
        self._last = answer.decision.verdict
        return answer

    def withdraw(self, ticket: str, reason: str) -> None:
        """Take back a hold of this session."""
        if ticket in self._tickets:
            self._tickets.discard(ticket)
            self._gate.withdraw(ticket, reason)

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        """Record what became of a granted command."""
        self._gate.finished(decision_id, outcome, self._principal.name, self._session.job)

    @property
    def records_commands(self) -> bool:
        """Whether every command is recorded, not only where a policy says so."""
        return self._doors.records_commands

    def record(self, decision_id: str, screen: Screen | None, failed: Callable[[], None]) -> Recording:
        """Begin a recording of what a grant shows. Raises RecorderFailed."""
        recordings = self._doors.recordings
        if recordings is None:
            raise RecorderFailed("no recordings are kept here", code="RECORDER_FAILED")
        about = About(self._session.id, self._principal.name, self._resource.name, decision_id, self._session.job)
        return recordings.begin(about, screen, failed)

    def close(self, reason: str) -> None:
        """The session is over. A second call changes nothing."""
        if not self._is_closed:
            self._is_closed = True
            self.connection = None
            self._doors.closed(self._session, self._principal, self._ending or reason)


def _at(place: Resource, database: str | None) -> Resource:
    """The resource with the database a client chose, where the configuration leaves the choice."""
    return place if place.database is not None or database is None else replace(place, database=database)


def _noted(refusal: Refusal | None, problem: Unproven | None, login: Login | None) -> str:
    """What the audit is told of a login: by which token, or why not."""
    if refusal is None:
        return "" if login is None or login.token is None else f"token {login.token}"
    return refusal.code if problem is None else f"{refusal.code} {problem.code}"


def _cut(text: str | None) -> str | None:
    return text[:MAX_NAME] if text else None
