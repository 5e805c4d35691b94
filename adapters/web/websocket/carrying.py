"""One WebSocket that was granted: switched on both sides, then carried frame by frame, the target's messages masked. Pure.

    switching --101--> open --a side says its last word--> closing --the other one too--> over
      |---another answer: passed on as any---> over   |---what may not go on: both told why---> leaving --> over

Frames are read strictly on both sides and written anew; pings go through `pings`. Without masks nothing is kept but the
beginning of a frame; under masks a message of the target is kept until it is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.buffer import HIGH_WATER
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import Answer, Cause, Outcome
from adapters.errors import AdapterError, PeerProtocolError
from adapters.web.recorded import count_messages, tap_of
from adapters.web.responses import MAX_HEAD, MAX_INTERIM, AnswerReader, read_answer_head
from adapters.web.scrub import Scrubber
from adapters.web.session.doing import Doing
from adapters.web.session.manners import Plan, Refusals
from adapters.web.session.replies import Reply
from adapters.web.websocket import frames, handshake
from adapters.web.websocket.frames import NO_KEY, Frame, FrameReader, closing, written
from adapters.web.websocket.masking import MessageMasker
from adapters.web.websocket.order import CODES, Order, read_closing
from adapters.web.websocket.pings import Pings
from engine.command.http.wire import WireRequest

SWITCH_SECONDS = 60.0
"""How long a target may take to switch, or to say why not."""
CLOSE_SECONDS = 5.0
"""How long the other side may take to answer a last word, and a client to take ours."""
QUIET_SECONDS = 5.0
"""After so long without a frame of the target a connection only waits for its client: what limits idle sessions counts it then."""
_GOING_AWAY, _REFUSED, _BROKEN = 1001, 1008, 1011
ENDED = "SESSION_ENDED"


class Stage(StrEnum):
    """Where it stands."""

    SWITCHING = "switching"
    REFUSED = "refused"
    """The target answers something else than a switch, which the client is told."""
    OPEN = "open"
    CLOSING = "closing"
    """One side said its last word, the other one did not yet."""
    LEAVING = "leaving"
    """The client was told why it ends."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Granted:
    """What was granted. `sent` is the handshake for the target, with the credential; `rest` what the client sent behind its own."""

    head: WireRequest
    sent: bytes
    answer: Answer
    plan: Plan
    say: Refusals
    secrets: Sequence[bytes]
    rest: bytes
    began: float
    waited_for: str | None = None


