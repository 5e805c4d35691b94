"""Looking through the audit from its newest entry on, a page at a time and never for long. Used by the pages of decisions,
sessions and policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.entry import MAX_PAGE_BYTES, Entry, size_of
from gateway.audit.recent import newest_first
from gateway.console.calls import CallRefused

MAX_LOOKED = 30_000
"""Entries that one page looks at; a search goes on where it stopped, when somebody wants."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. `older`: go on before this number; None when the log's beginning was reached."""

    entries: Sequence[Entry]
    older: int | None
    looked: int


def search(
    directory: Path, wanted: Callable[[Entry], bool], most: int, before: int | None = None, looking: int = MAX_LOOKED
) -> Found:
    """The newest entries that are wanted, before a number. Raises AuditUnavailable."""
    found: list[Entry] = []
    looked, last, size = 0, None, 0
    for entry in newest_first(directory, before):
        if len(found) >= most or looked >= looking or size >= MAX_PAGE_BYTES:
            return Found(found, last, looked)
        looked += 1
        last = entry.seq
        if wanted(entry):
            found.append(entry)
            size += size_of(entry)
    return Found(found, None, looked)


def number_in(text: str | None) -> int | None:
    """A number of an entry as a link carries it; None for what is none."""
    is_number = text is not None and text.isascii() and text.isdigit() and 0 < len(text) < 19
    return int(text) if text is not None and is_number else None


def before_in(query: Mapping[str, str]) -> int | None:
    """Before which number to look; None for the newest. Raises CallRefused for what is no number: a link was cut or made up."""
    text = query.get("before")
    number = number_in(text)
    if text is not None and number is None:
        raise CallRefused(400, "There is no such place in the list", "Begin with the newest again.")
    return number
