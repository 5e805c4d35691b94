"""Tokens of texts: the class string stays, and where its domain is too small the token is widened to a keyed code.

Called by `transforms`; the core has the same (`engine/native/src/masking/texts.rs`). docs/masks.md says it in words.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.masking.classes import DIGITS, SIGNS, member_of, members
from engine.masking.ff1 import Permuter, permuter

STANDS_FOR = "tok_"
WIDENED_HEX = 32
MAX_NUMERALS = 512
"""Characters that change: the cost grows with their square."""
LUHN = "luhn"
_FAMILY = "text"
_DOMAIN = b"sallyport tokenize\x00"
_KEPT = 0xFF
_CHECK = 0xFE


@dataclass(frozen=True, slots=True)
class Form:
    """How many of the characters that change are kept, and whether the last digit is Luhn's."""

    first: int = 0
    last: int = 0
    luhn: bool = False


def tokenized(text: str, key: bytes, form: Form, tweak: str = "") -> str:
    """What stands for a text.

    >>> tokenized("4111 1111 1111 1111", b"a key of sixteen", Form(first=6, luhn=True))[:7]
    '4111 11'
    """
    made = _formed(permuter(key, "tokenize", tweak), form, text)
    return widened(text, key, tweak) if made is None else made


def widened(text: str, key: bytes, tweak: str = "") -> str:
    """What stands for a value that cannot keep its form."""
    return STANDS_FOR + code(text.encode(), key, tweak).hex()[:WIDENED_HEX]


def code(value: bytes, key: bytes, tweak: str = "") -> bytes:
    """The keyed code of a value that is widened."""
    return hmac.digest(key, _DOMAIN + tweak.encode() + b"\0" + value, "sha256")


def form_of(params: Mapping[str, bool | int | str]) -> Form:
    """What the parameters of a policy say."""
    first, last = params.get("keep_first", 0), params.get("keep_last", 0)
    return Form(
        first if isinstance(first, int) else 0, last if isinstance(last, int) else 0, params.get("check") == LUHN
    )


def _formed(permuter: Permuter, form: Form, text: str) -> str | None:
    """The token with the form of the text, where there is one."""
    places = [at for at, character in enumerate(text) if member_of(character) is not None]
    if len(places) > MAX_NUMERALS or any(c not in SIGNS and member_of(c) is None for c in text):
        return None
    numerals = [found for at in places if (found := member_of(text[at])) is not None]
    is_checked = form.luhn and form.last == 0 and len(numerals) > 1 and all(one == DIGITS for one, _ in numerals)
    end = len(numerals) - form.last - is_checked
    if form.first >= end:
        return None
    codes = [_KEPT] * form.first + [one for one, _ in numerals[form.first : end]]
    codes += [_CHECK] if is_checked else [_KEPT] * form.last
    kept = "".join(text[at] for at, each in zip(places, codes, strict=True) if each == _KEPT)
    moved = _permuted(permuter, numerals[form.first : end], bytes(codes) + b"\0" + kept.encode())
    if moved is None:
        return None
    made = [*numerals[: form.first], *moved, *numerals[end:]]
    if is_checked:
        # INVARIANT: a check that was off by some stays off by as much, so that no two numbers get one token.
        made[-1] = (DIGITS, (numerals[-1][1] + luhn(made) - luhn(numerals)) % 10)
    characters = list(text)
    for at, (one, index) in zip(places, made, strict=True):
        characters[at] = members(one)[index]
    return "".join(characters)


def luhn(numerals: Sequence[tuple[int, int]]) -> int:
    """The digit that Luhn's check asks for in the last place (ISO/IEC 7812-1)."""
    total = 0
    for at, (_, digit) in enumerate(reversed(numerals[:-1])):
        doubled = digit * 2
        total += (doubled - 9 if doubled > 9 else doubled) if at % 2 == 0 else digit
    return -total % 10


def _permuted(permuter: Permuter, numerals: Sequence[tuple[int, int]], detail: bytes) -> list[tuple[int, int]] | None:
    radices = [len(members(one)) for one, _ in numerals]
    rank, size = 0, 1
    for (_, index), radix in zip(numerals, radices, strict=True):
        rank, size = rank * radix + index, size * radix
    if len(set(radices)) == 1:
        found = permuter.numerals(radices[0], len(numerals), rank, _FAMILY, detail)
    else:
        found = permuter.below(size, rank, _FAMILY, detail)
    if found is None:
        return None
    moved: list[tuple[int, int]] = []
    for (one, _), radix in zip(reversed(numerals), reversed(radices), strict=True):
        found, index = divmod(found, radix)
        moved.append((one, index))
    return moved[::-1]
