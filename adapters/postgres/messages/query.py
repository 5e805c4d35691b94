"""What clients send once signed in: simple queries and the extended protocol."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from adapters.postgres.messages.frames import Front, frame, only_text, pack_u32, refuse, text_at

_I16 = struct.Struct("!h")
_OID = struct.Struct("!I")
_I32 = struct.Struct("!i")
STATEMENT = ord("S")
PORTAL = ord("P")
MAX_NAME = 63
"""Bytes of the name of a statement or portal. WHY: a server looks at no more of it, so that two longer ones could be one there."""
MAX_CONVERTED = 42
"""The same of a name that is not ASCII: in the encoding of its database it may be half as long again (two bytes become three in EUC_JP)."""

SYNC = frame(Front.SYNC)
FLUSH = frame(Front.FLUSH)
EXECUTE_ALL = frame(Front.EXECUTE, b"\0" + pack_u32(0))
DESCRIBE_PORTAL = frame(Front.DESCRIBE, b"P\0")
DESCRIBE_STATEMENT = frame(Front.DESCRIBE, b"S\0")


class Parse(msgspec.Struct, frozen=True, gc=False):
    """`types` is everything after the text, as sent."""

    name: bytes
    text: bytes
    types: bytes


class Bind(msgspec.Struct, frozen=True, gc=False):
    """`rest` is everything after the two names, as sent."""

    portal: bytes
    statement: bytes
    rest: bytes


class Execute(msgspec.Struct, frozen=True, gc=False):
    portal: bytes
    limit: int


class Named(msgspec.Struct, frozen=True, gc=False):
    """Describe or Close: `sort` is STATEMENT or PORTAL."""

    sort: int
    name: bytes


def decode_query(body: bytes) -> bytes:
    """The text of a simple query."""
    return only_text(body)


def is_short_enough(name: bytes) -> bool:
    """Whether a server tells a name from every other one."""
    return len(name) <= (MAX_NAME if name.isascii() else MAX_CONVERTED)


def _checked(name: bytes) -> bytes:
    if not is_short_enough(name):
        raise refuse(f"the name of a statement or portal may have at most {MAX_NAME} bytes")
    return name


def _name_at(body: bytes, start: int) -> tuple[bytes, int]:
    name, end = text_at(body, start)
    return _checked(name), end


def decode_parse(body: bytes) -> Parse:
    name, at = _name_at(body, 0)
    text, at = text_at(body, at)
    if len(body) < at + 2 or len(body) != at + 2 + 4 * _I16.unpack_from(body, at)[0]:
        raise refuse("the parameter types of a Parse have an impossible length")
    return Parse(name, text, body[at:])


def type_oids(types: bytes) -> Iterator[int]:
    """The parameter types of a Parse, by OID; 0 where the server finds out."""
    return (oid for (oid,) in _OID.iter_unpack(types[2:]))


def decode_bind(body: bytes) -> Bind:
    portal, at = _name_at(body, 0)
    statement, at = _name_at(body, at)
    return Bind(portal, statement, body[at:])


def decode_execute(body: bytes) -> Execute:
    portal, at = _name_at(body, 0)
    if len(body) != at + 4:
        raise refuse("an Execute has an impossible length")
    return Execute(portal, _I32.unpack_from(body, at)[0])


def decode_named(body: bytes) -> Named:
    """The body of Describe or Close."""
    if not body or body[0] not in (STATEMENT, PORTAL):
        raise refuse("a Describe or Close names neither a statement nor a portal")
    return Named(body[0], _checked(only_text(body[1:])))


def decode_parameters(rest: bytes) -> tuple[str | None, ...]:
    """The parameters of a Bind as text; binary ones, and text that is not UTF-8, as `\\x` and hex digits."""
    formats, at = _formats(rest, 0)
    count, at = _count(rest, at)
    if len(formats) not in (0, 1, count):
        raise refuse("a Bind has another number of formats than parameters")
    found: list[str | None] = []
    for number in range(count):
        if len(rest) < at + 4:
            raise refuse("a Bind ends inside a parameter")
        length = _I32.unpack_from(rest, at)[0]
        at += 4
        if length == -1:
            found.append(None)
            continue
        if length < 0 or len(rest) < at + length:
            raise refuse("a parameter has an impossible length")
        binary = formats[number if len(formats) == count else 0] if formats else 0
        found.append(_shown(rest[at : at + length], binary))
        at += length
    _, at = _formats(rest, at)
    if at != len(rest):
        raise refuse("something follows the result formats of a Bind")
    return tuple(found)


def _shown(value: bytes, binary: int) -> str:
    if not binary:
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
    return "\\x" + value.hex()


def _count(rest: bytes, at: int) -> tuple[int, int]:
    if len(rest) < at + 2:
        raise refuse("a Bind is too short")
    count = _I16.unpack_from(rest, at)[0]
    if count < 0:
        raise refuse("a Bind has a negative count")
    return count, at + 2


def _formats(rest: bytes, at: int) -> tuple[tuple[int, ...], int]:
    count, at = _count(rest, at)
    if len(rest) < at + 2 * count:
        raise refuse("a Bind ends inside its formats")
    formats = struct.unpack_from(f"!{count}h", rest, at)
    if any(format not in (0, 1) for format in formats):
        raise refuse("a Bind asks for a format that is neither text nor binary")
    return formats, at + 2 * count


NO_TYPES = bytes(2)


def encode_parse(text: bytes, name: bytes = b"", types: bytes = NO_TYPES) -> bytes:
    """A Parse; without parameter types if none are given."""
    return frame(Front.PARSE, name + b"\0" + text + b"\0" + types)


def encode_bind(statement: bytes = b"", portal: bytes = b"") -> bytes:
    """A Bind without parameters that wants every column as text."""
    return frame(Front.BIND, portal + b"\0" + statement + b"\0" + bytes(6))


def encode_bind_as(bind: Bind, statement: bytes) -> bytes:
    """The client's Bind, pointed at another statement."""
    return frame(Front.BIND, bind.portal + b"\0" + statement + b"\0" + bind.rest)


def encode_execute(portal: bytes = b"", limit: int = 0) -> bytes:
    return frame(Front.EXECUTE, portal + b"\0" + _I32.pack(limit))


def encode_named(kind: Front, sort: int, name: bytes) -> bytes:
    """A Describe or Close."""
    return frame(kind, bytes((sort,)) + name + b"\0")
