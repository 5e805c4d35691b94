"""How a reader inside `engine/command` says that it will not read something. Never leaves the parsers."""

from __future__ import annotations


class Refused(Exception):
    """A part of a hostile text that a reader refuses: a stable `code`, words for people, a byte offset or None.

    Every parser turns it into a problem of its command; nobody outside `engine/command` sees it.
    """

    def __init__(self, code: str, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
