"""Texts of strangers, taken apart so that a person sees what is in them. Pure; used by the templates.

A command may hold what a screen does not show, or shows in another order than it is read in: control characters, marks that
turn the direction of writing, letters without ink, letters of one script that look like another's. Each becomes a piece of
its own with a name. Nothing is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

INKLESS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs that draw nothing."""
MAX_MARKS = 2
"""Marks above or below one letter that are drawn; more of them run over the lines around."""
_WORD = re.compile(r"\w+")
_PLAIN = re.compile(r"[\n\t\x20-\x7e]*")


class Look(StrEnum):
    """What a piece is to the eye."""

    PLAIN = ""
    HIDDEN = "hidden"
    LOOKALIKE = "lookalike"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some characters of a text: as they are, or one that is shown by its name."""

    text: str
    look: Look = Look.PLAIN
    name: str = ""


def pieces(text: str) -> list[Piece]:
    """The text as pieces, in order."""
    if _PLAIN.fullmatch(text):
        return [Piece(text)] if text else []
    foreign = _foreign(text)
    found: list[Piece] = []
    plain: list[str] = []
    marks = 0
    for place, char in enumerate(text):
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if _is_hidden(char) or marks > MAX_MARKS:
            piece = Piece(f"U+{ord(char):04X}", Look.HIDDEN, _name(char))
        elif place in foreign:
            piece = Piece(char, Look.LOOKALIKE, f"U+{ord(char):04X} {_name(char)}")
        else:
            plain.append(char)
            continue
        if plain:
            found.append(Piece("".join(plain)))
            plain.clear()
        found.append(piece)
    if plain:
        found.append(Piece("".join(plain)))
    return found


def count_odd(text: str) -> int:
    """How many characters of a text a screen would not show as what they are."""
    return sum(1 for piece in pieces(text) if piece.look is not Look.PLAIN)


def one_line(text: str, most: int) -> str:
    """The beginning of a text for a row of a table, with every space as one blank."""
    flat = " ".join(text[: most * 4].split())
    return flat if len(flat) <= most and len(text) <= most * 4 else f"{flat[: most - 1]}…"


def _is_hidden(char: str) -> bool:
    if char in "\n\t ":
        return False
    category = unicodedata.category(char)
    is_selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    # Cc control, Cf format, Cs half a pair, Co private, Cn nobody's, Zl and Zp ends of lines, Zs every space but the plain one
    return category[0] == "C" or category in ("Zl", "Zp", "Zs", "Me") or is_selector or char in INKLESS


def _foreign(text: str) -> frozenset[int]:
    """Places of letters from other scripts inside words that have letters of ours."""
    return frozenset(place for word in _WORD.finditer(text) for place in _odd_in(word))


def _odd_in(word: re.Match[str]) -> Iterator[int]:
    letters = word.group()
    if letters.isascii() or not any(char.isascii() and char.isalpha() for char in letters):
        return
    for offset, char in enumerate(letters):
        # WHY the name: Python knows no scripts; names of letters begin with theirs, and full width is another shape.
        if not char.isascii() and not _name(char).startswith("LATIN"):
            yield word.start() + offset


def _name(char: str) -> str:
    return _CONTROLS.get(char) or str(unicodedata.name(char, "without a name"))


_CONTROLS = {
    "\x00": "NUL",
    "\x07": "BELL",
    "\x08": "BACKSPACE",
    "\x0b": "LINE TABULATION",
    "\x0c": "FORM FEED",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
    "\x7f": "DELETE",
}
