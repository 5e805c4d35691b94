"""What is asked about a request to the API server."""

from __future__ import annotations

import pytest

from adapters.core.ports import Answer, Target
from adapters.errors import LocalProtocolError
from adapters.kubernetes import facts
from adapters.kubernetes.talks import SpdyTalk, WebSocketTalk
from adapters.web.session.manners import Caller
from engine.command.documents.refusal import Refused
from engine.command.http.target import read_target
from engine.command.http.wire import WireRequest, read_head
from engine.command.parse import parse_command
from engine.decision import Decision, Verdict
from tests.strategies.kubernetes_sessions import EXEC, SPDY, WEB_SOCKET

TARGET = Target("10.0.0.1", 6443, "", "t" * 20)


def head(line: str, *lines: str) -> WireRequest:
    return read_head("\r\n".join((f"{line} HTTP/1.1", "host: prod", *lines)).encode())


def forwarded(line: str, *lines: str) -> list[tuple[str, str]]:
    request = head(line, *lines)
    return list(facts.forward(request, read_target(request), TARGET).headers)


def test_only_headers_that_are_known_go_on() -> None:
    lines = (
        "x-api: 1",
        "kubectl-session: s",
        "authorization: Bearer x",
        "audit-id: 1",
        "user-agent: kubectl",
        "cookie: a=b",
    )
    assert forwarded("GET /api/v1/pods", *lines) == [
        *(
            ("kubectl-session", "s"),
            ("user-agent", "kubectl"),
            ("accept-encoding", "identity"),
            ("accept", "application/json"),
        ),
    ]


def test_which_transport_a_client_speaks() -> None:
    for lines, kind, method in ((WEB_SOCKET, WebSocketTalk, "GET"), (SPDY, SpdyTalk, "POST")):
        request = head(f"{method} {EXEC}", *lines)
        facts.check(request)
        assert isinstance(facts.talk_of(request, facts.forward(request, read_target(request), TARGET)), kind)
    plain = head("GET /api/v1/pods")
    facts.check(plain)
    assert facts.transport_of(plain) is None


@pytest.mark.parametrize(
    "lines",
    [
        ("connection: Upgrade",),
        ("connection: Upgrade", "upgrade: h3"),
        ("connection: Upgrade", "upgrade: websocket, SPDY/3.1"),
        ("connection: Upgrade", "upgrade: websocket", "content-length: 5"),
        ("connection: Upgrade", "upgrade: websocket", "transfer-encoding: chunked"),
        ("connection: impersonate-user",),
    ],
)
def test_other_upgrades_are_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        facts.check(head(f"POST {EXEC}", *lines))


def test_whom_the_gateway_speaks_for() -> None:
    assert facts.sent_beside(TARGET, Caller("ana", ("a", "b"))) == [
        ("authorization", f"Bearer {'t' * 20}"),
        *(("impersonate-user", "ana"), ("impersonate-group", "a"), ("impersonate-group", "b")),
    ]
    for bad in (Caller(""), Caller("system:admin"), Caller("a", ("system:masters",)), Caller("a\r\nx: y"), Caller("é")):
        with pytest.raises(LocalProtocolError):
            facts.sent_beside(TARGET, bad)


def test_what_may_be_silent() -> None:
    for line, is_endless in (
        ("GET /api/v1/pods", False),
        ("GET /api/v1/pods?watch=true", True),
        ("GET /api/v1/watch/pods", True),
        ("GET /api/v1/namespaces/t/pods/a/log?follow=1", True),
        ("GET /api/v1/namespaces/t/pods/a/log?follow=false", False),
    ):
        request = head(line)
        assert facts.is_endless(facts.forward(request, read_target(request), TARGET)) is is_endless


def tree(line: str, body: bytes = b"") -> Answer:
    text = f"{line} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    return Answer(Decision(Verdict.ALLOW, None), "d", command=parse_command("kubernetes", text))


def test_what_was_not_read_or_will_be_typed_is_unfit() -> None:
    pod = "/api/v1/namespaces/t/pods/a"
    assert facts.unfit_tree(tree("GET /api/v1/pods")) is None
    assert facts.unfit_tree(tree(f"GET {pod}/exec?command=ls&stdin=true")) is None
    assert facts.unfit_tree(tree(f"GET {pod}/exec?command=sh&command=-c&command=ls&stdin=true")) is None
    for line in (
        f"GET {pod}/exec?command=sh&stdin=true",
        f"GET {pod}/exec?command=busybox&command=sh&stdin=true",
        f"GET {pod}/attach?stdin=true",
        "GET /api/v1/pods?a=1&a=2",
        "BREW /api/v1/pods",
    ):
        assert facts.unfit_tree(tree(line)) is not None, line
    assert facts.unfit_tree(Answer(Decision(Verdict.ALLOW, None), "d")) is not None
