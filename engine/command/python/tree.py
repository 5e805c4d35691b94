"""What is particular to Python in a command tree. Data only; `engine/command/tree.py` holds it, policies read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Python:
    """One thing a program does: an import, or every call of one function that looks alike.

    `function` is the full name as resolved through imports and assignments (`subprocess.run`), `.name` for a method of
    a value nobody knows more of, None where nobody could say; `module` is its first part. `arguments` are the leading
    arguments, None for each that is no constant. `calls` counts the places in the text. `signs` are short flags of what
    is noteworthy (docs/commands.md), for policies to weigh.
    """

    function: str | None = None
    module: str | None = None
    arguments: tuple[str | None, ...] = ()
    calls: int = 0
    signs: tuple[str, ...] = ()
