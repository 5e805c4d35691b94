"""A client of PostgreSQL that takes what it is told without looking at it, so that what is measured is what stands in front of it.

Protocol 3.0 with TLS and SCRAM-SHA-256, one command at a time. Who wants to look at the rows takes `rows` of an answer.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.postgres.scram import ScramClient

DEADLINE = 120.0
"""Seconds without a byte after which nothing is coming any more."""
READY = b"Z\0\0\0\5I"
"""ReadyForQuery outside a transaction. WHY the end of what was received is enough: no value that is read here has it
(text has no zeros, and no column is five bytes long), and each reader knows how much has to come."""


class Refused(Exception):
    """The server does not let the reader in, or answers with an error. The message is the server's."""


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def simple(text: str) -> bytes:
    """A Query: the rows come in text."""
    return message(b"Q", text.encode() + b"\0")


def in_binary(text: str) -> bytes:
    """The same in the extended protocol, all columns in binary."""
    return b"".join(
        (
            message(b"P", b"\0" + text.encode() + b"\0\0\0"),
            message(b"B", b"\0\0" + struct.pack("!4h", 0, 0, 1, 1)),
            message(b"D", b"P\0"),
            message(b"E", b"\0" + bytes(4)),
            message(b"S"),
        )
    )


def messages(answer: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each message of an answer."""
    at = 0
    while at < len(answer):
        (length,) = struct.unpack_from("!I", answer, at + 1)
        yield answer[at : at + 1], answer[at + 5 : at + 1 + length]
        at += 1 + length


def rows(answer: bytes) -> Iterator[tuple[bytes | None, ...]]:
    """The cells of each row of an answer. Raises Refused when there is an error in it."""
    for kind, body in messages(answer):
        if kind == b"E":
            raise Refused(body.replace(b"\0", b" ").decode(errors="replace"))
        if kind == b"D":
            yield _cells(body)


def _cells(body: bytes) -> tuple[bytes | None, ...]:
    at, cells = 2, []
    for _ in range(struct.unpack_from("!h", body)[0]):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        cells.append(None if length < 0 else body[at : at + length])
        at += max(length, 0)
    return tuple(cells)


@dataclass
class Reader:
    """One connection, signed in. `authority`: a file with the certificate that the server shows."""

    address: str
    user: str
    database: str
    password: str = field(repr=False)
    authority: Path
    _socket: ssl.SSLSocket = field(init=False, repr=False)

    def __post_init__(self) -> None:
        host, port = self.address.rsplit(":", 1)
        plain = socket.create_connection((host, int(port)), DEADLINE)
        try:
            plain.sendall(struct.pack("!II", 8, 80877103))
            if plain.recv(1) != b"S":
                raise Refused("no TLS")
            context = ssl.create_default_context(cafile=str(self.authority))
            self._socket = context.wrap_socket(plain, server_hostname=host)
            self._sign_in()
        except BaseException:
            plain.close()
            raise

    def _sign_in(self) -> None:
        names = {"user": self.user, "database": self.database}
        told = b"".join(f"{name}\0{value}\0".encode() for name, value in names.items()) + b"\0"
        self._socket.sendall(struct.pack("!II", len(told) + 8, 196608) + told)
        scram = ScramClient(secrets.token_urlsafe(18).encode())
        while True:
            kind, body = self._next()
            if kind == b"E":
                raise Refused(body.replace(b"\0", b" ").decode(errors="replace"))
            if kind == b"R":
                self._prove(scram, body)
            if kind == b"Z":
                return

    def _prove(self, scram: ScramClient, body: bytes) -> None:
        (code,) = struct.unpack_from("!I", body)
        if code == 10:
            first = scram.first()
            self._socket.sendall(message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first))
        elif code == 11:
            asked = scram.challenge(body[4:])
            salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), asked.salt, asked.iterations)
            self._socket.sendall(message(b"p", scram.final(salted)))
        elif code not in (0, 12) or (code == 12 and not scram.verify(body[4:])):
            raise Refused(f"signing in ended with {code}")

    def _next(self) -> tuple[bytes, bytes]:
        head = self._exactly(5)
        return head[:1], self._exactly(struct.unpack_from("!I", head, 1)[0] - 4)

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            found += self._some(size - len(found))
        return found

    def _some(self, most: int) -> bytes:
        data = self._socket.recv(most)
        if not data:
            raise Refused("the server went away")
        return data

    def answer(self, command: bytes) -> Iterator[bytes]:
        """Send a command; what comes back, as it comes, ReadyForQuery included. Nothing is read before the caller asks for it."""
        self._socket.sendall(command)
        end = b""
        while end != READY:
            data = self._some(1 << 16)
            end = (end + data[-len(READY) :])[-len(READY) :]
            yield data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
