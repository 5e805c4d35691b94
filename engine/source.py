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


def decode_source(name: str, raw: bytes) -> Source | Diagnostic:
    """A file's bytes as a source, or what is wrong with them: every language here is written in UTF-8."""
    try:
        return Source(name, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rsplit(b"\n", 1)[-1].decode("utf-8", "replace")) + 1
        message = f"this is not UTF-8: byte 0x{raw[error.start]:02x}"
        help_ = "save the file as UTF-8"
        return Diagnostic("ENCODING", message, name, Span(line, column, line, column + 1), help=help_)
