"""What containers say, as it comes, and how it ended: the streams of an exec or attach, over WebSocket and over SPDY, values in them hidden. Pure.

INVARIANT: what the client is shown of standard output and standard error went through a masker first, each stream through its own. Frames are
read strictly and, where they carry output, written anew; what cannot be looked into ends it. Which values, says the grant
(`adapters.terminal.masks`); where they are, `engine.masking.output`. Called by `carrying`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from adapters.errors import PeerProtocolError
from adapters.kubernetes import spdy
from adapters.kubernetes.channels import CLOSE, ERROR, STDERR, STDOUT, ChannelReader, Piece, Whole, message
from adapters.kubernetes.spdy_streams import SpdyStreams
from adapters.web.websocket import frames as websockets
from engine.masking.output import OutputMasker, Shown, ValueMask

QUIET_SECONDS = 0.1
"""After which something that only waits for a word beside it is taken as it stands; as over SSH."""
_OUTPUTS = (STDOUT, STDERR)


class View(Protocol):
    """What a client sees of a container, masked where that is to be. It ends with a frame whenever it is looked at, so that words of ours may follow."""

    is_over: bool
    """Whether the client was told how it ended."""

    @property
    def hidden(self) -> int:
        """How many values were hidden."""

    @property
    def is_holding(self) -> bool:
        """Whether something is kept back that may be a value's beginning."""

    def from_client(self, data: bytes) -> bytes:
        """Bytes of the client on their way to the target: as they came. Raises PeerProtocolError."""

    def from_target(self, data: bytes) -> bytes:
        """Bytes of the target on their way to the client. Raises PeerProtocolError."""

    def quiet(self) -> bytes:
        """Nothing came for a while: what only waits for more is shown as it is."""

    def finish(self) -> bytes:
        """Nothing more comes."""


class Outputs:
    """The streams of one command by a number of theirs. A stream that ended says nothing more."""

    def __init__(self, masks: Sequence[ValueMask], *, is_terminal: bool, ahead: bytes = b"") -> None:
        """`ahead`: words of ours that stand before the first output; with them everything that is shown is kept until `take`."""
        self._masks = masks
        self._ahead = ahead
        self._kept: list[bytes] | None = [] if ahead else None
        self._is_terminal = is_terminal
        self._maskers: dict[int, OutputMasker] = {}
        self._holding: set[int] = set()
        self._ended: set[int] = set()

    @property
    def hidden(self) -> int:
        return sum(masker.hidden for masker in self._maskers.values())

    @property
    def is_holding(self) -> bool:
        return bool(self._holding)

    def push(self, number: int, data: bytes) -> bytes:
        """Something was written: what of it may be shown. Raises PeerProtocolError for what is no text, off a terminal."""
        if number in self._ended:
            raise PeerProtocolError("a container says something behind its end", code="BAD_ANSWER")
        masker = self._maskers.get(number)
        if masker is None and self._masks:
            masker = self._maskers[number] = OutputMasker(self._masks, is_terminal=self._is_terminal)
        shown = data if masker is None else self._shown(number, masker.push(data))
        ahead, self._ahead = self._ahead, b""
        return ahead + self._keep(shown, ahead)

    def _keep(self, shown: bytes, ahead: bytes = b"") -> bytes:
        if self._kept is not None:
            self._kept.append(ahead + shown)
        return shown

    def take(self) -> bytes:
        """What was shown since the last time, where that is kept."""
        kept = b"".join(self._kept or ())
        if self._kept is not None:
            self._kept.clear()
        return kept

    def quiet(self) -> list[tuple[int, bytes]]:
        """What was kept back, of every stream."""
        return [
            (number, self._keep(self._shown(number, self._maskers[number].quiet()))) for number in sorted(self._holding)
        ]

    def end(self, number: int) -> bytes:
        """A stream has ended: the rest of it."""
        self._ended.add(number)
        masker = self._maskers.get(number)
        return b"" if masker is None else self._keep(self._shown(number, masker.finish()))

    def end_all(self) -> list[tuple[int, bytes]]:
        """All of them have."""
        return [(number, self.end(number)) for number in sorted(self._maskers.keys() - self._ended)]

    def _shown(self, number: int, shown: Shown) -> bytes:
        if not shown.is_text and not self._is_terminal:
            # INVARIANT: fails closed. In what is no text nobody finds anything (a compressed file, another encoding).
            raise PeerProtocolError(
                "what a container says is no text, so nothing can be hidden in it", code="MASK_UNPROVEN"
            )
        (self._holding.add if shown.is_holding else self._holding.discard)(number)
        return shown.data


