"""A client's connection of HTTP/2: frames, heads and windows by the library `h2`; what a stream says, and how much, is ours.

Each request that can be read in one way only becomes one of HTTP/1.1 for a session of its own (`heads`, `streams`). One that
cannot is answered here and goes nowhere. Memory is bounded by windows: of what the client sends by ours, stream by stream, of
what it is sent by its own: an answer that it does not take stops being read from its target.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from h2 import events as saw
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from hpack import Decoder, HeaderTuple

from adapters.core.buffer import KIB
from adapters.core.carried import Done, Eased, Happening, Heard, Left, Opened
from adapters.errors import PeerProtocolError
from adapters.web.http2 import frames
from adapters.web.http2.floods import Allowance
from adapters.web.http2.frames import PREFACE, Frame, FrameReader, Kind
from adapters.web.http2.heads import Fields, read_opening, shown_fields
from adapters.web.http2.streams import Stream, whole_answer
from adapters.web.session.settings import LEAVE_SECONDS, MAX_SHOWN
from engine.command.documents.refusal import Refused

MAX_STREAMS = 100
"""Requests at once on one connection."""
STREAM_WINDOW = 128 * KIB
"""Bytes of a body that a client may send before its session took any."""
CONNECTION_WINDOW = 1024 * KIB
MAX_HEADER_LIST = 64 * KIB
FULL, LOW = 64 * KIB, 16 * KIB
"""Bytes of an answer that wait for the client: above, no more are made; below, they are again."""

CONTROL = (1000.0, 100.0)
"""Frames that carry nothing: so many at once, so many a second. Frames of ours with data give some back."""
RESETS = (200.0, 20.0)
"""Streams that end before their answer does, by the client or for its mistakes."""
MAX_SETTINGS = 200
"""Settings that one client may say in all."""
EARNED = 4
"""A frame with data lets a client send so many: to open the windows again, on the stream and the connection."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: until a connection's first request is there, and between requests."""

    head_seconds: float = 20.0
    idle_seconds: float = 75.0


class _Library(H2Connection):
    MAX_CLOSED_STREAMS = 1000


class _Fields(Decoder):
    """Keeps the fields of the last head to itself. WHY: one that it dislikes (a length) the library ends the connection for."""

    last: Fields = ()

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        self.last = [(bytes(name), bytes(value)) for name, value in super().decode(data, raw=True)]
        return []


