"""Which characters of a text may become which others. The same table as `engine/native/src/masking/classes.rs`; a property holds them equal."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

RANGES: Final = (
    (1, 0x30, 0x39, 1),
    (2, 0x61, 0x7A, 1),
    (3, 0x41, 0x5A, 1),
    # Latin with marks: small, then capital.
    (4, 0xDF, 0xF6, 1),
    (4, 0xF8, 0xFF, 1),
    (4, 0x101, 0x137, 2),
    (4, 0x13A, 0x148, 2),
    (4, 0x14B, 0x177, 2),
    (4, 0x17A, 0x17E, 2),
    (5, 0xC0, 0xD6, 1),
    (5, 0xD8, 0xDE, 1),
    (5, 0x100, 0x136, 2),
    (5, 0x139, 0x147, 2),
    (5, 0x14A, 0x176, 2),
    (5, 0x179, 0x17D, 2),
    # Greek, Cyrillic: small, then capital.
    (6, 0x3AC, 0x3CE, 1),
    (7, 0x391, 0x3A1, 1),
    (7, 0x3A3, 0x3AB, 1),
    (8, 0x430, 0x45F, 1),
    (9, 0x400, 0x42F, 1),
    # Han, Hiragana, Katakana, Hangul, Arabic, Hebrew.
    (10, 0x4E00, 0x9FFF, 1),
    (11, 0x3041, 0x3096, 1),
    (12, 0x30A1, 0x30FA, 1),
    (13, 0xAC00, 0xD7A3, 1),
    (14, 0x621, 0x63A, 1),
    (14, 0x641, 0x64A, 1),
    (15, 0x5D0, 0x5EA, 1),
)
"""(class, first, last, step), in the order in which the members of a class are counted."""
DIGITS: Final = 1
SIGNS: Final = frozenset({*map(chr, range(0x20, 0x7F)), "\t", "\n", "\r"})
"""What stays, where it is in no class."""


@lru_cache(maxsize=16)
def members(number: int) -> str:
    """All members of a class, in order."""
    return "".join(
        chr(code) for one, first, last, step in RANGES if one == number for code in range(first, last + 1, step)
    )


@lru_cache(maxsize=4096)
def member_of(character: str) -> tuple[int, int] | None:
    """The class of a character and which of it this is; None for signs and for what is in none."""
    code = ord(character)
    for number, first, last, step in RANGES:
        if first <= code <= last and (code - first) % step == 0:
            return number, members(number).index(character)
    return None
