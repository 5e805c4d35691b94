"""Whatever a client says on its streams, in whatever pieces: each session is handed one request and no more, as it was said."""

from __future__ import annotations

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import H2Error
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.carried import Heard
from adapters.web.bodies import Body, Chunked, Sized
from adapters.web.http2.inward import Inward, Limits
from adapters.web.requests import HeadReader
from engine.command.documents.refusal import Refused
from engine.command.http.wire import body_length, read_head

SMUGGLED = b"GET /admin HTTP/1.1\r\nhost: shop\r\n\r\n"
TEXTS = st.sampled_from(
    [b"", b"a", b"a b", b"a\r\nx: y", b"a\n", b"\0", b"chunked", b"5", b"0", b"03", b"shop", b"evil", b"\xff", SMUGGLED]
)
NAMES = st.sampled_from(
    [
        *(b"x", b"X", b"x y", b"host", b"cookie", b"content-length", b"transfer-encoding", b"connection", b"te"),
        *(b":path", b":authority", b"x\r\ny", b"content_length", b"upgrade", b"expect"),
    ]
)
PSEUDO = st.fixed_dictionaries(
    {
        b":method": st.sampled_from([b"GET", b"POST", b"HEAD", b"DELETE", b"G ET", b"GET / HTTP/1.1\r\n"]),
        b":scheme": st.sampled_from([b"https", b"https", b"http"]),
        b":authority": st.sampled_from([b"shop", b"shop", b"shop\r\n", b"a@shop"]),
        b":path": st.sampled_from([b"/a", b"/a", b"/a?b", b"/ HTTP/1.1", b"a", b"/\r\n\r\n"]),
    }
)
BODIES = st.none() | st.lists(st.sampled_from([b"", b"a", b"hello", b"0\r\n\r\n", SMUGGLED]), max_size=4)
STREAMS = st.lists(st.tuples(PSEUDO, st.lists(st.tuples(NAMES, TEXTS), max_size=3), BODIES), min_size=1, max_size=4)


def said(streams: list[tuple[dict[bytes, bytes], list[tuple[bytes, bytes]], list[bytes] | None]]) -> bytes:
    """The bytes of a client that checks nothing."""
    client = H2Connection(
        H2Configuration(client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False)
    )
    client.initiate_connection()
    for number, (pseudo, fields, body) in enumerate(streams):
        stream = 2 * number + 1
        client.send_headers(stream, [*pseudo.items(), *fields], end_stream=body is None)
        for at, piece in enumerate(body or (), 1):
            client.send_data(stream, piece, end_stream=at == len(body or ()))
    return client.data_to_send()


def heard(data: bytes, size: int) -> tuple[dict[int, bytes], list[str], bool]:
    refused: list[str] = []

    def refusal(why: Refused, shown: bytes) -> bytes:
        refused.append(why.code)
        return b"HTTP/1.1 400 no\r\ncontent-length: 0\r\n\r\n"

    def check(head: bytes) -> None:
        body_length(read_head(head.removesuffix(b"\r\n\r\n")))

    server = Inward(is_tls=True, check=check, refusal=refusal, limits=Limits())
    server.begin(0.0)
    made: dict[int, bytes] = {}
    for at in range(0, len(data), size):
        server.receive(data[at : at + size], 0.0)
        for one in server.happened():
            if isinstance(one, Heard):
                made[one.stream] = made.get(one.stream, b"") + one.data
    return made, refused, server.is_over


@settings(max_examples=100)
@given(STREAMS, st.integers(5, 60))
def test_a_session_is_handed_one_request_as_it_was_said(
    streams: list[tuple[dict[bytes, bytes], list[tuple[bytes, bytes]], list[bytes] | None]], size: int
) -> None:
    try:
        data = said(streams)
    except H2Error:
        return
    made, refused, is_over = heard(data, size)
    assert (made, refused, is_over) == heard(data, len(data)), "where pieces end does not matter"
    assert not is_over, "one bad stream ends no connection"
    for stream, text in made.items():
        pseudo, fields, body = streams[stream // 2]
        reader = HeadReader()
        reader.feed(text)
        head = reader.take()
        assert head is not None
        assert (head.method.encode(), head.target.encode()) == (pseudo[b":method"], pseudo[b":path"])
        assert head.values("host") == ["shop"]
        assert len(head.headers) <= len(fields) + 2
        length = body_length(head)
        reading: Body = Chunked(is_strict=True) if length is None else Sized(length)
        own = reading.feed(reader.take_rest())
        assert reading.rest == b""
        assert b"".join(body or ()).startswith(own)
        if reading.is_done:
            assert own == b"".join(body or ())
