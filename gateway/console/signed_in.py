"""Who is signed in, on the server's side: the browser holds a random value, the store its hash and everything else.

Shared by replicas. A session ends by signing out, after a while without a click, and after some hours in any case. Nothing a
browser brought before it signed in is ever made a session. Called by `server` and `signing_in`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from gateway.errors import StoreUnavailable
from gateway.store.database import Database
from gateway.store.tables import console_sessions as table

TOUCH_EVERY = 60 * 10**9
"""Nanoseconds between notes of somebody's last click: not every page is a write."""
MAX_PER_PRINCIPAL = 20
"""Sessions of one person; the oldest is ended by the next."""
_NAME = re.compile(r"c-([0-9a-f]{16})")
MAX_VALUE = 100
"""Characters of a cookie that are looked at."""


class Facts(msgspec.Struct, frozen=True):
    """What is known of a session beside its times.

    `way`: how they proved who they are. `groups`, `kind` and `roles` are those of who is no `[[identity.principal]]`, as
    the `issuer` said when they signed in, and `until` is when that ends; of others the configuration says them, at every click.
    """

    csrf: str
    way: str
    address: str | None = None
    kind: str = "user"
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    until: int | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One session. Times are UTC nanoseconds."""

    id: bytes = field(repr=False)
    principal: str
    opened_at: int
    seen_at: int
    facts: Facts = field(repr=False)

    @property
    def name(self) -> str:
        """What the audit calls it."""
        return f"c-{self.id.hex()[:16]}"


class SignIns:
    """The sessions of this installation. Safe from any thread."""

    def __init__(self, database: Database, *, idle_seconds: int, most_seconds: int) -> None:
        self._database = database
        self._idle = idle_seconds * 10**9
        self._most = most_seconds * 10**9

    def prepare(
        self, principal: str, way: str, now: int, address: str | None = None, **facts: object
    ) -> tuple[str, SignedIn]:
        """A new session with a value nobody has seen before: the value for the browser, and the session, not kept yet."""
        value = secrets.token_urlsafe(32)
        made = Facts(csrf=secrets.token_urlsafe(32), way=way, address=address, **facts)  # type: ignore[arg-type]  # named by callers
        return value, SignedIn(_hash(value), principal, now, now, made)

    def keep(self, session: SignedIn) -> None:
        """Begin it. Somebody with too many loses the oldest."""
        with self._database.begin() as connection:
            connection.execute(
                insert(table).values(
                    id=session.id,
                    principal=session.principal,
                    opened_at=session.opened_at,
                    seen_at=session.seen_at,
                    body=_ENCODER.encode(session.facts).decode(),
                )
            )
            theirs = select(table.c.id).where(table.c.principal == session.principal)
            old = connection.execute(theirs.order_by(table.c.opened_at.desc()).offset(MAX_PER_PRINCIPAL)).scalars()
            for one in list(old):
                connection.execute(delete(table).where(table.c.id == one))

    def find(self, value: str | None, now: int, *, is_click: bool = True) -> SignedIn | None:
        """The session of a browser's value; None when there is none, or not any more. `is_click`: a person did something."""
        if not value or len(value) > MAX_VALUE or not value.isascii():
            return None
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.id == _hash(value))).one_or_none()
        if row is None:
            return None
        found = _session(*row)
        if self._is_over(found, now):
            self.end(found)
            return None
        if is_click and now - found.seen_at > TOUCH_EVERY:
            with self._database.begin() as connection:
                connection.execute(update(table).where(table.c.id == found.id).values(seen_at=now))
        return found

    def _is_over(self, session: SignedIn, now: int) -> bool:
        until = session.facts.until
        is_late = until is not None and now >= until
        return is_late or now - session.seen_at > self._idle or now - session.opened_at > self._most

    def end(self, session: SignedIn) -> None:
        """Sign out."""
        with self._database.begin() as connection:
            connection.execute(delete(table).where(table.c.id == session.id))

    def alive(self, now: int, principal: str | None = None, most: int = 1_000) -> list[SignedIn]:
        """Those that are not over, the newest first; of one person, or all."""
        query = select(table).order_by(table.c.opened_at.desc(), table.c.id).limit(most)
        if principal is not None:
            query = query.where(table.c.principal == principal)
        with self._database.read() as connection:
            found = [_session(*row) for row in connection.execute(query)]
        return [one for one in found if not self._is_over(one, now)]

    def named(self, name: str) -> SignedIn | None:
        """The session that the audit calls this; None when there is none."""
        start = _NAME.fullmatch(name)
        if start is None:
            return None
        low = bytes.fromhex(start[1])
        query = select(table).where(table.c.id >= low.ljust(32, b"\0"), table.c.id <= low.ljust(32, b"\xff"))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        # WHY not the first of several: one of them is somebody else's.
        return _session(*rows[0]) if len(rows) == 1 else None

    def take_back(self, session: SignedIn, also: Callable[[Connection], None] = lambda connection: None) -> bool:
        """End somebody's session, at every replica: each looks at every click. No: it was over. `also` is done with it."""
        with self._database.begin() as connection:
            gone = connection.execute(delete(table).where(table.c.id == session.id)).rowcount == 1
            if gone:
                also(connection)
        return gone

    def sweep(self, now: int) -> None:
        """Forget those that are over."""
        with self._database.begin() as connection:
            is_over = or_(table.c.seen_at < now - self._idle, table.c.opened_at < now - self._most)
            connection.execute(delete(table).where(is_over))

    def count(self) -> int:
        """How many there are."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _session(id: bytes, principal: str, opened_at: int, seen_at: int, body: str) -> SignedIn:
    return SignedIn(bytes(id), principal, opened_at, seen_at, _decode(body))


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def _decode(body: str) -> Facts:
    try:
        return _DECODER.decode(body)
    except msgspec.MsgspecError as error:
        raise StoreUnavailable("a session of the console cannot be read") from error


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Facts)
