"""Whatever comes to a forward proxy: only granted requests go on, each to public addresses of the host it names, one for each connection."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.core.ports import Answer
from adapters.http.destinations import pinned
from engine.command.documents.refusal import Refused
from engine.command.http.target import read_target
from engine.command.http.wire import read_head, read_request
from tests.strategies.http_sessions import ALLOW, DENY
from tests.strategies.proxy_sessions import PUBLIC, House, request

NAMES = {"in.test": ("10.0.0.1",), "both.test": (PUBLIC, "127.0.0.1"), "none.test": (), "listed.test": ("10.1.2.3",)}
HOSTS = st.sampled_from(
    ["a.test", "b.test", "in.test", "both.test", "none.test", "listed.test", "127.0.0.1", "2130706433", "[::1]", PUBLIC]
)


def absolute(host: str, path: str, said: str | None) -> bytes:
    return request(f"GET http://{host}{path}", f"host: {said or host}")


PIECES = st.one_of(
    st.builds(absolute, HOSTS, st.sampled_from(["/ok", "/no", "/ok/../no"]), st.none() | HOSTS),
    st.builds(lambda host: request(f"CONNECT {host}:443", f"host: {host}:443"), HOSTS | st.just("pinned.test")),
    st.builds(
        lambda host, path: f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode(),
        HOSTS,
        st.sampled_from(["/ok", "/no"]),
    ),
    st.sampled_from(
        [
            request("GET /ok", "host: a.test"),
            request("GET http://a.test/ok", "host: a.test", token="eve"),
            b"\x16\x03\x01",
            b"\r\n",
        ]
    ),
    st.binary(max_size=12),
)
STREAMS = st.lists(PIECES, max_size=6).map(b"".join)


def judge(text: bytes) -> Answer:
    line = text.split(b"\r\n")[0]
    return ALLOW if b"/ok " in line or line.startswith(b"CONNECT pinned.test") else DENY


def host_of(text: bytes) -> str:
    """Whose request it is; nobody's where it cannot be read (it is asked about only so that it is recorded)."""
    try:
        return (read_target(read_head(text.partition(b"\r\n\r\n")[0])).host or "").strip("[]")
    except Refused:
        return ""


@settings(max_examples=200)
@given(STREAMS, st.integers(1, 60))
@example(absolute("in.test", "/ok", None) + b"\n", 3)
def test_only_what_was_granted_goes_on_and_to_where_it_was_granted(stream: bytes, size: int) -> None:
    house = House(judge=judge, names=NAMES).client(stream, size)
    granted = [text for text in house.asked if judge(text) is ALLOW]
    assert len(house.reached) <= len(granted)
    hosts = [host_of(text) for text in granted]
    for target, sent in zip(house.reached, house.up, strict=True):
        assert target.host in hosts
        assert pinned(target, target.addresses) == target, "every address is one that may be reached"
        if sent:
            assert read_request(sent).target == "/ok"
            assert b"proxy-authorization" not in sent
            assert sent.count(b" HTTP/1.1\r\n") == 1
    assert set(house.looked_up) <= set(hosts), "no name is looked up that was not granted"


@settings(max_examples=100)
@given(STREAMS, st.integers(1, 60))
def test_where_pieces_end_does_not_matter(stream: bytes, size: int) -> None:
    whole, pieces = (House(judge=judge, names=NAMES) for _ in range(2))
    # WHY not what follows a CONNECT in the same piece: that is refused, because it came before the answer.
    head, end, _ = stream.partition(b"\r\n\r\n")
    whole.client(head + end)
    pieces.client(head + end, size)
    assert (whole.up, whole.statuses, whole.reached) == (pieces.up, pieces.statuses, pieces.reached)
