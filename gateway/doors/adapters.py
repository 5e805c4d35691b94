"""The door for protocol adapters in this process: who may come in, to what, and their sessions.

Satisfies `adapters.core.ports.Doorkeeper`. Logins, opened and closed sessions are recorded. Not here: what sessions do (`session`),
protocols, proofs (`identity`). Built by `app`.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec

from adapters.core.ports import (
    Proof,
    Refusal,
    ScramVerifier,
    Target,
)
from engine.request import Principal, Resource, Session
from gateway.asked import Asked
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.doors.resources import Directory, with_database
from gateway.doors.session import GatewaySession
from gateway.doors.sessions import Live, OpenSessions, Watch
from gateway.errors import AuditUnavailable
from gateway.gate import Gate
from gateway.identity.logins import NOT_PROVEN, Login, Standings, Unproven, noted
from gateway.identity.people import People
from gateway.identity.proofs import TOLD, UNAVAILABLE, Proofs
from gateway.identity.signed import looks_signed
from gateway.identity.standing import UNASKED, Standing
from gateway.identity.throttle import Throttle
from gateway.recording.recorder import Recordings
from gateway.remembering import ShapeOf
from gateway.telemetry import Meters, logger

TOO_MANY = Refusal("28000", "too many failed logins from here; wait a minute")
NO_RESOURCE = Refusal("3D000", "there is no such resource")
TOO_MANY_OPEN = "53300"
NO_RECORD = Refusal("57P03", "this login cannot be recorded at the moment")
MAX_NAME = 128
EXAMINERS = 8
"""Threads that look into signed tokens."""
USE_SECONDS = 0.5
"""How long a sign-in with a token that is good once waits for the store to use it up."""


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
        watch: Watch | None = None,
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
        self.sessions = OpenSessions(monotonic, watch)
        self.reached = self.sessions.reached
        """Told of each try to connect to the target of a session."""

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

    def is_ready(self, resource: str) -> bool:
        """Whether the target's credential is good as it is."""
        return self.known.directory.is_ready(resource)

    async def make_ready(self, resource: str) -> None:
        """Have it again where that is due."""
        await self.known.directory.make_ready(resource)

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
            refusal = self._crowded(principal.name, resource) or self.known.directory.unready(resource, protocol)
        if refusal is None and login is not None:
            problem = self._still_good(login, resource)
            refusal = None if problem is None else problem.refusal
        job = None if login is None else login.job
        session = Session(
            f"s-{self._boot}-{next(self._numbers):x}",
            job,
            application[:MAX_NAME] if application else None,
            client_address,
        )
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
            note=noted(refusal, problem, login),
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
        seen = with_database(place, database)
        self._meters.sessions.labels(seen.protocol).inc()
        opened = GatewaySession(self, principal, session, seen, login, opened_at=now)
        self.sessions.add(opened, principal.name, place.name, self.known.directory.lasts(resource, protocol))
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
        return Unproven("TOKEN_ENDED", Refusal(TOLD, trouble)) if trouble is not None else self._used_up(login)

    def _used_up(self, login: Login) -> Unproven | None:
        """Why a token that is good once is not any more. WHY in time: whoever lets somebody in is an event loop, where others wait."""
        if self._proofs is None or not login.once:
            return None
        try:
            return self._examining.submit(self._proofs.use, login).result(USE_SECONDS)
        except TimeoutError:
            # INVARIANT: it may be used up all the same, and then nobody came in with it.
            return Unproven("STORE_UNAVAILABLE", Refusal(UNAVAILABLE, UNASKED), is_fault=True)

    def trouble(self, login: Login) -> str | None:
        """Why a login counts no more; None when it does."""
        return UNASKED if self._standing is None else self._standing.trouble(login)

    def login_stands(self, login: Login) -> Standings | None:
        """What has to stand for a login to count on; None when it does not count."""
        return None if self._standing is None else self._standing.stands(login)

    def renew(self, asked: Asked) -> Asked | None:
        """The question of a session with principal and resource as they are known now; None when one is not any more."""
        known, login = self.known, asked.login
        if asked.caller:
            # WHY as it is: a service spoke for somebody whom this configuration need not know.
            return asked if login is None else self._renew_by_token(asked, login)
        place = known.directory.resource(asked.resource.name)
        is_good = login is None or self.trouble(login) is None
        principal = self.current(asked.principal.name, login) if is_good else None
        if principal is None or place is None:
            return None
        return msgspec.structs.replace(
            asked, principal=principal, resource=with_database(place, asked.resource.database)
        )

    def _renew_by_token(self, asked: Asked, login: Login) -> Asked | None:
        """The question of a caller who came with a token: whose it was is still theirs, and has the groups of now."""
        now = self.current(login.user, login) if self.trouble(login) is None else None
        if now is None or login.user != asked.principal.name:
            return None if now is None else asked
        return msgspec.structs.replace(asked, principal=now)

    def current(self, name: str, login: Login | None) -> Principal | None:
        """A principal as they are known at the moment; None when they are not any more."""
        if login is not None:
            return None if self._proofs is None else self._proofs.current(login)
        found = self.known.people.find(name)
        return None if found is None else found.principal

    def connected(self, session: Session, principal: Principal, resource: Resource, note: str) -> None:
        """Record over which connection a session reaches its target. Raises AuditUnavailable."""
        entry = Entry(
            kind=Kind.SESSION,
            time=self._clock(),
            step="connected",
            session=session.id,
            principal=principal.name,
            resource=resource.name,
            note=note,
        )
        self._log.append(entry)

    def closed(self, session: Session, principal: Principal, protocol: str, reason: str) -> None:
        """Record the end of a session."""
        self._meters.sessions.labels(protocol).dec()
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
