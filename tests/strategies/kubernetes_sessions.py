"""One session of the Kubernetes adapter with everything around it played: a gate, an API server, a client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import Answer, Refusal, Target
from adapters.kubernetes.session import kubernetes_session
from adapters.web.session.settings import Settings
from engine.command.parse import parse_command
from engine.decision import Decision, DenyKind, Reason, Verdict
from tests.strategies.kubernetes_frames import KEY

IDLE_SECONDS = 1800.0
SECRET = "secret-of-the-gateway-there"
TARGET = Target("127.0.0.1", 6443, "", SECRET, tls=False)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
DENIED = Decision(Verdict.DENY, DenyKind.RULE, (Reason("p/NO", "deny", "NO", "not here"),))
HELD = Decision(Verdict.HOLD, None, (Reason("p/LOOK", "hold", "LOOK", "somebody looks"),))
EXEC = "/api/v1/namespaces/t/pods/web/exec?command=ls&stdout=true&stderr=true"
WEB_SOCKET = (
    "connection: Upgrade",
    "upgrade: websocket",
    f"sec-websocket-key: {KEY}",
    "sec-websocket-version: 13",
    "sec-websocket-protocol: v5.channel.k8s.io",
)
SPDY = ("connection: Upgrade", "upgrade: SPDY/3.1", "x-stream-protocol-version: v4.channel.k8s.io")


def request(line: str, *headers: str, body: bytes = b"", token: str | None = "ana") -> bytes:
    lines = [f"{line} HTTP/1.1", "host: prod", *headers]
    lines += [f"authorization: Bearer {token}"] if token else []
    lines += ["content-type: application/json", f"content-length: {len(body)}"] if body else []
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def granting(text: bytes) -> Answer:
    """Allows everything that can be read."""
    return Answer(Decision(Verdict.ALLOW, None), "d-1", command=parse_command("kubernetes", text))


def denying(text: bytes) -> Answer:
    return Answer(DENIED, "d-1", command=parse_command("kubernetes", text))


def holding(text: bytes) -> Answer:
    return Answer(HELD, "d-1", "t-1", command=parse_command("kubernetes", text))


@dataclass
class House:
    """Plays the relay. The API server answers with `answers`, None: not by itself."""

    judge: Callable[[bytes], Answer] | None = granting
    """What the gate says at once; None: it has not answered yet."""
    answers: bytes | None = OK
    target: Target = TARGET
    groups: tuple[str, ...] = ("developers",)
    asked: list[bytes] = field(default_factory=list)
    up: list[bytes] = field(default_factory=list)
    down: bytes = b""
    records: list[str | None] = field(default_factory=list)
    other: list[Effect] = field(default_factory=list)
    recorded: bytes = b""
    closed: str | None = None
    now: float = 0.0
    certificate: str | None = None

    def __post_init__(self) -> None:
        self.session = kubernetes_session(Settings(resource="prod", tls=True), b"a seed of the tests", IDLE_SECONDS)
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

    def decide(self, judge: Callable[[bytes], Answer]) -> House:
        """What becomes of the hold."""
        return self.saw(saw.Decided(self.ticket, judge(self.asked[-1])))

    def _do(self, effect: Effect) -> Event | None:
        match effect:
            case do.Send(Side.CLIENT, data):
                self.down += data
            case do.Send(Side.UPSTREAM, data):
                assert self.is_open, "bytes for a target that is not connected"
                is_first = not self.up[-1]
                self.up[-1] += data
                return saw.BytesReceived(Side.UPSTREAM, self.answers) if self.answers and is_first else None
            case do.FindOwner(token):
                return saw.OwnerFound(token if token in ("ana", "bob") else None)
            case do.Admit(_, _, protocol, proven):
                assert protocol == "kubernetes"
                if not proven:
                    return saw.Refused(Refusal("28P01", "no"))
                return saw.Admitted("s-1", self.target, self.groups)
            case do.Ask(ticket, question):
                self.ticket = ticket
                self.asked.append(question.text)
                return None if self.judge is None else saw.Decided(ticket, self.judge(question.text))
            case do.OpenUpstream():
                self.is_open = True
                self.up.append(b"")
                return saw.UpstreamOpened(tls=False)
            case do.CloseUpstream() | do.KeepUpstream():
                self.is_open = False
            case do.Record(_, outcome):
                self.records.append(outcome.error)
            case do.Show(shown, sent):
                self.recorded += shown
                self.down += sent
            case do.Close(reason):
                self.closed = reason
            case do.StartTls(side):
                return saw.TlsStarted(side, self.certificate)
            case _:
                self.other.append(effect)
        return None

    @property
    def statuses(self) -> list[int]:
        return [int(piece[:3]) for piece in self.down.split(b"HTTP/1.1 ")[1:]]