class Carrier:
    """Has the connection from the grant on, the target being connected."""

    def __init__(self, granted: Granted) -> None:
        self._granted = granted
        self._is_masked = granted.plan.masks is not None
        self._stage = Stage.SWITCHING
        self._do = Doing()
        self._do.take_target()
        self._stopping: str | None = None
        self._early, self._unread = granted.rest, b""
        self._interim = self._bytes = 0
        self._reader = AnswerReader("GET")
        self._reply: Reply | None = None
        self._frames = {side: FrameReader(is_client=side is Side.CLIENT) for side in Side}
        self._order = {side: Order() for side in Side}
        self._pings = {side: Pings() for side in Side}
        self._masker = MessageMasker(granted.plan)
        self._scrubber = Scrubber(granted.secrets)
        self._is_begun = self._is_quiet = self._is_told = False
        self._tap = tap_of(granted.answer, self._do)
        self._messages = dict.fromkeys(Side, 0)

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client: the target said nothing for a while."""
        return self._stage is Stage.OPEN and self._is_quiet

    @property
    def _is_over(self) -> bool:
        return self._stage is Stage.OVER

    def begin(self, now: float) -> list[Effect]:
        """Ask the target to switch."""
        self._do.begin(now)
        self._do.wait(SWITCH_SECONDS)
        self._do.add(do.Send(Side.UPSTREAM, self._granted.sent))
        self._do.arm()
        return self._do.effects

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done because of an event."""
        self._do.begin(now)
        if not self._is_over:
            try:
                self._take(event)
            except AdapterError as error:
                # WHY not the number of the error: what a target does wrong is nothing that its client did.
                is_targets = isinstance(event, saw.BytesReceived) and event.side is Side.UPSTREAM
                number = CODES.get(error.code, _REFUSED)
                self._fail(error.code, str(error), _BROKEN if is_targets and error.code in CODES else number)
        self._do.arm()
        return self._do.effects

    def _take(self, event: Event) -> None:
        match event:
            case saw.BytesReceived(Side.CLIENT, data):
                self._from_client(data)
            case saw.BytesReceived(Side.UPSTREAM, data):
                self._from_target(data)
            case saw.EndReceived(Side.CLIENT):
                self._end(None if self._stage in (Stage.CLOSING, Stage.LEAVING) else "CLIENT_LEFT", "the client left")
            case saw.EndReceived(Side.UPSTREAM):
                self._target_left()
            case saw.UpstreamFailed(reason):
                self._fail("TARGET_UNREACHABLE", reason, _BROKEN)
            case saw.TimePassed():
                self._time_passed()
            case saw.StopRequested(reason, cause):
                self._stop(reason, cause)
            case _:
                raise RuntimeError("an event that nobody asked for")

    # --- the client

    def _from_client(self, data: bytes) -> None:
        match self._stage:
            case Stage.SWITCHING | Stage.REFUSED:
                self._early += data
                if len(self._early) > HIGH_WATER:
                    self._do.pause()
            case Stage.OPEN | Stage.CLOSING:
                for frame in self._frames[Side.CLIENT].feed(data):
                    self._pass_up(frame)
                    if self._is_over:
                        return
            case Stage.LEAVING:
                self._hear_farewell(data)
            case _:
                pass

    def _pass_up(self, frame: Frame) -> None:
        match self._order[Side.CLIENT].take(frame):
            case frames.PING:
                self._send_up(Frame(frames.PING, self._pings[Side.CLIENT].ask(frame.payload), key=NO_KEY))
            case frames.PONG:
                asked = self._pings[Side.UPSTREAM].answer(frame.payload)
                if asked is not None:
                    self._send_up(Frame(frames.PONG, asked, key=NO_KEY))
            case frames.CLOSE:
                read_closing(frame.payload)
                self._send_up(frame)
                self._last_word(Side.UPSTREAM)
            case _:
                self._messages[Side.CLIENT] += frame.is_final
                self._send_up(frame)

    def _send_up(self, frame: Frame) -> None:
        if not self._order[Side.UPSTREAM].is_closed or frame.opcode == frames.CLOSE:
            self._do.add(do.Send(Side.UPSTREAM, written(frame)))

    def _hear_farewell(self, data: bytes) -> None:
        order = self._order[Side.CLIENT]
        for frame in self._frames[Side.CLIENT].feed(data):
            order.take(frame)
            if order.is_closed:
                self._end(None, "told")
                return

    # --- the target

    def _from_target(self, data: bytes) -> None:
        match self._stage:
            case Stage.SWITCHING:
                self._unread += data
                self._read_head()
            case Stage.REFUSED:
                self._pass_refusal(data)
            case Stage.OPEN | Stage.CLOSING:
                self._is_quiet = False
                for frame in self._frames[Side.UPSTREAM].feed(data):
                    self._pass_down(frame)
                    if self._is_over:
                        return
                if self._stage is Stage.OPEN:
                    self._do.wait(QUIET_SECONDS)
            case _:
                pass

    def _read_head(self) -> None:
        while self._stage is Stage.SWITCHING:
            end = self._unread.find(b"\r\n\r\n", 0, MAX_HEAD)
            if end < 0:
                if len(self._unread) >= MAX_HEAD:
                    raise PeerProtocolError("the target's answer has too long a head", code="BAD_ANSWER")
                return
            head = read_answer_head(self._unread[:end], "GET")
            if head.status >= 200:
                unread, self._unread = self._unread, b""
                self._stage = Stage.REFUSED
                self._pass_refusal(unread)
                return
            self._unread = self._unread[end + 4 :]
            if head.status != 101:
                self._interim += 1
                if self._interim > MAX_INTERIM:
                    raise PeerProtocolError("the target sends interim answers without end", code="BAD_ANSWER")
                continue
            if not handshake.is_agreed(head, self._granted.head):
                raise PeerProtocolError("the target switches to something else than was asked for", code="BAD_ANSWER")
            self._stage = Stage.OPEN
            self._do.send(handshake.switched(head, self._granted.head, self._told()))
            self._do.resume()
            early, self._early = self._early, b""
            unread, self._unread = self._unread, b""
            self._from_client(early)
            self._from_target(unread)
            if self._stopping is not None:
                self._fail(ENDED, self._stopping, _GOING_AWAY)

    def _told(self) -> list[tuple[str, str]]:
        """What the client's switch says of the decision."""
        made = [("sallyport-decision", self._granted.answer.decision_id)]
        if self._granted.waited_for is not None:
            made.append(("warning", f'299 - "this waited for an approval: ticket {self._granted.waited_for}"'))
        return made

    def _pass_down(self, frame: Frame) -> None:
        kind = self._order[Side.UPSTREAM].take(frame)
        match kind:
            case frames.PING:
                self._do.send(written(Frame(frames.PING, self._pings[Side.UPSTREAM].ask(frame.payload))))
            case frames.PONG:
                asked = self._pings[Side.CLIENT].answer(frame.payload)
                if asked is not None:
                    self._do.send(written(Frame(frames.PONG, asked)))
            case frames.CLOSE:
                code, reason = read_closing(frame.payload)
                # WHY no reason under masks: it is a text that no mask has looked into.
                shown = "" if self._is_masked else self._scrubber.whole(reason.encode()).decode(errors="replace")
                self._do.send(written(Frame(frames.CLOSE, b"" if code is None else closing(code, shown))))
                self._last_word(Side.CLIENT)
            case _:
                self._show(kind, frame)

    def _show(self, kind: int, frame: Frame) -> None:
        """A message of the target, or a fragment of one: masked when it is whole, or on its way as it comes."""
        if self._is_masked:
            whole = self._masker.collect(kind, frame.payload, is_final=frame.is_final)
            if whole is None:
                return
            data, opcode, is_final = self._scrubber.whole(whole), kind, True
        else:
            data = self._scrubber.feed(frame.payload)
            data += self._scrubber.end() if frame.is_final else b""
            opcode, is_final = (frames.CONTINUATION if self._is_begun else kind), frame.is_final
            self._is_begun = not is_final
        self._bytes += len(data)
        self._messages[Side.UPSTREAM] += is_final
        if not self._order[Side.CLIENT].is_closed:
            if self._tap is not None:
                self._tap.take(data)
            self._do.send(written(Frame(opcode, data, is_final)))

    def _pass_refusal(self, data: bytes | None) -> None:
        """What the target answers in place of a switch, as any answer."""
        granted = self._granted
        if granted.plan.values:
            raise PeerProtocolError("the target does not switch, and its answer cannot be masked", code="MASK_UNPROVEN")
        if self._reply is None:
            self._reply = Reply(
                granted.answer.decision_id,
                plan=granted.plan,
                secrets=granted.secrets,
                is_old=False,
                closes=True,
                tap=self._tap,
            )
        for part in self._reader.end() if data is None else self._reader.feed(data):
            self._do.send(self._reply.feed(part))
        if self._reply.is_done:
            self._bytes = self._reply.bytes
            self._end(str(self._reply.status), "the target refused")

    def _target_left(self) -> None:
        match self._stage:
            case Stage.REFUSED:
                self._pass_refusal(None)
            case Stage.CLOSING:
                self._end(None, "done")
            case Stage.SWITCHING:
                self._fail("TARGET_UNREACHABLE", "the target ended the connection", _BROKEN)
            case Stage.OPEN:
                self._fail("TARGET_LEFT", "the target ended the connection", _BROKEN)
            case _:
                pass

    # --- ends

    def _last_word(self, awaited: Side) -> None:
        """A side said its last word, and the other one was told: it answers, or has."""
        if self._order[awaited].is_closed:
            self._end(None, "done")
        else:
            self._stage = Stage.CLOSING
            self._do.wait(CLOSE_SECONDS)

    def _fail(self, code: str, message: str, number: int) -> None:
        """It may not go on: both sides are told."""
        granted = self._granted
        if self._stage is Stage.SWITCHING or (self._stage is Stage.REFUSED and not self._has_answered):
            status = 503 if code == ENDED else 504 if code == "TARGET_SLOW" else 502
            said = granted.say.not_done(granted.answer, status, code.upper(), message, closes=True, is_head=False)
            self._do.send(said)
            self._end(code, message)
        elif self._stage in (Stage.REFUSED, Stage.LEAVING):
            self._end(code, message)
        else:
            self._record(code)
            self._tell(number, message)

    @property
    def _has_answered(self) -> bool:
        return self._reply is not None and self._reply.is_begun

    def _tell(self, number: int, message: str) -> None:
        self._do.drop_target()
        if self._order[Side.UPSTREAM].is_closed:
            self._end(None, message)
            return
        self._do.send(written(Frame(frames.CLOSE, closing(number, message))))
        if self._order[Side.CLIENT].is_closed:
            self._end(None, message)
            return
        self._stage = Stage.LEAVING
        self._do.wait(CLOSE_SECONDS)

    def _time_passed(self) -> None:
        if not self._do.is_late():
            return
        match self._stage:
            case Stage.OPEN:
                self._is_quiet = True
                self._do.wait(None)
            case Stage.SWITCHING | Stage.REFUSED:
                raise PeerProtocolError("the target does not answer in time", code="TARGET_SLOW")
            case _:
                self._end(None, "no last word came")

    def _stop(self, reason: str, cause: Cause) -> None:
        if self._stage is Stage.OPEN and (cause is not Cause.IDLE or self.is_waiting):
            # WHY at once whatever the cause is: a connection like this has no end of its own to wait for.
            self._fail(ENDED, reason, _REFUSED if cause.is_urgent else _GOING_AWAY)
        elif cause.is_urgent:
            self._fail(ENDED, reason, _REFUSED)
        elif cause is not Cause.IDLE:
            self._stopping = reason

    def _end(self, error: str | None, reason: str) -> None:
        self._record(error)
        self._do.wait(None)
        self._stage = Stage.OVER
        self._do.add(do.Close(reason))

    def _record(self, error: str | None) -> None:
        if not self._is_told:
            self._is_told = True
            duration = self._do.now - self._granted.began
            count_messages(self._granted.answer, self._do, self._messages[Side.CLIENT], self._messages[Side.UPSTREAM])
            self._do.add(do.Record(self._granted.answer.decision_id, Outcome(0, self._bytes, duration, error)))
