"""Texts, places in them, and what is wrong there. Used by everything that reads a language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Source:
    """A text with a name. `name` is what a diagnostic shows, usually a path below the policy folder."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source: 1-based line and column (in characters); `end_line`/`end_column` point past the end."""

    line: int
    column: int
    end_line: int
    end_column: int


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing wrong with one source. `code` is stable; `help` says what to do."""

    code: str
    message: str
    source: str
    span: Span | None = None
    severity: Severity = Severity.ERROR
    help: str = ""
