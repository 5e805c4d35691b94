"""Whatever comes: only granted requests reach the API server, as they were judged; where pieces end does not matter."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.ports import Answer
from engine.command.http.wire import read_request
from tests.strategies.kubernetes_frames import SpdyClient, web_frame
from tests.strategies.kubernetes_sessions import (
    EXEC,
    SPDY,
    WEB_SOCKET,
    House,
    denying,
    granting,
    holding,
    request,
)

PIECES = st.sampled_from(
    [
        request("GET /api/v1/namespaces/ok/pods"),
        request("GET /api/v1/namespaces/no/pods"),
        request("GET /api/v1/namespaces/hold/pods"),
        request("POST /api/v1/namespaces/ok/configmaps", body=b'{"kind": "ConfigMap"}'),
        request("POST /api/v1/namespaces/no/configmaps", body=request("GET /api/v1/namespaces/ok/pods")),
        request("GET /api/v1/namespaces/ok/pods", "impersonate-user: root"),
        request("GET /api/v1/namespaces/ok/../no/pods"),
        request("GET /api/v1/namespaces/ok/pods", token="eve"),
        request("GET " + EXEC.replace("/t/", "/ok/"), *WEB_SOCKET),
        request("GET " + EXEC.replace("/t/", "/no/"), *WEB_SOCKET),
        request("GET " + EXEC.replace("/t/", "/hold/"), *WEB_SOCKET),
        request("POST " + EXEC.replace("/t/", "/no/"), *SPDY),
        request("POST " + EXEC.replace("/t/", "/hold/"), *SPDY),
        SpdyClient().opened(1, "error"),
        web_frame(2, b"\x00GET /api/v1/namespaces/ok/pods HTTP/1.1\r\n\r\n"),
        web_frame(9, b"p"),
        web_frame(8, b""),
        b"\r\n",
        b"\x00\xff",
    ]
)
STREAMS = st.lists(PIECES | st.binary(max_size=20), max_size=8).map(b"".join)


def judge(text: bytes) -> Answer:
    return granting(text) if b"/ok/" in text else holding(text) if b"/hold/" in text else denying(text)


@settings(max_examples=150)
@given(STREAMS, st.integers(1, 60))
def test_only_what_was_granted_goes_up_and_as_it_was_judged(wire: bytes, size: int) -> None:
    house = House(judge=judge).client(wire, size)
    for sent in house.up:
        if not sent:
            continue
        head = read_request(sent[: sent.index(b"\r\n\r\n") + 4] if b"connection: Upgrade" in sent else sent)
        assert "/ok/" in head.target
        assert head.values("impersonate-user") == ["ana"]
        judged = sent.split(b"connection: ")[0].split(b"authorization: ")[0]
        assert any(one.startswith(judged) or judged in one for one in house.asked)


@settings(max_examples=100)
@given(STREAMS, st.integers(1, 60))
def test_where_pieces_end_does_not_matter(wire: bytes, size: int) -> None:
    whole, pieces = House(judge=judge).client(wire), House(judge=judge).client(wire, size)
    assert (pieces.up, pieces.statuses) == (whole.up, whole.statuses)


@settings(max_examples=150)
@given(st.binary(max_size=300), st.booleans())
def test_garbage_behind_an_upgrade_that_waits_runs_nothing(wire: bytes, is_spdy: bool) -> None:
    asked = request(f"POST {EXEC}", *SPDY) if is_spdy else request(f"GET {EXEC}", *WEB_SOCKET)
    house = House(judge=holding).client(asked + wire[:100]).client(wire[100:], 7)
    assert house.up == []
    assert len(house.asked) == 1
