"""Answers to searches, the newest first, a page at a time and never for long: out of the index what it has, out of the log the rest.

INVARIANT: every entry that is handed out was read from the log and is what was looked for; the index only says where to look. Without
an index, or with one that does not fit the log, the log is read through, as far as one page may, and the answer says where to go on.
Called by the command line and the console.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.audit.content import DAY
from gateway.audit.content_keys import ContentKeys
from gateway.audit.entry import MAX_PAGE_BYTES, Entry, size_of
from gateway.audit.index.postings import Postings, Reached, Span
from gateway.audit.index.sought import NOTHING, FactReader, Sought
from gateway.audit.index.terms import content_terms, metadata_terms
from gateway.audit.recent import entry_at, line_at, newest_first
from gateway.audit.shredding import span_of
from gateway.errors import StoreUnavailable

MAX_LOOKED = 30_000
"""Entries of the log that one page reads through."""
MAX_CHECKED = 1_000
"""Entries that one page reads because the index named them."""
PIECE = 200
MAX_HASHES = 20_000
"""Of one question to the store: with more keys and words than that the log is read through instead."""
_END = 1 << 62


@dataclass(slots=True)
class Found:
    """What was found. `older`: go on before this number; None when the log's beginning was reached. `indexed`: up to which entry
    the index was of use."""

    entries: list[Entry] = field(default_factory=list)
    older: int | None = None
    looked: int = 0
    indexed: int = 0
    size: int = 0
    """Bytes of what was read through and found."""


class Finder:
    """Searches one log."""

    def __init__(self, directory: Path, facts: FactReader, postings: Postings | None) -> None:
        self._directory, self._facts, self._postings = directory, facts, postings

    def find(self, sought: Sought, most: int, before: int | None = None) -> Found:
        """At most so many of what is looked for, before a number. Raises AuditUnavailable."""
        end = _END if before is None else before
        found = Found(indexed=self._indexed())
        if self._read_through(sought, most, end, found.indexed, found):
            return found
        end = min(end, found.indexed + 1)
        try:
            self._ask(sought, most, end, found)
        except StoreUnavailable:
            # WHY: the log is the truth, and is there; it only takes longer.
            found.indexed = 0
            self._read_through(sought, most, end, 0, found)
        return found

    def _read_through(self, sought: Sought, most: int, end: int, down_to: int, found: Found) -> bool:
        """Read entries before `end`. False: it has come down to one that is not to be read."""
        begun = found.looked
        for entry in newest_first(self._directory, None if end == _END else end):
            if entry.seq <= down_to:
                return False
            if len(found.entries) >= most or found.looked - begun >= MAX_LOOKED or found.size >= MAX_PAGE_BYTES:
                found.older = entry.seq + 1
                return True
            found.looked += 1
            if self._is_meant(sought, entry):
                found.entries.append(entry)
                found.size += size_of(entry)
        return True

    def _ask(self, sought: Sought, most: int, end: int, found: Found) -> None:
        """Read what the index names before `end`."""
        entries, size = list[Entry](), found.size
        for checked, number in enumerate(self._named(sought, end)):
            is_full = len(found.entries) + len(entries) >= most or size >= MAX_PAGE_BYTES
            if is_full or checked >= MAX_CHECKED:
                found.older = number + 1
                break
            found.looked += 1
            entry = entry_at(self._directory, number)
            if entry is not None and self._is_meant(sought, entry):
                entries.append(entry)
                size += size_of(entry)
        found.entries += entries

    def _named(self, sought: Sought, end: int) -> Iterator[int]:
        assert self._postings is not None
        days = [None if moment is None else moment // DAY for moment in (sought.since, sought.until)]
        span = self._postings.between(*days)
        if span is None:
            return
        every, any_of = metadata_terms(sought), self._content(sought)
        last = min(span.last, end - 1)
        while last >= span.first:
            numbers = self._postings.find(every, any_of, Span(span.first, last), PIECE)
            yield from numbers
            if len(numbers) < PIECE:
                return
            last = numbers[-1] - 1

    def _content(self, sought: Sought) -> list[list[int]]:
        """For each word, object, effect its hashes under every key there is. Raises StoreUnavailable for too many."""
        if not any(True for _ in content_terms(sought, b"")):
            return []
        columns = [list(content_terms(sought, key)) for key in self._words_keys(sought)]
        if sum(map(len, columns)) > MAX_HASHES:
            raise StoreUnavailable("this asks for more than the store is asked at once")
        return [list(group) for group in zip(*columns, strict=True)]

    def _words_keys(self, sought: Sought) -> list[bytes]:
        """What contents may be hashed with: nothing, or the keys of days that are meant."""
        keys, found = ContentKeys(self._directory), [b""]
        for key_id in keys.all():
            span = span_of(key_id)
            if span is None or (sought.since is not None and span.until <= sought.since):
                continue
            if sought.until is not None and span.since >= sought.until:
                continue
            key = keys.find(key_id)
            if key is not None:
                found.append(key.words_key)
        return found

    def _is_meant(self, sought: Sought, entry: Entry) -> bool:
        # WHY only where the kind fits: a command is read again to tell what it does.
        is_asked = sought.asks_facts and entry.kind is sought.kind
        return sought.admits(entry, self._facts.facts(entry) if is_asked else NOTHING)

    def _indexed(self) -> int:
        """Up to which entry the index can be asked; 0 where there is none, or one of another log than this."""
        if self._postings is None:
            return 0
        try:
            reached = self._postings.reached()
        except StoreUnavailable:
            return 0
        return reached.upto if reached.upto > 0 and fits(self._directory, reached) else 0


def fits(directory: Path, reached: Reached) -> bool:
    """Whether the log still has the line that the index has come to. Raises AuditUnavailable."""
    if reached.upto <= 0:
        return reached.upto == 0
    line = line_at(directory, reached.upto)
    return line is not None and mark_of(line) == reached.mark


def mark_of(line: bytes) -> bytes:
    """The digest by which a line is known again."""
    return hashlib.sha256(line).digest()
