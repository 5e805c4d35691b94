"""Recordings, and sessions as the audit has them, played in the browser: for auditors. Who plays what is an entry of the audit first.

What a player gets is harmless already (`recording.playing`); the player shows text and nothing else.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.audit.recent import newest_first
from gateway.console.calls import Call, CallRefused, Data, Page, Reply, for_auditors, not_here
from gateway.console.replayed import Went, entries_of, shown_of
from gateway.console.searching import number_in
from gateway.errors import RecordingBroken
from gateway.recording.frames import Head, read_head
from gateway.recording.keys import WrappingKeys
from gateway.recording.playing import Shown, piece_of
from gateway.recording.shelf import State, files, find, state_of
from gateway.viewing import Looked, Tell, Way, look_entry, of_recording

MAX_LISTED = 100
MAX_LOOKED = 60_000
"""Entries of the audit in which a session is looked for."""
MAX_TOLD = 2_000
"""Who plays what that was told of and need not be told again while it is played."""
_SESSION = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording in a list."""

    head: Head
    state: State


@dataclass(frozen=True, slots=True)
class Places:
    """Where recordings and the audit are, and the keys of the former."""

    recordings: Path
    keys: WrappingKeys
    audit: Path


class Recordings:
    """The pages of recordings."""

    def __init__(self, places: Places, tell: Tell) -> None:
        """`tell` writes an entry of the audit. Raises AuditUnavailable: then nothing is played."""
        self._places = places
        self._tell = tell
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def list(self, call: Call) -> Reply:
        """The newest recordings; of one session's where that is asked for."""
        for_auditors(call.viewer)
        wanted = call.query.get("session", "")
        found: list[Recorded] = []
        is_more = False
        for path in reversed(files(self._places.recordings)):
            head = _head(path)
            if head is None or (wanted and head.session != wanted):
                continue
            if len(found) >= MAX_LISTED:
                is_more = True
                break
            found.append(Recorded(head, state_of(path)))
        return Page("recordings.html", {"recordings": found, "is_more": is_more, "wanted": wanted})

    def one(self, call: Call) -> Reply:
        """One recording, and a player for it."""
        for_auditors(call.viewer)
        path, head = self._find(call)
        return Page("recording.html", {"head": head, "state": state_of(path)})

    def events(self, call: Call) -> Reply:
        """A piece of a recording, for the player."""
        for_auditors(call.viewer)
        path, head = self._find(call)
        chunk, at = number_in(call.query.get("chunk", "0")), number_in(call.query.get("at", "0"))
        if chunk is None or at is None:
            raise not_here()
        self._note(call, of_recording(head))
        try:
            piece = piece_of(path, self._places.keys, chunk, at)
        except RecordingBroken as error:
            raise CallRefused(409, "This cannot be played", f"{error} ({error.code}).") from error
        return _data(piece.events, piece.next, piece.at, piece.trouble)

    def session(self, call: Call) -> Reply:
        """What the audit has of a session, in order, and a player for it."""
        for_auditors(call.viewer)
        name, went = self._went(call)
        first = went.entries[0]
        recorded = [
            one for one in (_head(path) for path in files(self._places.recordings)) if one and one.session == name
        ]
        fields = {"session": name, "went": went, "first": first, "recorded": recorded[:MAX_LISTED]}
        return Page("session.html", fields)

    def session_events(self, call: Call) -> Reply:
        """The same for the player."""
        for_auditors(call.viewer)
        name, went = self._went(call)
        first = went.entries[0]
        self._note(call, Looked(name, name, first.principal, first.resource, first.job))
        trouble = "" if went.is_whole else "the beginning is not among the newest entries of the audit"
        return _data(shown_of(went.entries), None, 0, trouble)

    def _went(self, call: Call) -> tuple[str, Went]:
        name = call.path.get("session", "")
        if not _SESSION.fullmatch(name):
            raise not_here()
        went = entries_of(itertools.islice(newest_first(self._places.audit), MAX_LOOKED), name, MAX_LOOKED)
        if not went.entries:
            raise not_here()
        return name, went

    def _find(self, call: Call) -> tuple[Path, Head]:
        try:
            path = find(self._places.recordings, call.path.get("recording", ""))
        except RecordingBroken as error:
            raise not_here() from error
        head = _head(path)
        if head is None:
            raise CallRefused(409, "This cannot be played", "Its head cannot be read.")
        return path, head

    def _note(self, call: Call, looked: Looked) -> None:
        """Record that somebody plays something, once for each time they sign in. INVARIANT: before anything of it is shown."""
        key = (call.viewer.session.name, looked.name)
        with self._lock:
            if key in self._told:
                return
        self._tell(look_entry(call.viewer.name, looked, Way.PLAYED, call.now))
        with self._lock:
            self._told[key] = None
            while len(self._told) > MAX_TOLD:
                self._told.popitem(last=False)


def _head(path: Path) -> Head | None:
    try:
        with path.open("rb") as file:
            found = read_head(file).head
    except (OSError, RecordingBroken):
        return None
    return found if found.id == path.stem else None


def _data(events: Sequence[Shown], after: int | None, at: int, trouble: str) -> Data:
    return Data(msgspec.json.encode({"events": list(events), "next": after, "at": at, "trouble": trouble}))
