"""A connection of HTTP/2 to a target, with many requests on it at once: frames, heads and windows by the library `h2`; the rest is ours. Pure.

Each request is for its session a connection of its own, spoken in HTTP/1.1 (`calls`). Nothing of one is sent before the target said its settings.
What of a request the target never ran is told apart from what may have run: it refused the stream, it says goodbye and names an earlier one
as its last, or the request was not sent. Memory is bounded by windows: of an answer by ours, of a request by the target's.

INVARIANT: what one answer has wrong ends that one; what the connection has wrong ends all of them, and no answer that is not whole is said to be.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from h2 import events as saw
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from hpack import Decoder, Encoder, HeaderTuple

from adapters.core.buffer import KIB
from adapters.core.carried import Done, Eased, Happening, Heard, Left, Unserved
from adapters.errors import PeerProtocolError
from adapters.web.http2 import frames
from adapters.web.http2.calls import Call
from adapters.web.http2.floods import Allowance
from adapters.web.http2.frames import Frame, FrameReader, Kind
from adapters.web.http2.heads import Fields

MAX_CALLS = 100
"""Requests at once on one connection, whatever the target would take."""
STREAM_WINDOW = 128 * KIB
"""Bytes of an answer that a target may send before its session took any."""
CONNECTION_WINDOW = 1024 * KIB
MAX_HEADER_LIST = 64 * KIB
FULL, LOW = 64 * KIB, 16 * KIB
"""Bytes of a request that wait for the target: above, its client is not read; below, it is again."""
CONTROL = (1000.0, 100.0)
"""Frames that carry nothing: so many at once, so many a second. Frames of ours with data give some back."""
EARNED = 4
MAX_SETTINGS = 200
"""Settings that one target may say in all."""
MAX_OWED = 256 * KIB
"""Bytes of ours about the connection (settings, pings, resets) that a target does not take."""
MAX_USES = 1_000
MAX_AGE = 300.0
"""Requests, and seconds, after which a connection takes no more: names lead elsewhere, authorities change."""
GREETING_SECONDS = 10.0
IDLE_SECONDS = 30.0
QUIET_SECONDS, ECHO_SECONDS = 30.0, 15.0
"""While something runs: after so long without a byte of the target it is pinged, and has so long to answer."""
_PING: Final = b"sallypor"


class _Library(H2Connection):
    MAX_CLOSED_STREAMS = 1000


class _Fields(Decoder):
    """Keeps the fields of the last head to itself, and tells the library only of a head before the answer: it counts heads by that."""

    last: Fields = ()

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        self.last = [(bytes(name), bytes(value)) for name, value in super().decode(data, raw=True)]
        name, value = self.last[0] if self.last else (b"", b"")
        is_interim = name == b":status" and len(value) == 3 and value.startswith(b"1")
        return [HeaderTuple(name, value)] if is_interim else []


class _InFull(Encoder):
    """Says each head in full. WHY: heads of different people, with credentials, go through one connection."""

    def __init__(self) -> None:
        super().__init__()
        self.header_table.maxsize = 0
        self.table_size_changes.append(0)

    @property
    def header_table_size(self) -> int:
        """None."""
        return 0

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        """As much as a target would keep: nothing is to be kept."""


class Outward:
    """One connection to a target. Satisfies `core.carried.Calls`."""

    def __init__(self, is_tls: bool) -> None:
        self._is_tls = is_tls
        self._frames = FrameReader(is_greeted=True)
        self._calls: dict[int, Call] = {}
        self._numbers: dict[int, int] = {}
        self._turns: deque[int] = deque()
        self._out: list[bytes] = []
        self._happened: list[Happening] = []
        self._control = Allowance(*CONTROL, 0.0)
        self._settings_said = self._received = self._uses = self._owed = 0
        self._now = self._began = self._idle_since = self._heard_at = 0.0
        self._pinged_at: float | None = None
        self._last_served: int | None = None
        self.is_ready = self._is_retiring = self._is_over = False
        config = H2Configuration(
            client_side=True,
            header_encoding=None,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
            validate_outbound_headers=True,
            normalize_outbound_headers=False,
        )
        self._h2 = _Library(config)
        self._h2.decoder = self._fields = _Fields(MAX_HEADER_LIST)
        self._h2.encoder = _InFull()

    # --- what `shared` asks

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self._is_over or (self._is_retiring and not self._calls)

    @property
    def is_retiring(self) -> bool:
        """Whether no request may be begun any more."""
        return self._is_retiring or self._is_over

    @property
    def has_room(self) -> bool:
        """Whether one request more may be begun."""
        if not self.is_ready or self.is_retiring:
            return False
        return len(self._calls) < min(MAX_CALLS, self._h2.remote_settings.max_concurrent_streams)

    @property
    def deadline(self) -> float | None:
        """When a target that does not greet, does not echo, or that nobody needs has to be left."""
        if self.is_over:
            return None
        if not self.is_ready:
            return self._began + GREETING_SECONDS
        if not self._calls:
            return self._idle_since + IDLE_SECONDS
        return self._heard_at + QUIET_SECONDS if self._pinged_at is None else self._pinged_at + ECHO_SECONDS

    @property
    def wants_sending(self) -> bool:
        """Whether there is something to send that the target takes."""
        return bool(self._out) or any(self._may_send(self._calls[number]) for number in self._turns)

    def happened(self) -> list[Happening]:
        """What happened since the last call."""
        happened, self._happened = self._happened, []
        return happened

    # --- the connection

    def begin(self, now: float) -> None:
        """Say our settings: nothing is pushed to us."""
        self._now = self._began = self._idle_since = self._heard_at = now
        self._control = Allowance(*CONTROL, now)
        self._h2.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST,
            },
        )
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - 65_535)
        self._gather()

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the target."""
        if self._is_over:
            return
        self._now = self._heard_at = now
        self._pinged_at = None
        try:
            self._frames.feed(data)
            while not self._is_over and (frame := self._frames.take()) is not None:
                self._take(frame)
        except PeerProtocolError as error:
            self._fail(ErrorCodes[error.code])
        except H2Error:
            # WHY no more words: the library has said goodbye itself.
            self._gather()
            self._end()

    def lost(self) -> None:
        """The target left. What may have run is lost with it."""
        self._end()

    def retire(self) -> None:
        """Begin no more requests; over when those that run have ended."""
        self._is_retiring = True

    def tick(self, now: float) -> None:
        """The time was told."""
        self._now = now
        until = self.deadline
        if until is None or now < until:
            return
        if not self.is_ready or self._pinged_at is not None:
            self._fail(ErrorCodes.NO_ERROR)
        elif self._calls:
            self._pinged_at = now
            self._h2.ping(_PING)
            self._gather()
        else:
            self._is_retiring = True
            self._out.append(frames.goaway(0, ErrorCodes.NO_ERROR))

    def _take(self, frame: Frame) -> None:
        self._count(frame)
        if frame.kind == Kind.GOAWAY:
            # WHY not by the library: it would serve none at all any more.
            self._goodbye(*frames.read_goaway(frame))
            return
        if frame.kind == Kind.PUSH_PROMISE:
            raise PeerProtocolError("the target pushes what nobody asked for", code="PROTOCOL_ERROR")
        is_known = frame.kind <= Kind.CONTINUATION and frame.kind != Kind.PRIORITY
        if is_known and frame.stream and (frame.stream % 2 == 0 or frame.stream > self._h2.highest_outbound_stream_id):
            raise PeerProtocolError("the target speaks on a stream that is not ours", code="PROTOCOL_ERROR")
        for event in self._h2.receive_data(frames.bounded(frame)):
            self._event(event)
        self._gather()
        if self._owed > MAX_OWED:
            raise PeerProtocolError("the target asks for words and does not take them", code="ENHANCE_YOUR_CALM")

    def _count(self, frame: Frame) -> None:
        """What a frame costs. Raises PeerProtocolError when it is too much."""
        cost = 1.0
        match frame.kind:
            case Kind.DATA:
                cost = 0.0 if frame.size or frame.is_last else 1.0
            case Kind.HEADERS | Kind.RST_STREAM if frame.stream in self._numbers:
                cost = 0.0
            case Kind.CONTINUATION:
                cost = 0.0
            case Kind.SETTINGS:
                self._settings_said += frame.size // 6
                if self._settings_said > MAX_SETTINGS:
                    raise PeerProtocolError("the target says settings without end", code="ENHANCE_YOUR_CALM")
            case _:
                pass
        if cost and not self._control.spend(cost, self._now):
            raise PeerProtocolError("too many frames that carry nothing", code="ENHANCE_YOUR_CALM")

    def _goodbye(self, last: int, code: int) -> None:
        if self._last_served is not None and last > self._last_served:
            raise PeerProtocolError("the target takes its goodbye back", code="PROTOCOL_ERROR")
        self._last_served, self._is_retiring = last, True
        for number, call in list(self._calls.items()):
            if call.stream is None or (call.stream > last and not call.is_heard):
                self._forget(number)
                self._happened.append(Unserved(number))
            elif call.stream > last:
                raise PeerProtocolError("the target answers what it says it does not", code="PROTOCOL_ERROR")

    # --- from the target

    def _event(self, event: saw.Event) -> None:
        match event:
            case saw.RemoteSettingsChanged():
                self.is_ready = True
            case saw.InformationalResponseReceived():
                self._hear(event.stream_id, lambda call: call.head(self._fields.last, is_ended=False))
            case saw.ResponseReceived():
                is_ended = event.stream_ended is not None
                self._hear(event.stream_id, lambda call: call.head(self._fields.last, is_ended=is_ended))
            case saw.DataReceived():
                self._data(event.stream_id, event.data, event.flow_controlled_length, event.stream_ended is not None)
            case saw.TrailersReceived():
                self._hear(event.stream_id, lambda call: call.end(self._fields.last))
            case saw.StreamReset():
                self._was_reset(event.stream_id, event.error_code)
            case _:
                pass

    def _hear(self, stream: int, words: Callable[[Call], bytes], counted: int = 0) -> None:
        """What the target said on a stream, for its session. An answer that is none ends that one alone."""
        number = self._numbers.get(stream)
        if number is None:
            return
        call = self._calls[number]
        try:
            said = words(call)
        except PeerProtocolError:
            self._drop(number, call, ErrorCodes.PROTOCOL_ERROR)
            return
        call.to_credit += counted
        if said:
            # `taken` will count the words; what the target may send again is its data, with padding.
            call.to_credit -= len(said)
            self._happened.append(Heard(number, said))
        if call.is_answered:
            self._whole(number, call)
        elif counted:
            self._credit(call)

    def _data(self, stream: int, data: bytes, counted: int, is_last: bool) -> None:
        # WHY at once: a stream that waits must not keep the others from sending; each has its own window.
        self._received += counted
        if self._received >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._received)
            self._received = 0
        self._hear(stream, lambda call: call.data(bytes(data)) + (call.end() if is_last else b""), counted)

    def _whole(self, number: int, call: Call) -> None:
        """The answer is there. A request that goes on has to stop."""
        stream = call.stream
        assert stream is not None
        if not call.is_sent:
            self._reset(stream, ErrorCodes.CANCEL)
        self._forget(number)
        self._happened.append(Done(number))

    def _was_reset(self, stream: int, code: int) -> None:
        number = self._numbers.get(stream)
        if number is None:
            return
        is_unserved = code == ErrorCodes.REFUSED_STREAM and not self._calls[number].is_heard
        self._forget(number)
        self._happened.append(Unserved(number) if is_unserved else Left(number))

    # --- from the sessions

    def open(self) -> int:
        """One request more; its number here, which is not that on the wire."""
        self._uses += 1
        number = self._uses
        if number >= MAX_USES or self._now - self._began >= MAX_AGE:
            self._is_retiring = True
        self._calls[number] = Call(is_tls=self._is_tls)
        self._turns.append(number)
        return number

    def answer(self, stream: int, data: bytes) -> None:
        """Words of a request's session for the target."""
        call = self._calls.get(stream)
        if call is None:
            return
        try:
            call.say(data)
        except PeerProtocolError:
            self._drop(stream, call, ErrorCodes.INTERNAL_ERROR)

    def finish(self, stream: int, *, at_once: bool) -> None:
        """A request's session wants no more of it."""
        call = self._calls.get(stream)
        if call is not None:
            self._drop(stream, call, ErrorCodes.CANCEL)

    def taken(self, stream: int, count: int) -> None:
        """Bytes that were `Heard` are used up: the target may send more."""
        call = self._calls.get(stream)
        if call is not None:
            call.to_credit += count
            self._credit(call)

    def _credit(self, call: Call) -> None:
        if call.to_credit >= STREAM_WINDOW // 4 and call.stream is not None and not self._is_over:
            self._h2.increment_flow_control_window(call.to_credit, call.stream)
            call.to_credit = 0
            self._gather()

    def unsent(self, stream: int) -> int:
        """How many bytes of a request wait for the target."""
        call = self._calls.get(stream)
        return 0 if call is None else len(call.queue)

    def is_full(self, stream: int) -> bool:
        """Whether so many wait that no more should be made."""
        call = self._calls.get(stream)
        if call is None or len(call.queue) <= FULL:
            return False
        call.was_full = True
        return True

    # --- to the target

    def send(self, most: int, now: float) -> bytes:
        """Bytes for the target: what the connection has to say, then of each request in turn."""
        self._now = now
        made, idle = sum(map(len, self._out)), 0
        while self._turns and made < most and idle < len(self._turns) and not self._is_over:
            number = self._turns[0]
            self._turns.rotate(-1)
            before = len(self._out)
            self._send_of(number, self._calls[number])
            made += sum(map(len, self._out[before:]))
            idle = 0 if len(self._out) > before else idle + 1
        data = b"".join(self._out)
        self._out.clear()
        self._owed = 0
        return data

    def _may_send(self, call: Call) -> bool:
        if call.fields is not None:
            return self._may_begin
        if call.stream is None or call.is_sent:
            return False
        return call.is_said if not call.queue else self._h2.local_flow_control_window(call.stream) > 0

    @property
    def _may_begin(self) -> bool:
        most = self._h2.remote_settings.max_concurrent_streams
        return self.is_ready and self._last_served is None and len(self._numbers) < most

    def _send_of(self, number: int, call: Call) -> None:
        """The head of a request, or one frame of its body."""
        if not self._may_send(call):
            return
        if call.fields is not None:
            stream = call.stream = self._h2.get_next_available_stream_id()
            self._numbers[stream] = number
            fields, call.fields = call.fields, None
            call.is_sent = call.is_said and not call.queue
            try:
                self._h2.send_headers(stream, fields, end_stream=call.is_sent)
            except H2Error:
                # What stands in it cannot be said in HTTP/2.
                self._forget(number)
                self._happened.append(Left(number))
            self._gather()
            return
        assert call.stream is not None
        window = min(
            self._h2.local_flow_control_window(call.stream), self._h2.max_outbound_frame_size, frames.MAX_FRAME
        )
        piece = bytes(call.queue[:window])
        del call.queue[: len(piece)]
        call.is_sent = call.is_said and not call.queue
        self._h2.send_data(call.stream, piece, end_stream=call.is_sent)
        self._control.earn(EARNED)
        self._gather()
        if call.was_full and len(call.queue) < LOW:
            call.was_full = False
            self._happened.append(Eased(number))

    # --- ends

    def _drop(self, number: int, call: Call, code: ErrorCodes) -> None:
        """A request that does not come to its end: the target need not go on with it."""
        if call.stream is not None and not self._is_over:
            self._reset(call.stream, code)
            self._gather()
        self._forget(number)
        self._happened.append(Left(number))

    def _reset(self, stream: int, code: ErrorCodes) -> None:
        with contextlib.suppress(H2Error):  # WHY: a stream that the target has ended is forgotten by the library
            self._h2.reset_stream(stream, code)

    def _forget(self, number: int) -> None:
        call = self._calls.pop(number)
        self._turns.remove(number)
        if call.stream is not None:
            self._numbers.pop(call.stream, None)
        self._idle_since = self._now

    def _fail(self, code: ErrorCodes) -> None:
        if not self._is_over:
            self._out.append(frames.goaway(0, code))
            self._end()

    def _end(self) -> None:
        self._is_over = True
        self._happened += [Unserved(one) if call.stream is None else Left(one) for one, call in self._calls.items()]
        self._calls.clear()
        self._numbers.clear()
        self._turns.clear()

    def _gather(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._out.append(data)
            self._owed += len(data)
