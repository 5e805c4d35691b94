"""Signed tokens as bytes: JWS in compact form (RFC 7515) with claims in JSON (RFC 7519), read and checked. Pure.

Whoever checks brings the key and the one algorithm that fits it; what the token says of itself only has to agree. A token that
brings or names keys of its own (`jwk`, `jku`, `x5u`, `x5c`) or wants something of its reader (`crit`) is none. Used by `oidc`
and `scoped`. Nothing here raises on hostile text: what cannot be read is `Unreadable`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from engine.request import Json

MAX_TOKEN = 8_192
"""Bytes of a token: ID tokens with many groups are some thousands long."""
MAX_KEY_ID = 256
P256_HALF = 32
_FORBIDDEN = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"})
"""Members of a header that would let a token choose who vouches for it, or how it is read."""

PublicKey: TypeAlias = "RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey"


class Algorithm(StrEnum):
    """How tokens may be signed. INVARIANT: none of them takes a secret that is shared, and `none` is not among them."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


@dataclass(frozen=True, slots=True)
class Signed:
    """A token that can be read. INVARIANT: nothing in it is true until `is_signed_by` said so."""

    algorithm: Algorithm
    key_id: str | None
    kind: str | None
    claims: Mapping[str, Json]
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why it is no token. INVARIANT: no part of it is in the words."""

    why: str


def looks_signed(token: str) -> bool:
    """Whether a secret has the form of a signed token, so that it is none of the plain ones that are looked up.

    >>> looks_signed("eyJh.eyJz.c2ln"), looks_signed("sp_plain")
    (True, False)
    """
    return token.startswith("ey") and token.count(".") == 2


def read_signed(token: str) -> Signed | Unreadable:
    """The parts of a token, not checked yet."""
    if len(token) > MAX_TOKEN:
        return Unreadable("the token is too long")
    parts = token.split(".")
    read = [decoded(part) for part in parts]
    if len(parts) != 3 or any(one is None for one in read):
        return Unreadable("this is no signed token")
    header, claims = (None if one is None else _object(one) for one in read[:2])
    if header is None or claims is None:
        return Unreadable("this is no signed token")
    if not _FORBIDDEN.isdisjoint(header):
        return Unreadable("the token brings keys or demands of its own")
    named = header.get("alg")
    algorithm = next((one for one in Algorithm if one.value == named), None)
    if algorithm is None:
        return Unreadable("the token is signed in no way that is accepted")
    key_id, kind = header.get("kid"), header.get("typ")
    if not isinstance(key_id, str | None) or not isinstance(kind, str | None) or len(key_id or "") > MAX_KEY_ID:
        return Unreadable("this is no signed token")
    return Signed(algorithm, key_id, kind, claims, f"{parts[0]}.{parts[1]}".encode(), read[2] or b"")


def is_signed_by(token: Signed, key: PublicKey, algorithm: Algorithm) -> bool:
    """Whether the key, used in this way and no other, signed the token."""
    if token.algorithm is not algorithm or not fits(key, algorithm):
        return False
    try:
        _CHECKS[algorithm](key, token.signature, token.payload)
    except (InvalidSignature, ValueError):
        return False
    return True


def fits(key: PublicKey, algorithm: Algorithm) -> bool:
    """Whether a key is of the kind that the algorithm takes."""
    match algorithm:
        case Algorithm.RS256 | Algorithm.PS256:
            return isinstance(key, RSAPublicKey)
        case Algorithm.ES256:
            return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
        case Algorithm.EDDSA:
            return isinstance(key, Ed25519PublicKey)


def sign(claims: bytes, key: Ed25519PrivateKey, key_id: str, kind: str) -> str:
    """A token of ours. The only way it is signed is EdDSA; `claims` are JSON."""
    header = json.dumps({"alg": Algorithm.EDDSA.value, "kid": key_id, "typ": kind}, separators=(",", ":"))
    payload = f"{encoded(header.encode())}.{encoded(claims)}"
    return f"{payload}.{encoded(key.sign(payload.encode()))}"


def encoded(data: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes | None:
    """The bytes of base64url without padding; None unless it is written in the one way there is."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # WHY: a second spelling of the same token would not be the one that was revoked or used up.
    return data if encoded(data) == text else None


def _object(data: bytes) -> dict[str, Json] | None:
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError("no number")


def _check_rsa(key: PublicKey, signature: bytes, payload: bytes) -> None:
    assert isinstance(key, RSAPublicKey)
    key.verify(signature, payload, PKCS1v15(), SHA256())


def _check_pss(key: PublicKey, signature: bytes, payload: bytes) -> None:
    assert isinstance(key, RSAPublicKey)
    key.verify(signature, payload, PSS(MGF1(SHA256()), SHA256.digest_size), SHA256())


def _check_ecdsa(key: PublicKey, signature: bytes, payload: bytes) -> None:
    assert isinstance(key, EllipticCurvePublicKey)
    if len(signature) != 2 * P256_HALF:
        raise InvalidSignature
    r, s = (int.from_bytes(half, "big") for half in (signature[:P256_HALF], signature[P256_HALF:]))
    key.verify(encode_dss_signature(r, s), payload, ECDSA(SHA256()))


def _check_eddsa(key: PublicKey, signature: bytes, payload: bytes) -> None:
    assert isinstance(key, Ed25519PublicKey)
    key.verify(signature, payload)


_CHECKS: Mapping[Algorithm, Callable[[PublicKey, bytes, bytes], None]] = {
    Algorithm.RS256: _check_rsa,
    Algorithm.PS256: _check_pss,
    Algorithm.ES256: _check_ecdsa,
    Algorithm.EDDSA: _check_eddsa,
}
