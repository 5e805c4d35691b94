"""A target of HTTP/2 that does as it is told, the wrong thing too: the library's server, and frames of our own where no server would say them.

It runs each request whose end it has read, says so in `runs`, and answers `<NAME>` to `/NAME`, unless its next turn is another one.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import H2Error

from adapters.web.http2.connection import MAX_STREAMS

Fields = Sequence[tuple[bytes, bytes]]
OK = (b":status", b"200")
END_STREAM, END_HEADERS = 0x1, 0x4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame as it stands on the wire."""
    return struct.pack(">BHBBI", len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream) + payload


class Talk:
    """One connection. What it says goes out frame by frame, until it is cut."""

    def __init__(self, site: Site, writer: asyncio.StreamWriter) -> None:
        self.site = site
        self.writer = writer
        config = H2Configuration(client_side=False, header_encoding=None, validate_inbound_headers=True)
        self.h2 = H2Connection(config)
        self.h2.initiate_connection()
        self.bodies: dict[int, bytes] = {}
        self.names: dict[int, bytes] = {}
        self.last = 2**31 - 1
        """The last stream that it serves."""
        self.is_over = False
        self.flush()

    def flush(self) -> None:
        self.say(self.h2.data_to_send())

    def say(self, data: bytes) -> None:
        """Frames, each counted."""
        at = 0
        while at < len(data) and not self.is_over:
            size = 9 + int.from_bytes(data[at : at + 3], "big")
            if self.site.frames_left is not None:
                if self.site.frames_left == 0:
                    self.site.frames_left = None
                    self.end(is_reset=self.site.is_reset)
                    return
                self.site.frames_left -= 1
            self.writer.write(data[at : at + size])
            at += size

    def head(self, stream: int, fields: Fields, flags: int = END_HEADERS) -> None:
        """A head, whatever is in it."""
        self.say(frame(1, flags, stream, self.h2.encoder.encode(list(fields))))

    def data(self, stream: int, data: bytes, flags: int = 0) -> None:
        self.say(frame(0, flags, stream, data))

    def end(self, *, is_reset: bool = False) -> None:
        self.is_over = True
        if is_reset:
            self.writer.transport.abort()
        else:
            self.writer.close()

    def receive(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                fields = dict(event.headers)
                self.names[event.stream_id] = fields[b":path"].strip(b"/")
                self.bodies[event.stream_id] = b""
                self.site.heads.append(list(event.headers))
            elif isinstance(event, DataReceived):
                self.bodies[event.stream_id] += event.data
                with suppress(H2Error):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamReset):
                self.site.resets.append(int(event.error_code))
            elif isinstance(event, StreamEnded):
                self.site.turn(self, event.stream_id)
        self.flush()


