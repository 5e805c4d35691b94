"""Which policies decide: revision, the last good ones, what is wrong with newer ones, and where a candidate would differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.entry import Entry, Kind
from gateway.console.calls import Call, Page, Reply, for_auditors
from gateway.console.searching import search
from gateway.policy_store.current import PolicyStatus

MAX_LOADS = 15
MAX_SHADOWS = 25


@dataclass(frozen=True, slots=True)
class Standing:
    """How one set of policies stands. `age`: seconds since its origin confirmed it."""

    origin: str
    status: PolicyStatus
    age: float
    is_stale: bool = False


class Policies:
    """The page of policies."""

    def __init__(
        self,
        directory: Path,
        current: Callable[[], Standing],
        candidate: Callable[[], Standing | None],
        tallies: Callable[[], Sequence[tuple[str, int]]],
    ) -> None:
        """`tallies`: how often a candidate came to what, since this program started."""
        self._directory = directory
        self._current = current
        self._candidate = candidate
        self._tallies = tallies

    def show(self, call: Call) -> Reply:
        """The page."""
        for_auditors(call.viewer)
        loads = search(self._directory, lambda entry: entry.kind is Kind.POLICY, MAX_LOADS)
        candidate = self._candidate()
        shadows: Sequence[Entry] = ()
        if candidate is not None:
            shadows = search(self._directory, lambda entry: entry.kind is Kind.SHADOW, MAX_SHADOWS).entries
        return Page(
            "policies.html",
            {
                "standing": self._current(),
                "candidate": candidate,
                "tallies": self._tallies(),
                "loads": loads.entries,
                "shadows": shadows,
            },
            live="log",
        )
