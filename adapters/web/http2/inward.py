"""A client's connection of HTTP/2: what its streams say. What any connection does is in `connection`. Pure.

Each request that can be read in one way only becomes one of HTTP/1.1 for a session of its own (`heads`, `streams`). One that
cannot is answered here and goes nowhere. An answer that the client does not take stops being read from its target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from h2 import events as saw
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from h2.settings import SettingCodes

from adapters.core.carried import Done, Left, Opened
from adapters.errors import PeerProtocolError
from adapters.web.http2 import frames
from adapters.web.http2.connection import MAX_STREAMS, Connection
from adapters.web.http2.flows import STREAM_WINDOW
from adapters.web.http2.frames import PREFACE, Frame, Kind
from adapters.web.http2.heads import Fields, read_opening, shown_fields
from adapters.web.http2.library import MAX_HEADER_LIST
from adapters.web.http2.streams import Stream, whole_answer
from adapters.web.session.settings import LEAVE_SECONDS, MAX_SHOWN
from engine.command.documents.refusal import Refused

HALF_CLOSED_SECONDS = 6.0
"""How long a WebSocket goes on whose client says no more: longer than its session waits for last words."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: until a connection's first request is there, and between requests."""

    head_seconds: float = 20.0
    idle_seconds: float = 75.0


