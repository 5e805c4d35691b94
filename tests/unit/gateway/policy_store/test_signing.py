"""Keys are Ed25519 or none; a signature fits one payload, one key and one purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.policy_store.signing import KeyUnusable, TrustedKeys, key_id, make_key, read_signer, read_trusted


def files(folder: Path) -> tuple[Path, Path]:
    private, public = make_key()
    (folder / "k.pem").write_bytes(private)
    (folder / "k.pub").write_bytes(public)
    return folder / "k.pem", folder / "k.pub"


def test_what_one_key_signs_its_public_half_knows(tmp_path: Path) -> None:
    private, public = files(tmp_path)
    signer, trusted = read_signer(private), read_trusted([public])
    signature = signer.sign(b"payload")
    assert signer.id in trusted
    assert trusted.is_signed(signer.id, signature, b"payload")
    assert not trusted.is_signed(signer.id, signature, b"payloae")
    assert not trusted.is_signed(signer.id, signature[:-1], b"payload")
    assert not trusted.is_signed("another", signature, b"payload")
    assert not TrustedKeys([]).is_signed(signer.id, signature, b"payload")


def test_a_signature_for_another_purpose_does_not_fit() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    trusted = TrustedKeys([key.public_key()])
    assert not trusted.is_signed(key_id(key.public_key()), key.sign(b"payload"), b"payload")


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "ec.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "ec.pub").write_bytes(other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    locked = ed25519.Ed25519PrivateKey.generate()
    secret = BestAvailableEncryption(b"a passphrase")
    (tmp_path / "locked.pem").write_bytes(locked.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    (tmp_path / "text").write_text("no key")
    for name in ("ec.pem", "ec.pub", "locked.pem", "text", "nowhere"):
        for read in (read_signer, lambda file: read_trusted([file])):
            with pytest.raises(KeyUnusable) as told:
                read(tmp_path / name)
            assert told.value.code == "BUNDLE_KEY_UNUSABLE"
