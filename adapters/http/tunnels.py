"""What comes behind a CONNECT: a connection whose TLS ends here, or a tunnel that is granted by where it goes alone. Pure."""

from __future__ import annotations

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import Answer, Cause, Outcome, Target
from adapters.http.hello import server_name
from adapters.web.session.conversation import Conversation
from adapters.web.session.manners import Caller, Manners
from adapters.web.session.settings import Settings
from engine.command.documents.refusal import Refused
from engine.command.http.host import place_features

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
HELLO_SECONDS = 20.0
"""How long the first words in a tunnel may take."""
QUIET_SECONDS = 5.0
"""After so long without a byte of the target a tunnel only waits for its client."""


class Opened:
    """TLS with a client as the host it wants; a conversation of its own inside, for whom opened it.

    The gate's session is the one that the CONNECT was let in with, so nobody asks again: what the conversation would ask of the door
    is answered here.
    """

    def __init__(self, manners: Manners, destination: Target, caller: Caller, authority: object | None) -> None:
        self._inside = Conversation(manners, Settings(resource="", tls=True))
        self._destination, self._caller, self._authority = destination, caller, authority

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client."""
        return self._inside.is_waiting

    def begin(self, now: float) -> list[Effect]:
        """Let the client begin TLS."""
        return [do.Send(Side.CLIENT, ESTABLISHED), *self.handle(saw.TimePassed(), now)]

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done because of an event."""
        if isinstance(event, saw.TlsStarted) and event.side is Side.CLIENT:
            event = saw.TlsStarted(Side.CLIENT, self._caller.name)
        made: list[Effect] = []
        waiting = [event]
        while waiting:
            for effect in self._inside.handle(waiting.pop(0), now):
                match effect:
                    case do.Admit():
                        waiting.append(saw.Admitted("", self._destination, self._caller.groups))
                    case do.StartTls(Side.CLIENT):
                        made.append(do.StartTls(Side.CLIENT, self._destination.host, self._authority))
                    case _:
                        made.append(effect)
        return made


class Tunnel:
    """Bytes both ways, of which nothing is seen but the name in the client's first words: it must be the host that was granted."""

    def __init__(self, answer: Answer, host: str, began: float) -> None:
        self._answer, self._host, self._began = answer, host, began
        self._hello: bytes | None = b""
        self._deadline: float | None = None
        self._heard = began
        self._is_quiet = self._is_over = False
        self._bytes = 0

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client: the target said nothing for a while."""
        return self._is_quiet

    def begin(self, now: float) -> list[Effect]:
        """Tell the client that it may speak."""
        self._deadline = now + HELLO_SECONDS
        return [do.Send(Side.CLIENT, ESTABLISHED), do.WakeAt(self._deadline)]

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done because of an event."""
        if self._is_over:
            return []
        match event:
            case saw.BytesReceived(Side.CLIENT, data):
                return self._from_client(data, now)
            case saw.BytesReceived(Side.UPSTREAM, data):
                if self._hello is not None:
                    return self._end("NO_TLS", "the target speaks first, so it is no TLS", now)
                self._bytes += len(data)
                self._heard, self._is_quiet = now, False
                return [do.Send(Side.CLIENT, data)]
            case saw.EndReceived(side):
                is_early = self._hello is not None
                why = "CLIENT_LEFT" if side is Side.CLIENT else "TARGET_LEFT"
                return self._end(why if is_early else None, "a side left", now)
            case saw.TimePassed():
                return self._time_passed(now)
            case saw.StopRequested(reason, cause):
                # WHY nothing is said: what is inside cannot be written here.
                is_idle = cause is Cause.IDLE and not self._is_quiet
                is_patient = cause in (Cause.DRAIN, Cause.LIFETIME)
                return [] if is_idle or is_patient else self._end("SESSION_ENDED", reason, now)
            case _:
                raise RuntimeError("an event that nobody asked for")

    def _from_client(self, data: bytes, now: float) -> list[Effect]:
        if self._hello is None:
            return [do.Send(Side.UPSTREAM, data)]
        self._hello += data
        try:
            name = server_name(self._hello)
        except Refused as refusal:
            return self._end("NO_TLS", refusal.message, now)
        if name is None:
            return []
        is_address = "address_host" in place_features(self._host)
        if name != ("" if is_address else self._host):
            return self._end("NAME_DIFFERS", "the name in TLS is another one than was granted", now)
        hello, self._hello, self._heard = self._hello, None, now
        return [do.Send(Side.UPSTREAM, hello), do.WakeAt(now + QUIET_SECONDS)]

    def _time_passed(self, now: float) -> list[Effect]:
        if self._hello is not None:
            is_late = self._deadline is not None and now >= self._deadline
            return self._end("NO_TLS", "nothing was said in a tunnel", now) if is_late else []
        self._is_quiet = now - self._heard >= QUIET_SECONDS
        return [do.WakeAt(now + QUIET_SECONDS if self._is_quiet else self._heard + QUIET_SECONDS)]

    def _end(self, error: str | None, reason: str, now: float) -> list[Effect]:
        self._is_over = True
        outcome = Outcome(bytes=self._bytes, duration=now - self._began, error=error)
        return [do.Record(self._answer.decision_id, outcome), do.WakeAt(None), do.Close(reason)]