class Inward(Connection[Stream]):
    """One connection. Satisfies `core.carried.Multiplexer`."""

    def __init__(
        self,
        *,
        is_tls: bool,
        check: Callable[[bytes], None],
        refusal: Callable[[Refused, bytes], bytes],
        limits: Limits,
        takes_websockets: bool = False,
    ) -> None:
        """`check` refuses a head (of HTTP/1.1) that its session would not read; `refusal` gives the answer (of HTTP/1.1) to
        a request that cannot be read, and has it recorded. `takes_websockets`: streams may become those (RFC 8441).
        """
        super().__init__(is_client=False, head_seconds=limits.head_seconds)
        self._scheme = b"https" if is_tls else b"http"
        self._check, self._refusal = check, refusal
        self._limits = limits
        self._takes_websockets = takes_websockets
        self._quiet_since = 0.0
        self._lingering: dict[int, float] = {}
        self._half_closed: dict[int, float] = {}
        self._has_served = self._says_goodbye = False

    # --- what `carrying` asks

    @property
    def deadline(self) -> float | None:
        """When a connection that carries nothing, or that does not go on with a head, is over; or a stream has lingered."""
        if self.is_over:
            return None
        times = (self._quiet_until, *self._lingering.values(), *self._half_closed.values())
        return min((one for one in times if one is not None), default=None)

    @property
    def _quiet_until(self) -> float | None:
        if (head_until := self._head_until) is not None:
            return head_until
        if not self._has_served:
            return self._quiet_since + self._limits.head_seconds
        return None if self._flows else self._quiet_since + self._limits.idle_seconds

    @property
    def wants_sending(self) -> bool:
        """Whether there is something to send that the client takes."""
        return self._says_goodbye or super().wants_sending

    # --- from the client

    def begin(self, now: float) -> None:
        """Say our settings. WHY not by the library: above the limit a stream is refused, not the connection ended."""
        self._quiet_since = now
        self._greet(now, {SettingCodes.MAX_CONCURRENT_STREAMS: 10 * MAX_STREAMS})
        self._h2.clear_outbound_data_buffer()
        self._out.append(
            frames.settings(
                {
                    SettingCodes.HEADER_TABLE_SIZE: frames.MAX_TABLE,
                    SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
                    SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                    SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_LIST,
                    SettingCodes.ENABLE_CONNECT_PROTOCOL: int(self._takes_websockets),
                }
            )
        )
        self._h2.receive_data(PREFACE)
        self._widen()

    def _is_awaited(self, frame: Frame) -> bool:
        is_new = frame.kind == Kind.HEADERS and frame.stream > self._h2.highest_inbound_stream_id
        return is_new or frame.stream in self._flows

    def _look(self, frame: Frame) -> bool:
        stream = self._flows.get(frame.stream)
        if frame.kind == Kind.DATA and stream is not None and not stream.is_ended:
            try:
                stream.check(len(frame.content), is_last=frame.is_last)
            except Refused as refusal:
                # WHY before the library sees it: it would end the connection, and the others' requests with it.
                self._refuse(frame.stream, refusal, stream.fields, is_ended=False)
                self._stop_sending(frame.stream)
        elif frame.kind == Kind.DATA and frame.size:
            self._stop_sending(frame.stream)
        return True

    def _event(self, event: saw.Event) -> None:
        match event:
            case saw.RequestReceived():
                self._request(event.stream_id, self._h2.fields.last, is_ended=event.stream_ended is not None)
            case saw.DataReceived():
                self._data(event.stream_id, event.data, event.flow_controlled_length, event.stream_ended is not None)
            case saw.TrailersReceived():
                self._behind(event.stream_id, self._h2.fields.last)
            case saw.StreamReset():
                if self._lingering.pop(event.stream_id, None) is None:
                    self._spend_reset()
                    self._forget(event.stream_id)
                    self._happened.append(Left(event.stream_id))
            case saw.StreamEnded():
                self._lingering.pop(event.stream_id, None)
            case saw.ConnectionTerminated():
                self._end()
            case _:
                pass

    def _request(self, number: int, fields: Fields, *, is_ended: bool) -> None:
        if self._is_retiring or len(self._flows) + len(self._lingering) >= MAX_STREAMS:
            self._spend_reset()
            self._reset(number, ErrorCodes.REFUSED_STREAM)
            return
        self._has_served, self._quiet_since = True, self._now
        try:
            opening = read_opening(fields, scheme=self._scheme, is_ended=is_ended)
            if opening.is_tunnel and not self._takes_websockets:
                raise Refused("method_refused", "CONNECT is not done here")
            # WHY here too: of what a session refuses before it knows its client, the audit would not hear.
            self._check(opening.head(has_body=not is_ended and not opening.may_be_bodiless))
        except Refused as refusal:
            self._refuse(number, refusal, fields, is_ended=is_ended)
            return
        stream = Stream(opening, fields)
        stream.wire = number
        self._open(number, stream)
        self._happened.append(Opened(number))
        self._hear(number, stream, stream.begin())

    def _data(self, number: int, data: bytes, counted: int, is_last: bool) -> None:
        self._count_data(counted)
        stream = self._flows.get(number)
        if stream is None:
            return
        stream.to_credit += counted
        self._hear(number, stream, stream.data(bytes(data)) + (stream.end() if is_last else b""))
        if is_last and stream.is_tunnel:
            self._half_close(number)
        self._credit(stream)

    def _half_close(self, number: int) -> None:
        """A client says no more on a WebSocket: it is gone, as one of HTTP/1.1 is. WHY not at once: browsers say so with their last word, and
        wait for the answer to it."""
        self._half_closed[number] = self._now + HALF_CLOSED_SECONDS

    def _leave(self, number: int) -> None:
        self._forget(number)
        self._reset(number, ErrorCodes.CANCEL)
        self._quiet_since = self._now
        self._happened.append(Left(number))

    def _behind(self, number: int, fields: Fields) -> None:
        stream = self._flows.get(number)
        if stream is None:
            return
        try:
            stream.check(0, is_last=True)
            self._hear(number, stream, stream.end_with(fields))
            if stream.is_tunnel:
                self._half_close(number)
        except Refused as refusal:
            self._refuse(number, refusal, [*stream.fields, *fields], is_ended=True)

    def _refuse(self, number: int, refusal: Refused, fields: Fields, *, is_ended: bool) -> None:
        """Answer a request that could be read in two ways, and have nobody see it but the audit."""
        known = self._forget(number)
        if known is not None:
            self._happened.append(Left(number))
        self._spend_reset()
        head, body = whole_answer(self._refusal(refusal, shown_fields(fields, MAX_SHOWN)))
        is_whole = (known is None or not known.has_head) and len(body) <= self._window(number)
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
        found = self._flows.get(stream)
        if found is None:
            return
        try:
            found.answer(data)
        except PeerProtocolError:
            found.cut()

    def finish(self, stream: int, *, at_once: bool) -> None:
        """A stream's session says nothing more."""
        found = self._flows.get(stream)
        if found is not None and (at_once or not found.is_said):
            found.finish(at_once=at_once)

    def send(self, most: int, now: float) -> bytes:
        """Bytes for the client; goodbye behind the answers. WHY: some clients hear nothing that comes after it."""
        data = super().send(most, now)
        if self._says_goodbye and len(data) < most:
            self._says_goodbye = False
            data += frames.goaway(self._h2.highest_inbound_stream_id, ErrorCodes.NO_ERROR)
        return data

    def _may_send(self, flow: Stream) -> bool:
        if flow.queue and not flow.heads:
            return flow.wire is not None and self._window(flow.wire) > 0
        return bool(flow.heads) or flow.is_said or flow.is_cut

    def _send_of(self, number: int, flow: Stream) -> None:
        is_last = self._send_heads(number, flow)
        if not is_last:
            piece = flow.take(self._window(number))
            is_last = flow.is_said and not flow.queue
            if piece:
                self._send_data(number, piece, is_last=is_last and not flow.trailers)
            if is_last and flow.trailers:
                self._h2.send_headers(number, list(flow.trailers), end_stream=True)
            elif is_last and not piece:
                self._h2.end_stream(number)
        self._gather()
        if is_last:
            self._sent(number, flow)
        elif flow.is_cut and not flow.queue:
            self._drop(number)
        else:
            self._ease(number, flow)

    def _send_heads(self, number: int, stream: Stream) -> bool:
        """Whether the answer is said with its head."""
        is_last = False
        while stream.heads and not is_last:
            fields = stream.heads.pop(0)
            is_last = stream.is_said and not (stream.queue or stream.heads or stream.trailers) and stream.has_head
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
        self._now, quiet = now, self._quiet_until
        if quiet is not None and now >= quiet:
            self._fail(ErrorCodes.NO_ERROR, "nothing was asked for too long")
            return
        for number in [number for number, until in self._lingering.items() if now >= until]:
            self._stop_sending(number)
        for number in [number for number, until in self._half_closed.items() if now >= until]:
            self._leave(number)
        self._gather()

    def _spend_reset(self) -> None:
        if not self._floods.may_reset(self._now):
            raise PeerProtocolError("too many streams end before their answers do", code="ENHANCE_YOUR_CALM")

    def _reset(self, number: int, code: ErrorCodes) -> None:
        self._h2.reset_stream(number, code)

    def _forget(self, number: int) -> Stream | None:
        self._half_closed.pop(number, None)
        return super()._forget(number)

    def _lost(self, number: int, flow: Stream) -> Left:
        return Left(number)

    def _end(self) -> None:
        self._says_goodbye = False
        self._lingering.clear()
        self._half_closed.clear()
        super()._end()