class Http2:
    """One connection. Satisfies `core.carried.Multiplexer`."""

    def __init__(
        self,
        *,
        is_tls: bool,
        check: Callable[[bytes], None],
        refusal: Callable[[Refused, bytes], bytes],
        limits: Limits,
    ) -> None:
        """`check` refuses a head (of HTTP/1.1) that its session would not read; `refusal` gives the answer (of HTTP/1.1) to
        a request that cannot be read, and has it recorded.
        """
        self._scheme = b"https" if is_tls else b"http"
        self._check, self._refusal = check, refusal
        self._limits = limits
        self._frames = FrameReader()
        self._streams: dict[int, Stream] = {}
        self._turns: deque[int] = deque()
        self._out: list[bytes] = []
        self._happened: list[Happening] = []
        self._control = Allowance(*CONTROL, 0.0)
        self._resets = Allowance(*RESETS, 0.0)
        self._settings_said = self._received = 0
        self._now = 0.0
        self._quiet_since = 0.0
        self._lingering: dict[int, float] = {}
        self._has_served = self._is_retiring = self._says_goodbye = self._is_over = False
        config = H2Configuration(
            client_side=False,
            header_encoding=None,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
            validate_outbound_headers=True,
            normalize_outbound_headers=False,
        )
        self._h2 = _Library(config)
        self._h2.decoder = self._fields = _Fields(MAX_HEADER_LIST)

    # --- what `carrying` asks

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self._is_over or (self._is_retiring and not self._streams)

    @property
    def deadline(self) -> float | None:
        """When a connection that carries nothing, or that does not go on with a head, is over; or a stream has lingered."""
        if self.is_over:
            return None
        first = min(self._lingering.values(), default=None)
        quiet = self._quiet_until
        return quiet if first is None else first if quiet is None else min(first, quiet)

    @property
    def _quiet_until(self) -> float | None:
        if self._frames.is_in_head or not self._has_served:
            return self._quiet_since + self._limits.head_seconds
        return None if self._streams else self._quiet_since + self._limits.idle_seconds

    @property
    def wants_sending(self) -> bool:
        """Whether there is something to send that the client takes."""
        return bool(self._out) or self._says_goodbye or any(self._may_send(stream) for stream in self._turns)

    def happened(self) -> list[Happening]:
        """What happened since the last call."""
        happened, self._happened = self._happened, []
        return happened

    # --- from the client

    def begin(self, now: float) -> None:
        """Say our settings. WHY not by the library: above the limit a stream is refused, not the connection ended."""
        self._now = self._quiet_since = now
        self._control, self._resets = Allowance(*CONTROL, now), Allowance(*RESETS, now)
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: 10 * MAX_STREAMS,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST,
            },
        )
        self._h2.initiate_connection()
        self._h2.clear_outbound_data_buffer()
        self._out.append(
            frames.settings(
                {
                    SettingCodes.HEADER_TABLE_SIZE: frames.MAX_TABLE,
                    SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
                    SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                    SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST,
                }
            )
        )
        self._h2.receive_data(PREFACE)
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - 65_535)
        self._gather()

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the client."""
        if self._is_over:
            return
        self._now = now
        was_in_head = self._frames.is_in_head
        try:
            self._frames.feed(data)
            while not self._is_over and (frame := self._frames.take()) is not None:
                self._take(frame)
        except PeerProtocolError as error:
            self._fail(error.code, str(error))
        except H2Error as error:
            # WHY no more words: the library has said goodbye itself.
            self._gather()
            self._end(str(error))
        if self._frames.is_in_head and not was_in_head:
            self._quiet_since = now

    def _take(self, frame: Frame) -> None:
        self._count(frame)
        stream = self._streams.get(frame.stream)
        if frame.kind == Kind.DATA and stream is not None and not stream.is_ended:
            try:
                stream.check(len(frame.content), is_last=frame.is_last)
            except Refused as refusal:
                # WHY before the library sees it: it would end the connection, and the others' requests with it.
                self._refuse(frame.stream, refusal, stream.fields, is_ended=False)
                self._stop_sending(frame.stream)
        elif frame.kind == Kind.DATA and frame.size:
            self._stop_sending(frame.stream)
        for event in self._h2.receive_data(frames.bounded(frame)):
            self._event(event)
        self._gather()

    def _count(self, frame: Frame) -> None:
        """What a frame costs. Raises PeerProtocolError when it is too much."""
        cost = 1.0
        match frame.kind:
            case Kind.DATA:
                cost = 0.0 if frame.size or frame.is_last else 1.0
            case Kind.HEADERS | Kind.CONTINUATION:
                cost = 0.0
            case Kind.SETTINGS:
                self._settings_said += frame.size // 6
                if self._settings_said > MAX_SETTINGS:
                    raise PeerProtocolError("the client says settings without end", code="ENHANCE_YOUR_CALM")
            case _:
                pass
        if cost and not self._control.spend(cost, self._now):
            raise PeerProtocolError("too many frames that carry nothing", code="ENHANCE_YOUR_CALM")

    def _event(self, event: saw.Event) -> None:
        match event:
            case saw.RequestReceived():
                self._request(event.stream_id, self._fields.last, is_ended=event.stream_ended is not None)
            case saw.DataReceived():
                self._data(event.stream_id, event.data, event.flow_controlled_length, event.stream_ended is not None)
            case saw.TrailersReceived():
                stream = self._streams.get(event.stream_id)
                if stream is not None:
                    why = Refused("trailer", "fields stand behind the body of the request")
                    self._refuse(event.stream_id, why, [*stream.fields, *self._fields.last], is_ended=True)
            case saw.StreamReset():
                if self._lingering.pop(event.stream_id, None) is None:
                    self._spend_reset()
                    self._forget(event.stream_id)
                    self._happened.append(Left(event.stream_id))
            case saw.StreamEnded():
                self._lingering.pop(event.stream_id, None)
            case saw.ConnectionTerminated():
                self._end("the client left")
            case _:
                pass

    def _request(self, number: int, fields: Fields, *, is_ended: bool) -> None:
        if self._is_retiring or len(self._streams) + len(self._lingering) >= MAX_STREAMS:
            self._spend_reset()
            self._reset(number, ErrorCodes.REFUSED_STREAM)
            return
        self._has_served, self._quiet_since = True, self._now
        try:
            opening = read_opening(fields, scheme=self._scheme, is_ended=is_ended)
            # WHY here too: of what a session refuses before it knows its client, the audit would not hear.
            self._check(opening.head(has_body=not is_ended and not opening.may_be_bodiless))
        except Refused as refusal:
            self._refuse(number, refusal, fields, is_ended=is_ended)
            return
        stream = self._streams[number] = Stream(opening, fields)
        self._turns.append(number)
        self._happened.append(Opened(number))
        self._say(number, stream, stream.begin())

    def _data(self, number: int, data: bytes, counted: int, is_last: bool) -> None:
        # WHY at once: a stream that waits must not keep the others from sending; each has its own window.
        self._received += counted
        if self._received >= CONNECTION_WINDOW // 4:
            self._h2.increment_flow_control_window(self._received)
            self._received = 0
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.to_credit += counted
        self._say(number, stream, stream.data(bytes(data)) + (stream.end() if is_last else b""))
        self._credit(number, stream)

    def _say(self, number: int, stream: Stream, said: bytes) -> None:
        if said:
            # `taken` will count the words; what the client may send again is its data, with padding.
            stream.to_credit -= len(said)
            self._happened.append(Heard(number, said))

    def _refuse(self, number: int, refusal: Refused, fields: Fields, *, is_ended: bool) -> None:
        """Answer a request that could be read in two ways, and have nobody see it but the audit."""
        known = self._streams.get(number)
        self._forget(number)
        if known is not None:
            self._happened.append(Left(number))
        self._spend_reset()
        head, body = whole_answer(self._refusal(refusal, shown_fields(fields, MAX_SHOWN)))
        window = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
        is_whole = (known is None or not known.has_head) and len(body) <= window
        if is_whole:
            is_head = (b":method", b"HEAD") in fields
            self._h2.send_headers(number, head, end_stream=is_head)
            if not is_head:
                self._h2.send_data(number, body, end_stream=True)
            if not is_ended:
                self._linger(number)
        else:
            self._reset(number, ErrorCodes.PROTOCOL_ERROR)

    # --- to the client

    def answer(self, stream: int, data: bytes) -> None:
        """Bytes of a stream's session for the client."""
        found = self._streams.get(stream)
        if found is None:
            return
        try:
            found.answer(data)
        except PeerProtocolError:
            found.cut()

    def finish(self, stream: int, *, at_once: bool) -> None:
        """A stream's session says nothing more."""
        found = self._streams.get(stream)
        if found is not None and (at_once or not found.is_answered):
            found.finish(at_once=at_once)

    def taken(self, stream: int, count: int) -> None:
        """Bytes that were `Heard` are used up: the client may send more."""
        found = self._streams.get(stream)
        if found is not None:
            found.to_credit += count
            self._credit(stream, found)

    def _credit(self, number: int, stream: Stream) -> None:
        if stream.to_credit >= STREAM_WINDOW // 4 and not stream.is_ended and not self._is_over:
            self._h2.increment_flow_control_window(stream.to_credit, number)
            stream.to_credit = 0
            self._gather()

    def unsent(self, stream: int) -> int:
        """How many bytes of an answer wait for the client."""
        found = self._streams.get(stream)
        return 0 if found is None else len(found.queue)

    def is_full(self, stream: int) -> bool:
        """Whether so many wait that no more should be made."""
        found = self._streams.get(stream)
        if found is None or len(found.queue) <= FULL:
            return False
        found.was_full = True
        return True

    def send(self, most: int, now: float) -> bytes:
        """Bytes for the client: what the connection has to say, then of each answer in turn."""
        self._now = now
        made = sum(map(len, self._out))
        idle = 0
        while self._turns and made < most and idle < len(self._turns) and not self._is_over:
            number = self._turns[0]
            self._turns.rotate(-1)
            before = len(self._out)
            self._send_of(number)
            made += sum(map(len, self._out[before:]))
            idle = 0 if len(self._out) > before else idle + 1
        if self._says_goodbye and made < most:
            # WHY behind the answers: some clients hear nothing that comes after it.
            self._says_goodbye = False
            self._out.append(frames.goaway(self._h2.highest_inbound_stream_id, ErrorCodes.NO_ERROR))
        data = b"".join(self._out)
        self._out.clear()
        return data

    def _may_send(self, number: int) -> bool:
        stream = self._streams[number]
        if stream.queue and not stream.heads:
            return self._h2.local_flow_control_window(number) > 0
        return bool(stream.heads) or stream.is_answered or stream.is_cut

    def _send_of(self, number: int) -> None:
        """One frame with data of an answer, and what goes before it."""
        stream = self._streams[number]
        is_last = self._send_heads(number, stream)
        if not is_last:
            window = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size, frames.MAX_FRAME)
            piece = bytes(stream.queue[: max(window, 0)])
            del stream.queue[: len(piece)]
            is_last = stream.is_answered and not stream.queue
            if piece:
                self._h2.send_data(number, piece, end_stream=is_last and not stream.trailers)
                self._control.earn(EARNED)
            if is_last and stream.trailers:
                self._h2.send_headers(number, list(stream.trailers), end_stream=True)
            elif is_last and not piece:
                self._h2.end_stream(number)
        self._gather()
        if is_last:
            self._sent(number, stream)
        elif stream.is_cut and not stream.queue:
            self._drop(number)
        elif stream.was_full and len(stream.queue) < LOW:
            stream.was_full = False
            self._happened.append(Eased(number))

    def _send_heads(self, number: int, stream: Stream) -> bool:
        """Whether the answer is said with its head."""
        is_last = False
        while stream.heads and not is_last:
            fields = stream.heads.pop(0)
            is_last = stream.is_answered and not (stream.queue or stream.heads or stream.trailers) and stream.has_head
            try:
                self._h2.send_headers(number, list(fields), end_stream=is_last)
            except H2Error:
                # What the target said cannot stand in HTTP/2.
                stream.cut()
                return False
        return is_last

    def _sent(self, number: int, stream: Stream) -> None:
        """The answer is out. A request that goes on has to stop."""
        self._forget(number)
        if not stream.is_ended:
            self._linger(number)
        self._quiet_since = self._now
        self._happened.append(Done(number))

    def _linger(self, number: int) -> None:
        """Have a client that is answered stop sending (RFC 9113, 8.1). WHY not at once: some lose the answer over it."""
        self._lingering[number] = self._now + LEAVE_SECONDS

    def _stop_sending(self, number: int) -> None:
        if self._lingering.pop(number, None) is not None:
            self._reset(number, ErrorCodes.NO_ERROR)

    def _drop(self, number: int) -> None:
        """An answer that does not come to its end: nobody may take it for whole."""
        self._forget(number)
        self._reset(number, ErrorCodes.INTERNAL_ERROR)
        self._gather()
        self._quiet_since = self._now
        self._happened.append(Left(number))

    # --- ends

    def retire(self) -> None:
        """Say that no new streams are served (GOAWAY). WHY not by the library: it would serve none at all any more."""
        if not self._is_retiring and not self._is_over:
            self._is_retiring = self._says_goodbye = True

    def tick(self, now: float) -> None:
        """The time was told."""
        quiet = self._quiet_until
        if quiet is not None and now >= quiet:
            self._fail("NO_ERROR", "nothing was asked for too long")
            return
        for number in [number for number, until in self._lingering.items() if now >= until]:
            self._stop_sending(number)
        self._gather()

    def _spend_reset(self) -> None:
        if not self._resets.spend(1.0, self._now):
            raise PeerProtocolError("too many streams end before their answers do", code="ENHANCE_YOUR_CALM")

    def _reset(self, number: int, code: ErrorCodes) -> None:
        self._h2.reset_stream(number, code)

    def _forget(self, number: int) -> None:
        if self._streams.pop(number, None) is not None:
            self._turns.remove(number)

    def _fail(self, code: str, message: str) -> None:
        if self._is_over:
            return
        self._h2.close_connection(ErrorCodes[code], message.encode("ascii", "replace"))
        self._gather()
        self._end(message)

    def _end(self, message: str) -> None:
        self._is_over, self._says_goodbye = True, False
        self._happened += [Left(number) for number in self._streams]
        self._streams.clear()
        self._lingering.clear()
        self._turns.clear()

    def _gather(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._out.append(data)
