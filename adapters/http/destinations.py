"""Where a forward proxy goes: which hosts, ports and addresses a request may name, and which one it is pinned to. Pure.

INVARIANT: what is connected to is an address that was looked at here. A name is looked up once for a request, when it was granted (a
name that nobody granted may carry a message to whoever answers for it); every address it has must be one that may be reached, so
that a name with a public and a private one opens no door.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from adapters.core.ports import Target
from engine.command.documents.refusal import Refused
from engine.command.http.host import place_features
from engine.command.http.target import Where

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
SECURE = frozenset({"https", "wss"})
_DEFAULT_PORTS = {True: 443, False: 80}


@dataclass(frozen=True, slots=True)
class ProxyRules:
    """What the resource of a forward proxy may reach, whatever the policies say.

    `inside` are networks that may be reached although they are not public; a metadata service only where its very address stands
    there. `opaque` are hosts (or `*.` and a domain) whose TLS is not opened; without `authority` no host's is.
    """

    ports: frozenset[int] = frozenset({80, 443})
    inside: tuple[Network, ...] = ()
    opaque: tuple[str, ...] = ()
    authority: object | None = field(default=None, repr=False)
    """Proves that the gateway is the host (`adapters.core.minting.Authority`)."""

    def is_opened(self, host: str) -> bool:
        """Whether the TLS to a host ends here, so that what is in it is judged."""
        return self.authority is not None and not any(_is_named(pattern, host) for pattern in self.opaque)


def rules_of(target: Target) -> ProxyRules:
    """The rules of the resource. Raises Refused for one that is no proxy."""
    if not isinstance(target.own, ProxyRules):
        raise Refused("no_proxy", "this resource is no proxy")
    return target.own


def named(where: Where, *, is_tunnel: bool = False) -> tuple[str, int, bool]:
    """The host, port and whether it is TLS, that a request asks a proxy for. Raises Refused where it names none."""
    is_secure = is_tunnel or where.scheme in SECURE
    if where.host is None or (where.scheme is None and not is_tunnel):
        raise Refused("no_destination", "a proxy is asked with the whole URL, or with CONNECT")
    host = where.host.strip("[]")
    if host.endswith(".") or ".." in host or "%" in host:
        raise Refused("destination_host", "the host is written in a way that some take for another one")
    return host, where.port or _DEFAULT_PORTS[is_secure], is_secure


def destination(base: Target, host: str, port: int, *, is_secure: bool) -> Target:
    """The target for a request; an address is pinned to itself, a name to what it is looked up to. Raises Refused."""
    if port not in rules_of(base).ports:
        raise Refused("destination_port", f"the port {port} is none that this proxy goes to")
    made = replace(base, host=host, port=port, tls=is_secure)
    return pinned(made, (host,)) if "address_host" in place_features(host) else made


def pinned(target: Target, addresses: Sequence[str]) -> Target:
    """The target at the addresses that its host has. Raises Refused where one of them may not be reached."""
    if not addresses:
        raise Refused("destination_unknown", f"the host `{target.host[:200]}` has no address")
    for text in addresses:
        if not _may_reach(text, rules_of(target).inside):
            raise Refused(
                "destination_inside", f"the host `{target.host[:200]}` leads inside, where this proxy does not go"
            )
    return replace(target, addresses=tuple(addresses))


def _may_reach(text: str, inside: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    features = place_features(str(address))
    if "internal_host" not in features:
        return "%" not in text
    listed = [network for network in inside if network.version == address.version and address in network]
    return any("metadata_host" not in features or network.num_addresses == 1 for network in listed)


def _is_named(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and host != pattern[1:]
    return host == pattern
