"""One connection of HTTP/2, whichever way it leads: frames, heads and windows by the library `h2`; what is looked at first, and how much, is ours. Pure.

The half that `inward` (from a client) and `outward` (to a target) have in common: bytes to events, windows both ways, turns between streams, what a peer
may cost (`floods`), ends. What a stream means is theirs. Memory is bounded by windows: of what the peer sends by ours, stream by stream, of what it is
sent by its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Generic, TypeVar

from h2.errors import ErrorCodes
from h2.events import Event
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from adapters.core.buffer import KIB
from adapters.core.carried import Eased, Happening, Heard
from adapters.errors import PeerProtocolError
from adapters.web.http2 import frames
from adapters.web.http2.floods import Floods
from adapters.web.http2.flows import STREAM_WINDOW, Flow
from adapters.web.http2.frames import Frame, FrameReader
from adapters.web.http2.library import MAX_HEADER_LIST, Library

MAX_STREAMS = 100
"""Requests at once on one connection."""
CONNECTION_WINDOW = 1024 * KIB
_FIRST_WINDOW = 65_535

F = TypeVar("F", bound=Flow)


class Connection(ABC, Generic[F]):
    """What both sides do alike. Streams have numbers that need not be those on the wire (`Flow.wire`)."""

    def __init__(self, *, is_client: bool, head_seconds: float) -> None:
        """`is_client`: we are; the peer is a target. `head_seconds`: from a head's first frame to its last."""
        self._peer = "target" if is_client else "client"
        self._head_seconds = head_seconds
        self._h2 = Library(is_client=is_client)
        self._frames = FrameReader(is_greeted=is_client)
        self._floods = Floods(self._peer, 0.0)
        self._flows: dict[int, F] = {}
        self._turns: deque[int] = deque()
        self._out: list[bytes] = []
        self._happened: list[Happening] = []
        self._received = 0
        self._now = 0.0
        self._in_head_since: float | None = None
        self._is_retiring = self._is_over = False

    # --- what a side says

    @abstractmethod
    def _is_awaited(self, frame: Frame) -> bool:
        """Whether the stream of a frame is open, or is opened by it."""

    @abstractmethod
    def _look(self, frame: Frame) -> bool:
        """Look at a frame before the library does; whether it is to. Raises PeerProtocolError."""

    @abstractmethod
    def _event(self, event: Event) -> None:
        """What the library makes of a frame. Raises PeerProtocolError."""

    @abstractmethod
    def _may_send(self, flow: F) -> bool:
        """Whether there is something to send on a stream that the peer takes."""

    @abstractmethod
    def _send_of(self, number: int, flow: F) -> None:
        """One frame with data of a stream, and what goes before it."""

    @abstractmethod
    def _lost(self, number: int, flow: F) -> Happening:
        """What becomes of a stream when its connection ends."""

    # --- what a driver asks

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self._is_over or (self._is_retiring and not self._flows)

    @property
    def wants_sending(self) -> bool:
        """Whether there is something to send that the peer takes."""
        return bool(self._out) or any(self._may_send(self._flows[number]) for number in self._turns)

    @property
    def _head_until(self) -> float | None:
        """When a head that has begun has to be whole. WHY: nothing else can be said until it is."""
        return None if self._in_head_since is None else self._in_head_since + self._head_seconds

    def happened(self) -> list[Happening]:
        """What happened since the last call."""
        happened, self._happened = self._happened, []
        return happened

    # --- from the peer

    def _greet(self, now: float, settings: Mapping[SettingCodes, int]) -> None:
        """Have the library say settings, and what every connection allows."""
        self._now = now
        self._floods = Floods(self._peer, now)
        bounds = {SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW, SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST}
        values = {**settings, **bounds}
        self._h2.local_settings = Settings(client=self._h2.config.client_side, initial_values=values)
        self._h2.initiate_connection()

    def _widen(self) -> None:
        """Let the peer send more at once on all streams together."""
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - _FIRST_WINDOW)
        self._gather()

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the peer."""
        if self._is_over:
            return
        self._now = now
        try:
            self._frames.feed(data)
            while not self._is_over and (frame := self._frames.take()) is not None:
                self._time_head()
                self._take(frame)
        except PeerProtocolError as error:
            self._fail(ErrorCodes[error.code], str(error))
        except H2Error:
            # WHY no more words: the library has said goodbye itself.
            self._gather()
            self._end()

    def _time_head(self) -> None:
        if not self._frames.is_in_head:
            self._in_head_since = None
        elif self._in_head_since is None:
            self._in_head_since = self._now

    def _take(self, frame: Frame) -> None:
        self._floods.count(frame, self._now, is_awaited=self._is_awaited(frame))
        if self._look(frame):
            for event in self._h2.receive_data(frames.bounded(frame)):
                self._event(event)
        self._gather()
        self._floods.check_owed()

    def _count_data(self, counted: int) -> None:
        """Let the peer send more. WHY at once: a stream that waits must not keep the others from sending; each has its own window."""
        self._received += counted
        if self._received >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._received)
            self._received = 0

    def _hear(self, number: int, flow: F, said: bytes) -> None:
        """Words for a stream's session."""
        if said:
            # `taken` will count the words; what the peer may send again is its data, with padding.
            flow.to_credit -= len(said)
            self._happened.append(Heard(number, said))

    def taken(self, stream: int, count: int) -> None:
        """Bytes that were `Heard` are used up: the peer may send more."""
        flow = self._flows.get(stream)
        if flow is not None:
            flow.to_credit += count
            self._credit(flow)

    def _credit(self, flow: F) -> None:
        if flow.wire is not None and not self._is_over and (credit := flow.credit()):
            self._h2.increment_flow_control_window(credit, flow.wire)
            self._gather()

    # --- to the peer

    def unsent(self, stream: int) -> int:
        """How many bytes of a stream wait for the peer."""
        flow = self._flows.get(stream)
        return 0 if flow is None else len(flow.queue)

    def is_full(self, stream: int) -> bool:
        """Whether so many wait that no more should be made."""
        flow = self._flows.get(stream)
        return flow is not None and flow.is_full()

    def send(self, most: int, now: float) -> bytes:
        """Bytes for the peer: what the connection has to say, then of each stream in turn."""
        self._now = now
        made, idle = sum(map(len, self._out)), 0
        while self._turns and made < most and idle < len(self._turns) and not self._is_over:
            number = self._turns[0]
            self._turns.rotate(-1)
            before = len(self._out)
            self._send_of(number, self._flows[number])
            made += sum(map(len, self._out[before:]))
            idle = 0 if len(self._out) > before else idle + 1
        data = b"".join(self._out)
        self._out.clear()
        self._floods.pay()
        return data

    def _window(self, wire: int) -> int:
        """Bytes that one frame on a stream may carry now."""
        return min(self._h2.local_flow_control_window(wire), self._h2.max_outbound_frame_size, frames.MAX_FRAME)

    def _send_data(self, wire: int, piece: bytes, *, is_last: bool) -> None:
        self._h2.send_data(wire, piece, end_stream=is_last)
        self._floods.earn()

    def _ease(self, number: int, flow: F) -> None:
        if flow.has_eased():
            self._happened.append(Eased(number))

    # --- ends

    def _open(self, number: int, flow: F) -> None:
        self._flows[number] = flow
        self._turns.append(number)

    def _forget(self, number: int) -> F | None:
        """A stream is over; what was known of it."""
        flow = self._flows.pop(number, None)
        if flow is not None:
            self._turns.remove(number)
        return flow

    def _fail(self, code: ErrorCodes, reason: str) -> None:
        """End the connection, and say why."""
        if not self._is_over:
            self._gather()
            self._out.append(frames.goaway(self._h2.highest_inbound_stream_id, code, reason))
            self._end()

    def _end(self) -> None:
        self._is_over = True
        self._happened += [self._lost(number, flow) for number, flow in self._flows.items()]
        self._flows.clear()
        self._turns.clear()

    def _gather(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._out.append(data)
            self._floods.owe(len(data))
