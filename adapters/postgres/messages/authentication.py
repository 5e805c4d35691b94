"""AuthenticationXxx and the client's answers to it. What stands inside SASL messages is `adapters.postgres.scram`'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from adapters.postgres.messages.frames import Back, Front, frame, only_text, pack_u32, refuse, text_at, u32_at

SCRAM_SHA_256 = "SCRAM-SHA-256"
SCRAM_SHA_256_PLUS = "SCRAM-SHA-256-PLUS"
"""The same, bound to the TLS connection that it goes over."""
MAX_PASSWORD = 8_192
"""A token has less than 1,000 bytes; access tokens of identity providers are larger."""


class Method(IntEnum):
    """The codes of AuthenticationXxx."""

    OK = 0
    CLEARTEXT = 3
    MD5 = 5
    SASL = 10
    SASL_CONTINUE = 11
    SASL_FINAL = 12


AUTHENTICATION_OK = frame(Back.AUTHENTICATION, pack_u32(Method.OK))
ASK_CLEARTEXT = frame(Back.AUTHENTICATION, pack_u32(Method.CLEARTEXT))


@dataclass(frozen=True, slots=True)
class SaslInitial:
    """SASLInitialResponse."""

    mechanism: str
    data: bytes = field(repr=False)


def ask_scram(mechanisms: Sequence[str]) -> bytes:
    """AuthenticationSASL with what is offered, the best first."""
    return frame(
        Back.AUTHENTICATION, pack_u32(Method.SASL) + b"".join(f"{one}\0".encode() for one in mechanisms) + b"\0"
    )


def encode_sasl_continue(data: bytes) -> bytes:
    return frame(Back.AUTHENTICATION, pack_u32(Method.SASL_CONTINUE) + data)


def encode_sasl_final(data: bytes) -> bytes:
    return frame(Back.AUTHENTICATION, pack_u32(Method.SASL_FINAL) + data)


def decode_password(body: bytes) -> str:
    """PasswordMessage."""
    try:
        return only_text(body).decode()
    except UnicodeDecodeError:
        raise refuse("the password is not UTF-8") from None


def decode_sasl_initial(body: bytes) -> SaslInitial:
    """SASLInitialResponse; a missing initial response is refused, SCRAM always has one."""
    mechanism, at = text_at(body, 0)
    if len(body) < at + 4 or u32_at(body, at)[0] != len(body) - at - 4:
        raise refuse("the first SASL message has an impossible length")
    return SaslInitial(mechanism.decode("ascii", "replace"), body[at + 4 :])


def decode_request(body: bytes) -> tuple[int, bytes]:
    """A server's AuthenticationXxx: its code and what follows."""
    if len(body) < 4:
        raise refuse("an authentication request is too short")
    code: int = u32_at(body, 0)[0]
    return code, body[4:]


def decode_mechanisms(data: bytes) -> tuple[str, ...]:
    """What AuthenticationSASL offers."""
    names: list[str] = []
    at = 0
    while at < len(data) and data[at]:
        name, at = text_at(data, at)
        names.append(name.decode("ascii", "replace"))
    return tuple(names)


def encode_password(password: str) -> bytes:
    return frame(Front.PASSWORD, password.encode() + b"\0")


def encode_sasl_initial(mechanism: str, data: bytes) -> bytes:
    return frame(Front.PASSWORD, mechanism.encode() + b"\0" + pack_u32(len(data)) + data)


def encode_sasl_response(data: bytes) -> bytes:
    return frame(Front.PASSWORD, data)
