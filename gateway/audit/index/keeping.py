"""Keeps the index up with the log: a few entries at a time, from where it had got to; made anew when it does not fit the log.

In a running gateway a thread of its own does it; it works a tenth of the time at most, and a search reads what is not indexed yet from
the log. `sallyport audit index` does it at once. Called by `app` and the command line.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from gateway.audit.content import DAY, open_entry, without_content
from gateway.audit.content_keys import Opener
from gateway.audit.entry import Entry, decode
from gateway.audit.export.follow import Follower
from gateway.audit.index.finding import fits, mark_of
from gateway.audit.index.postings import Postings, Reached, Span
from gateway.audit.index.sought import FactReader
from gateway.audit.index.terms import terms_of
from gateway.errors import AuditUnavailable, GatewayError
from gateway.telemetry import logger
from gateway.turns import short_turns

STEP = 64
"""Entries of one transaction: milliseconds in which nobody else writes to SQLite."""
RESTS = 9
"""How many times as long as it worked it rests."""
LOOK_SECONDS = 0.5
LONGEST_WAIT = 30.0


class Indexer:
    """Takes entries of one log into its index."""

    def __init__(self, directory: Path, postings: Postings, facts: FactReader) -> None:
        self._directory, self._postings, self._facts = directory, postings, facts
        self._opener = Opener(directory)
        self._follower: Follower | None = None
        self._at: Reached | None = None

    def anew(self) -> None:
        """Forget the index. Raises StoreUnavailable."""
        self._follower = None
        self._postings.forget()

    def step(self, count: int = STEP) -> int:
        """Take the next entries in; how many. Raises AuditUnavailable, StoreUnavailable."""
        before = self._postings.reached()
        if self._follower is None or before != self._at:
            if not fits(self._directory, before):
                # A log that was cut or replaced, or an index that somebody did not finish forgetting.
                self._postings.forget()
                before = self._postings.reached()
            self._follower, self._at = Follower(self._directory, before.upto), before
        follower, self._follower = self._follower, None
        lines = follower.take(count)
        if lines:
            terms, days, last = self._read(lines)
            after = Reached(last, mark_of(lines[-1]))
            if not self._postings.add(before, after, terms, days):
                return 0
            self._at = after
        # WHY only now: after whatever went wrong the log is read again from where the index stands.
        self._follower = follower
        return len(lines)

    def _read(self, lines: list[bytes]) -> tuple[list[tuple[int, int]], dict[int, Span], int]:
        terms: list[tuple[int, int]] = []
        days: dict[int, Span] = {}
        last = 0
        with short_turns():
            for line in lines:
                entry, words_key = self._opened(line)
                found = terms_of(entry, self._facts.facts(entry), words_key)
                terms += [(term, entry.seq) for term in sorted(found)]
                day, last = entry.time // DAY, entry.seq
                days[day] = Span(days[day].first if day in days else last, last)
        return terms, days, last

    def _opened(self, line: bytes) -> tuple[Entry, bytes]:
        """The entry of a line, and what the words of its content are hashed with."""
        try:
            entry = decode(line)
            if not entry.content_key:
                return entry, b""
            # INVARIANT: a content is hashed with its own key or not at all, should that go at this very moment.
            key = self._opener.key(entry.content_key)
            return (without_content(entry), b"") if key is None else (open_entry(entry, key), key.words_key)
        except ValueError as error:
            raise AuditUnavailable("the log holds a line that is no entry", code="AUDIT_ALTERED") from error


class Indexing:
    """An indexer in a thread of its own. `start` it, `close` it."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-index", daemon=True)
        self.trouble = ""
        """Why it does not go on at the moment."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the step that is under way; the rest is taken in after the next start."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            pause = self.turn(pause)

    def turn(self, before: float) -> float:
        """One step, and how long to rest after it. Never raises."""
        began = time.thread_time()
        try:
            count = self._indexer.step()
        except GatewayError as error:
            if not self.trouble:
                logger("audit").warning("the index of the audit does not go on", code=error.code, problem=str(error))
            self.trouble = str(error)
            return min(LONGEST_WAIT, max(LOOK_SECONDS, before * 2))
        self.trouble = ""
        return (time.thread_time() - began) * RESTS if count else LOOK_SECONDS
