import struct

import pytest

from adapters.errors import PeerProtocolError
from adapters.postgres.messages import authentication as auth


def test_the_first_sasl_message_is_read_with_its_length() -> None:
    body = b"SCRAM-SHA-256\0" + struct.pack("!I", 3) + b"n,,"
    assert auth.decode_sasl_initial(body) == auth.SaslInitial("SCRAM-SHA-256", b"n,,")
    sent = auth.encode_sasl_initial(auth.SCRAM_SHA_256, b"n,,")
    assert sent == b"p" + struct.pack("!I", len(body) + 4) + body


@pytest.mark.parametrize("tail", [b"", struct.pack("!I", 4) + b"n,,", struct.pack("!i", -1)])
def test_a_first_sasl_message_whose_length_lies_is_refused(tail: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        auth.decode_sasl_initial(b"SCRAM-SHA-256\0" + tail)


def test_a_password_is_one_text() -> None:
    assert auth.decode_password(b"hunter\0") == "hunter"
    for bad in (b"hunter", b"hun\0ter\0", b"\xff\0"):
        with pytest.raises(PeerProtocolError):
            auth.decode_password(bad)


def test_a_servers_request_is_a_code_and_the_rest() -> None:
    assert auth.decode_request(struct.pack("!I", 5) + b"salt") == (5, b"salt")
    with pytest.raises(PeerProtocolError):
        auth.decode_request(b"\0\0")


def test_offered_mechanisms_are_listed() -> None:
    assert auth.decode_mechanisms(b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0") == ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")


def test_neither_password_nor_proof_shows_in_print() -> None:
    assert "hunter" not in repr(auth.SaslInitial("SCRAM-SHA-256", b"hunter"))
