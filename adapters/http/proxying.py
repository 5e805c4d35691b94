"""HTTP as a forward proxy speaks it: requests with a whole URL, and CONNECT. What is particular to them, and to what is said inside.

GET http://host/x      judged with its host, goes on to the addresses that the host has
CONNECT host:443       opened: TLS ends here, and each request inside is judged as `https://host/...`
                       not opened (no authority, or the host is one of `opaque`): judged as `connect`, then a tunnel
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from adapters.core.ports import Answer, Refusal, Target
from adapters.core.recorded import is_recorded
from adapters.http import refusals as plain
from adapters.http.destinations import destination, named, rules_of
from adapters.http.session import HttpManners
from adapters.http.tunnels import Opened, Tunnel
from adapters.web import facts
from adapters.web.problems import problem
from adapters.web.requests import Forward
from adapters.web.session.exchange import Exchange
from adapters.web.session.manners import Caller, HandedOver, Plan, Refusals, Replying, Successor, Unfit
from adapters.web.session.replies import reply_to
from adapters.web.session.settings import MAX_JUDGED_BODY
from adapters.web.websocket import handshake
from engine.command.documents.refusal import Refused
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest

CREDENTIALS = "proxy-authorization"
_CHALLENGE = 'Basic realm="sallyport", charset="UTF-8"'


class ProxyRefusals:
    """The answers of a proxy itself: like those of HTTP, but for who is not let in (407)."""

    not_read = staticmethod(plain.not_read)
    denied = staticmethod(plain.denied)
    not_done = staticmethod(plain.not_done)
    come_again = staticmethod(plain.come_again)
    too_slow = staticmethod(plain.too_slow)
    keep_waiting = staticmethod(plain.keep_waiting)

    def not_admitted(self, refusal: Refusal, *, is_head: bool) -> bytes:
        """For who is not let in."""
        said = plain.not_admitted(refusal, is_head=is_head)
        if not said.startswith(b"HTTP/1.1 401 "):
            return said
        words = "a valid token is needed: `Proxy-Authorization`, as `http://USER:TOKEN@PROXY` in the client's settings"
        headers = [("proxy-authenticate", _CHALLENGE)]
        return problem(407, "NOT_AUTHENTICATED", words, closes=True, headers=headers, is_head=is_head)


class _Judged:
    """What both have in common with plain HTTP, whose manners they ask."""

    protocol = "http"
    max_body = MAX_JUDGED_BODY

    def __init__(self) -> None:
        self._plain = HttpManners()

    def readable(self, forward: Forward, body: bytes | None, target: Target | None = None) -> tuple[Forward, bytes]:
        """Bodies go on as they came."""
        return self._plain.readable(forward, body, target)

    def text(self, exchange: Exchange, body: bytes) -> bytes:
        """The request as it goes on, with the host it is for."""
        return self._plain.text(exchange, body)

    def sent_beside(self, target: Target, caller: Caller) -> Sequence[tuple[str, str]]:
        """Nothing: who somebody is at a target is theirs to say."""
        return []

    def keeps_for(self, target: Target, caller: Caller) -> Hashable | None:
        """With nobody's: clients sign in at the hosts themselves, some for as long as a connection lasts."""
        return None

    def reply(self, exchange: Exchange, target: Target, caller: Caller, *, closes: bool) -> Replying:
        """The answer as it comes, with its masks."""
        return reply_to(exchange, target, closes=closes, is_proxied=True)

    def patience(self, forward: Forward, seconds: float) -> float | None:
        """How long nothing may come from the target."""
        return seconds


class OpenedManners(_Judged):
    """What is said inside a connection whose TLS ends here. Everybody in it is who opened it."""

    credentials = ""
    refusals: Refusals = plain

    def __init__(self, destination: Target) -> None:
        super().__init__()
        self._destination = destination

    def check(self, head: WireRequest) -> None:
        """Refuse what a request asks of this hop and is not done here. Raises Refused."""
        if head.values(CREDENTIALS):
            raise Refused("proxy_credentials", f"`{CREDENTIALS}` is for the proxy, and would reach the host here")
        _check(head)

    def forward(self, head: WireRequest, where: Where, target: Target, caller: Caller) -> Forward:
        """The request as it goes on. Raises Refused for one that is for another host."""
        here = self._destination
        host = (where.host or "").strip("[]")
        if where.scheme not in (None, "https", "wss") or (host, where.port or 443) != (here.host, here.port):
            raise Refused("host_differs", "the request is for another host than the connection was opened to")
        return _proxied(head, where, here)

    def saying(self, forward: Forward, body: bytes, caller: Caller) -> Refusals:
        """The same to every request."""
        return self.refusals

    def plan(
        self, forward: Forward, answer: Answer, target: Target | None = None, say: Refusals | None = None
    ) -> Plan | Unfit:
        """The masks of the decision, or why they cannot be carried out."""
        return self._plain.plan(forward, answer, target, say)

    def successor(self, asked: HandedOver, caller: Caller) -> Successor | None:
        """Nobody: an upgrade is granted like every request."""
        return None

    def carrier(self, exchange: Exchange, target: Target, caller: Caller, rest: bytes) -> Successor | None:
        """Who carries a WebSocket."""
        return self._plain.carrier(exchange, self._destination, caller, rest)


