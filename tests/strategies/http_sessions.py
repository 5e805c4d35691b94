"""One HTTP session with everything around it played: a gate that says what is asked of it, a target that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import Answer, Proof, Refusal, Target
from adapters.http.session import http_session
from adapters.web.session.conversation import Conversation
from adapters.web.session.settings import Settings
from engine.decision import Decision, Verdict

SECRET = "target-secret-of-the-gateway"
TARGET = Target("127.0.0.1", 8080, "", SECRET, tls=False)
ALLOW = Answer(Decision(Verdict.ALLOW, None), "d-1")
HOLD = Answer(Decision(Verdict.HOLD, None), "d-1", "t-1")
DENY = Answer(Decision(), "d-1")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def request(line: str = "GET /a", *headers: str, body: bytes = b"", token: str = "ana") -> bytes:
    lines = [f"{line} HTTP/1.1", "host: shop", f"authorization: Bearer {token}", *headers]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


@dataclass(frozen=True)
class Proven:
    """What a signed token came to: `NAME/JOB` is one."""

    user: str
    groups: tuple[str, ...] = ()
    job: str = ""


@dataclass
class House:
    """Plays the relay: what the session wishes is done at once, as far as it is not for a test to do."""

    judge: Callable[[bytes], Answer] = lambda text: ALLOW
    settings: Settings = field(default_factory=lambda: Settings(resource="shop"))
    target: Target = TARGET
    speak: Callable[[Settings], Conversation] = http_session
    answers: bool = True
    """Whether the target answers each request at once with `OK`."""
    asked: list[bytes] = field(default_factory=list)
    up: list[bytes] = field(default_factory=list)
    """What went to the target, one entry for each time that a connection was asked for."""
    down: bytes = b""
    records: list[str | None] = field(default_factory=list)
    admitted: list[tuple[str, str, bool]] = field(default_factory=list)
    proofs: list[Proof | None] = field(default_factory=list)
    other: list[Effect] = field(default_factory=list)
    closed: str | None = None
    now: float = 0.0
    keeps: bool = True
    """Whether there is somebody who keeps connections."""
    kept: list[object] = field(default_factory=list)
    """For whom connections are kept now."""
    reused: int = 0

    def __post_init__(self) -> None:
        self.session = self.speak(self.settings)
        self.is_open = False
        self.ticket = 0
        self.saw(saw.TimePassed())

    def saw(self, *events: Event) -> House:
        waiting = list(events)
        while waiting and self.closed is None:
            for effect in self.session.handle(waiting.pop(0), self.now):
                answer = self._do(effect)
                if answer is not None:
                    waiting.append(answer)
        return self

    def client(self, data: bytes, size: int | None = None) -> House:
        for at in range(0, len(data), size or max(len(data), 1)):
            self.saw(saw.BytesReceived(Side.CLIENT, data[at : at + (size or len(data))]))
        return self

    def upstream(self, data: bytes) -> House:
        return self.saw(saw.BytesReceived(Side.UPSTREAM, data))

    def decide(self, answer: Answer) -> House:
        """What becomes of the hold."""
        return self.saw(saw.Decided(self.ticket, answer))

    def _do(self, effect: Effect) -> Event | None:
        match effect:
            case do.Send(Side.CLIENT, data):
                self.down += data
            case do.Send(Side.UPSTREAM, data):
                assert self.is_open, "bytes for a target that is not connected"
                self.up[-1] += data
                return saw.BytesReceived(Side.UPSTREAM, OK) if self.answers else None
            case do.FindOwner(token):
                name, slash, job = token.partition("/")
                proof = Proven(name, job=job) if slash else None
                return saw.OwnerFound(name if name in ("ana", "bob") else None, proof)
            case do.Admit(user, resource, _, proven):
                self.admitted.append((user, resource, proven))
                self.proofs.append(effect.proof)
                if not proven:
                    return saw.Refused(Refusal("28P01", "no"))
                return saw.Admitted("s-1", self.target)
            case do.Ask(ticket, question):
                self.ticket = ticket
                self.asked.append(question.text)
                return saw.Decided(ticket, self.judge(question.text))
            case do.OpenUpstream(_, kept_for):
                self.is_open = True
                self.up.append(b"")
                if kept_for is not None and kept_for in self.kept:
                    self.kept.remove(kept_for)
                    self.reused += 1
                    return saw.UpstreamReused()
                return saw.UpstreamOpened(tls=False)
            case do.KeepUpstream(kept_for, seconds):
                assert seconds > 0
                self.is_open = False
                self.kept += [kept_for] if self.keeps else []
            case do.CloseUpstream():
                self.is_open = False
            case do.Record(_, outcome):
                self.records.append(outcome.error)
            case do.Close(reason):
                self.closed = reason
            case do.StartTls(side):
                return saw.TlsStarted(side)
            case _:
                self.other.append(effect)
        return None

    @property
    def statuses(self) -> list[int]:
        """Of every answer that was sent, as far as a plain look tells."""
        return [int(piece[:3]) for piece in self.down.split(b"HTTP/1.1 ")[1:]]
