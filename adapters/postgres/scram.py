"""SCRAM-SHA-256 (RFC 5802, RFC 7677), both legs: we verify our clients and prove ourselves to targets.

Pure: nonces, the stretched password and what the channel is bound to are handed in (`tls-server-end-point`, RFC 5929; with it the
mechanism is SCRAM-SHA-256-PLUS). Who was offered a binding and says that there was no offer (gs2 flag `y`) was lied to on the way.
Used by `session.opening` and `session.approach`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

from adapters.core.ports import ScramVerifier
from adapters.errors import PeerProtocolError

MAX_MESSAGE = 2_048
"""A SCRAM message has a nonce, a salt and a proof; longer ones are no honest ones."""
MAX_NONCE = 512
MIN_ITERATIONS = 4_096
"""RFC 7677's floor; a target that asks for less wants our password cheap."""
MAX_ITERATIONS = 200_000
"""About 0.1 s of work. WHY: the number is the target's word, and we do the work."""
MAX_SALT = 256
_BOUND = b"p=tls-server-end-point"


class ScramRefused(PeerProtocolError):
    """The exchange failed. The message never says which part."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="28P01")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def make_verifier(password: bytes, salt: bytes, iterations: int) -> ScramVerifier:
    """What a server keeps instead of a password. For tests and for configuration; slow on purpose."""
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    return ScramVerifier(salt, iterations, stored, _hmac(salted, b"Server Key"))


def _attributes(message: bytes) -> dict[bytes, bytes]:
    """`a=value` pairs; a name given twice or an unnamed part is refused."""
    if len(message) > MAX_MESSAGE:
        raise ScramRefused("a SCRAM message is too long")
    found: dict[bytes, bytes] = {}
    for part in message.split(b","):
        name, equals, value = part.partition(b"=")
        if not equals or len(name) != 1 or name in found:
            raise ScramRefused("a SCRAM message is malformed")
        found[name] = value
    return found


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ScramRefused("a SCRAM message is malformed") from None


def _is_nonce(value: bytes) -> bool:
    return 0 < len(value) <= MAX_NONCE and all(0x21 <= byte <= 0x7E for byte in value)


def _bound(flag: bytes, end_point: bytes | None) -> bytes:
    """What stands behind `c=` (RFC 5802, 5.1): the header of the first message, and with the binding what it is bound to."""
    return base64.b64encode(flag + b",," + (end_point or b"" if flag == _BOUND else b""))


@dataclass(slots=True)
class ScramServer:
    """Our side towards a client: `first`, then `final`; each answers the message to send.

    `end_point` is what was offered to bind the channel to, None where nothing was; `is_bound` whether the client chose that.
    """

    nonce: bytes
    end_point: bytes | None = field(default=None, repr=False)
    is_bound: bool = False
    _binding: bytes = b""
    _first_bare: bytes = b""
    _server_first: bytes = b""
    _verifier: ScramVerifier | None = field(default=None, repr=False)

    def first(self, message: bytes, verifier: ScramVerifier) -> bytes:
        """Answer client-first-message with salt, iterations and the joined nonce."""
        flag, _, rest = message.partition(b",")
        authzid, _, bare = rest.partition(b",")
        # INVARIANT: a binding is neither left away by who chose it nor missed by who was offered it, and nobody signs in for another.
        if len(message) > MAX_MESSAGE or flag not in self._flags() or authzid:
            raise ScramRefused("a SCRAM message is malformed")
        nonce = _attributes(bare).get(b"r", b"")
        if not bare.startswith(b"n=") or not _is_nonce(nonce):
            raise ScramRefused("a SCRAM message is malformed")
        self._binding = _bound(flag, self.end_point)
        self._first_bare = bare
        self._verifier = verifier
        self.nonce = nonce + self.nonce
        self._server_first = b"r=%b,s=%b,i=%d" % (self.nonce, base64.b64encode(verifier.salt), verifier.iterations)
        return self._server_first

    def _flags(self) -> tuple[bytes, ...]:
        if self.is_bound:
            return () if self.end_point is None else (_BOUND,)
        return (b"n", b"y") if self.end_point is None else (b"n",)

    def final(self, message: bytes) -> bytes | None:
        """Answer client-final-message with our signature; None when the password is wrong."""
        if self._verifier is None:
            raise ScramRefused("a SCRAM message came out of order")
        without_proof, comma, last = message.rpartition(b",p=")
        attributes = _attributes(message)
        proof = _decoded(attributes.get(b"p", b""))
        if (
            not comma
            or attributes.get(b"p") != last
            or attributes.get(b"c") != self._binding
            or attributes.get(b"r") != self.nonce
        ):
            raise ScramRefused("a SCRAM message is malformed")
        if len(proof) != hashlib.sha256().digest_size:
            raise ScramRefused("a SCRAM message is malformed")
        signed = self._first_bare + b"," + self._server_first + b"," + without_proof
        client_key = _xor(proof, _hmac(self._verifier.stored_key, signed))
        if not hmac.compare_digest(hashlib.sha256(client_key).digest(), self._verifier.stored_key):
            return None
        return b"v=" + base64.b64encode(_hmac(self._verifier.server_key, signed))


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server wants worked out: the password stretched with this salt, so often."""

    salt: bytes
    iterations: int


