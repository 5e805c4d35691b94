"""What is particular to a proxy: what goes on of a request, and what is answered."""

from __future__ import annotations

from adapters.core.ports import Answer, Target
from adapters.http.proxying import OpenedManners, ProxyManners, ProxyRefusals
from adapters.web.session.manners import Caller, Plan, Unfit
from engine.command.http.target import read_target
from engine.command.http.wire import WireRequest, read_head
from engine.decision import Decision, Verdict
from tests.strategies.proxy_sessions import RULES
from tests.strategies.web_sockets import BY_PATH, HANDSHAKE, masking

BASE = Target("*", 0, "", own=RULES)
ANA = Caller("ana")
ALLOWED = Answer(Decision(Verdict.ALLOW, None), "d-1")


def head(line: str, *lines: str) -> WireRequest:
    return read_head("\r\n".join((f"{line} HTTP/1.1", *lines)).encode())


def test_each_request_has_a_destination_of_its_own() -> None:
    manners = ProxyManners()
    asked = head("GET http://a.test/", "host: a.test")
    manners.check(asked)
    assert manners.forward(asked, read_target(asked), BASE, ANA).origin == "http://a.test"
    assert manners.destination is not None
    assert (manners.destination.host, manners.destination.addresses) == ("a.test", ())
    manners.check(head("GET http://b.test/", "host: b.test"))
    assert manners.destination is None


def test_whichever_page_asks_a_websocket_goes_on() -> None:
    manners = ProxyManners()
    asked = head("GET http://a.test/ws", "host: a.test", "origin: https://elsewhere", *HANDSHAKE)
    manners.check(asked)
    made = manners.forward(asked, read_target(asked), BASE, ANA)
    assert ("upgrade", "websocket") in made.headers
    assert ("origin", "https://elsewhere") in made.headers


def test_a_tunnel_cannot_be_masked() -> None:
    manners = ProxyManners()
    asked = head("CONNECT pinned.test:443", "host: pinned.test:443")
    manners.check(asked)
    made = manners.forward(asked, read_target(asked), BASE, ANA)
    assert (made.method, made.target, made.host) == ("CONNECT", "pinned.test:443", "pinned.test:443")
    assert manners.destination is not None
    assert not manners.destination.tls
    unfit = manners.plan(made, masking(BY_PATH))
    assert isinstance(unfit, Unfit)
    assert unfit.code == "MASK_UNPROVEN"
    assert manners.plan(made, ALLOWED) == Plan(None)


def test_an_address_of_version_six_is_written_in_brackets() -> None:
    manners = ProxyManners()
    asked = head("CONNECT [2606:2800::1]:443", "host: [2606:2800::1]:443")
    manners.check(asked)
    assert manners.forward(asked, read_target(asked), BASE, ANA).target == "[2606:2800::1]:443"


def test_nothing_of_ours_goes_along() -> None:
    assert ProxyManners().sent_beside(BASE, ANA) == []
    assert OpenedManners(BASE).sent_beside(BASE, ANA) == []


def test_only_who_is_not_let_in_is_answered_as_by_a_proxy() -> None:
    from adapters.core.ports import Refusal

    refusals = ProxyRefusals()
    said = refusals.not_admitted(Refusal("28P01", "no"), is_head=False)
    assert said.startswith(b"HTTP/1.1 407 ")
    assert b"www-authenticate" not in said
    assert refusals.not_admitted(Refusal("53300", "many"), is_head=False).startswith(b"HTTP/1.1 429 ")
