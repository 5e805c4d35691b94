"""From a proof to a session: a name with its password or token, or what an OpenID provider proved; the audit is told first.

Nothing here tells whether a name exists. A wrong proof is recorded, and who fails too often waits, as everywhere else. Called
by `server`, which has the cookies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.console.calls import Viewer
from gateway.console.signed_in import SignedIn, SignIns
from gateway.errors import AuditUnavailable
from gateway.identity.logins import CONSOLE, Login
from gateway.identity.names import Names
from gateway.identity.oidc.settings import Identity
from gateway.identity.people import People
from gateway.identity.proofs import Proofs
from gateway.identity.throttle import Throttle
from gateway.telemetry import logger

WAY_SECRET = "secret"  # noqa: S105  # the name of a way to sign in
WAY_PROVIDER = "provider"
WAY_LINK = "link"
PLACE = "console"
"""What the audit calls the console where a login is to a resource."""
MAX_NAME = 128
MAX_COMMENT = 500
WRONG = "That name and that secret do not go together."
NO_LINK = "That link was used already, or its time is over. Make another with `sallyport console link`."
TOO_MANY = "Too many wrong tries from here. Wait a minute."


class NotSignedIn(Exception):
    """Why nobody was signed in, in a sentence."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that was begun, and the value for the browser."""

    value: str
    session: SignedIn


def taken_back(session: SignedIn, by: str, comment: str, now: int) -> Entry:
    """The entry of a session that somebody ends."""
    return Entry(
        kind=Kind.SESSION,
        time=now,
        step="killed",
        session=session.name,
        principal=session.principal,
        client_address=session.facts.address,
        resource=PLACE,
        protocol=PLACE,
        person=by,
        note=" ".join(comment.split())[:MAX_COMMENT],
    )