@dataclass(slots=True)
class ScramClient:
    """Our side towards a target: `first`, `challenge`, `final`, `verify`, in this order.

    `end_point` is what the channel can be bound to, None where it cannot; `is_bound` whether the target offered to.
    """

    nonce: bytes
    end_point: bytes | None = field(default=None, repr=False)
    is_bound: bool = False
    _server_first: bytes = b""
    _joined: bytes = b""
    _signature: bytes = field(default=b"", repr=False)

    def first(self) -> bytes:
        """client-first-message. The user name is empty: PostgreSQL takes the startup packet's."""
        return self._flag() + b",," + self._bare()

    def _flag(self) -> bytes:
        # WHY `y`: a target that offered a binding which somebody took away on the way hears of it, and refuses.
        if self.end_point is None:
            return b"n"
        return _BOUND if self.is_bound else b"y"

    def _bare(self) -> bytes:
        return b"n=,r=" + self.nonce

    def challenge(self, message: bytes) -> Challenge:
        """Read server-first-message; refuses what would make us work for nothing or prove too cheaply."""
        attributes = _attributes(message)
        joined, count = attributes.get(b"r", b""), attributes.get(b"i", b"")
        salt = _decoded(attributes.get(b"s", b""))
        if not joined.startswith(self.nonce) or len(joined) <= len(self.nonce) or not _is_nonce(joined):
            raise ScramRefused("the server's SCRAM message is malformed")
        if not count.isdigit() or len(count) > 9 or not MIN_ITERATIONS <= int(count) <= MAX_ITERATIONS:
            raise ScramRefused("the server asks for an unacceptable number of iterations")
        if not 0 < len(salt) <= MAX_SALT:
            raise ScramRefused("the server's SCRAM message is malformed")
        self._server_first = message
        self._joined = joined
        return Challenge(salt, int(count))

    def final(self, salted: bytes) -> bytes:
        """client-final-message, from the stretched password."""
        without_proof = b"c=" + _bound(self._flag(), self.end_point) + b",r=" + self._joined
        signed = self._bare() + b"," + self._server_first + b"," + without_proof
        client_key = _hmac(salted, b"Client Key")
        proof = _xor(client_key, _hmac(hashlib.sha256(client_key).digest(), signed))
        self._signature = _hmac(_hmac(salted, b"Server Key"), signed)
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify(self, message: bytes) -> bool:
        """Whether server-final-message proves that the server knows the password too."""
        signature = _attributes(message).get(b"v", b"")
        return bool(self._signature) and hmac.compare_digest(_decoded(signature), self._signature)
