"""What masks make of the types of PostgreSQL that are no characters, on their text: the meaning that the core is tested against.

Which types hold what a method leaves is `holds`; the others are NULL. JSON is `documents`, characters `transforms`.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from engine.masking.documents import rewrite_document
from engine.masking.ff1 import LEAST, Permuter, permuter
from engine.masking.texts import code
from engine.masking.transforms import HASH_DOMAIN, Method, Param, transform

MAX_DIGITS = 512
MAX_BYTES = 512
_HASH_DIGITS = 38
_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:([-+])(\d\d)(?::(\d\d))?(?::(\d\d))?)?", re.ASCII
)
CHARACTERS: Final = frozenset({"text", "varchar", "bpchar", "name", "citext"})
DOCUMENTS: Final = frozenset({"json", "jsonb"})
_KEYED: Final = frozenset({Method.HASH, Method.TOKENIZE})


def holds(type_name: str, method: Method) -> bool:
    """Whether a type can hold what a method leaves; what cannot is NULL. Of an array its elements are asked."""
    element = type_name.removesuffix("[]")
    if method in (Method.DROP, Method.NULL):
        return False
    return element in CHARACTERS | DOCUMENTS or (element in _OF_TYPE and method in _KEYED)


def rewrite_cell(
    type_name: str, method: Method, value: str | None, params: Mapping[str, Param], key: bytes
) -> str | None:
    """Rewrite one cell of a type, in text. Not arrays and rows, whose elements are cells."""
    if value is None or not holds(type_name, method):
        return None
    if type_name in CHARACTERS:
        return transform(method, value, params, key)
    if type_name in DOCUMENTS:
        return rewrite_document(method, value, params, key)
    tweak = params.get("tweak", "") if method is Method.TOKENIZE else ""
    return _OF_TYPE[type_name](value, method, key, str(tweak))


def _hashed(key: bytes, spelling: str) -> bytes:
    return hmac.digest(key, HASH_DOMAIN + spelling.encode(), "sha256")


def number_class(magnitude: int, *, is_negative: bool) -> tuple[int, int]:
    """The smallest and the largest magnitude of the numbers that a number may become: no class has fewer than a million."""
    if magnitude < LEAST or (is_negative and magnitude == LEAST):
        return int(is_negative), LEAST - 1 + is_negative
    low = 10 ** (len(str(magnitude)) - 1)
    return low + (is_negative and low == LEAST), low * 10 - 1


def _moved(by: Permuter, magnitude: int, scale: int, most: int | None, *, is_negative: bool) -> int | None:
    low, high = number_class(magnitude, is_negative=is_negative)
    high = high if most is None else min(high, most)
    detail = f"{'-' if is_negative else ''}{low}:{high}/{scale}".encode()
    found = by.below(high - low + 1, magnitude - low, "number", detail)
    return None if found is None else found + low


def _integer(width: int) -> Callable[[str, Method, bytes, str], str | None]:
    bits = 8 * width
    least = -(1 << bits - 1)

    def rewrite(value: str, method: Method, key: bytes, tweak: str) -> str | None:
        by, number = permuter(key, method.value, tweak), int(value)
        if method is Method.HASH:
            found = by.numerals(2, bits, number - least, "number", bytes((width,)))
            return None if found is None else str(found + least)
        most = -least if number < 0 else -least - 1
        found = _moved(by, abs(number), 0, most, is_negative=number < 0)
        return None if found is None else str(-found if number < 0 else found)

    return rewrite


def number_token(value: str, key: bytes, tweak: str) -> str | None:
    """The token of a number in digits; None where it is written otherwise, or has none."""
    found = _NUMBER.fullmatch(value)
    if found is None:
        return None
    sign, part = found[1], found[3] or ""
    digits = (found[2] + part).lstrip("0")
    if len(digits) > MAX_DIGITS or len(part) > MAX_DIGITS or (sign and not digits):
        return None
    by = permuter(key, Method.TOKENIZE.value, tweak)
    moved = _moved(by, int(digits or "0"), len(part), None, is_negative=bool(sign))
    if moved is None:
        return None
    made = str(moved).rjust(len(part) + 1, "0")
    return f"{sign}{made[: len(made) - len(part)]}{'.' if part else ''}{made[len(made) - len(part) :] if part else ''}"


def _numeric(value: str, method: Method, key: bytes, tweak: str) -> str | None:
    if method is Method.TOKENIZE:
        return number_token(value, key, tweak)
    try:
        spelling = value.rstrip("0").rstrip(".") if "." in value and Decimal(value).is_finite() else value
    except InvalidOperation:
        spelling = value
    return str(int.from_bytes(_hashed(key, spelling)[:16], "big") % 10**_HASH_DIGITS)


def _uuid(value: str, method: Method, key: bytes, tweak: str) -> str | None:
    number = uuid.UUID(value).int
    if method is Method.HASH:
        made = int.from_bytes(_hashed(key, value)[:16], "big") & ~(0xF << 76) & ~(3 << 62)
        return str(uuid.UUID(int=made | 8 << 76 | 2 << 62))
    version, variant, low = number >> 76 & 0xF, number >> 62 & 3, (1 << 62) - 1
    rank = number >> 80 << 74 | (number >> 64 & 0xFFF) << 62 | number & low
    found = permuter(key, method.value, tweak).numerals(2, 122, rank, "uuid", bytes((version, variant)))
    if found is None:
        return None
    return str(
        uuid.UUID(int=found >> 74 << 80 | version << 76 | (found >> 62 & 0xFFF) << 64 | variant << 62 | found & low)
    )


def _date(value: str, method: Method, key: bytes, tweak: str) -> str | None:
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    last = datetime(9999, 12, 31, tzinfo=UTC)
    found = permuter(key, method.value, tweak).below((last - _FIRST).days + 1, (day - _FIRST).days, "date")
    return None if found is None else (_FIRST + timedelta(days=found)).date().isoformat()


def _moment(*, is_zoned: bool) -> Callable[[str, Method, bytes, str], str | None]:
    size = (datetime(9999, 12, 31, tzinfo=UTC) - _FIRST).days * 86_400 * _SECOND + 86_400 * _SECOND

    def rewrite(value: str, method: Method, key: bytes, tweak: str) -> str | None:
        found = _MOMENT.fullmatch(value)
        if found is None or (found[4] is not None) != is_zoned:
            return None
        read = datetime.fromisoformat(f"{found[1]} {found[2]}").replace(tzinfo=UTC)
        offset = sum(int(found[5 + at] or 0) * unit for at, unit in enumerate((3600, 60, 1)))
        seconds = (read - _FIRST).days * 86_400 + (read - _FIRST).seconds - (-offset if found[4] == "-" else offset)
        rank = seconds * _SECOND + int((found[3] or "").ljust(6, "0"))
        family = "timestamptz" if is_zoned else "timestamp"
        moved = permuter(key, method.value, tweak).below(size, rank, family)
        if moved is None:
            return None
        made = (_FIRST + timedelta(seconds=moved // _SECOND)).strftime("%H:%M:%S")
        day = (_FIRST + timedelta(seconds=moved // _SECOND)).date().isoformat()
        part = f".{moved % _SECOND:06}".rstrip("0") if moved % _SECOND else ""
        return f"{day} {made}{part}{'+00' if is_zoned else ''}"

    return rewrite


def _bytes(value: str, method: Method, key: bytes, tweak: str) -> str | None:
    raw = bytes.fromhex(value.removeprefix("\\x"))
    if method is Method.HASH:
        return "\\x" + hmac.digest(key, HASH_DOMAIN + raw, "sha256").hex()
    by = permuter(key, method.value, tweak)
    found = None
    if len(raw) <= MAX_BYTES:
        found = by.numerals(256, len(raw), int.from_bytes(raw, "big"), "bytes")
    return "\\x" + (code(raw, key, tweak) if found is None else found.to_bytes(len(raw), "big")).hex()


def _address(*, is_network: bool) -> Callable[[str, Method, bytes, str], str | None]:
    def rewrite(value: str, method: Method, key: bytes, tweak: str) -> str | None:
        read = ipaddress.ip_interface(value)
        width, prefix = read.max_prefixlen, read.network.prefixlen
        moving = prefix if is_network else width
        rank = int(read.ip) >> width - moving
        detail = bytes((width, prefix, is_network))
        found = permuter(key, method.value, tweak).numerals(2, moving, rank, "address", detail)
        if found is None:
            return None
        number = found << width - moving
        if width == 32:
            made = str(ipaddress.IPv4Address(number))
        else:
            made = ":".join(f"{number >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))
        return made if prefix == width and not is_network else f"{made}/{prefix}"

    return rewrite


def _mac(value: str, method: Method, key: bytes, tweak: str) -> str | None:
    raw = bytes.fromhex(value.replace(":", ""))
    by = permuter(key, method.value, tweak)
    found = by.numerals(2, 8 * len(raw), int.from_bytes(raw, "big"), "mac", bytes((len(raw),)))
    return None if found is None else found.to_bytes(len(raw), "big").hex(":")


_OF_TYPE: Final[Mapping[str, Callable[[str, Method, bytes, str], str | None]]] = {
    "int4": _integer(4),
    "int8": _integer(8),
    "numeric": _numeric,
    "uuid": _uuid,
    "date": _date,
    "timestamp": _moment(is_zoned=False),
    "timestamptz": _moment(is_zoned=True),
    "bytea": _bytes,
    "inet": _address(is_network=False),
    "cidr": _address(is_network=True),
    "macaddr": _mac,
    "macaddr8": _mac,
}
