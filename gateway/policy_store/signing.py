"""Ed25519 keys of bundles: read from PEM files, named by the digest of the public key. Signs and checks bytes, no more.

A private key is read by `sallyport build` alone; a gateway knows public ones. Called by `bundle` and the command line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway.errors import PolicyUnusable

MAX_PEM = 64 << 10
_PURPOSE = b"sallyport policy bundle 1\0"
"""INVARIANT: stands before whatever is signed, so that no signature made for another purpose fits."""


class KeyUnusable(PolicyUnusable):
    """A file that holds no Ed25519 key."""

    code = "BUNDLE_KEY_UNUSABLE"


class Signer:
    """Whoever builds bundles."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.id = key_id(key.public_key())

    def sign(self, payload: bytes) -> bytes:
        """The signature of a payload."""
        return self._key.sign(_PURPOSE + payload)


class TrustedKeys:
    """The keys whose bundles are accepted."""

    def __init__(self, keys: Sequence[Ed25519PublicKey]) -> None:
        self._keys: Mapping[str, Ed25519PublicKey] = {key_id(key): key for key in keys}

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def is_signed(self, name: str, signature: bytes, payload: bytes) -> bool:
        """Whether the key of that name made this signature of the payload."""
        key = self._keys.get(name)
        if key is None:
            return False
        try:
            key.verify(signature, _PURPOSE + payload)
        except InvalidSignature:
            return False
        return True


def key_id(key: Ed25519PublicKey) -> str:
    """The name of a key: 32 hexadecimal digits."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:32]


def read_signer(file: Path) -> Signer:
    """The signer of a PEM file without a passphrase. Raises KeyUnusable."""
    try:
        key = load_pem_private_key(_read(file), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(
            f"`{file}` holds no private key that can be used", help="`sallyport signing-key` makes one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(f"the key in `{file}` is not Ed25519", help="`sallyport signing-key` makes one")
    return Signer(key)


def read_trusted(files: Sequence[Path]) -> TrustedKeys:
    """The keys of PEM files, one each. Raises KeyUnusable."""
    return TrustedKeys([_public(file) for file in files])


def make_key() -> tuple[bytes, bytes]:
    """A new pair of keys in PEM: private, public."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _public(file: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(_read(file))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"`{file}` holds no public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnusable(f"the key in `{file}` is not Ed25519")
    return key


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_PEM)
    except OSError as error:
        raise KeyUnusable(f"`{file}` cannot be read ({error.strerror})") from error
