"""The name in the first words of a TLS client (RFC 8446, 4.1.2; RFC 6066, 3), read strictly, without answering them. Pure.

WHY: of a tunnel nothing is judged but where it goes, so that the name inside must be the one that was granted: a server that
has many names would take another one.
"""

from __future__ import annotations

from engine.command.documents.refusal import Refused

MAX_HELLO = 64 * 1024
"""Bytes of them; with keys of today they are some two thousand."""

_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST = b"\x16", 1, 0, 0
_MAX_RECORD = 1 << 14
_MAX_RECORDS = 64
"""Clients send one, or a few. WHY a limit: all that came is read again with each byte that comes."""


class _Short(Exception):
    """There is less than was said."""


class _Bytes:
    """Bytes that are taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            raise _Short
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> _Bytes:
        """What stands behind its own length of so many bytes."""
        return _Bytes(self.take(self.number(size)))

    def left(self) -> int:
        return len(self._data) - self._at


def server_name(data: bytes) -> str | None:
    """The name that is asked for, empty where none is; None when the words are not whole yet. Raises Refused for what is no TLS."""
    hello = _hello(data)
    if hello is None:
        if len(data) > MAX_HELLO:
            raise Refused("no_tls", "the first words of TLS are too long")
        return None
    try:
        return _name_in(_Bytes(hello))
    except (_Short, ValueError):
        raise Refused("no_tls", "the first words are none of TLS") from None


def _hello(data: bytes) -> bytes | None:
    """The message, out of the records it comes in."""
    made, at, records = b"", 0, 0
    while len(made) < 4 or len(made) < 4 + int.from_bytes(made[1:4], "big"):
        head = data[at : at + 5]
        if head[:1] not in (b"", _HANDSHAKE) or head[1:2] not in (b"", b"\x03"):
            raise Refused("no_tls", "a tunnel carries TLS, and this is none")
        if len(head) < 5:
            return None
        records += 1
        if records > _MAX_RECORDS:
            raise Refused("no_tls", "the first words of TLS come in too many pieces")
        size = int.from_bytes(head[3:5], "big")
        if not 0 < size <= _MAX_RECORD:
            raise Refused("no_tls", "a record of TLS has no such length")
        record = data[at + 5 : at + 5 + size]
        made, at = made + record, at + 5 + size
        if made and made[0] != _CLIENT_HELLO:
            raise Refused("no_tls", "TLS begins with other words")
        if len(made) >= 4 and int.from_bytes(made[1:4], "big") > MAX_HELLO:
            raise Refused("no_tls", "the first words of TLS are too long")
        if len(record) < size:
            return None
    if len(made) != 4 + int.from_bytes(made[1:4], "big"):
        raise Refused("no_tls", "something stands behind the first words of TLS")
    return made[4:]


def _name_in(hello: _Bytes) -> str:
    hello.take(2 + 32)
    hello.vector(1)
    hello.vector(2)
    hello.vector(1)
    if not hello.left():
        return ""
    extensions, found = hello.vector(2), []
    while extensions.left():
        kind, body = extensions.number(2), extensions.vector(2)
        if kind != _SERVER_NAME:
            continue
        names = body.vector(2)
        while names.left():
            if names.number(1) != _HOST:
                raise ValueError
            found.append(names.take(names.number(2)).decode("ascii"))
        if body.left():
            raise ValueError
    if hello.left() or len(found) > 1:
        raise ValueError
    return found[0].lower() if found else ""
