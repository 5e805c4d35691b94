"""What does not fit together in what a configuration says of forward proxies. Called by `check`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from gateway.config.model import Config, Listener, Resource, ResourceProtocol
from gateway.config.places import Path
from gateway.config.proxy import ANYWHERE
from gateway.config.references import REFERENCE_EXPECTED, SECRET

_HOST = re.compile(r"(?:\*\.)?(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*")


def find_proxy_misfits(config: Config, resource: Resource, path: Path) -> Iterator[tuple[Path, str]]:
    """What a forward proxy has, and what no other resource has."""
    proxy = resource.proxy
    if proxy is None:
        return
    where = (*path, "proxy")
    if resource.protocol is not ResourceProtocol.HTTP:
        yield where, "is of no use where no HTTP is spoken"
    if resource.address != ANYWHERE:
        yield (*path, "address"), f'is one place; expected "{ANYWHERE}" of a proxy, whose clients name the hosts'
    said = (
        ("credential", resource.credential),
        ("role", resource.role),
        ("header", resource.header),
        ("openapi", resource.openapi),
    )
    for key, value in said:
        if value is not None:
            yield (*path, key), "is of no use with a proxy: who somebody is at a host is theirs to say"
    if not proxy.ports or not all(0 < port < 65_536 for port in proxy.ports):
        yield (*where, "ports"), "are no ports; expected 1 to 65535"
    for index, text in enumerate(proxy.inside):
        if not _is_network(text):
            yield (*where, "inside", index), "is no address or network; expected `10.1.2.0/24` or `10.1.2.3`"
    for index, text in enumerate(proxy.opaque):
        if not _HOST.fullmatch(text):
            yield (*where, "opaque", index), "is no host in small letters, and no `*.` with a domain"
    if (proxy.ca_certificate is None) is not (proxy.ca_key is None):
        yield (*where, "ca_key"), "and `ca_certificate` go together"
    if proxy.ca_certificate is not None and not config.at(proxy.ca_certificate).is_file():
        yield (*where, "ca_certificate"), "is no file; expected PEM"
    if proxy.ca_key is not None and not SECRET.fullmatch(proxy.ca_key):
        yield (*where, "ca_key"), f"holds no reference; {REFERENCE_EXPECTED}"


def find_proxy_listener_misfits(config: Config, listener: Listener, path: Path) -> Iterator[tuple[Path, str]]:
    """A listener of a proxy proves people by what they say in each request."""
    bound = next((one for one in config.resource if one.name == listener.resource), None)
    if (
        bound is not None
        and bound.proxy is not None
        and listener.tls is not None
        and listener.tls.client_ca is not None
    ):
        yield (*path, "tls", "client_ca"), "is of no use with a proxy: its clients bring a token in each request"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
