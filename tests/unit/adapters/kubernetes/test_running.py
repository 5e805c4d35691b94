"""One exec of ours: what goes up, what comes of it, every end that it may have."""

from __future__ import annotations

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Event, Side
from adapters.core.ports import Target
from adapters.kubernetes.channels import message
from adapters.kubernetes.running import MAX_EARLY, Ended, Happening, PodRun, Said, ended_by
from adapters.web.requests import Forward
from adapters.web.session.doing import Doing
from adapters.web.websocket import frames as websockets
from tests.strategies.kubernetes_frames import KEY
from tests.strategies.kubernetes_pods import ended, said

FORWARD = Forward("GET", "/api/v1/namespaces/t/pods/web/exec?command=ls", "k:6443", ())


class Run:
    """A run, and what it wished for."""

    def __init__(self, *, tls: bool = False) -> None:
        self.doing = Doing()
        self.doing.begin(0.0)
        self.run = PodRun(self.doing, Target("k", 6443, "", tls=tls), FORWARD, [("authorization", "Bearer x")], KEY)

    def saw(self, event: Event) -> list[Happening]:
        return self.run.handle(event)

    def hear(self, data: bytes, size: int | None = None) -> list[Happening]:
        step = size or max(len(data), 1)
        return [
            one
            for at in range(0, len(data), step)
            for one in self.saw(saw.BytesReceived(Side.UPSTREAM, data[at : at + step]))
        ]

    @property
    def up(self) -> bytes:
        return b"".join(
            one.data for one in self.doing.effects if isinstance(one, do.Send) and one.side is Side.UPSTREAM
        )

    @property
    def is_dropped(self) -> bool:
        return any(isinstance(one, do.CloseUpstream) for one in self.doing.effects)


def switched(protocol: str = "v5.channel.k8s.io", accept: str | None = None) -> bytes:
    lines = ["HTTP/1.1 101 x", "upgrade: websocket", f"sec-websocket-accept: {accept or websockets.accept_of(KEY)}"]
    return "\r\n".join((*lines, f"sec-websocket-protocol: {protocol}", "", "")).encode()


@pytest.mark.parametrize("size", [1, 10, None])
@pytest.mark.parametrize("tls", [False, True])
def test_it_is_asked_for_and_what_it_writes_comes_to_its_end(size: int | None, tls: bool) -> None:
    run = Run(tls=tls)
    run.saw(saw.UpstreamOpened(tls=False))
    if tls:
        assert (run.up, do.StartTls(Side.UPSTREAM) in run.doing.effects) == (b"", True)
        run.saw(saw.TlsStarted(Side.UPSTREAM))
    assert run.up.startswith(b"GET /api/v1/namespaces/t/pods/web/exec?command=ls HTTP/1.1\r\nhost: k:6443\r\n")
    assert b"authorization: Bearer x\r\n" in run.up
    happened = run.hear(switched() + said(b"out", b"err", 7), size)
    text = b"".join(one.data for one in happened if isinstance(one, Said) and one.channel == 1)
    assert (text, happened[-1], run.is_dropped) == (b"out", Ended(7), True)
    assert run.hear(b"more") == []


def test_input_waits_for_the_switch() -> None:
    run = Run()
    run.saw(saw.UpstreamOpened(tls=False))
    run.run.type(b"a")
    run.run.end_input()
    before = run.up
    run.hear(switched() + websockets.frame(websockets.PING, b"p"))
    assert run.up[len(before) :] == b"\x82\x82\0\0\0\0\0a" + b"\x82\x82\0\0\0\0\xff\0" + b"\x8a\x81\0\0\0\0p"
    run.run.type(b"b")
    assert run.up.endswith(b"\0b")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (switched(accept="x"), "BAD_ANSWER"),
        (switched("v4.base64.channel.k8s.io"), "BAD_ANSWER"),
        (switched().replace(b"\r\n\r\n", b"\r\nsec-websocket-extensions: x\r\n\r\n"), "BAD_ANSWER"),
        (b"x" * 70_000, "BAD_ANSWER"),
        (b"nonsense\r\n\r\n", "BAD_ANSWER"),
        (switched() + websockets.frame(websockets.TEXT, b"\1a"), "WEBSOCKET"),
        (switched() + websockets.goodbye(), "TARGET_LOST"),
        (switched() + message(3, b"{"), "BAD_ANSWER"),
        (b"HTTP/1.1 404 x\r\ncontent-length: 14\r\n\r\n" + b'{"message":""}', "TARGET"),
    ],
)
def test_every_other_answer_ends_it(answer: bytes, code: str) -> None:
    run = Run()
    run.saw(saw.UpstreamOpened(tls=False))
    happened = run.hear(answer)
    (end,) = [one for one in happened if isinstance(one, Ended)]
    assert (end.status, end.code, happened[-1], run.is_dropped) == (None, code, end, True)


def test_it_ends_with_its_connection() -> None:
    run = Run()
    assert run.saw(saw.UpstreamFailed("gone")) == [Ended(None, "gone", "TARGET_UNREACHABLE")]
    run = Run()
    run.saw(saw.UpstreamOpened(tls=False))
    assert run.saw(saw.EndReceived(Side.UPSTREAM)) == [Ended(None, "the connection was lost", "TARGET_LOST")]
    run = Run()
    run.saw(saw.UpstreamOpened(tls=False))
    run.hear(b'HTTP/1.1 403 x\r\n\r\n{"message": "no right"}')
    assert run.saw(saw.EndReceived(Side.UPSTREAM)) == [Ended(None, "the API server: no right", "TARGET")]
    run = Run()
    assert run.run.late() == [Ended(None, "the target does not answer in time", "TARGET_SLOW")]
    run = Run()
    run.run.drop()
    assert run.saw(saw.UpstreamOpened(tls=False)) == []


@pytest.mark.parametrize(
    ("status", "number"),
    [
        (ended(0), 0),
        (ended(255), 255),
        (ended(256), None),
        (b'{"status":"Failure","message":"no such program"}', None),
        (b'{"status":"Failure","reason":"NonZeroExitCode"}', None),
        (b'{"reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"-1"}]}}', None),
        (b"[]", None),
        (b"\xff", None),
    ],
)
def test_a_status_says_how_it_ended_or_nobody_knows(status: bytes, number: int | None) -> None:
    assert ended_by(status).status == number


def test_what_is_typed_ahead_of_the_switch_is_bounded() -> None:
    run = Run()
    for _ in range(1_000):
        run.run.type(bytes(4_096))
    run.run.end_input()
    assert sum(map(len, run.run._early)) <= MAX_EARLY
    assert run.run._early[-1] == b""
