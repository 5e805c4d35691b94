"""The name in the first words of TLS: a real client's, in pieces, and what only looks like one."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.hello import MAX_HELLO, server_name
from engine.command.documents.refusal import Refused


def hello(name: str | None) -> bytes:
    """What OpenSSL says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        made.do_handshake()
    return outgoing.read()


def in_records(data: bytes, size: int) -> bytes:
    """The same message in records of so many bytes."""
    body = data[5:]
    return b"".join(
        data[:3] + len(body[at : at + size]).to_bytes(2, "big") + body[at : at + size]
        for at in range(0, len(body), size)
    )


def test_the_name_that_a_client_asks_for() -> None:
    assert server_name(hello("Shop.example")) == "shop.example"
    assert server_name(hello(None)) == ""


@pytest.mark.parametrize("size", [50, 100, 400])
def test_records_may_be_small(size: int) -> None:
    assert server_name(in_records(hello("shop.example"), size)) == "shop.example"


def test_records_may_not_be_many() -> None:
    with pytest.raises(Refused, match="too many pieces"):
        server_name(in_records(hello("shop.example"), 1))


@given(st.integers(0, 600))
def test_what_is_not_whole_is_waited_for(size: int) -> None:
    data = WHOLE
    assert server_name(data[: min(size, len(data) - 1)]) is None


WHOLE = hello("shop.example")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"SSH-2.0-x\r\n",
        b"\x16\x02",
        b"\x17\x03\x01\x00\x05",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x50\x00",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x00\x00",
        b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03",
        WHOLE.replace(b"shop.example", b"shop.\xffxample"),
        WHOLE.replace(b"\x00\x00\x0cshop", b"\x01\x00\x0cshop"),
        WHOLE.replace(b"\x00\x00\x0cshop", b"\x00\x00\x0dshop"),
    ],
)
def test_what_is_no_tls_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        server_name(data)
    assert caught.value.code == "no_tls"


def test_words_without_end_are_refused() -> None:
    with pytest.raises(Refused):
        server_name(in_records(b"\x16\x03\x01\x00\x00\x01" + (MAX_HELLO).to_bytes(3, "big") + bytes(MAX_HELLO - 1), 1))


@given(
    st.binary(max_size=300) | st.binary(max_size=60).map(lambda more: b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c" + more)
)
def test_garbage_is_a_name_or_one_error_or_waited_for(data: bytes) -> None:
    try:
        found = server_name(data)
    except Refused as refusal:
        codes = {refusal.code}
    else:
        codes = {"no_tls"} if found is None or isinstance(found, str) else set()
    assert codes == {"no_tls"}
