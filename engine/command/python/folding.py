"""Constants that a text puts together: `"sys" + "tem"`, `"metsys"[::-1]`, `base64.b64decode("...")`.

Pure functions over plain values, bounded in size. What is not folded here is unknown, which is never harmless.
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.command.python.values import Plain

MAX_CONSTANT: Final = 64 << 10
_MAX_NUMBER: Final = 1 << 63


def fold_binary(operator: ast.operator, left: Plain, right: Plain) -> Plain:
    """The constant of `left OP right`; None where there is none."""
    match operator, left, right:
        case ast.Add(), str(), str():
            return _bounded(left + right)
        case ast.Add(), bytes(), bytes():
            return _bounded(left + right)
        case ast.Mult(), str() | bytes(), int():
            return left * right if 0 <= right * len(left) <= MAX_CONSTANT else None
        case ast.Mod(), str(), str() if left.count("%") == 1:
            return _bounded(left.replace("%s", right)) if "%s" in left else None
        case ((ast.Add() | ast.Sub() | ast.BitXor() | ast.Mult()), int(), int()):
            return _number(operator, left, right)
        case _:
            return None


def _number(operator: ast.operator, left: int, right: int) -> int | None:
    if max(abs(left), abs(right)) >= _MAX_NUMBER:
        return None
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case _:
            return left ^ right


def fold_slice(text: str | bytes, bounds: Sequence[Plain]) -> Plain:
    """The constant of `text[start:stop:step]`; bounds that are given are whole numbers."""
    numbers = [bound if isinstance(bound, int) and abs(bound) < _MAX_NUMBER else None for bound in bounds]
    if numbers != list(bounds) or numbers[2] == 0:
        return None
    return text[slice(*numbers)]


def fold_item(text: str | bytes, at: int) -> Plain:
    """The constant of `text[at]`."""
    return text[at] if -len(text) <= at < len(text) else None


def fold_method(owner: str | bytes, name: str, given: Sequence[Plain]) -> Plain:
    """The constant that a method of a constant gives."""
    try:
        match owner, name, tuple(given):
            case str() | bytes(), ("lower" | "upper" | "strip" | "swapcase" | "title" | "capitalize"), ():
                return _bounded(getattr(owner, name)())
            case str(), "replace", (str() as old, str() as new):
                return owner.replace(old, new) if len(owner) * max(1, len(new)) <= MAX_CONSTANT else None
            case str(), "format", (str() as one,) if owner.count("{") == owner.count("}") == 1 and "{}" in owner:
                return _bounded(owner.replace("{}", one))
            case str(), "encode", ((),) | ("utf-8" | "utf8" | "ascii" | "latin-1",) | ():
                return owner.encode(str(given[0]) if given else "utf-8")
            case bytes(), "decode", ("utf-8" | "utf8" | "ascii" | "latin-1",) | ():
                return owner.decode(str(given[0]) if given else "utf-8")
            case _:
                return None
    except ValueError:
        return None


def fold_join(separator: str, items: Sequence[Plain]) -> Plain:
    """The constant of `separator.join(items)`."""
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) != len(items) or sum(map(len, texts)) + len(separator) * len(texts) > MAX_CONSTANT:
        return None
    return separator.join(texts)


def fold_call(function: str, given: Sequence[Plain]) -> Plain:
    """The constant that a function of the tables below gives; None where it has none."""
    found = _FUNCTIONS.get(function)
    try:
        return None if found is None or not given else found(*given[:2])
    except (ValueError, TypeError, LookupError, binascii.Error, OverflowError):
        return None


def _bounded(value: str | bytes) -> str | bytes | None:
    return value if len(value) <= MAX_CONSTANT else None


def _letter(number: Plain) -> str | None:
    return chr(number) if isinstance(number, int) else None


def _text(value: Plain, encoding: Plain = None) -> Plain:
    if isinstance(value, bytes):
        return value.decode("utf-8") if encoding in ("utf-8", "utf8", "ascii") else None
    return value if isinstance(value, str) and encoding is None else None


def _decode(value: Plain, how: Plain = "utf-8") -> Plain:
    match str(how).lower().replace("_", "-").replace("-", ""):
        case "rot13" if isinstance(value, str):
            return codecs.decode(value, "rot13")
        case ("hex" | "base64") as name if isinstance(value, bytes):
            made = codecs.decode(value, name)
            return made if isinstance(made, bytes) else None
        case "utf8" if isinstance(value, bytes):
            return value.decode("utf-8")
        case _:
            return None


def _bytes_of(decode: Callable[[bytes], bytes]) -> Callable[..., Plain]:
    def made(value: Plain, _: Plain = None) -> Plain:
        raw = value.encode("ascii") if isinstance(value, str) else value
        return decode(raw) if isinstance(raw, bytes) else None

    return made


def _from_hex(value: Plain, _: Plain = None) -> Plain:
    return bytes.fromhex(value) if isinstance(value, str) else None


_FUNCTIONS: Final[Mapping[str, Callable[..., Plain]]] = {
    "builtins.chr": _letter,
    "builtins.str": _text,
    "builtins.bytes.fromhex": _from_hex,
    "codecs.decode": _decode,
    "base64.b64decode": _bytes_of(base64.b64decode),
    "base64.standard_b64decode": _bytes_of(base64.b64decode),
    "base64.urlsafe_b64decode": _bytes_of(base64.urlsafe_b64decode),
    "base64.b32decode": _bytes_of(base64.b32decode),
    "base64.b16decode": _bytes_of(base64.b16decode),
    "base64.b85decode": _bytes_of(base64.b85decode),
    "base64.a85decode": _bytes_of(base64.a85decode),
    "base64.decodebytes": _bytes_of(base64.decodebytes),
    "binascii.unhexlify": _bytes_of(binascii.unhexlify),
    "binascii.a2b_hex": _bytes_of(binascii.unhexlify),
    "binascii.a2b_base64": _bytes_of(binascii.a2b_base64),
}
