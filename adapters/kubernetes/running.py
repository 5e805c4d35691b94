"""One exec of the gateway's own in a pod, from the way to the API server to its end: over WebSocket, whatever the client speaks. Pure.

Called by `guarded` with words that were granted before. INVARIANT: nothing else than the request it is given, and input of what runs, goes up.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Event, Side
from adapters.core.ports import Target
from adapters.errors import AdapterError, PeerProtocolError
from adapters.kubernetes import channels, statuses
from adapters.kubernetes.channels import ChannelReader, Piece, Whole, typed
from adapters.web.requests import Forward
from adapters.web.responses import MAX_HEAD, AnswerData, AnswerEnd, AnswerHead, AnswerReader, read_answer_head
from adapters.web.session.doing import Doing
from adapters.web.websocket import frames as websockets

REACH_SECONDS = 30.0
"""To reach the API server, and for it to switch: it has to reach a node first."""
MAX_REFUSAL = 64 * 1024
"""Of what the API server says in place of a switch."""
MAX_EARLY = 256 * 1024
"""Bytes that are typed ahead of the switch; more is not taken, as a terminal does."""
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")


@dataclass(frozen=True, slots=True)
class Said:
    """What runs wrote, on standard output or standard error."""

    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over: its exit status, or none and the words why nobody knows one. `code` is for the audit."""

    status: int | None
    words: str = ""
    code: str = ""


Happening: TypeAlias = Said | Ended


