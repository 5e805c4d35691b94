"""The certificates that servers prove themselves with: made into TLS contexts, told by their ends, and changed while they serve.

A context stays the same object for as long as its server listens; a reload gives it another certificate, which connections made from
then on are shown. Not here: certificates of the way to targets (`adapters.core.tls`). Called by `assembly` and what builds servers.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from gateway.config import Config
from gateway.config.model import ServerTls
from gateway.errors import ConfigInvalid
from gateway.telemetry import logger

FACES, CONSOLE, RPC = "faces", "console", "rpc"


class Certificates:
    """Those of one gateway, by where they are served: an address of a listener, or the name of a server."""

    def __init__(self) -> None:
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._leaves: dict[str, x509.Certificate] = {}

    def context(self, config: Config, files: ServerTls, where: str) -> ssl.SSLContext:
        """TLS as a server does it. Raises ConfigInvalid."""
        context, leaf = _context(config, files, where)
        self._contexts[where], self._leaves[where] = context, leaf
        return context

    def note(self, config: Config, files: ServerTls, where: str) -> None:
        """Remember a certificate that somebody else serves. Raises ConfigInvalid."""
        self._leaves[where] = _context(config, files, where)[1]

    def ends(self) -> Mapping[str, float]:
        """When each ends, in seconds since 1970."""
        return {where: leaf.not_valid_after_utc.timestamp() for where, leaf in self._leaves.items()}

    def reload(self, config: Config) -> bool:
        """Take what the files of a configuration hold now. What cannot be used is logged, and the one before stays; whether all could.

        Authorities of client certificates stay as they are until a restart.
        """
        is_whole = True
        for where, files in served(config):
            if where not in self._leaves:
                continue
            try:
                _, leaf = _context(config, files, where)
                # WHY: a context keeps one certificate of each kind of key; the old one would go on being shown beside the new.
                if type(leaf.public_key()) is not type(self._key(where)):
                    raise ConfigInvalid(f"the certificate of {where} has another kind of key", help="restart")
                if where in self._contexts:
                    self._contexts[where].load_cert_chain(config.at(files.certificate), config.at(files.key))
            except (ConfigInvalid, OSError, ssl.SSLError) as error:
                logger("app").error("a certificate was not loaded again", where=where, problem=str(error))
                is_whole = False
                continue
            if leaf != self._leaves[where]:
                logger("app").info("a certificate was changed", where=where, until=leaf.not_valid_after_utc.isoformat())
            self._leaves[where] = leaf
        return is_whole

    def _key(self, where: str) -> CertificatePublicKeyTypes:
        return self._leaves[where].public_key()


def served(config: Config) -> Iterator[tuple[str, ServerTls]]:
    """Where a configuration serves which certificate."""
    for listener in config.listener:
        if listener.tls is not None:
            yield listener.bind, listener.tls
    for where, tls in ((FACES, config.faces.tls), (CONSOLE, config.console.tls), (RPC, config.rpc.tls)):
        if tls is not None:
            yield where, tls


def _context(config: Config, files: ServerTls, where: str) -> tuple[ssl.SSLContext, x509.Certificate]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(config.at(files.certificate), config.at(files.key))
        leaf = x509.load_pem_x509_certificate(config.at(files.certificate).read_bytes())
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigInvalid(
            f"the certificate of {where} cannot be used ({type(error).__name__})",
            help="expected PEM: the certificate (with its chain), and its own key without a passphrase",
        ) from error
    if files.client_ca is not None:
        _ask_for_certificates(context, config, files.client_ca, where)
    return context, leaf


def _ask_for_certificates(context: ssl.SSLContext, config: Config, client_ca: str, where: str) -> None:
    """Ask clients for a certificate: none is needed, one that is given has to be an authority's."""
    try:
        context.load_verify_locations(config.at(client_ca))
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"`client_ca` of {where} cannot be used ({type(error).__name__})", help="expected PEM"
        ) from error
    context.verify_mode = ssl.CERT_OPTIONAL
