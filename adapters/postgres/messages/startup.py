"""What comes before the first ordinary message: requests for encryption, cancels, the startup packet, and its answers."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.postgres.messages.frames import Back, frame, pack_u32, refuse, text_at

SSL_CODE = 80877103
GSS_CODE = 80877104
CANCEL_CODE = 80877102
MAX_STARTUP = 10_000
"""PostgreSQL's own limit of a startup packet."""
MIN_PACKET = 8
TLS_RECORD = 0x16
ALPN = "postgresql"
"""What the protocol is called in TLS (registered with IANA)."""
MAJOR = 3
NEWEST_MINOR = 2
"""Minor versions above are negotiated down to this."""
CANCEL_KEY_MIN = 4
CANCEL_KEY_MAX = 256

SSL_REQUEST = pack_u32(8) + pack_u32(SSL_CODE)
GRANTED = b"S"
REFUSED = b"N"


@dataclass(frozen=True, slots=True)
class EncryptionRequest:
    """SSLRequest, or with `gss` GSSENCRequest."""

    gss: bool


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """`key` is process id and secret as they were given out."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartupMessage:
    major: int
    minor: int
    parameters: Mapping[str, str]


def packet_length(buffer: bytes) -> int | None:
    """The length of the packet that begins here; None when four bytes are not there yet."""
    if len(buffer) < 4:
        return None
    length: int = struct.unpack_from("!I", buffer)[0]
    if not MIN_PACKET <= length <= MAX_STARTUP:
        raise refuse("the startup packet has an impossible length")
    return length


def decode_packet(packet: bytes) -> EncryptionRequest | CancelRequest | StartupMessage:
    """One whole packet."""
    code: int = struct.unpack_from("!I", packet, 4)[0]
    match code:
        case 80877103 | 80877104:
            if len(packet) != MIN_PACKET:
                raise refuse("a request for encryption has a body")
            return EncryptionRequest(code == GSS_CODE)
        case 80877102:
            key = packet[8:]
            if not 4 + CANCEL_KEY_MIN <= len(key) <= 4 + CANCEL_KEY_MAX:
                raise refuse("a cancel request has a key of impossible length")
            return CancelRequest(key)
        case _:
            return StartupMessage(code >> 16, code & 0xFFFF, _parameters(packet))


def _parameters(packet: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 8
    while at < len(packet) - 1:
        name, at = text_at(packet, at)
        value, at = text_at(packet, at)
        if not name:
            raise refuse("a startup parameter has no name")
        try:
            key = name.decode()
            found[key] = value.decode()
        except UnicodeDecodeError:
            raise refuse("a startup parameter is not UTF-8") from None
    if at != len(packet) - 1 or packet[at] != 0:
        raise refuse("the startup packet does not end with a zero byte")
    return found


def encode_startup(parameters: Mapping[str, str]) -> bytes:
    """The startup packet we send to a target: protocol 3.0."""
    body = pack_u32(MAJOR << 16) + b"".join(
        name.encode() + b"\0" + value.encode() + b"\0" for name, value in parameters.items()
    )
    return pack_u32(len(body) + 5) + body + b"\0"


def encode_cancel(key: bytes) -> bytes:
    """The packet that asks a target to stop what runs under `key`."""
    return pack_u32(8 + len(key)) + pack_u32(CANCEL_CODE) + key


def encode_negotiation(minor: int, unknown: Sequence[str]) -> bytes:
    """NegotiateProtocolVersion: the newest minor version we speak here and the options we do not know."""
    names = b"".join(name.encode() + b"\0" for name in unknown)
    return frame(Back.NEGOTIATE, pack_u32(MAJOR << 16 | minor) + pack_u32(len(unknown)) + names)


def encode_backend_key(key: bytes) -> bytes:
    """BackendKeyData; `key` is process id and secret."""
    return frame(Back.BACKEND_KEY, key)


def is_direct_tls(first: int) -> bool:
    """Whether a connection begins with a TLS record instead of a request for it."""
    return first == TLS_RECORD
