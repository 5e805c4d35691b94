"""Globs: what they match, and as regular expressions for the core.

`*` stays inside one dotted part, `**` does not, `?` is one character of a part. Everything else stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_CHARACTERS = 300
MAX_WILDCARDS = 40

_PART = re.compile(r"\*\*|.", re.S)
_SPECIAL = frozenset("^\\[]")
_WILDCARD_COST = 32
"""What a wildcard takes of a compiled expression, in bytes of plain text: `[^.]` is a class of all Unicode."""
_LARGEST_PATTERN = 2_500
"""INVARIANT: an expression of this cost compiles within the limit of regorus (about 3,190), and so does one glob."""


def glob_patterns(globs: Iterable[str]) -> tuple[str, ...]:
    """Regular expressions, each for some of the globs: a text is meant when one of them matches all of it.

    INVARIANT: they mean what `matches` says, in Rust's `regex`: `$` is the very end there, and every text takes time in
    proportion to its length.
    """
    chunks: list[list[str]] = []
    room = 0
    for glob in globs:
        cost = len(glob.encode()) + _WILDCARD_COST * wildcards(glob)
        if not chunks or cost > room:
            chunks.append([])
            room = _LARGEST_PATTERN
        chunks[-1].append(_one(glob))
        room -= cost + 1
    return tuple(f"^(?:{'|'.join(chunk)})$" for chunk in chunks)


def wildcards(glob: str) -> int:
    """How many signs of a glob stand for something else."""
    return glob.count("?") + glob.count("*") - glob.count("**")


def matches(globs: Iterable[str], text: str) -> bool:
    """Whether a text is one that the globs mean.

    WHY not `re`: it tries again and again, and a hostile text could make it try for ever.
    """
    return any(_matches(glob, text) for glob in globs)


def _matches(glob: str, text: str) -> bool:
    """Step by step through the text; bit `n` of `at` says that the first `n` parts of the glob may be used up."""
    parts = _PART.findall(glob)
    same: dict[str, int] = {}
    one = star = stars = 0
    for bit, part in enumerate(parts):
        match part:
            case "**":
                stars |= 1 << bit
            case "*":
                star |= 1 << bit
            case "?":
                one |= 1 << bit
            case _:
                same[part] = same.get(part, 0) | 1 << bit

    def skipping(at: int) -> int:
        """A star may also stand for nothing."""
        further = at | (at & (star | stars)) << 1
        return at if further == at else skipping(further)

    at = skipping(1)
    for sign in text:
        inside = sign != "."
        used = at & (same.get(sign, 0) | (one if inside else 0))
        at = skipping(used << 1 | at & (stars | (star if inside else 0)))
    return bool(at >> len(parts) & 1)


def _one(glob: str) -> str:
    return "".join(_expression(part) for part in _PART.findall(glob))


def _expression(part: str) -> str:
    match part:
        case "**":
            return "(?s:.)*"
        case "*":
            return "[^.]*"
        case "?":
            return "[^.]"
        case _ if part.isalnum() or part == "_" or ord(part) > 127:
            return part
        case _:
            return f"\\{part}" if part in _SPECIAL else f"[{part}]"
