"""An issuer that stands in for one on the network: its documents as `Fetch` gives them, and tokens signed as asked, forged too."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from engine.request import Json
from gateway.errors import IdentityRefused
from gateway.identity.oidc.fetching import Fetched
from gateway.identity.oidc.metadata import WELL_KNOWN
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.signed import encoded

URL = "https://issuer.test"
SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND
SETTINGS = IssuerSettings("main", URL, client_id="sallyport", audiences=("sallyport",))
PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
RSA = generate_rsa(65537, 2048)
OTHER_RSA = generate_rsa(65537, 2048)
P256 = generate_private_key(SECP256R1())
ED25519 = Ed25519PrivateKey.generate()


def claims(**changes: Json) -> dict[str, Json]:
    """What a good token says, with changes; None leaves one out."""
    now = NOW // SECOND
    good: dict[str, Json] = {"iss": URL, "sub": "alice", "aud": "sallyport", "iat": now - 10, "exp": now + 600}
    return {name: value for name, value in {**good, "groups": ["dba"], **changes}.items() if value is not None}


def token(said: Mapping[str, Json], key: PrivateKey = RSA, header: Mapping[str, Json] | None = None) -> str:
    """A token signed with a key in the way its header says."""
    head = {"alg": "RS256", "kid": "key-1", **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    payload = f"{encoded(json.dumps(head).encode())}.{encoded(json.dumps(said).encode())}"
    return f"{payload}.{encoded(_signature(head.get('alg'), key, payload.encode()))}"


def token_by_secret(said: Mapping[str, Json], secret: bytes) -> str:
    """A token signed with a shared secret (HS256): with what everybody knows of a key, for instance."""
    payload = f"{encoded(json.dumps({'alg': 'HS256', 'kid': 'key-1'}).encode())}.{encoded(json.dumps(said).encode())}"
    return f"{payload}.{encoded(hmac.digest(secret, payload.encode(), hashlib.sha256))}"


def _signature(algorithm: object, key: PrivateKey, payload: bytes) -> bytes:
    match key:
        case RSAPrivateKey() if algorithm == "PS256":
            return key.sign(payload, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        case RSAPrivateKey():
            return key.sign(payload, padding.PKCS1v15(), SHA256())
        case EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(payload, ECDSA(SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        case _:
            return key.sign(payload)


def jwk(key: PrivateKey, key_id: str | None = "key-1", **more: Json) -> dict[str, Json]:
    """The public half of a key as issuers publish it."""
    named: dict[str, Json] = {} if key_id is None else {"kid": key_id}
    match key:
        case RSAPrivateKey():
            numbers = key.public_key().public_numbers()
            parts = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        case EllipticCurvePrivateKey():
            point = key.public_key().public_numbers()
            parts = {"kty": "EC", "crv": "P-256", "x": _number(point.x, 32), "y": _number(point.y, 32)}
        case _:
            raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            parts = {"kty": "OKP", "crv": "Ed25519", "x": encoded(raw)}
    return {**parts, "use": "sig", **named, **more}


def _number(value: int, size: int | None = None) -> str:
    return encoded(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


@dataclass
class StandInIssuer:
    """`Fetch`, answered from here. `asked` are the URLs, with what was posted to them."""

    keys: list[dict[str, Json]] = field(default_factory=lambda: [jwk(RSA)])
    metadata: dict[str, Json] = field(
        default_factory=lambda: {
            "issuer": URL,
            "jwks_uri": f"{URL}/jwks",
            "authorization_endpoint": f"{URL}/auth",
            "token_endpoint": f"{URL}/token",
            "device_authorization_endpoint": f"{URL}/device",
        }
    )
    answers: dict[str, list[Fetched]] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str] | None]] = field(default_factory=list)
    is_down: bool = False

    def __call__(
        self, url: str, form: Mapping[str, str] | None = None, basic: tuple[str, str] | None = None
    ) -> Fetched:
        self.asked.append((url, form))
        if self.is_down:
            raise IdentityRefused("the issuer cannot be asked", code="ISSUER_UNREACHABLE")
        if url == URL + WELL_KNOWN:
            return Fetched(200, self.metadata)
        if url == f"{URL}/jwks":
            return Fetched(200, {"keys": self.keys})
        return self.answers[url].pop(0)

    def count(self, url: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == url)
