"""Whether this program is well: what keeps it from working, and a few numbers since it started. For everybody who is signed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.console.calls import Call, Page, Reply


@dataclass(frozen=True, slots=True)
class Vitals:
    """Numbers of this process. `decisions`: how many of each verdict, with the kind of denial; `exports`: what each is behind."""

    troubles: Sequence[str]
    decisions: Sequence[tuple[str, str, int]]
    sessions: int
    waiting: int
    unsealed: int
    exports: Sequence[tuple[str, int]]
    started_at: int
    version: str


class Health:
    """The page of health."""

    def __init__(self, vitals: Callable[[], Vitals]) -> None:
        self._vitals = vitals

    def show(self, call: Call) -> Reply:
        """The page."""
        vitals = self._vitals()
        total = sum(count for _, _, count in vitals.decisions)
        verdicts = {"allow": 0, "mask": 0, "hold": 0, "deny": 0}
        for verdict, _, count in vitals.decisions:
            verdicts[verdict] = verdicts.get(verdict, 0) + count
        return Page(
            "health.html",
            {
                "vitals": vitals,
                "total": total,
                "verdicts": list(verdicts.items()),
                "denials": [(kind, count) for verdict, kind, count in vitals.decisions if verdict == "deny" and kind],
                "up": call.now - vitals.started_at,
            },
            live="log",
        )
