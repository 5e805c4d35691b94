"""Globs: one anchored regular expression for both evaluators and the reference.

`*` stays inside one dotted part, `**` does not, `?` is one character of a part. Everything else stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPECIAL = frozenset("^\\[]")


def glob_pattern(globs: Iterable[str]) -> str:
    """The regular expression that the whole of a text must match: one of the globs.

    INVARIANT: it means the same to Python's `re` and to Rust's `regex`: nothing but classes, groups, `*` and `|`
    stands between the anchors. It is for Rust, where `$` is the very end; Python needs `fullmatch`.
    """
    return "^(?:" + "|".join(_one(glob) for glob in globs) + ")$"


def matches(globs: Iterable[str], text: str) -> bool:
    """Whether a text is one that the globs mean."""
    return re.fullmatch("|".join(f"(?:{_one(glob)})" for glob in globs), text) is not None


def _one(glob: str) -> str:
    found: list[str] = []
    at = 0
    while at < len(glob):
        if glob.startswith("**", at):
            found.append("(?s:.)*")
            at += 2
            continue
        found.append(_sign(glob[at]))
        at += 1
    return "".join(found)


def _sign(sign: str) -> str:
    match sign:
        case "*":
            return "[^.]*"
        case "?":
            return "[^.]"
        case _ if sign.isalnum() or sign == "_" or ord(sign) > 127:
            return sign
        case _:
            return f"\\{sign}" if sign in _SPECIAL else f"[{sign}]"
