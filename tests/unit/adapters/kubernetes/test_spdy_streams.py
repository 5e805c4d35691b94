"""The streams that a client opens, and who answers them."""

from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.kubernetes import spdy
from adapters.kubernetes.spdy_streams import MAX_STREAMS, SpdyStreams
from tests.strategies.kubernetes_frames import SpdyClient


def answered(number: int, packed: spdy.HeaderWriter) -> spdy.Frame:
    """An answer of the target."""
    raw = spdy.control(spdy.SYN_REPLY, number.to_bytes(4, "big") + packed.write({}))
    return spdy.FrameReader().feed(raw)[0]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_streams_have_the_names_that_they_were_opened_with(size: int) -> None:
    client, streams = SpdyClient(), SpdyStreams()
    wire = client.opened(1, "error") + spdy.data_frame(1, b"x", is_last=False) + client.opened(3, "stdout")
    kinds = [one.kind for at in range(0, len(wire), size) for one in streams.read(wire[at : at + size])]
    assert kinds == [spdy.SYN_STREAM, None, spdy.SYN_STREAM]
    assert streams.names == {1: "error", 3: "stdout"}
    with pytest.raises(PeerProtocolError):
        streams.read(b"".join(client.opened(number, "x") for number in range(5, 2 * MAX_STREAMS + 8, 2)))


def test_a_long_frame_is_read_once_something_runs() -> None:
    long = spdy.data_frame(1, b"x" * (spdy.MAX_PAYLOAD + 1), is_last=False)
    with pytest.raises(PeerProtocolError):
        SpdyStreams().read(long)
    streams = SpdyStreams()
    streams.read(long[:3])
    assert streams.take_rest() == long[:3]
    assert [one.raw for one in streams.read(long[3:])] == [long]


def test_a_client_reads_answers_of_ours_behind_those_of_the_target() -> None:
    client, streams, packed = SpdyClient(), SpdyStreams(), spdy.HeaderWriter()
    for number in (1, 3):
        client.hear(streams.pass_answer(answered(number, packed)))
    client.hear(streams.answer(5) + streams.answer(7) + streams.answer(3))
    assert client.replied == [1, 3, 5, 7], "each once"


def test_a_client_that_was_answered_here_is_answered_here_for_good() -> None:
    client, streams, packed = SpdyClient(), SpdyStreams(), spdy.HeaderWriter()
    client.hear(streams.answer(1))
    for number in (1, 3):
        client.hear(streams.pass_answer(answered(number, packed)))
    assert client.replied == [1, 3]
    headers = spdy.control(spdy.HEADERS, (1).to_bytes(4, "big") + packed.write({"a": "b"}))
    with pytest.raises(PeerProtocolError):
        streams.pass_headers(spdy.FrameReader().feed(headers)[0])


def test_headers_of_the_target_go_on_where_it_answers() -> None:
    client, streams, packed = SpdyClient(), SpdyStreams(), spdy.HeaderWriter()
    headers = spdy.control(spdy.HEADERS, (1).to_bytes(4, "big") + packed.write({"a": "b"}))
    assert streams.pass_headers(spdy.FrameReader().feed(headers)[0]) == headers
    client._headers.read(headers[12:])
    client.hear(streams.answer(3))
    assert client.replied == [3]
