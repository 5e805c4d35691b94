"""What an expression can be, as far as a text alone tells: a name of a module, a constant, something the text defines.

Data only. An expression has a set of these; `UNKNOWN` in it says that it can be something else as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

Plain: TypeAlias = "str | bytes | int | float | bool | None"

MAX_PATH: Final = 200


@dataclass(frozen=True, slots=True)
class Ref:
    """Something of a module, by its full name; `()` in it stands for what a call gives: `socket.socket().connect`.

    `about` is the constant that the call was given, for what stands for a path (`pathlib.Path("/etc/hosts")`).
    """

    path: str
    about: str | None = None
    by_text: bool = False


@dataclass(frozen=True, slots=True)
class Const:
    """A constant; `made` says that it does not stand in the text as it is."""

    value: Plain
    made: bool = False


@dataclass(frozen=True, slots=True)
class Begins:
    """A text of which only the beginning is known: `f"https://x.example/{name}"`. For everything else it is unknown."""

    text: str


@dataclass(frozen=True, slots=True)
class Many:
    """A list or tuple that stands there; None for each item that nobody knows. A list may change later (`is_fixed`)."""

    items: tuple[Const | Ref | None, ...]
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Own:
    """A function or class that the text defines."""

    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything."""


Value: TypeAlias = "Ref | Const | Begins | Many | Own | Unknown"
Values: TypeAlias = "frozenset[Value]"

UNKNOWN: Final = Unknown()
ANYTHING: Final[Values] = frozenset({UNKNOWN})


def the_text(values: Values) -> str | None:
    """The text that an expression certainly is."""
    if len(values) != 1:
        return None
    (one,) = values
    return one.value if isinstance(one, Const) and isinstance(one.value, str) else None


def the_items(values: Values) -> tuple[Const | Ref | None, ...] | None:
    """The items of what certainly is a list or tuple that stands there."""
    if len(values) != 1:
        return None
    (one,) = values
    return one.items if isinstance(one, Many) else None
