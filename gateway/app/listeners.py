"""From a `[[listener]]` to what listens: which adapter, with which settings, behind which certificate. Called by `assembly`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, assert_never

from adapters.core.kept import KeptConnections
from adapters.core.listening import Address
from adapters.core.shared import SharedConnections
from adapters.http.listener import http_listener, proxy_listener
from adapters.kubernetes.listener import kubernetes_listener
from adapters.mcp.listener import mcp_listener
from adapters.postgres.catalog import CatalogService
from adapters.postgres.listener import ListenerSettings as PostgresSettings
from adapters.postgres.listener import PostgresListener
from adapters.postgres.pool import Pools
from adapters.postgres.session import ClientProof
from adapters.ssh.listener import HostKeyUnusable, SshListener
from adapters.ssh.listener import ListenerSettings as SshSettings
from adapters.web.http2.offer import TO_TARGETS
from gateway.app.certificates import Certificates
from gateway.config import Auth, Config, Listener
from gateway.config.addresses import split_address
from gateway.config.http2 import Http2
from gateway.config.model import ResourceProtocol
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
    pools: Pools,
    host_keys: Mapping[str, Sequence[str]],
    meters: Meters,
    certificates: Certificates,
) -> RunningListener:
    """The listener, not started; `host_keys` by where they listen. Raises ConfigInvalid for what cannot be used of its files."""
    host, port = split_address(one.bind) or ("", 0)
    if one.protocol is ResourceProtocol.POSTGRES:
        served = None if one.tls is None else certificates.in_core(config, one.tls, one.bind)
        proof = ClientProof.TOKEN if one.auth is Auth.TOKEN else ClientProof.SCRAM
        settings = PostgresSettings(host=host, port=port, tls=served, proof=proof, resource=one.resource)
        return PostgresListener(settings, doors, catalogs, pools)
    tls = None if one.tls is None else certificates.context(config, one.tls, one.bind)
    match one.protocol:
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
                shared=_shared(one, meters),
            )
        case ResourceProtocol.KUBERNETES:
            address, kept = Address(host, port, tls), _kept(one, meters)
            return kubernetes_listener(address, doors, one.resource, kept=kept, idle_seconds=one.idle_seconds)
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
    protocol, count = one.protocol.value, meters.target_connections.count
    return KeptConnections(lambda what: count(protocol, what))


def _shared(one: Listener, meters: Meters) -> SharedConnections:
    """Where connections to the targets of a listener carry many requests at once."""
    return SharedConnections(TO_TARGETS, lambda what: meters.target_connections.count(one.protocol.value, what))


def _is_proxy(config: Config, one: Listener) -> bool:
    """Whether clients of a listener name the hosts they want."""
    return any(resource.name == one.resource and resource.proxy is not None for resource in config.resource)
