"""TLS in the core (engine/native/src/tls), as PostgreSQL's listeners and targets have it: what files hold, made into what shakes hands.

Its connections have the words of `tls.Tls`, and raise NativeError where that raises `ssl.SSLError`. Whom they trust is who `ssl` trusts, or
fewer (docs/decisions/0069).
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.core.ports import Target
from adapters.core.tls import end_point
from engine._native import NativeError, TlsClient, TlsConnection, TlsServer

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""How OpenSSL names the files in a folder of authorities."""


class Serving(TlsConnection):
    """A connection with a client."""

    end_point: bytes | None = None
    """What a proof may be bound to: the digest of the certificate that is shown."""


class Asking(TlsConnection):
    """A connection to a target."""

    @property
    def end_point(self) -> bytes | None:
        """What a proof may be bound to: the digest of the target's certificate."""
        certificate = self.peer_certificate
        return None if certificate is None else end_point(certificate)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a listener shows (PEM), and the authorities of certificates that clients may show."""

    chain: bytes
    key: bytes = field(repr=False)
    clients: bytes | None = None


class ServedTls:
    """How a listener does TLS. Whoever connects does it with the proof of that moment."""

    def __init__(self, proof: Proof) -> None:
        """Raises NativeError for what cannot be used, ValueError for what is no certificate."""
        self._protocols: tuple[bytes, ...] = ()
        self.change(proof)

    def change(self, proof: Proof) -> None:
        """Show this from now on. Raises as at the beginning, with nothing changed. INVARIANT: nobody resumes what was before; nothing is resumed."""
        leaf = x509.load_pem_x509_certificate(proof.chain).public_bytes(Encoding.DER)
        self._now = self._made(proof)
        self._proof, self._end_point = proof, end_point(leaf)

    def set_alpn_protocols(self, protocols: Sequence[str]) -> None:
        """What is spoken inside: a client that offers others only is turned away."""
        self._protocols = tuple(protocol.encode() for protocol in protocols)
        self._now = self._made(self._proof)

    def _made(self, proof: Proof) -> TlsServer:
        return TlsServer(proof.chain, proof.key, proof.clients, list(self._protocols))

    def connection(self, host: str | None) -> Serving:
        """With whoever is on the other side."""
        made = Serving(self._now, host)
        made.end_point = self._end_point
        return made


class TargetTls:
    """How TLS to a target is done."""

    def __init__(self, client: TlsClient) -> None:
        self._client = client

    def connection(self, host: str | None) -> Asking:
        """With this host. Raises NativeError where nobody can be asked for by such a name."""
        try:
            name = None if host is None else host.encode("idna").decode()
        except UnicodeError:
            name = ""  # WHY: what no name is, the core refuses in words
        return Asking(self._client, name)


def target_tls(target: Target) -> TargetTls:
    """Verified, TLS 1.2 or newer, as `tls.upstream_context`. Raises OSError and NativeError for files that cannot be used."""
    changed = os.stat(target.ca_file).st_mtime_ns if target.ca_file else 0
    own = (target.certificate, target.private_key) if target.certificate and target.private_key else None
    return _target_tls(target.ca_file, changed, target.verify_host, own)


@lru_cache(maxsize=256)
def _target_tls(ca_file: str | None, changed: int, verify_host: bool, own: tuple[str, str] | None) -> TargetTls:
    authorities = [Path(ca_file).read_bytes()] if ca_file else _of_the_system()
    shown = None if own is None else (own[0].encode(), own[1].encode())
    return TargetTls(TlsClient(authorities, verify_host, shown))


def _of_the_system() -> list[bytes]:
    """The authorities that `ssl.create_default_context` finds: OpenSSL's file and folders, or those that its variables name."""
    paths = ssl.get_default_verify_paths()
    files = [Path(os.environ.get(paths.openssl_cafile_env) or paths.openssl_cafile)]
    for folder in (os.environ.get(paths.openssl_capath_env) or paths.openssl_capath).split(os.pathsep):
        if folder and Path(folder).is_dir():
            files += sorted(found for found in Path(folder).iterdir() if _HASHED.fullmatch(found.name))
    return [file.read_bytes() for file in files if file.is_file()]


def reason(error: Exception) -> str:
    """Why TLS failed, in words that hold nothing of what the peer sent."""
    return f"{error.args[0]} ({error.code})" if isinstance(error, NativeError) else type(error).__name__
