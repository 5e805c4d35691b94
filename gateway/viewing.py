"""Who looks at what was recorded: an entry of the audit, written before any of it is shown.

INVARIANT: the only place that makes these entries. The console, the gRPC service and the command line show nothing before this has
returned: what cannot be recorded is not shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from engine.masking.patterns import hide_secrets
from gateway.audit.entry import Entry, Kind
from gateway.errors import RecordingBroken
from gateway.recording.frames import Head, read_head
from gateway.recording.shelf import Wanted, find, heads

MAX_SOUGHT = 1_000
"""Characters of a text that was looked for, in its entry."""


class Way(StrEnum):
    """How somebody looks: the `step` of the entry."""

    PLAYED = "played"
    EXPORTED = "exported"
    SEARCHED = "searched"


WAYS = frozenset(Way)
"""Steps of entries that say nothing of a recording but who looked at it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at: a recording, or a session as the audit has it. `name` is its id."""

    name: str
    session: str
    principal: str
    resource: str
    job: str | None
    decision_id: str = ""


@dataclass(frozen=True, slots=True)
class Playing:
    """Somebody wants to see one recording. `is_export`: to have it as it was recorded."""

    recording: str
    is_export: bool = False


@dataclass(frozen=True, slots=True)
class Searching:
    """Somebody wants to see the lines with a text in them, of all recordings that are wanted."""

    text: str
    wanted: Wanted


Look: TypeAlias = Playing | Searching
Tell: TypeAlias = Callable[[Entry], int]
"""Writes an entry and gives its number. Raises AuditUnavailable."""


class Viewings:
    """Tells the audit who looks at the recordings of one folder."""

    def __init__(self, directory: Path, tell: Tell, clock: Callable[[], int]) -> None:
        self._directory, self._tell, self._clock = directory, tell, clock

    def announce(self, look: Look, *, by: str) -> int:
        """Record that somebody is about to look; the number of the entry. Raises RecordingBroken for one that is not there, AuditUnavailable."""
        if isinstance(look, Searching):
            count = sum(1 for _ in heads(self._directory, look.wanted))
            return self._tell(search_entry(by, look, count, self._clock()))
        looked = of_recording(_head(find(self._directory, look.recording), look.recording))
        return self._tell(look_entry(by, looked, Way.EXPORTED if look.is_export else Way.PLAYED, self._clock()))


def of_recording(head: Head) -> Looked:
    """A recording as something to look at."""
    return Looked(head.id, head.session, head.principal, head.resource, head.job, head.decision_id)


def look_entry(person: str, looked: Looked, way: Way, now: int) -> Entry:
    """The entry of somebody who looks at one thing."""
    return Entry(
        kind=Kind.RECORDING,
        time=now,
        step=way.value,
        person=person,
        note=looked.name,
        session=looked.session,
        principal=looked.principal,
        resource=looked.resource,
        job=looked.job,
        decision_id=looked.decision_id,
    )


def search_entry(person: str, search: Searching, count: int, now: int) -> Entry:
    """The entry of somebody who looks for a text in `count` recordings: those that fit the fields it has."""
    wanted = search.wanted
    return Entry(
        kind=Kind.RECORDING,
        time=now,
        step=Way.SEARCHED.value,
        person=person,
        # WHY: what is looked for may be the secret that leaked.
        text=hide_secrets(search.text)[:MAX_SOUGHT],
        note=" ".join(
            f"{name} {_moment(at)}" for name, at in (("since", wanted.since), ("until", wanted.until)) if at is not None
        ),
        session=wanted.session or "",
        principal=wanted.principal or "",
        resource=wanted.resource or "",
        job=wanted.job,
        rows=count,
    )


def _head(path: Path, name: str) -> Head:
    try:
        with path.open("rb") as file:
            head = read_head(file).head
    except OSError as error:
        raise RecordingBroken(f"`{name}` cannot be read ({error.strerror})", code="NO_RECORDING") from error
    if head.id != name:
        raise RecordingBroken(f"`{name}` is another recording", code="ALTERED")
    return head


def _moment(at: int) -> str:
    try:
        return datetime.fromtimestamp(at / 1e9, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return str(at)
