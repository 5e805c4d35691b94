"""WebSocket on a stream of HTTP/2, frame by frame, to aiohttp's server: what is denied, what no WebSocket comes of, what ends one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from adapters.web.websocket import frames
from adapters.web.websocket.frames import Frame, FrameReader, written
from gateway.doors.ending import SessionEnder
from tests.interop.http.running import Running
from tests.interop.http.two import Client, Got, secured_gateway
from tests.interop.http.web_sockets import POLICY, WebTarget

MORE = """
allow contains {"code": "ALL", "reason": "pages too"} if { input.command.http.path == "/cards" }
"""


@pytest.fixture(scope="module")
def web_target() -> Iterator[WebTarget]:
    made = WebTarget()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(web_target: WebTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("sockets")
    with secured_gateway(folder, f"127.0.0.1:{web_target.port}", policy=POLICY + MORE) as made:
        yield made


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    with Client(running) as made:
        yield made


def opened(client: Client, path: str, *more: tuple[str, str]) -> int:
    fields = client.fields("CONNECT", path, ("sec-websocket-version", "13"), *more)
    stream = client.begin([fields[0], (":protocol", "websocket"), *fields[1:]], end=False)
    while not client.streams[stream].headers and client.streams[stream].reset is None and client.turn():
        pass
    return stream


def said(word: bytes, opcode: int = frames.TEXT) -> bytes:
    return written(Frame(opcode, word, key=b"abcd"))


def heard(client: Client, stream: int, count: int) -> list[tuple[int, bytes]]:
    """So many frames of what came on a stream."""
    got = client.streams[stream]
    while True:
        found = list(FrameReader(is_client=False, longest=1 << 20).feed(bytes(got.body)))
        if len(found) >= count or got.is_ended or got.reset is not None or not client.turn():
            return [(one.opcode, bytes(one.payload)) for one in found]


def test_messages_go_both_ways_beside_other_streams(client: Client, running: Running) -> None:
    first, second = opened(client, "/echo"), opened(client, "/echo")
    assert [client.streams[one].status for one in (first, second)] == [200, 200]
    assert not {"sec-websocket-accept", "upgrade", "connection"} & client.streams[first].headers.keys()
    client.data(first, said(b"a"))
    client.data(second, said(b"b" * 1_000))
    assert (frames.TEXT, b"a") in heard(client, first, 1)
    assert (frames.TEXT, b"b" * 1_000) in heard(client, second, 1)
    client.data(first, said(b"\x0f\xa1", frames.CLOSE), end=True)
    assert client.wait(first).is_ended
    client.data(second, said(b"still here"))
    while b"still here" not in client.streams[second].body:
        assert client.turn()
    client.data(second, said(b"\x03\xe8", frames.CLOSE))
    assert client.wait(second).is_ended


def test_a_denial_is_its_answer_and_no_token_a_login_that_failed(client: Client) -> None:
    stream = opened(client, "/nowhere")
    got = client.wait(stream)
    assert (got.status, got.is_ended) == (403, True)
    assert json.loads(bytes(got.body))["code"]
    bare = [
        one for one in client.fields("CONNECT", "/echo", ("sec-websocket-version", "13")) if one[0] != "authorization"
    ]
    stream = client.begin([bare[0], (":protocol", "websocket"), *bare[1:]], end=False)
    assert client.wait(stream).status == 401


def test_where_the_target_does_not_switch_nothing_says_that_it_did(client: Client) -> None:
    got: Got = client.wait(opened(client, "/cards"))
    assert got.status == 502
    assert b"[redacted]" in got.body, "what the target says in its place is masked as any answer"


@pytest.mark.parametrize("more", [("sec-websocket-key", "c2FsbHlwb3J0LXN0cmVhbQ=="), ("sec-websocket-version", "8")])
def test_what_is_no_handshake_is_refused(client: Client, more: tuple[str, str]) -> None:
    got = client.wait(opened(client, "/echo", more))
    assert got.status == 400


def test_an_end_of_the_session_is_told_in_a_last_word(client: Client, running: Running) -> None:
    stream = opened(client, "/quiet")
    client.data(stream, said(b"a"))
    assert heard(client, stream, 1) == [(frames.TEXT, b"a")]
    ender: SessionEnder = running.gateway.ender
    ender.end(running.decisions()[-1].session or "", by="dora", comment="enough")
    code, payload = heard(client, stream, 2)[1]
    assert (code, payload[:2]) == (frames.CLOSE, (1008).to_bytes(2, "big"))
