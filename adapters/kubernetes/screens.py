"""A client's terminal on an exec that was switched and has nothing behind it: what is typed, its size, what it is shown. Pure.

Two ways of carrying the same, one for WebSocket and one for SPDY. Frames are read strictly: what is typed is read here and goes nowhere by
itself. Called by `guarded`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from adapters.errors import PeerProtocolError
from adapters.kubernetes import channels, spdy
from adapters.kubernetes.channels import ChannelReader, Piece, Whole, message
from adapters.web.websocket import frames as websockets

MAX_SIDE = 2000
"""Columns or rows of a terminal; what a client says beyond is taken for this."""
MAX_SIZES = 4096
"""Bytes of sizes that are no whole one yet."""
MAX_UNSENT = 1 << 20
"""Bytes for a client that has not opened the stream for them."""
MAX_STREAMS = 8


@dataclass(frozen=True, slots=True)
class Typed:
    """Something was typed."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """The terminal has this size."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class InputEnded:
    """Nothing more is typed."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The client says that it goes."""


Deed: TypeAlias = Typed | Resized | InputEnded | Gone


@dataclass(slots=True)
class Heard:
    """What bytes of a client come to: what is answered at once, what somebody did."""

    answers: bytes = b""
    deeds: list[Deed] = field(default_factory=list)


class Screen(Protocol):
    """One client's terminal."""

    def hear(self, data: bytes) -> Heard:
        """Bytes of the client. Raises PeerProtocolError."""

    def show(self, data: bytes) -> bytes:
        """What makes the client show this."""

    def finish(self, status: bytes) -> bytes:
        """What tells the client that it is over: a `Status` object."""


class WebSocketScreen:
    """Over WebSocket."""

    def __init__(self) -> None:
        self._channels = ChannelReader(is_client=True)
        self._sizes = Whole()
        self._ends = Whole()

    def hear(self, data: bytes) -> Heard:
        heard = Heard()
        for one in self._channels.feed(data):
            if isinstance(one, Piece):
                heard.deeds += self._piece(one)
            elif one.opcode == websockets.PING:
                heard.answers += websockets.frame(websockets.PONG, one.payload)
            elif one.opcode == websockets.CLOSE:
                heard.deeds.append(Gone())
        return heard

    def _piece(self, one: Piece) -> Sequence[Deed]:
        match one.channel:
            case channels.STDIN:
                return [Typed(one.data)] if one.data else []
            case channels.RESIZE:
                size = self._sizes.take(one)
                return [] if size is None else sizes_in(size)[0]
            case channels.CLOSE:
                which = self._ends.take(one)
                return [InputEnded()] if which == bytes((channels.STDIN,)) else []
            case _:
                raise PeerProtocolError("the client speaks on a channel that is not its own", code="websocket")

    def show(self, data: bytes) -> bytes:
        return message(channels.STDOUT, data) if data else b""

    def finish(self, status: bytes) -> bytes:
        return message(channels.ERROR, status.strip()) + websockets.goodbye()


class SpdyScreen:
    """Over SPDY/3.1: the client opens a stream for each."""

    def __init__(self) -> None:
        self._frames, self._headers, self._packed = spdy.FrameReader(), spdy.HeaderReader(), spdy.HeaderWriter()
        self._streams: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._sizes = b""
        self._unsent = b""
        self._status: bytes | None = None

    def hear(self, data: bytes) -> Heard:
        heard = Heard()
        for one in self._frames.feed(data):
            self._one(one, heard)
        heard.answers += self._speak()
        return heard

    def _one(self, one: spdy.Frame, heard: Heard) -> None:
        name = self._streams.get(one.stream, "")
        match one.kind:
            case None:
                heard.deeds += self._data(name, one)
            case spdy.PING:
                heard.answers += one.raw
            case spdy.GOAWAY:
                heard.deeds.append(Gone())
            case spdy.SYN_STREAM:
                self._open(one.stream, self._headers.read(one.payload[10:]).get("streamtype", ""))
                heard.answers += spdy.control(spdy.SYN_REPLY, one.stream.to_bytes(4, "big") + self._packed.write({}))
            case spdy.HEADERS:
                self._headers.read(one.payload[4:])
            case spdy.RST_STREAM if name == "stdin":
                heard.deeds.append(InputEnded())
            case _:
                pass

    def _open(self, number: int, name: str) -> None:
        if number in self._streams or name in self._numbers or len(self._streams) >= MAX_STREAMS:
            raise PeerProtocolError("the client opens a stream twice, or too many", code="spdy")
        self._streams[number] = name
        self._numbers[name] = number

    def _data(self, name: str, one: spdy.Frame) -> list[Deed]:
        deeds: list[Deed] = []
        if name == "stdin":
            deeds += [Typed(one.payload)] if one.payload else []
            deeds += [InputEnded()] if one.flags & spdy.FIN else []
        elif name == "resize":
            found, self._sizes = sizes_in(self._sizes + one.payload)
            deeds += found
        elif one.payload:
            raise PeerProtocolError("the client speaks on a stream that is not its own", code="spdy")
        return deeds

    def show(self, data: bytes) -> bytes:
        self._unsent += data
        if len(self._unsent) > MAX_UNSENT:
            raise PeerProtocolError("the client opens no stream for what it is shown", code="spdy")
        return self._speak()

    def finish(self, status: bytes) -> bytes:
        self._status = status.strip()
        return self._speak()

    def _speak(self) -> bytes:
        made, out, error = b"", self._numbers.get("stdout"), self._numbers.get("error")
        if out is not None and self._unsent:
            made, self._unsent = spdy.data_frame(out, self._unsent, is_last=False), b""
        if self._status is not None and error is not None and out is not None:
            made += spdy.data_frame(error, self._status, is_last=True) + spdy.data_frame(out, b"", is_last=True)
            self._status = None
        return made


def sizes_in(data: bytes) -> tuple[list[Deed], bytes]:
    """The sizes that stand one behind the other in a text, and what is no whole one yet. Raises PeerProtocolError for what is none."""
    text, decoder = data.decode("latin-1").lstrip(), json.JSONDecoder()
    found: list[Deed] = []
    while text:
        try:
            said, end = decoder.raw_decode(text)
        except ValueError:
            if len(text) > MAX_SIZES or not text.startswith("{"):
                raise _no_size() from None
            break
        if not isinstance(said, dict):
            raise _no_size()
        columns, rows = said.get("Width"), said.get("Height")
        if type(columns) is not int or type(rows) is not int:
            raise _no_size()
        if columns > 0 and rows > 0:
            found.append(Resized(min(columns, MAX_SIDE), min(rows, MAX_SIDE)))
        text = text[end:].lstrip()
    return found, text.encode("latin-1")


def _no_size() -> PeerProtocolError:
    return PeerProtocolError("this is no size of a terminal", code="terminal_size")
