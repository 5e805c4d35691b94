"""The sessions that are open now, and what became of those before. For auditors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from engine.request import Principal, Resource, Session
from gateway.audit.entry import Entry, Kind
from gateway.console.calls import PAGE, Call, Page, Reply, for_auditors
from gateway.console.searching import number_in, search

MAX_LIVE = 200


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


class Sessions:
    """The page of sessions."""

    def __init__(self, directory: Path, live: Callable[[], Sequence[LiveSession]]) -> None:
        self._directory = directory
        self._live = live

    def list(self, call: Call) -> Reply:
        """Open sessions, the newest first, and what the audit has of logins."""
        for_auditors(call.viewer)
        before = number_in(call.query.get("before"))
        is_refused = call.query.get("step") == "refused"
        found = search(self._directory, lambda entry: _is_wanted(entry, is_refused), PAGE, before)
        live = sorted(self._live(), key=lambda one: -one.opened_at)
        step = "&step=refused" if is_refused else ""
        return Page(
            "sessions.html",
            {
                "live_sessions": live[:MAX_LIVE],
                "more": max(0, len(live) - MAX_LIVE),
                "now": call.now,
                "entries": found.entries,
                "older": None if found.older is None else f"?before={found.older}{step}",
                "looked": found.looked,
                "is_refused": is_refused,
            },
            live="" if before is not None else "log",
        )


def _is_wanted(entry: Entry, is_refused: bool) -> bool:
    return entry.kind is Kind.SESSION and (not is_refused or entry.step == "refused")
