"""Constants: from their spelling to their value, and texts to their spelling."""

from __future__ import annotations

import math
import re
from typing import Final

from engine.dsl.tree import Literal, LiteralKind
from engine.source import Span

MILLISECONDS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
BYTES: Final = {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
LARGEST: Final = 2**63 - 1
"""Numbers beyond 64 bits are not the same number everywhere."""

_ESCAPE = re.compile(r'\\(["\\nrt]|u[0-9a-fA-F]{4})')
_MEANS = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_SPELT = {value: f"\\{sign}" for sign, value in _MEANS.items()}
_WITH_UNIT = re.compile(r"(\d+)([A-Za-z]+)")


class BadLiteral(ValueError):
    """A spelling that the grammar lets through and that still has no value."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def read_literal(terminal: str, spelling: str, span: Span) -> Literal:
    """The constant of a token. Raises BadLiteral."""
    match terminal:
        case "STRING":
            return Literal(LiteralKind.TEXT, unquote(spelling), spelling, span=span)
        case "NUMBER":
            return Literal(LiteralKind.NUMBER, _number(spelling), spelling, span=span)
        case "DURATION":
            return Literal(LiteralKind.DURATION, _amount(spelling, MILLISECONDS), spelling, span=span)
        case "SIZE":
            return Literal(LiteralKind.SIZE, _amount(spelling, BYTES), spelling, span=span)
        case "TRUE" | "FALSE":
            return Literal(LiteralKind.TRUTH, terminal == "TRUE", spelling, span=span)
        case _:
            return Literal(LiteralKind.WORD, spelling, spelling, span=span)


def unquote(spelling: str) -> str:
    """The text that a spelling in quotes stands for. Raises BadLiteral for half of a surrogate pair."""

    def meaning(found: re.Match[str]) -> str:
        sign = found[1]
        if sign in _MEANS:
            return _MEANS[sign]
        number = int(sign[1:], 16)
        if 0xD800 <= number <= 0xDFFF:
            raise BadLiteral("ESCAPE", f"`\\{sign}` is half of a character", "write the character itself")
        return chr(number)

    return _ESCAPE.sub(meaning, spelling[1:-1])


def quote(text: str) -> str:
    """The spelling of a text, in quotes."""
    return '"' + "".join(_SPELT.get(sign) or (f"\\u{ord(sign):04x}" if sign < " " else sign) for sign in text) + '"'


def _number(spelling: str) -> int | float:
    plain = spelling.replace("_", "")
    if "." in plain:
        value = float(plain)
        if not math.isfinite(value):
            raise BadLiteral("AMOUNT", "this number is too large", "a number has at most 63 bits")
        return value
    if len(plain) > 20 or abs(int(plain)) > LARGEST:
        raise BadLiteral("AMOUNT", "this number is too large", "a whole number has at most 63 bits")
    return int(plain)


def _amount(spelling: str, units: dict[str, int]) -> int:
    found = _WITH_UNIT.fullmatch(spelling)
    if found is None or found[2] not in units:
        raise BadLiteral("AMOUNT", f"`{spelling}` has no unit known here", f"the units are {', '.join(units)}")
    if len(found[1]) > 18 or int(found[1]) * units[found[2]] > LARGEST:
        raise BadLiteral("AMOUNT", f"`{spelling[:40]}` is too large", "an amount has at most 63 bits")
    return int(found[1]) * units[found[2]]
