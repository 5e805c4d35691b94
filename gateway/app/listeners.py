"""From a `[[listener]]` to what listens: which adapter, with which settings, behind which certificate. Called by `assembly`."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Protocol, assert_never

from adapters.core.kept import KeptConnections
from adapters.core.listening import Address
from adapters.http.listener import http_listener, proxy_listener
from adapters.kubernetes.listener import kubernetes_listener
from adapters.mcp.listener import mcp_listener
from adapters.postgres.catalog import CatalogService
from adapters.postgres.listener import ListenerSettings as PostgresSettings
from adapters.postgres.listener import PostgresListener
from adapters.postgres.session import ClientProof
from adapters.ssh.listener import HostKeyUnusable, SshListener
from adapters.ssh.listener import ListenerSettings as SshSettings
from gateway.config import Auth, Config, Listener
from gateway.config.addresses import split_address
from gateway.config.http2 import Http2
from gateway.config.model import ResourceProtocol, ServerTls
from gateway.doors.adapters import Doors
from gateway.errors import ConfigInvalid
from gateway.telemetry import Meters


class RunningListener(Protocol):
    """What every adapter's listener can do."""

    @property
    def port(self) -> int: ...

    async def start(self) -> None:
        """Bind and accept. Raises OSError."""

    async def drain(self, seconds: float) -> None:
        """Accept no more and end."""


def make_listener(
    config: Config,
    one: Listener,
    doors: Doors,
    catalogs: CatalogService,
    host_keys: Mapping[str, Sequence[str]],
    meters: Meters,
) -> RunningListener:
    """The listener, not started; `host_keys` by where they listen. Raises ConfigInvalid for what cannot be used of its files."""
    host, port = split_address(one.bind) or ("", 0)
    tls = None if one.tls is None else server_context(config, one.tls, f"the listener on `{one.bind}`")
    match one.protocol:
        case ResourceProtocol.POSTGRES:
            proof = ClientProof.TOKEN if one.auth is Auth.TOKEN else ClientProof.SCRAM
            settings = PostgresSettings(host=host, port=port, tls=tls, proof=proof, resource=one.resource)
            return PostgresListener(settings, doors, catalogs)
        case ResourceProtocol.HTTP if _is_proxy(config, one):
            return proxy_listener(Address(host, port, tls), doors, one.resource or "")
        case ResourceProtocol.HTTP:
            is_carried, in_clear = one.http2 is not Http2.OFF, one.http2 is Http2.CLEAR
            return http_listener(
                Address(host, port, tls),
                doors,
                one.resource,
                http2=is_carried,
                in_clear=in_clear,
                kept=_kept(one, meters),
            )
        case ResourceProtocol.KUBERNETES:
            return kubernetes_listener(Address(host, port, tls), doors, one.resource, kept=_kept(one, meters))
        case ResourceProtocol.MCP:
            return mcp_listener(Address(host, port, tls), doors, one.resource)
        case ResourceProtocol.SSH:
            try:
                ssh = SshSettings(host_keys[one.bind], host, port, one.resource, idle_seconds=one.idle_seconds)
                return SshListener(ssh, doors)
            except HostKeyUnusable as error:
                raise ConfigInvalid(f"the listener on `{one.bind}`: {error}", code=error.code) from error
        case _:
            assert_never(one.protocol)


def _kept(one: Listener, meters: Meters) -> KeptConnections:
    """Where connections to the targets of a listener wait for another request."""
    return KeptConnections(lambda what: meters.target_connections.count(one.protocol.value, what))


def _is_proxy(config: Config, one: Listener) -> bool:
    """Whether clients of a listener name the hosts they want."""
    return any(resource.name == one.resource and resource.proxy is not None for resource in config.resource)


def server_context(config: Config, files: ServerTls, what: str) -> ssl.SSLContext:
    """TLS as a server does it, with a certificate of the configuration. Raises ConfigInvalid."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(config.at(files.certificate), config.at(files.key))
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"the certificate of {what} cannot be used ({type(error).__name__})",
            help="expected PEM: the certificate (with its chain), and its own key without a passphrase",
        ) from error
    if files.client_ca is not None:
        _ask_for_certificates(context, config, files.client_ca, what)
    return context


def _ask_for_certificates(context: ssl.SSLContext, config: Config, client_ca: str, what: str) -> None:
    """Ask clients for a certificate: none is needed, one that is given has to be an authority's."""
    try:
        context.load_verify_locations(config.at(client_ca))
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"`client_ca` of {what} cannot be used ({type(error).__name__})", help="expected PEM"
        ) from error
    context.verify_mode = ssl.CERT_OPTIONAL
