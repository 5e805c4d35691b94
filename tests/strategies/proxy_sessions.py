"""A session of a forward proxy with everything around it played: names that are looked up, TLS that comes about when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_network

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.core.ports import Answer, Refusal, Target
from adapters.http.destinations import ProxyRules
from adapters.http.proxy import proxy_session
from adapters.web.session.settings import Settings
from tests.strategies.http_sessions import ALLOW, OK

PUBLIC = "93.184.216.34"
RULES = ProxyRules(
    ports=frozenset({80, 443}), inside=(ip_network("10.1.0.0/16"),), opaque=("pinned.test",), authority="authority"
)


def request(line: str, *headers: str, body: bytes = b"", token: str | None = "ana") -> bytes:
    lines = [f"{line} HTTP/1.1", *([f"proxy-authorization: Bearer {token}"] if token else []), *headers]
    lines += [f"content-length: {len(body)}"] if body else []
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


@dataclass
class House:
    """Plays the relay. `reached` are the targets that were connected to, `up` what each got; `tls` what TLS was begun."""

    judge: Callable[[bytes], Answer] = lambda text: ALLOW
    rules: object = RULES
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    answers: bool = True
    opens_inside: bool = True
    """Whether a client begins TLS at once where it may."""
    looked_up: list[str] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    reached: list[Target] = field(default_factory=list)
    up: list[bytes] = field(default_factory=list)
    down: bytes = b""
    tls: list[tuple[Side, str | None]] = field(default_factory=list)
    admitted: int = 0
    records: list[str | None] = field(default_factory=list)
    closed: str | None = None
    now: float = 0.0

    def __post_init__(self) -> None:
        self.session = proxy_session(Settings(resource="web"))
        self.saw(saw.TimePassed())

    def saw(self, *events: Event) -> House:
        waiting = list(events)
        while waiting and self.closed is None:
            for effect in self.session.handle(waiting.pop(0), self.now):
                waiting += self._do(effect)
        return self

    def client(self, data: bytes, size: int | None = None) -> House:
        for at in range(0, len(data), size or max(len(data), 1)):
            self.saw(saw.BytesReceived(Side.CLIENT, data[at : at + (size or len(data))]))
        return self

    def upstream(self, data: bytes) -> House:
        return self.saw(saw.BytesReceived(Side.UPSTREAM, data))

    def _do(self, effect: Effect) -> list[Event]:
        match effect:
            case do.Send(Side.CLIENT, data):
                self.down += data
            case do.Send(Side.UPSTREAM, data):
                self.up[-1] += data
                return [saw.BytesReceived(Side.UPSTREAM, OK)] if self.answers else []
            case do.FindOwner(token):
                return [saw.OwnerFound(token if token in ("ana", "bob") else None)]
            case do.LookUp(host, _):
                self.looked_up.append(host)
                return [saw.LookedUp(host, self.names.get(host, (PUBLIC,)))]
            case do.Admit(_, _, _, proven):
                self.admitted += 1
                if not proven:
                    return [saw.Refused(Refusal("28P01", "no"))]
                return [saw.Admitted("s-1", Target("*", 0, "", own=self.rules), ("viewers",))]
            case do.Ask(ticket, question):
                self.asked.append(question.text)
                return [saw.Decided(ticket, self.judge(question.text))]
            case do.OpenUpstream(target):
                assert target is not None
                assert target.addresses, "nothing is connected to that was not looked up"
                self.reached.append(target)
                self.up.append(b"")
                return [saw.UpstreamOpened(tls=False)]
            case do.StartTls(side, host):
                self.tls.append((side, host))
                return [saw.TlsStarted(side)] if side is Side.UPSTREAM or self.opens_inside else []
            case do.Record(_, outcome):
                self.records.append(outcome.error)
            case do.Close(reason):
                self.closed = reason
            case _:
                pass
        return []

    @property
    def statuses(self) -> list[int]:
        return [int(piece[:3]) for piece in self.down.split(b"HTTP/1.1 ")[1:]]
