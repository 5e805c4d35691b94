"""What is said to a client whose connection is upgraded while nothing runs behind it: wait, why not, or why no more. Pure.

Two ways of saying the same, one for WebSocket and one for SPDY: an error is a `Status` object on the error stream, which is
what kubectl prints; words for a person go where the command's own errors would. What the client sends meanwhile is kept, as it
came, for the target.
"""

from __future__ import annotations

from typing import Protocol

from adapters.errors import PeerProtocolError
from adapters.kubernetes import spdy
from adapters.kubernetes.hiding import Outputs, SpdyView, View, WebSocketView
from adapters.kubernetes.spdy_streams import SpdyStreams
from adapters.web.responses import AnswerHead
from adapters.web.websocket import frames as websockets
from engine.command.documents.refusal import Refused
from engine.command.http.wire import WireRequest

MAX_PAYLOAD = 64 * 1024
"""Of one frame of WebSocket while nothing runs yet; kubectl sends 32 KiB at a time."""
MAX_KEPT = 256 * 1024
"""Bytes that a client sends ahead of a command that does not run yet."""

CHANNELS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
FORWARDING = ("SPDY/3.1+portforward.k8s.io", "v4.channel.k8s.io")
_OUT, _ERR, _ERROR = 1, 2, 3


class Talk(Protocol):
    """One client's side of an upgraded connection."""

    has_left: bool
    """Whether the client said that it goes."""
    is_done: bool
    """Whether everything that is to be said was said."""

    def upgrade(self) -> list[tuple[str, str]]:
        """The headers that ask the target for the same."""

    def is_agreed(self, head: AnswerHead) -> bool:
        """Whether the target switches to what was asked for."""

    def switched(self, head: AnswerHead | None) -> bytes:
        """The answer that switches the client; by the target's own, where there is one."""

    def wait(self, text: str) -> bytes:
        """Something for a person to read while they wait."""

    def refuse(self, status: bytes) -> bytes:
        """The end: a `Status` object. What cannot be said yet is said by `hear`."""

    def hear(self, data: bytes) -> bytes:
        """Bytes of the client; what is answered at once. Raises PeerProtocolError."""

    def take(self) -> bytes:
        """What was kept for the target, whole frames and the beginning of one; nothing is kept from now on."""

    def view(self, outputs: Outputs) -> View:
        """What the client sees of what runs. Its last words may still be said here."""


def offered(head: WireRequest, name: str) -> list[str]:
    """The protocols that a client names, in order."""
    return [one.strip() for value in head.values(name) for one in value.split(",") if one.strip()]


class WebSocketTalk:
    """Over WebSocket: a channel's number before the bytes of each message."""

    def __init__(self, head: WireRequest, known: tuple[str, ...], *, has_stderr: bool) -> None:
        """Raises Refused for a handshake that is none, or offers nothing that is known."""
        key = head.value("sec-websocket-key") or ""
        if head.method != "GET" or head.value("sec-websocket-version") != "13" or not websockets.is_key(key):
            raise Refused("upgrade_refused", "this is no handshake of WebSocket 13")
        self._offered = [one for one in offered(head, "sec-websocket-protocol") if one in known]
        if not self._offered:
            raise Refused("upgrade_refused", f"none of the protocols that are carried is offered: {', '.join(known)}")
        self._key = key
        self._words = _ERR if has_stderr else _OUT
        self._frames = websockets.FrameReader(is_client=True, longest=MAX_PAYLOAD)
        self._kept = b""
        self._is_taken = False
        self.has_left = self.is_done = False

    def upgrade(self) -> list[tuple[str, str]]:
        return [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", self._key),
            ("sec-websocket-protocol", ", ".join(self._offered)),
        ]

    def is_agreed(self, head: AnswerHead) -> bool:
        accepted = head.values(b"sec-websocket-accept") == [websockets.accept_of(self._key).encode()]
        chosen = [value.decode("latin-1") for value in head.values(b"sec-websocket-protocol")]
        is_plain = not head.values(b"sec-websocket-extensions")
        return accepted and is_plain and len(chosen) == 1 and chosen[0] in self._offered

    def switched(self, head: AnswerHead | None) -> bytes:
        # INVARIANT: what the client was promised is what the target is asked for.
        if head is None:
            del self._offered[1:]
            chosen = self._offered[0]
        else:
            chosen = head.values(b"sec-websocket-protocol")[0].decode("latin-1")
        return _switching(
            ("upgrade", "websocket"),
            ("sec-websocket-accept", websockets.accept_of(self._key)),
            ("sec-websocket-protocol", chosen),
        )

    def wait(self, text: str) -> bytes:
        return websockets.frame(websockets.BINARY, bytes((self._words,)) + text.encode())

    def refuse(self, status: bytes) -> bytes:
        self.is_done = True
        return websockets.frame(websockets.BINARY, bytes((_ERROR,)) + status.strip()) + websockets.goodbye()

    def hear(self, data: bytes) -> bytes:
        if self._is_taken:
            # WHY unread: frames that began before went up, and nothing that a client says behind the last words is answered.
            return b""
        answers = []
        for one in self._frames.feed(data):
            if one.opcode == websockets.PING:
                answers.append(websockets.frame(websockets.PONG, one.payload))
            elif one.opcode == websockets.CLOSE:
                self.has_left = True
            elif one.opcode != websockets.PONG:
                self._kept = _kept(self._kept, websockets.written(one))
        return b"".join(answers)

    def take(self) -> bytes:
        made, self._kept, self._is_taken = self._kept + self._frames.rest, b"", True
        return made

    def view(self, outputs: Outputs) -> View:
        return WebSocketView(outputs)


