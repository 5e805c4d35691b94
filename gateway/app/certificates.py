"""The certificates that servers prove themselves with: made into TLS contexts, told by their ends, and changed while they serve.

A server has the same context for as long as it listens; behind it stands the one that makes the next handshake, and a reload puts
another there, whole: certificate, authorities of clients, and the key that resumed sessions hang on. PostgreSQL's listeners have it in the core
(`ServedTls`). Not here: certificates of the way to targets (`adapters.core.tls`, `core_tls`). Called by `assembly`, `reloading` and what builds servers.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.core.core_tls import Proof, ServedTls
from adapters.core.tls import ServerContext, end_point
from engine._native import NativeError
from gateway.config import Config
from gateway.config.model import ServerTls
from gateway.errors import ConfigInvalid

FACES, CONSOLE, RPC = "faces", "console", "rpc"


class ServedContext(ssl.SSLContext):
    """A context with nothing of its own: whoever shakes hands does it with the one that stands behind it at the moment."""

    _now: ssl.SSLContext
    _protocols: Sequence[str] = ()

    @classmethod
    def over(cls, context: ssl.SSLContext) -> ServedContext:
        """One that stands before this."""
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made._now = context
        return made

    def change(self, context: ssl.SSLContext) -> None:
        """Shake hands with this one from now on.

        WHY another and not the same with other files: a context lets go of no authority and of no certificate it once had, and clients
        whose authority is gone would resume the sessions of before.
        """
        if self._protocols:
            context.set_alpn_protocols(self._protocols)
        self._now = context

    def set_alpn_protocols(self, alpn_protocols: Sequence[str]) -> None:  # type: ignore[override]  # an iterable that is kept
        """As of any context, for those that come later too."""
        self._protocols = tuple(alpn_protocols)
        self._now.set_alpn_protocols(self._protocols)

    def wrap_bio(self, *arguments: object, **named: object) -> ssl.SSLObject:
        """As of any context."""
        return self._now.wrap_bio(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came

    def wrap_socket(self, *arguments: object, **named: object) -> ssl.SSLSocket:
        """As of any context."""
        return self._now.wrap_socket(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came


@dataclass(frozen=True, slots=True)
class _Proof:
    """What is served somewhere: its certificate, and the bytes of the authorities whose certificates clients may have."""

    leaf: x509.Certificate
    chain: bytes
    authorities: bytes | None


class Certificates:
    """Those of one gateway, by where they are served: an address of a listener, or the name of a server."""

    def __init__(self) -> None:
        self._contexts: dict[str, ServedContext] = {}
        self._in_core: dict[str, ServedTls] = {}
        self._proofs: dict[str, _Proof] = {}

    def context(self, config: Config, files: ServerTls, where: str) -> ssl.SSLContext:
        """TLS as a server does it. Raises ConfigInvalid."""
        context, proof = _read(config, files, where)
        self._contexts[where], self._proofs[where] = ServedContext.over(context), proof
        return self._contexts[where]

    def in_core(self, config: Config, files: ServerTls, where: str) -> ServedTls:
        """TLS as a server does it in the core. Raises ConfigInvalid."""
        _, proof = _read(config, files, where)
        with _refused(where):
            self._in_core[where] = ServedTls(_shown(config, files, proof))
        self._proofs[where] = proof
        return self._in_core[where]

    def note(self, config: Config, files: ServerTls, where: str) -> None:
        """Remember a certificate that somebody else serves. Raises ConfigInvalid."""
        self._proofs[where] = _read(config, files, where)[1]

    def ends(self) -> Mapping[str, float]:
        """When each ends, in seconds since 1970."""
        return {where: proof.leaf.not_valid_after_utc.timestamp() for where, proof in self._proofs.items()}

    def is_served(self, where: str) -> bool:
        """Whether there is one."""
        return where in self._proofs

    def check(self, config: Config, files: ServerTls, where: str) -> None:
        """Whether what the files hold now could be served. Raises ConfigInvalid."""
        _, proof = _read(config, files, where)
        if where in self._in_core:
            with _refused(where):
                ServedTls(_shown(config, files, proof))

    def renew(self, config: Config, files: ServerTls, where: str) -> bool:
        """Serve what the files hold now, from the next connection on; whether that is something else. Raises ConfigInvalid, with nothing changed."""
        context, proof = _read(config, files, where)
        if proof == self._proofs[where]:
            return False
        if where in self._contexts:
            self._contexts[where].change(context)
        if where in self._in_core:
            with _refused(where):
                self._in_core[where].change(_shown(config, files, proof))
        self._proofs[where] = proof
        return True


def served(config: Config) -> Iterator[tuple[str, ServerTls]]:
    """Where a configuration serves which certificate."""
    for listener in config.listener:
        if listener.tls is not None:
            yield listener.bind, listener.tls
    for where, tls in ((FACES, config.faces.tls), (CONSOLE, config.console.tls), (RPC, config.rpc.tls)):
        if tls is not None:
            yield where, tls


def _shown(config: Config, files: ServerTls, proof: _Proof) -> Proof:
    """The same with its key. WHY looked at by OpenSSL before: what it would not show, the core does not either."""
    return Proof(proof.chain, config.at(files.key).read_bytes(), proof.authorities)


@contextmanager
def _refused(where: str) -> Iterator[None]:
    """What the core does not take, as what is wrong with the configuration."""
    try:
        yield
    except (OSError, NativeError) as error:
        why = error.args[0] if isinstance(error, NativeError) else type(error).__name__
        raise ConfigInvalid(
            f"the certificate of {where} cannot be used: {why}",
            help="PostgreSQL's listeners take RSA of 2048 to 4096 bits, ECDSA (P-256, P-384) and Ed25519, X.509 version 3",
        ) from error


def _read(config: Config, files: ServerTls, where: str) -> tuple[ssl.SSLContext, _Proof]:
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(config.at(files.certificate), config.at(files.key))
        chain = config.at(files.certificate).read_bytes()
        leaf = x509.load_pem_x509_certificate(chain)
        context.end_point = end_point(leaf.public_bytes(Encoding.DER))
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigInvalid(
            f"the certificate of {where} cannot be used ({type(error).__name__})",
            help="expected PEM: the certificate (with its chain), and its own key without a passphrase",
        ) from error
    authorities = None if files.client_ca is None else _ask_for_certificates(context, config, files.client_ca, where)
    return context, _Proof(leaf, chain, authorities)


def _ask_for_certificates(context: ssl.SSLContext, config: Config, client_ca: str, where: str) -> bytes:
    """Ask clients for a certificate: none is needed, one that is given has to be an authority's. Gives what the file holds."""
    try:
        context.load_verify_locations(config.at(client_ca))
        held = config.at(client_ca).read_bytes()
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"`client_ca` of {where} cannot be used ({type(error).__name__})", help="expected PEM"
        ) from error
    context.verify_mode = ssl.CERT_OPTIONAL
    return held
