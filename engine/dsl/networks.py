"""Networks and addresses: which is in which.

An IPv4 address is the IPv6 address `::ffff:a.b.c.d` that a dual-stack socket shows for it, so that no guard depends on
how a connection came in. Used by `lower.py` (as Rego) and `reference.py` (as it is).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_MAPPED = IPv6Network("::ffff:0:0/96")


def read_address(text: str) -> IPv6Address | None:
    """An address as IPv6; None for a text that is none. Zones (`%eth0`) are no part of an address here."""
    if "%" in text:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return _mapped(found) if isinstance(found, IPv4Address) else found


def is_within(address: IPv6Address, network: str) -> bool:
    """Whether an address is in a network of either family."""
    return address in _as_v6(ip_network(network))


def both_families(network: str) -> tuple[str, ...]:
    """The network, and what it is in the other family: an address is in one of them when it `is_within`."""
    found = ip_network(network)
    if isinstance(found, IPv4Network):
        return str(found), str(_as_v6(found))
    if found.supernet_of(_MAPPED):
        return str(found), "0.0.0.0/0"
    if found.subnet_of(_MAPPED):
        last = IPv4Address(int(found.network_address) & 0xFFFFFFFF)
        return str(found), f"{last}/{found.prefixlen - 96}"
    return (str(found),)


def _mapped(address: IPv4Address) -> IPv6Address:
    return IPv6Address(int(_MAPPED.network_address) | int(address))


def _as_v6(network: IPv4Network | IPv6Network) -> IPv6Network:
    if isinstance(network, IPv6Network):
        return network
    return IPv6Network((_mapped(network.network_address), network.prefixlen + 96))
