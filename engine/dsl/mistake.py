"""A mistake in one place of a policy, raised where it is found and noted where reading goes on."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from engine.source import Span


class Mistake(Exception):
    """What is wrong at `span`; becomes a diagnostic. With an empty `code` it follows from another one and is not told."""

    def __init__(self, code: str, message: str, span: Span, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.span = span
        self.hint = hint


def unknown(code: str, what: str, got: str, span: Span, known: Iterable[str], hint: str = "") -> Mistake:
    """A name that is none of the known ones: with the nearest of them, or all when they are few."""
    names = tuple(sorted(set(known)))
    near = _nearest(got, names)
    if near:
        hint = f"did you mean `{near[0]}`?"
    elif not hint and names:
        more = ", ..." if len(names) > 12 else ""
        hint = f"known: {', '.join(names[:12])}{more}"
    return Mistake(code, f"unknown {what} `{_short(got)}`", span, hint)


@lru_cache(maxsize=64)
def _nearest(got: str, names: tuple[str, ...]) -> list[str]:
    """The name that is meant. WHY remembered: definitions inside of definitions bring one mistake up thousands of times."""
    return get_close_matches(got, names, 1, 0.6) or [name for name in names if name.lower() == got.lower()]


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
