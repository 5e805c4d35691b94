"""Ending a session because somebody wants it to end: who did, and why, is in the audit before it happens.

Whether they may is for the caller to know (`rpc`, `console`). Built by `app`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adapters.core.ports import Cause, Ending
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.doors.sessions import Live, OpenSessions
from gateway.errors import AuditUnavailable, SessionUnknown
from gateway.telemetry import logger

MAX_COMMENT = 300
"""Characters of a reason that a client is told."""


class SessionEnder:
    """What people may do with sessions that are open here. Safe from any thread; `clock` is UTC nanoseconds."""

    def __init__(self, sessions: OpenSessions, log: AuditLog, clock: Callable[[], int]) -> None:
        self._sessions = sessions
        self._log = log
        self._clock = clock

    def live(self) -> Sequence[Live]:
        """The sessions that are open, the newest last."""
        return self._sessions.live()

    def end(self, session_id: str, *, by: str, comment: str) -> Live:
        """Have a session end, with what runs in it; as it stood before. Raises SessionUnknown."""
        found = self._sessions.find(session_id)
        if found is None:
            raise SessionUnknown("no such session is open here")
        comment = " ".join(comment.split())[:MAX_COMMENT]
        entry = Entry(
            kind=Kind.SESSION,
            time=self._clock(),
            step="killed",
            session=session_id,
            principal=found.principal.name,
            resource=found.resource.name,
            person=by,
            note=comment,
        )
        try:
            self._log.append(entry, promised=True)
        except AuditUnavailable as error:
            # WHY all the same: an end takes something away. A disk that is full must not keep anybody connected.
            logger("doors").error("a killed session could not be recorded", session=session_id, by=by, code=error.code)
        why = f": {comment}" if comment else ""
        ending = Ending(Cause.KILLED, f"an operator ended this session{why}")
        if not self._sessions.end(session_id, ending, f"by {by}{why}"):
            raise SessionUnknown("the session is ending already")
        return found
