"""A client that speaks PostgreSQL's protocol message by message and shows what it is told in one line; not a driver."""

from __future__ import annotations

import hashlib
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from adapters.postgres.scram import ScramClient
from tests.wire import message, startup

DEADLINE = 60.0


@dataclass
class Raw:
    """One connection, without TLS."""

    port: int
    user: str = "postgres"
    database: str = "postgres"
    password: str | None = None
    key: bytes = b""
    _buffer: bytes = b""
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self.port), DEADLINE)
        try:
            self._sign_in()
        except BaseException:
            self._socket.close()
            raise

    def _sign_in(self) -> None:
        self._socket.sendall(startup(user=self.user, database=self.database))
        scram = ScramClient(b"raw-client-nonce")
        while True:
            kind, body = self.next()
            if kind == "R":
                self._prove(scram, body)
            elif kind == "K":
                self.key = body
            elif kind == "E":
                raise ConnectionError(show([(kind, body)]))
            elif kind == "Z":
                return

    def _prove(self, scram: ScramClient, body: bytes) -> None:
        (code,) = struct.unpack_from("!I", body)
        if code == 10:
            first = scram.first()
            self._socket.sendall(message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first))
        elif code == 11:
            challenge = scram.challenge(body[4:])
            assert self.password is not None
            salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), challenge.salt, challenge.iterations)
            self._socket.sendall(message("p", scram.final(salted)))
        elif code == 12:
            assert scram.verify(body[4:])
        else:
            assert code == 0, f"authentication method {code}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def unread(self) -> bytes:
        """What came of a message that is not whole."""
        return self._buffer

    def close(self) -> None:
        self._socket.close()

    def send(self, *messages: bytes) -> None:
        self._socket.sendall(b"".join(messages))

    def next(self) -> tuple[str, bytes]:
        """The next message; EOFError at the end."""
        while True:
            if len(self._buffer) >= 5:
                (length,) = struct.unpack_from("!I", self._buffer, 1)
                if len(self._buffer) > length:
                    found = chr(self._buffer[0]), self._buffer[5 : length + 1]
                    self._buffer = self._buffer[length + 1 :]
                    return found
            data = self._socket.recv(1 << 16)
            if not data:
                raise EOFError
            self._buffer += data

    def until_ready(self, times: int = 1) -> list[tuple[str, bytes]]:
        """Everything up to so many ReadyForQuery, or up to the end of the connection (`EOF`)."""
        found: list[tuple[str, bytes]] = []
        try:
            while times:
                found.append(self.next())
                times -= found[-1][0] == "Z"
        except (EOFError, ConnectionResetError):
            found.append(("EOF", b""))
        return found

    def ask(self, text: str) -> str:
        """Run a simple query and show the answer."""
        self.send(message("Q", text.encode() + b"\0"))
        return show(self.until_ready())


def show(messages: list[tuple[str, bytes]]) -> str:
    """Messages in one readable line, the same for the same meaning."""
    return " ".join(_show(kind, body) for kind, body in messages)


def _show(kind: str, body: bytes) -> str:
    match kind:
        case "E" | "N":
            fields = {part[:1].decode(): part[1:].decode() for part in body[:-2].split(b"\0")}
            position = f" @{fields['P']}" if "P" in fields else ""
            return f"{kind}[{fields.get('C')} {fields.get('M', '')[:70]}{position}]"
        case "D":
            return f"D({','.join(_cells(body))})"
        case "T":
            return f"T({','.join(_columns(body))})"
        case "C":
            return f"C:{body[:-1].decode()}"
        case "Z":
            return f"Z:{body.decode()}"
        case "S":
            return f"S:{body.decode().rstrip(chr(0)).replace(chr(0), '=')}"
        case "d":
            return f"d:{body!r}"
        case _:
            return kind


def _cells(body: bytes) -> list[str]:
    (count,) = struct.unpack_from("!h", body)
    at, cells = 2, []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        cells.append("NULL" if length < 0 else body[at : at + length].decode(errors="replace"))
        at += max(length, 0)
    return cells


def _columns(body: bytes) -> list[str]:
    (count,) = struct.unpack_from("!h", body)
    at, columns = 2, []
    for _ in range(count):
        end = body.index(0, at)
        _, _, type_oid, _, _, format = struct.unpack_from("!IhIhih", body, end + 1)
        columns.append(f"{body[at:end].decode()}:{type_oid}/{format}")
        at = end + 19
    return columns
