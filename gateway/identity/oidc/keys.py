"""An issuer's published keys (JWK sets, RFC 7517) as those that can be used here. Pure; nothing raises on what is odd: it is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from engine.request import Json
from gateway.identity.signed import P256_HALF, Algorithm, PublicKey, Signed, decoded, fits, is_signed_by

MAX_KEYS = 64
MIN_RSA_BITS = 2_048
MAX_RSA_BITS = 8_192
MAX_EXPONENT = 1 << 32


@dataclass(frozen=True, slots=True)
class Key:
    """A key, the one it is called and the algorithm it is for, where its issuer says so."""

    key: PublicKey
    key_id: str | None
    algorithm: Algorithm | None


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of an issuer at one moment."""

    keys: Sequence[Key] = ()

    def find(self, token: Signed, algorithms: Sequence[Algorithm]) -> Key | None:
        """The one key that may have signed the token.

        INVARIANT: one at most. A key is found by its name; a token that names none is only believed where one key fits.
        """
        if token.algorithm not in algorithms:
            return None
        fitting = [
            one for one in self.keys if fits(one.key, token.algorithm) and one.algorithm in (None, token.algorithm)
        ]
        if token.key_id is not None:
            fitting = [one for one in fitting if one.key_id == token.key_id]
        return fitting[0] if len(fitting) == 1 else None

    def vouches(self, token: Signed, algorithms: Sequence[Algorithm]) -> bool:
        """Whether one of the keys signed the token, in one of these ways."""
        found = self.find(token, algorithms)
        return found is not None and is_signed_by(token, found.key, token.algorithm)


def read_keys(document: object) -> KeySet:
    """The usable keys of a JWK set. Two of one name are both left out: which of them is meant is anybody's guess."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        return KeySet()
    keys = [found for one in listed if isinstance(one, Mapping) and (found := _key(one)) is not None]
    times = Counter(one.key_id for one in keys)
    return KeySet(tuple(one for one in keys if times[one.key_id] == 1))


def _key(jwk: Mapping[str, Json]) -> Key | None:
    if jwk.get("use", "sig") != "sig":
        return None
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    named, key_id = jwk.get("alg"), jwk.get("kid")
    algorithm = next((one for one in Algorithm if one.value == named), None)
    if (named is not None and algorithm is None) or not isinstance(key_id, str | None):
        return None
    try:
        key = _public_key(jwk)
    except ValueError:
        return None
    if key is None or (algorithm is not None and not fits(key, algorithm)):
        return None
    return Key(key, key_id, algorithm)


def _public_key(jwk: Mapping[str, Json]) -> PublicKey | None:
    """Raises ValueError for numbers that are no key."""
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", None:
            modulus, exponent = _number(jwk.get("n")), _number(jwk.get("e"))
            if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS or not 3 <= exponent < MAX_EXPONENT:
                return None
            return RSAPublicNumbers(exponent, modulus).public_key()
        case "EC", "P-256":
            x, y = _bytes(jwk.get("x")), _bytes(jwk.get("y"))
            if len(x) != P256_HALF or len(y) != P256_HALF:
                return None
            numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1())
            return numbers.public_key()
        case "OKP", "Ed25519":
            return Ed25519PublicKey.from_public_bytes(_bytes(jwk.get("x")))
        case _:
            return None


def _bytes(value: Json) -> bytes:
    found = decoded(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("no base64url")
    return found


def _number(value: Json) -> int:
    return int.from_bytes(_bytes(value), "big")
