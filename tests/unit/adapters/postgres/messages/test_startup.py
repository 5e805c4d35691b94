from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.postgres.messages import startup
from tests.wire import packet, read_or_refused
from tests.wire import startup as startup_packet


def test_a_startup_packet_is_read_by_version_and_parameters() -> None:
    said = startup.decode_packet(startup_packet(196610, user="ann", database="orders"))
    assert said == startup.StartupMessage(3, 2, {"user": "ann", "database": "orders"})


def test_what_we_send_to_a_target_reads_back() -> None:
    said = startup.decode_packet(startup.encode_startup({"user": "app", "client_encoding": "UTF8"}))
    assert said == startup.StartupMessage(3, 0, {"user": "app", "client_encoding": "UTF8"})


def test_requests_and_cancels_are_told_apart() -> None:
    assert startup.decode_packet(startup.SSL_REQUEST) == startup.EncryptionRequest(gss=False)
    assert startup.decode_packet(packet(struct.pack("!I", 80877104))) == startup.EncryptionRequest(gss=True)
    assert startup.decode_packet(startup.encode_cancel(b"pid!" + b"key!" * 8)) == startup.CancelRequest(
        b"pid!" + b"key!" * 8
    )


@pytest.mark.parametrize("length", [0, 7, 10_001, 0x16030100])
def test_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(PeerProtocolError):
        startup.packet_length(struct.pack("!I", length))


@pytest.mark.parametrize("key", [b"", b"pid!", b"pid!abc", b"pid!" + bytes(257)])
def test_a_cancel_key_of_impossible_length_is_refused(key: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        startup.decode_packet(packet(struct.pack("!I", 80877102) + key))


@pytest.mark.parametrize(
    "rest", [b"", b"user", b"user\0", b"user\0ann", b"user\0ann\0", b"\0x\0\0", b"u\0\xff\0\0", b"u\0a\0\0\0"]
)
def test_a_startup_packet_that_does_not_end_well_is_refused(rest: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        startup.decode_packet(packet(struct.pack("!I", 196608) + rest))


def test_unknown_options_are_named_in_the_negotiation() -> None:
    assert startup.encode_negotiation(2, ["_pq_.x"]) == b"v\0\0\0\x13" + struct.pack("!II", 196610, 1) + b"_pq_.x\0"


@given(st.binary(min_size=4, max_size=60))
def test_any_packet_is_read_or_refused(body: bytes) -> None:
    with read_or_refused():
        startup.decode_packet(packet(body))