class PodRun:
    """One exec. `key` is that of the handshake: 16 bytes in Base64."""

    def __init__(
        self, doing: Doing, target: Target, forward: Forward, beside: Sequence[tuple[str, str]], key: str
    ) -> None:
        self._do, self._target, self._forward, self._beside, self._key = doing, target, forward, beside, key
        self._head = b""
        self._channels: ChannelReader | None = None
        self._others = Whole()
        self._refusal: AnswerReader | None = None
        self._refused = b""
        self._has_close = False
        self._early: list[bytes] = []
        self._early_size = 0
        self._has_ended = False
        self._do.open_target()
        self._do.wait(REACH_SECONDS)

    @property
    def is_running(self) -> bool:
        """Whether the API server switched."""
        return self._channels is not None

    # --- what goes up

    def type(self, data: bytes) -> None:
        """Input."""
        self._up(typed(channels.STDIN, data))

    def end_input(self) -> None:
        """No more input. WHY nothing over v4: it has no word for that."""
        self._up(b"")

    def _up(self, data: bytes) -> None:
        if self._channels is None:
            # WHY an end is always taken: it has no length.
            if self._early_size + len(data) <= MAX_EARLY or not data:
                self._early.append(data)
                self._early_size += len(data)
        elif data:
            self._do.add(do.Send(Side.UPSTREAM, data))
        elif self._has_close:
            self._do.add(do.Send(Side.UPSTREAM, typed(channels.CLOSE, bytes((channels.STDIN,)))))

    # --- what happens

    def handle(self, event: Event) -> list[Happening]:
        """What an event of the target's side comes to."""
        if self._has_ended:
            return []
        made: list[Happening] = []
        try:
            self._take(event, made)
        except AdapterError as error:
            made.append(Ended(None, str(error), error.code.upper()))
        # INVARIANT: behind an end comes nothing.
        ends = next((at for at, one in enumerate(made) if isinstance(one, Ended)), None)
        if ends is not None:
            self._has_ended = True
            del made[ends + 1 :]
            self.drop()
        return made

    def late(self) -> list[Happening]:
        """The time for the way there is over."""
        return self.handle(saw.UpstreamFailed("the target does not answer in time", "TARGET_SLOW"))

    def drop(self) -> None:
        """End the connection."""
        self._has_ended = True
        self._do.drop_target()

    def _take(self, event: Event, made: list[Happening]) -> None:
        match event:
            case saw.UpstreamOpened() if self._target.tls:
                self._do.add(do.StartTls(Side.UPSTREAM))
            case saw.UpstreamOpened() | saw.TlsStarted(Side.UPSTREAM, _):
                self._do.add(do.Send(Side.UPSTREAM, self._forward.head([*self._upgrade(), *self._beside])))
            case saw.UpstreamFailed(reason, code):
                made.append(Ended(None, reason, code))
            case saw.BytesReceived(Side.UPSTREAM, data):
                self._hear(data, made)
            case saw.EndReceived(Side.UPSTREAM):
                if self._refusal is not None:
                    self._read_refusal(None, made)
                else:
                    made.append(Ended(None, "the connection was lost", "TARGET_LOST"))
            case _:
                raise RuntimeError("an event that nobody asked for")

    def _upgrade(self) -> list[tuple[str, str]]:
        return [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", self._key),
            ("sec-websocket-protocol", ", ".join(PROTOCOLS)),
        ]

    def _hear(self, data: bytes, made: list[Happening]) -> None:
        if self._channels is not None:
            for one in self._channels.feed(data):
                self._one(one, made)
        elif self._refusal is not None:
            self._read_refusal(data, made)
        else:
            self._head += data
            self._read_head(made)

    def _read_head(self, made: list[Happening]) -> None:
        end = self._head.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self._head) >= MAX_HEAD:
                raise PeerProtocolError("the target's answer has too long a head", code="BAD_ANSWER")
            return
        head, whole = read_answer_head(self._head[:end], "GET"), self._head
        self._head = b""
        if head.status != 101:
            self._refusal = AnswerReader("GET")
            self._read_refusal(whole, made)
            return
        if not self._is_agreed(head):
            raise PeerProtocolError("the target switches to something else than was asked for", code="BAD_ANSWER")
        self._has_close = head.values(b"sec-websocket-protocol") == [PROTOCOLS[0].encode()]
        self._do.wait(None)
        self._channels = ChannelReader(is_client=False)
        for data in self._early:
            self._up(data)
        self._hear(whole[end + 4 :], made)

    def _is_agreed(self, head: AnswerHead) -> bool:
        accepted = head.values(b"sec-websocket-accept") == [websockets.accept_of(self._key).encode()]
        chosen = [value.decode("latin-1") for value in head.values(b"sec-websocket-protocol")]
        is_plain = not head.values(b"sec-websocket-extensions")
        return accepted and is_plain and len(chosen) == 1 and chosen[0] in PROTOCOLS

    def _read_refusal(self, data: bytes | None, made: list[Happening]) -> None:
        assert self._refusal is not None
        for part in self._refusal.end() if data is None else self._refusal.feed(data):
            match part:
                case AnswerData(body):
                    self._refused = (self._refused + body)[:MAX_REFUSAL]
                case AnswerEnd():
                    made.append(Ended(None, statuses.message_in(b"\r\n\r\n" + self._refused), "TARGET"))
                case _:
                    pass

    def _one(self, one: Piece | websockets.Frame, made: list[Happening]) -> None:
        if not isinstance(one, Piece):
            if one.opcode == websockets.PING:
                pong = websockets.Frame(websockets.PONG, one.payload, key=websockets.NO_KEY)
                self._do.add(do.Send(Side.UPSTREAM, websockets.written(pong)))
            elif one.opcode == websockets.CLOSE:
                made.append(Ended(None, "the connection was lost", "TARGET_LOST"))
            return
        if one.channel in (channels.STDOUT, channels.STDERR):
            made += [Said(one.channel, one.data)] if one.data else []
            return
        whole = self._others.take(one)
        if whole is not None and one.channel == channels.ERROR:
            made.append(ended_by(whole))


def ended_by(status: bytes) -> Ended:
    """How a command ended, by the `Status` on its error stream."""
    try:
        said = json.loads(status)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return Ended(None, "the API server says how it ended, and nobody can read it", "BAD_ANSWER")
    if said.get("status") == "Success":
        return Ended(0)
    number = _exit_code(said) if said.get("reason") == "NonZeroExitCode" else None
    if number is not None:
        return Ended(number)
    message = said.get("message")
    return Ended(None, message[:2000] if isinstance(message, str) else "it did not run", "NOT_RUN")


def _exit_code(said: dict[str, object]) -> int | None:
    details = said.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, dict) and cause.get("reason") == "ExitCode":
            text = str(cause.get("message"))
            return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255 else None
    return None
