"""A connection of HTTP/2 to a target, with many requests on it at once: what its streams say. What any connection does is in `connection`. Pure.

Each request is for its session a connection of its own, spoken in HTTP/1.1 (`calls`). Nothing of one is sent before the target said its settings.
What of a request the target never ran is told apart from what may have run: it refused the stream, it says goodbye and names an earlier one
as its last, or the request was not sent.

INVARIANT: what one answer has wrong ends that one; what the connection has wrong ends all of them, and no answer that is not whole is said to be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from h2 import events as saw
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from h2.settings import SettingCodes

from adapters.core.carried import Done, Left, Unserved
from adapters.errors import PeerProtocolError
from adapters.web.http2 import frames
from adapters.web.http2.calls import Call
from adapters.web.http2.connection import MAX_STREAMS, Connection
from adapters.web.http2.frames import Frame, Kind

MAX_USES = 1_000
MAX_AGE = 300.0
"""Requests, and seconds, after which a connection takes no more: names lead elsewhere, authorities change."""
GREETING_SECONDS = 10.0
HEAD_SECONDS = 20.0
IDLE_SECONDS = 30.0
QUIET_SECONDS, ECHO_SECONDS = 30.0, 15.0
"""While something runs: after so long without a byte of the target it is pinged, and has so long to answer."""
_PING: Final = b"sallypor"


class Outward(Connection[Call]):
    """One connection to a target. Satisfies `core.carried.Calls`. INVARIANT: at most `MAX_STREAMS` requests, whatever the target would take."""

    def __init__(self, is_tls: bool) -> None:
        super().__init__(is_client=True, head_seconds=HEAD_SECONDS)
        self._is_tls = is_tls
        self._numbers: dict[int, int] = {}
        self._uses = 0
        self._began = self._idle_since = self._heard_at = 0.0
        self._pinged_at: float | None = None
        self._last_served: int | None = None
        self.is_ready = False

    # --- what `shared` asks

    @property
    def is_retiring(self) -> bool:
        """Whether no request may be begun any more."""
        return self._is_retiring or self._is_over

    @property
    def has_room(self) -> bool:
        """Whether one request more may be begun."""
        if not self.is_ready or self.is_retiring:
            return False
        return len(self._flows) < min(MAX_STREAMS, self._h2.remote_settings.max_concurrent_streams)

    @property
    def deadline(self) -> float | None:
        """When a target that does not greet, does not go on with a head, does not echo, or that nobody needs has to be left."""
        if self.is_over:
            return None
        if not self.is_ready:
            return self._began + GREETING_SECONDS
        quiet = self._quiet_until
        return quiet if self._head_until is None else min(self._head_until, quiet)

    @property
    def _quiet_until(self) -> float:
        if not self._flows:
            return self._idle_since + IDLE_SECONDS
        return self._heard_at + QUIET_SECONDS if self._pinged_at is None else self._pinged_at + ECHO_SECONDS

    # --- the connection

    def begin(self, now: float) -> None:
        """Say our settings: nothing is pushed to us."""
        self._began = self._idle_since = self._heard_at = now
        self._greet(now, {SettingCodes.ENABLE_PUSH: 0})
        self._widen()

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the target."""
        if not self._is_over:
            self._heard_at, self._pinged_at = now, None
            super().receive(data, now)

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
        is_stuck = self._head_until is not None and now >= self._head_until
        if not self.is_ready or is_stuck or self._pinged_at is not None:
            self._fail(ErrorCodes.NO_ERROR, "too slow")
        elif self._flows:
            self._pinged_at = now
            self._h2.ping(_PING)
            self._gather()
        else:
            self._is_retiring = True
            self._out.append(frames.goaway(0, ErrorCodes.NO_ERROR))

    def _is_awaited(self, frame: Frame) -> bool:
        return frame.stream in self._numbers

    def _look(self, frame: Frame) -> bool:
        if frame.kind == Kind.GOAWAY:
            # WHY not by the library: it would serve none at all any more.
            self._goodbye(*frames.read_goaway(frame))
            return False
        if frame.kind == Kind.PUSH_PROMISE:
            raise PeerProtocolError("the target pushes what nobody asked for", code="PROTOCOL_ERROR")
        is_known = frame.kind <= Kind.CONTINUATION and frame.kind != Kind.PRIORITY
        if is_known and frame.stream and (frame.stream % 2 == 0 or frame.stream > self._h2.highest_outbound_stream_id):
            raise PeerProtocolError("the target speaks on a stream that is not ours", code="PROTOCOL_ERROR")
        return True

    def _goodbye(self, last: int, code: int) -> None:
        if self._last_served is not None and last > self._last_served:
            raise PeerProtocolError("the target takes its goodbye back", code="PROTOCOL_ERROR")
        self._last_served, self._is_retiring = last, True
        for number, call in list(self._flows.items()):
            if call.wire is None or (call.wire > last and not call.is_heard):
                self._forget(number)
                self._happened.append(Unserved(number))
            elif call.wire > last:
                raise PeerProtocolError("the target answers what it says it does not", code="PROTOCOL_ERROR")

    # --- from the target

    def _event(self, event: saw.Event) -> None:
        match event:
            case saw.RemoteSettingsChanged():
                self.is_ready = True
            case saw.InformationalResponseReceived():
                self._understand(event.stream_id, lambda call: call.head(self._h2.fields.last, is_ended=False))
            case saw.ResponseReceived():
                is_ended = event.stream_ended is not None
                self._understand(event.stream_id, lambda call: call.head(self._h2.fields.last, is_ended=is_ended))
            case saw.DataReceived():
                self._data(event.stream_id, event.data, event.flow_controlled_length, event.stream_ended is not None)
            case saw.TrailersReceived():
                self._understand(event.stream_id, lambda call: call.end(self._h2.fields.last))
            case saw.StreamReset():
                self._was_reset(event.stream_id, event.error_code)
            case _:
                pass

    def _understand(self, stream: int, words: Callable[[Call], bytes], counted: int = 0) -> None:
        """What the target said on a stream, for its session. An answer that is none ends that one alone."""
        number = self._numbers.get(stream)
        if number is None:
            return
        call = self._flows[number]
        try:
            said = words(call)
        except PeerProtocolError:
            self._drop(number, call, ErrorCodes.PROTOCOL_ERROR)
            self._spend_reset()
            return
        call.to_credit += counted
        self._hear(number, call, said)
        if call.is_ended:
            self._whole(number, call)
        elif counted:
            self._credit(call)

    def _data(self, stream: int, data: bytes, counted: int, is_last: bool) -> None:
        self._count_data(counted)
        self._understand(stream, lambda call: call.data(bytes(data)) + (call.end() if is_last else b""), counted)

    def _whole(self, number: int, call: Call) -> None:
        """The answer is there. A request that goes on has to stop."""
        stream = call.wire
        assert stream is not None
        if not call.is_sent:
            self._reset(stream, ErrorCodes.CANCEL)
        self._forget(number)
        self._happened.append(Done(number))

    def _was_reset(self, stream: int, code: int) -> None:
        number = self._numbers.get(stream)
        if number is None:
            return
        is_unserved = code == ErrorCodes.REFUSED_STREAM and not self._flows[number].is_heard
        self._forget(number)
        self._happened.append(Unserved(number) if is_unserved else Left(number))
        self._spend_reset()

    # --- from the sessions

    def open(self) -> int:
        """One request more; its number here, which is not that on the wire."""
        self._uses += 1
        number = self._uses
        if number >= MAX_USES or self._now - self._began >= MAX_AGE:
            self._is_retiring = True
        self._open(number, Call(is_tls=self._is_tls))
        return number

    def answer(self, stream: int, data: bytes) -> None:
        """Words of a request's session for the target."""
        call = self._flows.get(stream)
        if call is None:
            return
        try:
            call.say(data)
        except PeerProtocolError:
            self._drop(stream, call, ErrorCodes.INTERNAL_ERROR)

    def finish(self, stream: int, *, at_once: bool) -> None:
        """A request's session wants no more of it."""
        call = self._flows.get(stream)
        if call is not None:
            self._drop(stream, call, ErrorCodes.CANCEL)

    # --- to the target

    def _may_send(self, flow: Call) -> bool:
        if flow.fields is not None:
            return self._may_begin
        if flow.wire is None or flow.is_sent:
            return False
        return flow.is_said if not flow.queue else self._window(flow.wire) > 0

    @property
    def _may_begin(self) -> bool:
        most = self._h2.remote_settings.max_concurrent_streams
        return self.is_ready and self._last_served is None and len(self._numbers) < most

    def _send_of(self, number: int, flow: Call) -> None:
        if not self._may_send(flow):
            return
        if flow.fields is not None:
            self._begin(number, flow)
            return
        assert flow.wire is not None
        piece = flow.take(self._window(flow.wire))
        flow.is_sent = flow.is_said and not flow.queue
        if piece or not flow.behind:
            self._send_data(flow.wire, piece, is_last=flow.is_sent and not flow.behind)
        if flow.is_sent and flow.behind:
            self._h2.send_headers(flow.wire, flow.behind, end_stream=True)
        self._gather()
        self._ease(number, flow)

    def _begin(self, number: int, call: Call) -> None:
        """The head of a request."""
        stream = call.wire = self._h2.get_next_available_stream_id()
        self._numbers[stream] = number
        fields, call.fields = call.fields, None
        call.is_sent = call.is_said and not (call.queue or call.behind)
        try:
            self._h2.send_headers(stream, fields or [], end_stream=call.is_sent)
        except H2Error:
            # What stands in it cannot be said in HTTP/2.
            self._forget(number)
            self._happened.append(Left(number))
        self._gather()

    # --- ends

    def _drop(self, number: int, call: Call, code: ErrorCodes) -> None:
        """A request that does not come to its end: the target need not go on with it."""
        if call.wire is not None and not self._is_over:
            self._reset(call.wire, code)
            self._gather()
        self._forget(number)
        self._happened.append(Left(number))

    def _reset(self, stream: int, code: ErrorCodes) -> None:
        with contextlib.suppress(H2Error):  # WHY: a stream that the target has ended is forgotten by the library
            self._h2.reset_stream(stream, code)

    def _spend_reset(self) -> None:
        # WHY it goes on with what runs: others' requests, of which none did anything wrong.
        if not self._floods.may_reset(self._now):
            self._is_retiring = True

    def _forget(self, number: int) -> Call | None:
        call = super()._forget(number)
        if call is not None and call.wire is not None:
            self._numbers.pop(call.wire, None)
        self._idle_since = self._now
        return call

    def _lost(self, number: int, flow: Call) -> Left | Unserved:
        return Unserved(number) if flow.wire is None else Left(number)

    def _end(self) -> None:
        self._numbers.clear()
        super()._end()
