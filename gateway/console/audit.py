"""The audit's proof: how far it is sealed, by which key, and whether all of it is what was sealed (checked when asked)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.checkpoint import Checkpoint, PublicKey, read_note
from gateway.audit.sealing import last_note
from gateway.audit.verify import Report, verify_log
from gateway.console.calls import Call, CallRefused, Goto, Page, Reply, for_auditors
from gateway.errors import AuditUnavailable


@dataclass(frozen=True, slots=True)
class Sealed:
    """How the log stands: entries written, entries sealed, and what is wrong, if anything."""

    written: int
    sealed: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The last check of the whole log. Times are UTC nanoseconds; without `ended_at` it is under way."""

    by: str
    began_at: int
    reached: int = 0
    ended_at: int | None = None
    report: Report | None = None
    problem: str = ""


class Audit:
    """The page of the audit."""

    def __init__(
        self,
        directory: Path,
        standing: Callable[[], Sealed],
        trusted: Callable[[], Sequence[PublicKey]],
        clock: Callable[[], int],
    ) -> None:
        """`trusted` are the keys that this program signs with."""
        self._directory = directory
        self._standing = standing
        self._trusted = trusted
        self._clock = clock
        self._lock = threading.Lock()
        self.checked: Checked | None = None

    def show(self, call: Call) -> Reply:
        """The page."""
        for_auditors(call.viewer)
        note, checkpoint = self._last()
        return Page(
            "audit.html",
            {
                "standing": self._standing(),
                "note": note,
                "checkpoint": checkpoint,
                "root": "" if checkpoint is None else checkpoint.root.hex(),
                "keys": [key.print() for key in self._trusted()],
                "checked": self.checked,
            },
            live="log",
        )

    def verify(self, call: Call) -> Reply:
        """Begin to check the whole log; one check at a time."""
        for_auditors(call.viewer)
        with self._lock:
            if self.checked is not None and self.checked.ended_at is None:
                raise CallRefused(409, "It is being checked", "Somebody asked for a check that has not ended yet.")
            begun = self.checked = Checked(call.viewer.name, self._clock())
        threading.Thread(target=self._check, args=(begun,), name="console-verify", daemon=True).start()
        return Goto("/audit")

    def _check(self, begun: Checked) -> None:
        report, problem = None, "the check broke off"
        try:
            report = verify_log(self._directory, self._trusted(), progress=lambda reached: self._reach(begun, reached))
            problem = ""
        except AuditUnavailable as error:
            problem = str(error)
        finally:
            # INVARIANT: a check that was begun ends, whatever came of it; only a report says that a log is whole.
            reached = 0 if report is None else report.entries
            self.checked = Checked(begun.by, begun.began_at, reached, self._clock(), report, problem)

    def _reach(self, begun: Checked, reached: int) -> None:
        self.checked = Checked(begun.by, begun.began_at, reached)

    def _last(self) -> tuple[str, Checkpoint | None]:
        """The last checkpoint, as it was signed and as it is read."""
        try:
            note = last_note(self._directory)
            return ("", None) if note is None else (note, read_note(note)[0])
        except (ValueError, OSError) as error:
            raise AuditUnavailable("the last checkpoint cannot be read") from error
