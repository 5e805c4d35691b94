"""Texts to command trees, each text once: the parse cache.

The key is all that decides what a text means: protocol, text, and the version of the catalog. Called by `program.py` and
by whoever wants a tree without a decision. Not here: the parsers (`engine/command`).
"""

from __future__ import annotations

from typing import Protocol

from engine.command.tree import ParsedCommand
from engine.errors import InputInvalid
from engine.evaluator.generations import Generations

MAX_TEXT_BYTES = 1024 * 1024
KEPT = 4096
KEPT_BYTES = 4 * 1024 * 1024


class Names(Protocol):
    """What the names in a text mean (`engine._native.Catalog`); equal versions mean the same."""

    @property
    def version(self) -> str: ...


class Parser(Protocol):
    """How texts are parsed: `engine.command.parse` satisfies it, tests bring their own."""

    def parse(self, protocol: str, text: bytes, names: Names | None) -> ParsedCommand: ...

    def shape(self, protocol: str, text: bytes) -> bytes | None:
        """A key that two texts share only if they differ in literals alone and have the same tree; None if unsure."""


class CommandReader:
    """A parser with a memory. May be shared by programs and threads."""

    __slots__ = ("_kept", "_parser")

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        # WHY as bytes: what somebody decoded for a look is several times as large, and would stay as long as the text is known.
        self._kept: Generations[tuple[str, bytes, str | None], bytes] = Generations(KEPT, KEPT_BYTES)

    def read(self, protocol: str, text: bytes, names: Names | None) -> ParsedCommand:
        """The tree of a text; raises InputInvalid when it is longer than a command may be."""
        if len(text) > MAX_TEXT_BYTES:
            raise InputInvalid(f"the command is longer than {MAX_TEXT_BYTES} bytes")
        key = (protocol, text, None if names is None else names.version)
        known = self._kept.get(key)
        if known is not None:
            return ParsedCommand(known)
        found = self._parser.parse(protocol, text, names)
        self._kept.put(key, found.encoded, len(text) + len(found.encoded) + 200)
        return found

    def shape(self, protocol: str, text: bytes) -> bytes | None:
        """The shape of a text, if its parser can tell."""
        return self._parser.shape(protocol, text)
