"""Shell text to a command, through the core. The only caller of the core's shell functions.

Not here: which protocol a text belongs to (`engine/command/parse.py`), what the core does (`engine/native/src/shell`).
"""

from __future__ import annotations

from engine import _native
from engine.command.tree import ParsedCommand


def parse_shell(text: bytes | str) -> ParsedCommand:
    """The command tree of a shell text. Never raises on hostile text: the tree says what was wrong with it."""
    if isinstance(text, str):
        # A lone surrogate is no text; the core will say so.
        text = text.encode("utf-8", "surrogatepass")
    return ParsedCommand(_native.parse_shell(text))
