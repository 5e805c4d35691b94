"""The sessions that are open now, and what became of those before: for auditors. Operators see the open ones and end them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from engine.request import Principal, Resource, Session
from gateway.audit.entry import Entry, Kind
from gateway.console.calls import PAGE, Call, CallRefused, Goto, Page, Reply, Viewer
from gateway.console.searching import Found, before_in, search
from gateway.errors import SessionUnknown

MAX_LIVE = 200
_NOTHING = Found((), None, 0)


class LiveSession(Protocol):
    """A session that is open now."""

    @property
    def session(self) -> Session: ...
    @property
    def principal(self) -> Principal: ...
    @property
    def resource(self) -> Resource: ...
    @property
    def opened_at(self) -> int: ...
    @property
    def verdict(self) -> str: ...
    @property
    def is_held(self) -> bool: ...


class OpenOnes(Protocol):
    """The sessions of this gateway."""

    def live(self) -> Sequence[LiveSession]: ...

    def end(self, session_id: str, *, by: str, comment: str) -> LiveSession:
        """Have one end. Raises SessionUnknown."""


class Sessions:
    """The page of sessions."""

    def __init__(self, directory: Path, sessions: OpenOnes) -> None:
        self._directory = directory
        self._sessions = sessions

    def list(self, call: Call) -> Reply:
        """Open sessions, the newest first, and what the audit has of logins."""
        _for_those_who_see(call.viewer)
        before, step = before_in(call.query), call.query.get("step", "")
        if step not in ("", "refused"):
            raise CallRefused(400, "There is no such list", "It is of all, or of those that were refused.")
        is_refused = step == "refused"
        found = _NOTHING
        if call.viewer.may_audit:
            found = search(self._directory, lambda entry: _is_wanted(entry, is_refused), PAGE, before)
        live = sorted(self._sessions.live(), key=lambda one: -one.opened_at)
        only = "&step=refused" if is_refused else ""
        return Page(
            "sessions.html",
            {
                "live_sessions": live[:MAX_LIVE],
                "more": max(0, len(live) - MAX_LIVE),
                "now": call.now,
                "entries": found.entries,
                "older": None if found.older is None else f"?before={found.older}{only}",
                "looked": found.looked,
                "is_refused": is_refused,
            },
            live="" if before is not None else "log",
        )

    def end(self, call: Call) -> Reply:
        """Have a session end."""
        if not call.viewer.may_end:
            raise CallRefused(403, "You may not end sessions", "It needs the role `operator`.")
        session_id, comment = call.path.get("session", ""), call.form.get("reason", "").strip()
        try:
            self._sessions.end(session_id, by=call.viewer.name, comment=comment)
        except SessionUnknown as error:
            raise CallRefused(409, "Nothing was ended", "That session is over, or ending already.") from error
        return Goto("/sessions")


def _for_those_who_see(viewer: Viewer) -> None:
    if not viewer.may_audit and not viewer.may_end:
        text = "It needs the role `auditor` or `operator`; whoever keeps the configuration gives it."
        raise CallRefused(403, "This page is for auditors and operators", text)


def _is_wanted(entry: Entry, is_refused: bool) -> bool:
    return entry.kind is Kind.SESSION and (not is_refused or entry.step == "refused")
