"""Certificates of every kind, right and wrong ones, as the tests of TLS need them; nothing of them is kept."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


def new_key(kind: str = "p256") -> Key:
    """A key of a kind: `rsa2048`, `p384`, `ed25519`. An RSA key is the same each time."""
    match kind:
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "ed448":
            return ed448.Ed448PrivateKey.generate()
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "p521":
            return ec.generate_private_key(ec.SECP521R1())
        case _:
            return _rsa(int(kind.removeprefix("rsa")))


@lru_cache
def _rsa(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, bits)


def named(common: str | None, mail: str | None = None) -> x509.Name:
    """A subject."""
    parts = [] if common is None else [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if mail is not None:
        parts.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, mail))
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tests"), *parts])


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate and its key."""

    certificate: bytes
    """DER."""
    name: x509.Name
    key: Key = field(repr=False)

    @property
    def pem(self) -> bytes:
        return pem_of(self.certificate)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem_of(der: bytes) -> bytes:
    """A certificate as files have it."""
    text = base64.encodebytes(der).replace(b"\n", b"")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"-----BEGIN CERTIFICATE-----\n" + b"\n".join(lines) + b"\n-----END CERTIFICATE-----\n"


def make(
    common: str | None,
    by: Made | None = None,
    *,
    key: Key | None = None,
    kind: str = "p256",
    names: Sequence[x509.GeneralName] = (),
    authority: bool | None = None,
    length: int | None = None,
    start: float = -1,
    end: float = 30,
    purposes: Sequence[x509.ObjectIdentifier] = (),
    usages: Sequence[str] | None = None,
    limits: x509.NameConstraints | None = None,
    digest: hashes.HashAlgorithm | None = None,
    pss: bool = False,
    mail: str | None = None,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Made:
    """One that `by` signed, or itself. `start` and `end` in days from now; `usages` by the names that KeyUsage has for them."""
    key = key or new_key(kind)
    signer = key if by is None else by.key
    name, now = named(common, mail), datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if by is None else by.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=start))
        .not_valid_after(now + timedelta(days=end))
    )
    if names:
        built = built.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    if authority is not None:
        built = built.add_extension(x509.BasicConstraints(authority, length), critical=True)
    if purposes:
        built = built.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
    if usages is not None:
        built = built.add_extension(_usage(usages), critical=True)
    if limits is not None:
        built = built.add_extension(limits, critical=True)
    for extension, is_critical in more:
        built = built.add_extension(extension, critical=is_critical)
    has_digest = not isinstance(signer, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
    signing = (digest or hashes.SHA256()) if has_digest else None
    way = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH) if pss else None
    made = built.sign(signer, signing, rsa_padding=way)  # type: ignore[arg-type]  # SHA-1 too
    return Made(made.public_bytes(Encoding.DER), name, key)


def _usage(names: Sequence[str]) -> x509.KeyUsage:
    every = [
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    ]
    return x509.KeyUsage(**{name: name in names for name in every})


def of_version_1(made: Made, by: Made | None = None) -> Made:
    """The same without a version and without extensions, as X.509 began. Signed by keys of P-256."""
    inner = x509.load_der_x509_certificate(made.certificate).tbs_certificate_bytes
    parts = _parts(_parts(inner)[0][1])
    kept = b"".join(whole for whole, _ in parts if whole[0] not in (0xA0, 0xA3))
    signed = _sequence(kept)
    signer = (by or made).key
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    signature = b"\0" + signer.sign(signed, ec.ECDSA(hashes.SHA256()))
    algorithm = parts[2][0]
    return Made(_sequence(signed + algorithm + _element(3, signature)), made.name, made.key)


def of_sha_1(made: Made, by: Made | None = None) -> Made:
    """The same with a signature of RSA over SHA-1, which nobody makes any more."""
    signed = x509.load_der_x509_certificate(made.certificate).tbs_certificate_bytes
    algorithm = _parts(_parts(signed)[0][1])[2][0]
    weak = algorithm.replace(SHA256_WITH_RSA, SHA1_WITH_RSA)
    assert weak != algorithm
    signed = signed.replace(algorithm, weak, 1)
    signer = (by or made).key
    assert isinstance(signer, rsa.RSAPrivateKey)
    signature = b"\0" + signer.sign(signed, padding.PKCS1v15(), hashes.SHA1())
    return Made(_sequence(signed + weak + _element(3, signature)), made.name, made.key)


SHA256_WITH_RSA, SHA1_WITH_RSA = (bytes.fromhex(f"2a864886f70d0101{end}") for end in ("0b", "05"))


def _element(tag: int, value: bytes) -> bytes:
    size = len(value)
    digits = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    length = digits if size < 0x80 else bytes([0x80 | len(digits)]) + digits
    return bytes([tag]) + length + value


def _sequence(value: bytes) -> bytes:
    return _element(0x30, value)


def _parts(der: bytes) -> list[tuple[bytes, bytes]]:
    """The elements of DER: (whole, what it holds)."""
    found, at = [], 0
    while at < len(der):
        begin, size = at + 2, der[at + 1]
        if size >= 0x80:
            count = size & 0x7F
            begin, size = at + 2 + count, int.from_bytes(der[at + 2 : at + 2 + count], "big")
        found.append((der[at : begin + size], der[begin : begin + size]))
        at = begin + size
    return found