class SpdyTalk:
    """Over SPDY/3.1: a stream each for errors, input, output and sizes, which the client opens."""

    VERSIONS = ("v4.channel.k8s.io",)
    FORWARDING = ("portforward.k8s.io",)

    def __init__(self, head: WireRequest, known: tuple[str, ...], *, has_stderr: bool) -> None:
        """Raises Refused where nothing that is known is offered."""
        if head.method != "POST":
            raise Refused("upgrade_refused", "SPDY is asked for with POST")
        self._offered = [one for one in offered(head, "x-stream-protocol-version") if one in known]
        if not self._offered:
            raise Refused("upgrade_refused", f"none of the protocols that are carried is offered: {', '.join(known)}")
        self._words = "stderr" if has_stderr else "stdout"
        self._client = SpdyStreams()
        self._said: list[str] = []
        self._status: bytes | None = None
        self._told: set[int] = set()
        self._kept = b""
        self._is_taken = False
        self.has_left = self.is_done = False

    def upgrade(self) -> list[tuple[str, str]]:
        more = [("x-stream-protocol-version", one) for one in self._offered]
        return [("connection", "Upgrade"), ("upgrade", "SPDY/3.1"), ("content-length", "0"), *more]

    def is_agreed(self, head: AnswerHead) -> bool:
        chosen = [value.decode("latin-1") for value in head.values(b"x-stream-protocol-version")]
        asked = [value.lower() for value in head.values(b"upgrade")]
        return asked == [b"spdy/3.1"] and len(chosen) == 1 and chosen[0] in self._offered

    def switched(self, head: AnswerHead | None) -> bytes:
        if head is None:
            del self._offered[1:]
            chosen = self._offered[0]
        else:
            chosen = head.values(b"x-stream-protocol-version")[0].decode("latin-1")
        return _switching(("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", chosen))

    def wait(self, text: str) -> bytes:
        self._said.append(text)
        return self._speak()

    def refuse(self, status: bytes) -> bytes:
        self._status = status.strip()
        return self._speak()

    def hear(self, data: bytes) -> bytes:
        answers = []
        for one in self._client.read(data):
            if one.kind == spdy.PING:
                answers.append(one.raw)
                continue
            if one.kind == spdy.GOAWAY:
                self.has_left = True
            if one.kind == spdy.SYN_STREAM:
                answers.append(self._client.answer(one.stream))
            if not self._is_taken:
                self._kept = _kept(self._kept, one.raw)
        return b"".join(answers) + self._speak()

    def take(self) -> bytes:
        made, self._kept, self._is_taken = self._kept + self._client.take_rest(), b"", True
        return made

    def view(self, outputs: Outputs) -> View:
        return SpdyView(outputs, self._client)

    def _speak(self) -> bytes:
        made = b""
        for stream, name in self._client.names.items():
            if name == self._words and self._said:
                made += spdy.data_frame(stream, "".join(self._said).encode(), is_last=False)
                self._said.clear()
            if self._status is None or stream in self._told:
                continue
            self._told.add(stream)
            # WHY answered first: a client waits half a minute for that, and hears nothing on a stream before.
            made += self._client.answer(stream)
            if name == "error":
                made += spdy.data_frame(stream, self._status, is_last=True)
                self.is_done = True
            elif name in ("stdout", "stderr"):
                made += spdy.data_frame(stream, b"", is_last=True)
        return made


def _kept(kept: bytes, more: bytes) -> bytes:
    if len(kept) + len(more) > MAX_KEPT:
        raise PeerProtocolError("too much is sent ahead of a command that does not run yet", code="too_much_behind")
    return kept + more


def _switching(*headers: tuple[str, str]) -> bytes:
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "connection: Upgrade",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join((*lines, "", "")).encode("latin-1")
