"""The audit's proof: how far it is sealed, by which key, and whether all of it is what was sealed (checked when asked). And its
decisions, found by what is remembered of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from gateway.audit.checkpoint import Checkpoint, PublicKey, read_note
from gateway.audit.index.finding import Finder
from gateway.audit.index.sought import Sought
from gateway.audit.sealing import last_note
from gateway.audit.verify import Report, verify_log
from gateway.console.calls import PAGE, Call, CallRefused, Goto, Page, Reply, for_auditors
from gateway.console.searching import number_in
from gateway.console.showing import Decided
from gateway.errors import AuditUnavailable

FILTERS = ("text", "principal", "resource", "job", "verdict", "rule", "effect", "object", "since", "until")
MAX_FILTER = 200


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
        finder: Finder | None = None,
    ) -> None:
        """`trusted` are the keys that this program signs with."""
        self._finder = finder
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
                **self._searched(call.query),
            },
            live="" if call.query else "log",
        )

    def _searched(self, query: Mapping[str, str]) -> dict[str, object]:
        """What was looked for and found; nothing where nobody looks for anything."""
        texts = {name: query.get(name, "").strip()[:MAX_FILTER] for name in FILTERS}
        said = {name: value for name, value in texts.items() if value}
        fields: dict[str, object] = {"wanted": texts, "decisions": None, "older": None, "looked": 0}
        if not said or self._finder is None:
            return fields
        days = {name: _moment(said.get(name), name) for name in ("since", "until")}
        plain = {name: value for name, value in said.items() if name not in ("text", *days)}
        sought = Sought(text=said.get("text", ""), since=days["since"], until=days["until"], **plain)  # type: ignore[arg-type]  # texts by their names
        found = self._finder.find(sought, PAGE, number_in(query.get("before")))
        older = None if found.older is None else f"?{urlencode({**said, 'before': str(found.older)})}#found"
        return {
            "wanted": texts,
            "decisions": [Decided(entry) for entry in found.entries],
            "older": older,
            "looked": found.looked,
        }

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


def _moment(text: str | None, name: str) -> int | None:
    """UTC nanoseconds of a time as people write it; the end of a day that is the last one."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CallRefused(400, "This is no time", "Write it like 2026-11-21 or 2026-11-21T09:00 (UTC).") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    seconds = int(moment.timestamp())
    is_day = name == "until" and len(text) == len("2026-11-21")
    return (seconds + (86_400 if is_day else 0)) * 1_000_000_000
