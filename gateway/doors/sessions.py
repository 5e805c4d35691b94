"""The sessions that are open now: how many somebody has, which have to end and why, who is told.

What counts as idle is for each connection to say (`adapters.core.ports.Connection`). Not here: who comes in (`adapters`).
`sweep` is for the loop's thread; everything else may be called from any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.core.ports import Cause, Connection, Ending
from engine.request import Principal, Resource, Session
from gateway.doors.resources import Limits

NOTES = {
    Cause.IDLE: "IDLE_LIMIT",
    Cause.LIFETIME: "LIFETIME_LIMIT",
    Cause.KILLED: "KILLED",
    Cause.REVOKED: "LOGIN_REVOKED",
    Cause.UNRECORDED: "RECORDER_FAILED",
}
"""What the audit calls the end of a session that its client did not want."""


@dataclass(frozen=True, slots=True)
class Live:
    """A session that is open now. `opened_at` is UTC nanoseconds, `verdict` that of its last command (empty: none yet)."""

    session: Session
    principal: Principal
    resource: Resource
    opened_at: int
    verdict: str = ""
    is_held: bool = False


class Member(Protocol):
    """An open session."""

    @property
    def id(self) -> str: ...
    @property
    def connection(self) -> Connection | None:
        """Whose it is; None until somebody said so."""

    def seen(self) -> Live:
        """How it stands."""

    def ends(self, ending: Ending, note: str) -> None:
        """Note why it will be over."""


class Watch(Protocol):
    """Somebody who looks on. Must return at once and never raise."""

    def opened(self, live: Live) -> None:
        """A session is open."""

    def closed(self, session_id: str) -> None:
        """It is over."""

    def reached(self, session_id: str, seconds: float, is_reached: bool) -> None:
        """A connection to its target was made in so many seconds, or was not."""


@dataclass(slots=True)
class _Seat:
    member: Member
    key: tuple[str, str]
    since: float
    active: float
    ending: Ending | None = None
    until: float | None = None


class OpenSessions:
    """All of this process. `clock` counts seconds and only goes on."""

    def __init__(self, clock: Callable[[], float], watch: Watch | None = None) -> None:
        self._clock = clock
        self._watch = watch
        self._seats: dict[str, _Seat] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, principal: str, resource: str) -> int:
        """How many this principal has on this resource."""
        return self._counts[principal, resource]

    def add(self, member: Member, principal: str, resource: str, lasts: float | None = None) -> None:
        """One more is open, for so many seconds at most."""
        now = self._clock()
        until = None if lasts is None else now + lasts
        self._seats[member.id] = _Seat(member, (principal, resource), now, now, until=until)
        self._counts[principal, resource] += 1
        if self._watch is not None:
            self._watch.opened(member.seen())

    def remove(self, session_id: str) -> None:
        """One is over. A second call changes nothing."""
        seat = self._seats.pop(session_id, None)
        if seat is None:
            return
        self._counts[seat.key] -= 1
        if not self._counts[seat.key]:
            del self._counts[seat.key]
        if self._watch is not None:
            self._watch.closed(session_id)

    def reached(self, session_id: str, seconds: float, is_reached: bool) -> None:
        """A connection to the target of one was made in so many seconds, or was not."""
        if self._watch is not None:
            self._watch.reached(session_id, seconds, is_reached)

    def members(self) -> Sequence[Member]:
        """Those that are open, the newest last."""
        return [seat.member for seat in list(self._seats.values())]

    def live(self) -> Sequence[Live]:
        """The same, as they stand."""
        return [member.seen() for member in self.members()]

    def find(self, session_id: str) -> Live | None:
        """One of them; None when it is not open."""
        seat = self._seats.get(session_id)
        return None if seat is None else seat.member.seen()

    def end(self, session_id: str, ending: Ending, note: str = "") -> bool:
        """Have a session end; whether there is such a one that was not ending in this way yet. `note` is for the audit."""
        seat = self._seats.get(session_id)
        connection = None if seat is None else seat.member.connection
        if seat is None or connection is None:
            return False
        before = seat.ending
        if before is not None and (before.cause.is_urgent or not ending.cause.is_urgent):
            return False
        seat.ending = ending
        seat.member.ends(ending, f"{NOTES.get(ending.cause, ending.cause.value)} {note or ending.message}")
        connection.end(ending)
        return True

    def sweep(self, limits_of: Callable[[str], Limits], void: Iterable[tuple[str, str]] = ()) -> None:
        """End what is open for too long or idle, and those in `void`, each with why."""
        for session_id, why in void:
            self.end(session_id, Ending(Cause.REVOKED, why))
        now = self._clock()
        for session_id, seat in list(self._seats.items()):
            limits = limits_of(seat.key[1])
            ending = None if seat.ending is not None else _overdue(seat, limits, now)
            if ending is not None:
                self.end(session_id, ending)


def _overdue(seat: _Seat, limits: Limits, now: float) -> Ending | None:
    """Why a session is over its limits; None when it is not."""
    if seat.until is not None and now >= seat.until:
        return Ending(Cause.LIFETIME, "the gateway's credential for this target is over; connect again")
    if limits.lifetime_seconds and now - seat.since >= limits.lifetime_seconds:
        return Ending(Cause.LIFETIME, f"a session may be open for {limits.lifetime_seconds:g} s here, and this one was")
    if not limits.idle_seconds:
        return None
    connection = seat.member.connection
    if connection is None or connection.was_active():
        seat.active = now
        return None
    if now - seat.active < limits.idle_seconds:
        return None
    return Ending(
        Cause.IDLE, f"nothing was asked for {limits.idle_seconds:g} s, and a session may be idle no longer here"
    )
