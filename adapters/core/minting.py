"""Certificates for hosts, made as they are wanted: how a forward proxy ends the TLS that was meant for a host.

The operator's authority signs them; clients trust it because somebody told them to. Each host's is kept for a while. Not here: which
host's TLS is ended. Asked by `relay`; built by the program's composition root.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from collections import OrderedDict
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=2)
RENEWED = datetime.timedelta(days=1)
"""A certificate older than this is made anew."""
MAX_HOSTS = 1024
"""Hosts whose certificates are kept."""
_BEFORE = datetime.timedelta(hours=1)
_MAX_COMMON_NAME = 64


class AuthorityUnusable(Exception):
    """The certificate or the key of an authority cannot sign for hosts."""


class Authority:
    """Signs for hosts. `now` is the time in UTC."""

    def __init__(self, certificate: bytes, key: bytes, now: Callable[[], datetime.datetime]) -> None:
        """PEM of both. Raises AuthorityUnusable."""
        try:
            self._certificate = x509.load_pem_x509_certificate(certificate)
            found = serialization.load_pem_private_key(key, password=None)
            constraints = self._certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
            raise AuthorityUnusable("it is no certificate of an authority and its key, in PEM") from error
        if not constraints.ca or not isinstance(found, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise AuthorityUnusable("the certificate is none of an authority, or its key none of RSA or EC")
        if found.public_key() != self._certificate.public_key():
            raise AuthorityUnusable("the key is not that of the certificate")
        self._key = found
        self._now = now
        # WHY one key for all hosts: it is this process's alone, and to make one costs more than to sign.
        self._own = ec.generate_private_key(ec.SECP256R1())
        self._made: OrderedDict[str, tuple[datetime.datetime, ssl.SSLContext]] = OrderedDict()

    def context(self, host: str) -> ssl.SSLContext:
        """TLS as that host, for a client that asks for no other one."""
        now = self._now()
        made, context = self._made.get(host, (None, None))
        if context is None or made is None or now - made > RENEWED:
            context = self._context(host, now)
            self._made[host] = (now, context)
        self._made.move_to_end(host)
        if len(self._made) > MAX_HOSTS:
            self._made.popitem(last=False)
        return context

    def _context(self, host: str, now: datetime.datetime) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = lambda _, name, __: (
            None if name in (None, host) else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        )
        key = self._own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = self._signed(host, now) + self._certificate.public_bytes(serialization.Encoding.PEM)
        # WHY a file in memory: OpenSSL as Python has it reads keys from files only.
        fd = os.memfd_create("host", os.MFD_CLOEXEC)
        try:
            os.write(fd, chain + key)
            context.load_cert_chain(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)
        return context

    def _signed(self, host: str, now: datetime.datetime) -> bytes:
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, host)] if len(host) <= _MAX_COMMON_NAME else []
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self._certificate.subject)
            .public_key(self._own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BEFORE)
            .not_valid_after(min(now + LIFETIME, self._certificate.not_valid_after_utc))
            .add_extension(x509.SubjectAlternativeName([name]), critical=not subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._certificate.public_key()),  # type: ignore[arg-type]  # RSA or EC, as its key
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)