class Entrance:
    """Where people come in, and where it is looked up who they are."""

    def __init__(
        self,
        people: Callable[[], People],
        sessions: SignIns,
        log: AuditLog,
        clock: Callable[[], int],
        names: Names,
        proofs: Proofs | None = None,
    ) -> None:
        """`names` say who may be whom. Without `proofs` no link signs anybody in."""
        self._names = names
        self._proofs = proofs
        self._people = people
        self._sessions = sessions
        self._log = log
        self._clock = clock
        self._throttle = Throttle()

    def by_secret(self, name: str, secret: str, address: str | None) -> Begun:
        """Sign in somebody who has a password or a token. Raises NotSignedIn, AuditUnavailable, StoreUnavailable."""
        now, people = self._clock(), self._people()
        name = name.strip()
        if self._throttle.must_wait(name, address, now / 1e9):
            self._record("refused", name, address, now, note="too many tries")
            raise NotSignedIn(TOO_MANY)
        # INVARIANT: both are looked at, whoever it is and whatever they have.
        has_token, has_password = people.is_proven(name, secret), people.is_password(name, secret)
        if not (has_token or has_password) or people.find(name) is None:
            self._throttle.failed(name, address, now / 1e9)
            self._record("refused", name, address, now, note="not proven")
            raise NotSignedIn(WRONG)
        return self.begin(name, WAY_SECRET, address)

    def by_link(self, token: str, address: str | None) -> Begun:
        """Sign in whoever a link was made for, once. Raises NotSignedIn, AuditUnavailable, StoreUnavailable."""
        now, proofs = self._clock(), self._proofs
        if self._throttle.must_wait("", address, now / 1e9):
            self._record("refused", "", address, now, note="too many tries")
            raise NotSignedIn(TOO_MANY)
        # WHY not a token of an issuer: those are for every resource, and this is for a link of ours alone.
        found = None if proofs is None or proofs.is_of_issuer(token) else proofs.examine(token, None, CONSOLE)
        is_link = isinstance(found, Login) and found.once and found.resources == frozenset({CONSOLE})
        if proofs is None or not is_link or not isinstance(found, Login) or proofs.use(found) is not None:
            self._throttle.failed("", address, now / 1e9)
            self._record("refused", "", address, now, note="link")
            raise NotSignedIn(NO_LINK)
        return self.begin(found.user, WAY_LINK, address)

    def by_identity(self, identity: Identity, address: str | None) -> Begun:
        """Sign in somebody whom a provider proved, until that proof ends.

        Raises IdentityRefused where the name is not theirs to have, AuditUnavailable, StoreUnavailable.
        """
        problem = self._names.why_not(identity.principal, identity.issuer)
        if problem is not None:
            raise problem
        return self.begin(
            identity.principal,
            WAY_PROVIDER,
            address,
            kind=identity.kind,
            groups=identity.groups,
            roles=identity.roles,
            until=identity.expires_at,
            issuer=identity.issuer,
        )

    def refused(self, code: str, address: str | None) -> None:
        """Record that a provider proved nobody. Raises AuditUnavailable."""
        self._record("refused", "", address, self._clock(), note=f"provider: {code}")

    def begin(self, name: str, way: str, address: str | None, **facts: object) -> Begun:
        """A new session for somebody who proved who they are. Raises AuditUnavailable, StoreUnavailable."""
        now = self._clock()
        self._sessions.sweep(now)
        value, session = self._sessions.prepare(name, way, now, address, **facts)
        self._record("opened", name, address, now, session=session.name, note=way)
        self._sessions.keep(session)
        return Begun(value, session)

    def end(self, session: SignedIn) -> None:
        """Sign out. Raises StoreUnavailable; what cannot be recorded ends nevertheless."""
        self._sessions.end(session)
        now = self._clock()
        try:
            self._record("closed", session.principal, None, now, session=session.name, note="signed out")
        except AuditUnavailable as error:
            logger("console").error("the end of a session could not be recorded", code=error.code)

    def alive(self, principal: str | None) -> list[SignedIn]:
        """Who is signed in, the newest first: the sessions of one person, or (None) of everybody. Raises StoreUnavailable."""
        return self._sessions.alive(self._clock(), principal)

    def take_back(self, name: str, *, by: str, owner: str | None, comment: str = "") -> bool:
        """End the session of that name, which is somebody's (`owner`; None: whoever's). No: there is none. Raises StoreUnavailable."""
        session = self._sessions.named(name)
        if session is None or owner not in (None, session.principal):
            return False
        try:
            self._log.append(taken_back(session, by, comment, self._clock()), promised=True)
        except AuditUnavailable as error:
            # WHY all the same: an end takes something away. A disk that is full must not keep anybody signed in.
            logger("console").error("an ended sign-in could not be recorded", session=name, by=by, code=error.code)
        return self._sessions.take_back(session)

    def viewer(self, value: str | None, *, is_click: bool) -> Viewer | None:
        """Who holds a browser's value; None when nobody does, or they are not known any more."""
        session = self._sessions.find(value, self._clock(), is_click=is_click)
        if session is None:
            return None
        facts = session.facts
        if facts.way == WAY_PROVIDER:
            # INVARIANT: at every click, as when they came in: a name that is somebody else's meanwhile is no longer theirs.
            if not self._names.is_of(session.principal, facts.issuer):
                return None
            return Viewer(session.principal, facts.kind, facts.groups, frozenset(facts.roles), session)
        known = self._people().find(session.principal)
        if known is None:
            return None
        who = known.principal
        return Viewer(who.name, who.kind, who.groups, frozenset(known.roles), session)

    def _record(self, step: str, name: str, address: str | None, now: int, *, note: str, session: str = "") -> None:
        self._log.append(
            Entry(
                kind=Kind.SESSION,
                time=now,
                step=step,
                session=session,
                principal=name[:MAX_NAME],
                client_address=address,
                resource=PLACE,
                protocol=PLACE,
                note=note,
            )
        )