class _Shows:
    """What both ways of carrying outputs have in common."""

    def __init__(self, outputs: Outputs, framed: Callable[[int, bytes], bytes]) -> None:
        """`framed`: a piece of an output as it stands on the wire."""
        self._outputs = outputs
        self._framed = framed
        self.is_over = False

    @property
    def hidden(self) -> int:
        return self._outputs.hidden

    @property
    def is_holding(self) -> bool:
        return self._outputs.is_holding

    def quiet(self) -> bytes:
        return self._written(self._outputs.quiet())

    def finish(self) -> bytes:
        return self._written(self._outputs.end_all())

    def _written(self, shown: Sequence[tuple[int, bytes]]) -> bytes:
        return b"".join(self._framed(number, data) for number, data in shown if data)


class WebSocketView(_Shows):
    """Over WebSocket: a channel's number before the bytes of each message."""

    def __init__(self, outputs: Outputs) -> None:
        super().__init__(outputs, message)
        self._channels = ChannelReader(is_client=False)
        self._others = Whole()

    def from_client(self, data: bytes) -> bytes:
        return data

    def from_target(self, data: bytes) -> bytes:
        return b"".join([self._one(one) for one in self._channels.feed(data)])

    def _one(self, one: Piece | websockets.Frame) -> bytes:
        if isinstance(one, Piece):
            return self._piece(one)
        if one.opcode == websockets.CLOSE:
            self.is_over = True
            # WHY no reason: it is a text that no mask has looked into.
            return self.finish() + websockets.frame(websockets.CLOSE, one.payload[:2])
        return websockets.written(one)

    def _piece(self, piece: Piece) -> bytes:
        channel = piece.channel
        if channel in _OUTPUTS:
            # WHY an empty one goes on: it tells a client that the stream is up.
            is_sign = piece.is_first and piece.is_last and not piece.data
            return (
                message(channel, b"")
                if is_sign
                else self._written([(channel, self._outputs.push(channel, piece.data))])
            )
        whole = self._others.take(piece)
        if whole is None:
            return b""
        if channel == ERROR:
            self.is_over = True
            return self.finish() + message(channel, whole)
        if channel == CLOSE and whole and whole[0] in _OUTPUTS:
            return self._written([(whole[0], self._outputs.end(whole[0]))]) + message(channel, whole)
        return message(channel, whole)


class SpdyView(_Shows):
    """Over SPDY/3.1: streams that the client opened; which is which it says when it opens them."""

    def __init__(self, outputs: Outputs, client: SpdyStreams) -> None:
        super().__init__(outputs, partial(spdy.data_frame, is_last=False))
        self._client, self._down = client, spdy.FrameReader(spdy.MAX_RUNNING)

    def from_client(self, data: bytes) -> bytes:
        self._client.read(data)
        return data

    def from_target(self, data: bytes) -> bytes:
        return b"".join([self._one(frame) for frame in self._down.feed(data)])

    def _one(self, frame: spdy.Frame) -> bytes:
        if frame.kind == spdy.SYN_STREAM:
            raise PeerProtocolError("the target opens a stream on an exec", code="spdy")
        if frame.kind == spdy.SYN_REPLY:
            return self._client.pass_answer(frame)
        if frame.kind == spdy.HEADERS:
            return self._client.pass_headers(frame)
        name = self._client.names.get(frame.stream)
        is_output = name in ("stdout", "stderr")
        if frame.kind is None and is_output:
            shown = self._outputs.push(frame.stream, frame.payload) if frame.payload else b""
            is_last = bool(frame.flags & spdy.FIN)
            shown += self._outputs.end(frame.stream) if is_last else b""
            return (
                spdy.data_frame(frame.stream, shown, is_last=is_last) if shown or is_last or not frame.payload else b""
            )
        if frame.kind is None and name != "error":
            raise PeerProtocolError("the target says something on a stream that says nothing", code="spdy")
        is_word = frame.kind == spdy.RST_STREAM or (frame.kind is None and (frame.payload or frame.flags & spdy.FIN))
        self.is_over |= name == "error" and bool(is_word)
        if frame.kind == spdy.RST_STREAM and is_output:
            return self._written([(frame.stream, self._outputs.end(frame.stream))]) + frame.raw
        return frame.raw