class ProxyManners(_Judged):
    """What is said to the proxy itself, on one connection: it remembers where the request of the moment goes."""

    credentials = CREDENTIALS
    refusals: Refusals = ProxyRefusals()

    def __init__(self) -> None:
        super().__init__()
        self.destination: Target | None = None
        """Where the request of the moment goes; without addresses until its host was looked up."""

    def check(self, head: WireRequest) -> None:
        """Refuse what a request asks of this hop and is not done here. Raises Refused."""
        self.destination = None
        _check(head, may_connect=True)

    def forward(self, head: WireRequest, where: Where, target: Target, caller: Caller) -> Forward:
        """The request as it goes on. Raises Refused."""
        is_tunnel = head.method == "CONNECT"
        host, port, is_secure = named(where, is_tunnel=is_tunnel)
        if "credentials_in_url" in where.features:
            raise Refused("request_target", "the target has a user name in it, which some readers take for the host")
        is_opened = is_tunnel and rules_of(target).is_opened(host)
        is_secure = is_opened if is_tunnel else is_secure
        here = self.destination = destination(target, host, port, is_secure=is_secure)
        if not is_tunnel:
            return _proxied(head, where, here)
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return Forward("CONNECT", place, place, ())

    def saying(self, forward: Forward, body: bytes, caller: Caller) -> Refusals:
        """The same to every request."""
        return self.refusals

    def plan(
        self, forward: Forward, answer: Answer, target: Target | None = None, say: Refusals | None = None
    ) -> Plan | Unfit:
        """The masks of the decision, or why they cannot be carried out."""
        plan = self._plain.plan(forward, answer, target, say)
        if forward.method == "CONNECT" and is_recorded(answer):
            return Unfit(403, "OBLIGATION_UNKNOWN", "nothing can be recorded of a connection of which nothing is seen")
        if forward.method == "CONNECT" and isinstance(plan, Plan) and plan.masks is not None:
            return Unfit(403, "MASK_UNPROVEN", "nothing can be masked in a connection of which nothing is seen")
        return plan

    def successor(self, asked: HandedOver, caller: Caller) -> Successor | None:
        """Who opens what comes behind a CONNECT; None where it has to be asked about. Raises Refused."""
        here = self.destination
        if asked.forward.method != "CONNECT" or here is None:
            return None
        if asked.rest:
            raise Refused("too_early", "what comes behind CONNECT waits for the answer to it")
        if not here.tls:
            return None
        return Opened(OpenedManners(here), here, caller, rules_of(asked.target).authority)

    def carrier(self, exchange: Exchange, target: Target, caller: Caller, rest: bytes) -> Successor | None:
        """Who carries a tunnel or a WebSocket that was granted."""
        assert self.destination is not None
        if exchange.head.method != "CONNECT":
            return self._plain.carrier(exchange, self.destination, caller, rest)
        assert exchange.answer is not None
        return Tunnel(exchange.answer, self.destination.host, exchange.began)


def _check(head: WireRequest, *, may_connect: bool = False) -> None:
    is_web_socket = handshake.is_asked(head)
    facts.check_hop(head, may_upgrade=is_web_socket, may_connect=may_connect)
    if is_web_socket:
        # WHY whichever page asks: a proxy is used by all of them, and whom a host lets in is the host's to say.
        handshake.check(head, is_ours=False)


def _proxied(head: WireRequest, where: Where, here: Target) -> Forward:
    """A request for a host: with what its client says to the host, and nothing of what it says to us."""
    made = facts.forward(head, where, here)
    if handshake.is_asked(head):
        made = handshake.forward(made, head)
    own = [("authorization", value) for value in head.values("authorization")]
    scheme = "https" if here.tls else "http"
    return replace(made, headers=(*made.headers, *own), origin=f"{scheme}://{made.host}")
