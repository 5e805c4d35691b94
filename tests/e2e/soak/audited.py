"""What the audit says happened, to be held against what a target wrote down."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.audit.read import read

MARK = re.compile(r"m\d+x\d+[ep]")
TROUBLE = re.compile(r"\berror\b|Traceback|exception", re.IGNORECASE)
LEFT = re.compile(r"\[warning +\] TLS could not be started +error=Connection\w+ side=CLIENT$")
"""What is said of a client that goes away before it has said who it is."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a target wrote down of one command: its text as `Target.said` gives it, and the whole line of its record."""

    text: str
    line: str
    is_command: bool = True
    """Else it tells more of one that has a line already."""

    @property
    def marks(self) -> set[str]:
        return set(MARK.findall(self.line))


@dataclass
class Audited:
    """The audit of one life of a gateway."""

    granted: Counter[str] = field(default_factory=Counter)
    """How often each text was granted, as the target writes it down."""
    known: set[str] = field(default_factory=set)
    """Marks that stand in a decision."""
    held: set[str] = field(default_factory=set)
    """Texts that were held."""
    finished: Counter[str] = field(default_factory=Counter)
    """How often a grant of each text has an outcome."""
    sessions: tuple[int, int] = (0, 0)
    """Opened, closed."""

    def has_granted(self, ran: Ran) -> bool:
        """Whether there is a grant of it that nothing else ran under; takes it."""
        self.granted[ran.text] -= 1
        return self.granted[ran.text] >= 0

    def has_finished(self, ran: Ran) -> bool:
        """Whether there is an outcome of it that is nothing else's; takes it."""
        self.finished[ran.text] -= 1
        return self.finished[ran.text] >= 0


def audited(folder: Path, said: Callable[[str], str]) -> Audited:
    """Read it. `said`: how the target writes down a command with this text."""
    found = Audited()
    by_decision: dict[str, str] = {}
    opened = closed = 0
    for entry in read(folder):
        if entry.kind == "decision":
            found.known.update(MARK.findall(entry.text))
            if entry.verdict == "hold":
                found.held.add(entry.text)
            elif entry.verdict in ("allow", "mask"):
                by_decision[entry.decision_id] = said(entry.text)
                found.granted[by_decision[entry.decision_id]] += 1
        elif entry.kind == "outcome":
            # INVARIANT: one outcome for one grant; a second one is a run that nobody granted.
            found.finished[by_decision.pop(entry.decision_id, "")] += 1
        elif entry.kind == "session":
            opened += entry.step == "opened"
            closed += entry.step == "closed"
    found.sessions = (opened, closed)
    return found


def errors_in(log: Path) -> list[str]:
    """Lines of a gateway's log that tell of trouble."""
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if TROUBLE.search(line) and not LEFT.search(line)]