class Site:
    """The target. `turns` are taken one after the other; then it answers well."""

    def __init__(self, turns: Sequence[str] = (), *, frames_left: int | None = None, is_reset: bool = False) -> None:
        self.turns = list(turns)
        self.frames_left, self.is_reset = frames_left, is_reset
        """After so many frames of its own it is gone, once."""
        self.runs: list[bytes] = []
        self.heads: list[list[tuple[bytes, bytes]]] = []
        self.resets: list[int] = []
        self.mistakes: list[str] = []
        """What the library has against what we say."""
        self.connections = 0
        self.port = 0
        self.bodies: dict[bytes, bytes] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> asyncio.Server:
        def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.tasks.add(asyncio.get_running_loop().create_task(self._listen(reader, writer)))

        server = await asyncio.start_server(come, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = Talk(self, writer)
        with suppress(OSError):
            while not talk.is_over and (data := await reader.read(65536)):
                try:
                    talk.receive(data)
                except H2Error as error:
                    self.mistakes.append(repr(error))
                    break
        writer.close()

    def turn(self, talk: Talk, stream: int) -> None:
        """A request is whole: run it, as it is told."""
        if stream > talk.last:
            return
        what = self.turns.pop(0) if self.turns else "ok"
        name = talk.names[stream]
        if what not in UNRUN:
            self.runs.append(name)
            self.bodies[name] = talk.bodies[stream]
        talk.flush()
        TURNS[what](talk, stream, b"<" + name + b">")


def _ok(talk: Talk, stream: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    talk.head(stream, [OK, (b"content-length", b"%d" % len(body)), *more])
    talk.data(stream, body, END_STREAM)


def _said(*fields: tuple[bytes, bytes]) -> Callable[[Talk, int, bytes], None]:
    """A head of these fields, and a body that is not to be shown with it."""

    def say(talk: Talk, stream: int, body: bytes) -> None:
        talk.head(stream, fields)
        talk.data(stream, b"stale", END_STREAM)

    return say


def _behind(talk: Talk, stream: int, body: bytes, fields: Fields, flags: int) -> None:
    talk.head(stream, [OK])
    talk.data(stream, body)
    talk.head(stream, fields, flags)


def _goodbye(last: Callable[[int], int], *, answers: bool) -> Callable[[Talk, int, bytes], None]:
    def say(talk: Talk, stream: int, body: bytes) -> None:
        # WHY the lowest: what it took back it runs none the less only if it lies, and a liar may run anything twice.
        talk.last = min(talk.last, last(stream))
        talk.say(frame(7, 0, 0, struct.pack(">II", last(stream), 0)))
        if answers:
            _ok(talk, stream, body)

    return say


def _flood(made: bytes) -> Callable[[Talk, int, bytes], None]:
    def say(talk: Talk, stream: int, body: bytes) -> None:
        for _ in range(3_000):
            talk.say(made)
        _ok(talk, stream, body)

    return say


def _block(talk: Talk, stream: int, body: bytes) -> None:
    talk.say(frame(1, 0, stream, talk.h2.encoder.encode([OK])))
    for _ in range(100):
        talk.say(frame(9, 0, stream, b"\x00\x01a\x01b"))
    talk.say(frame(9, END_HEADERS, stream))


def _bomb(talk: Talk, stream: int, body: bytes) -> None:
    block = b"\x40\x01a\x7f\x81\x1e" + b"b" * 4000 + b"\xbe" * 12_000
    talk.say(frame(1, END_HEADERS | END_STREAM, stream, block))


def _others(talk: Talk, stream: int, body: bytes) -> None:
    """WHY not on the next one: when that is asked already, the target may answer it as it likes."""
    for other in (stream + 2 * MAX_STREAMS, 2):
        talk.head(other, [OK, (b"content-length", b"5")])
        talk.data(other, b"stale", END_STREAM)
    _ok(talk, stream, body)


def _again(talk: Talk, stream: int, body: bytes) -> None:
    _ok(talk, stream, body)
    talk.head(stream, [OK, (b"content-length", b"5")])
    talk.data(stream, b"stale", END_STREAM)


TURNS: Mapping[str, Callable[[Talk, int, bytes], None]] = {
    "ok": _ok,
    "no length": lambda talk, stream, body: (talk.head(stream, [OK]), talk.data(stream, body, END_STREAM))[0],
    "slices": lambda talk, stream, body: (
        talk.head(stream, [OK]),
        *(talk.data(stream, body[at : at + 1]) for at in range(len(body))),
        talk.data(stream, b"", END_STREAM),
    )[0],
    "padded": lambda talk, stream, body: (
        talk.head(stream, [OK]),
        talk.say(frame(0, END_STREAM | 0x8, stream, b"\x05" + body + bytes(5))),
    )[0],
    "trailers": lambda talk, stream, body: _behind(talk, stream, body, [(b"x", b"y")], END_HEADERS | END_STREAM),
    "interim": lambda talk, stream, body: (talk.head(stream, [(b":status", b"103")]), _ok(talk, stream, body))[0],
    "interim again": lambda talk, stream, body: (
        *(talk.head(stream, [(b":status", b"103")]) for _ in range(50)),
        _ok(talk, stream, body),
    )[0],
    "head alone": lambda talk, stream, body: talk.head(stream, [(b":status", b"204")], END_HEADERS | END_STREAM),
    "empty": lambda talk, stream, body: talk.head(stream, [OK], END_HEADERS | END_STREAM),
    "refuse": lambda talk, stream, body: talk.say(frame(3, 0, stream, struct.pack(">I", ErrorCodes.REFUSED_STREAM))),
    "goodbye below": _goodbye(lambda stream: max(stream - 2, 0), answers=False),
    "goodbye": _goodbye(lambda stream: stream, answers=True),
    "goodbye later": _goodbye(lambda stream: 2**31 - 1, answers=True),
    "goodbye back": lambda talk, stream, body: (
        _goodbye(lambda stream: stream, answers=False)(talk, stream, body),
        _goodbye(lambda stream: stream + 2, answers=True)(talk, stream, body),
    )[0],
    "reset": lambda talk, stream, body: talk.say(frame(3, 0, stream, struct.pack(">I", ErrorCodes.INTERNAL_ERROR))),
    "half": lambda talk, stream, body: (
        talk.head(stream, [OK]),
        talk.data(stream, body[:2]),
        talk.say(frame(3, 0, stream, struct.pack(">I", ErrorCodes.REFUSED_STREAM))),
    )[0],
    "half and gone": lambda talk, stream, body: (
        talk.head(stream, [OK, (b"content-length", b"%d" % len(body))]),
        talk.data(stream, body[:2]),
        talk.end(),
    )[0],
    "gone": lambda talk, stream, body: talk.end(),
    "reset and gone": lambda talk, stream, body: talk.end(is_reset=True),
    "short": lambda talk, stream, body: (
        talk.head(stream, [OK, (b"content-length", b"400")]),
        talk.data(stream, body, END_STREAM),
    )[0],
    "long": lambda talk, stream, body: (
        talk.head(stream, [OK, (b"content-length", b"1")]),
        talk.data(stream, body, END_STREAM),
    )[0],
    "no body": lambda talk, stream, body: (
        talk.head(stream, [(b":status", b"204")]),
        talk.data(stream, b"stale", END_STREAM),
    )[0],
    "body first": lambda talk, stream, body: (talk.data(stream, b"stale"), _ok(talk, stream, body))[0],
    "head twice": lambda talk, stream, body: _behind(talk, stream, body, [OK], END_HEADERS),
    "status behind": lambda talk, stream, body: _behind(
        talk, stream, body, [(b":status", b"200")], END_HEADERS | END_STREAM
    ),
    "behind its end": lambda talk, stream, body: (_ok(talk, stream, body), talk.data(stream, b"stale"))[0],
    "upper case": _said(OK, (b"X-Case", b"y")),
    "line in a value": _said(OK, (b"x", b"y\r\nset-cookie: a=b")),
    "line in a name": _said(OK, (b"x: y\r\nz", b"y")),
    "nul": _said(OK, (b"x", b"y\0")),
    "space": _said(OK, (b"x", b" y")),
    "connection": _said(OK, (b"connection", b"close")),
    "transfer-encoding": _said(OK, (b"transfer-encoding", b"chunked")),
    "upgrade": _said(OK, (b"upgrade", b"h2c")),
    "no status": _said((b"x", b"y")),
    "two statuses": _said(OK, OK),
    "a late status": _said((b"x", b"y"), OK),
    "a word for a status": _said((b":status", b"2 0")),
    "a request's field": _said(OK, (b":path", b"/")),
    "switching": _said((b":status", b"101")),
    "two lengths": _said(OK, (b"content-length", b"5"), (b"content-length", b"5")),
    "no number": _said(OK, (b"content-length", b"+5")),
    "others": _others,
    "again": _again,
    "push": lambda talk, stream, body: (
        talk.say(frame(5, END_HEADERS, stream, struct.pack(">I", 2) + talk.h2.encoder.encode([(b":method", b"GET")]))),
        _ok(talk, stream, body),
    )[0],
    "pings": _flood(frame(6, 0, 0, bytes(8))),
    "settings": _flood(frame(4, 0, 0, struct.pack(">HI", 4, 65_535))),
    "priorities": _flood(frame(2, 0, 5, bytes(4) + b"\1")),
    "windows": _flood(frame(8, 0, 0, struct.pack(">I", 1))),
    "a window too far": lambda talk, stream, body: (
        talk.say(frame(8, 0, 0, struct.pack(">I", 2**31 - 1))),
        _ok(talk, stream, body),
    )[0],
    "continuations": _block,
    "bomb": _bomb,
    "long frame": lambda talk, stream, body: talk.say(frame(0, 0, stream, bytes(70_000))),
    "unknown frame": lambda talk, stream, body: (talk.say(frame(99, 0, 0, b"x")), _ok(talk, stream, body))[0],
    "garbage": lambda talk, stream, body: (talk.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstale"), None)[1],
}  # fmt: skip
UNRUN = ("refuse", "goodbye below")
"""Turns that say the request was not run."""
WELL = ("ok", "no length", "slices", "padded", "trailers", "interim", "goodbye", "goodbye later", "unknown frame")
"""Turns after which the answer is whole."""
