"""Where a request comes from that passed proxies: the last hop that is not one of ours. Pure; used by the faces and the console.

`X-Forwarded-For` is what anybody writes there; each proxy adds who spoke to it at the end. So it is read from the end, and only as far as
the one who wrote is trusted. INVARIANT: nobody can choose an address but who connects from a trusted one, and nobody can be somebody else
beside what their own nearest proxy saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

HEADER = "X-Forwarded-For"
MAX_HOPS = 20
"""Words of the header that are looked at."""
_Address: TypeAlias = IPv4Address | IPv6Address


class Proxies:
    """The proxies that are trusted to say who spoke to them, as networks (`10.0.0.0/8`) or addresses. Raises ValueError for what is none."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = [ip_network(one, strict=False) for one in networks]

    def client(self, peer: str | None, headers: Sequence[str]) -> str | None:
        """Who began it: `peer` is who is connected to us, `headers` the values of the header, in their order."""
        hop = None if peer is None else _address(peer)
        if hop is None or not self._is_ours(hop):
            return peer
        for word in _from_the_end(headers):
            said = _address(word)
            # WHY the last that is known: whoever writes what is no address hides nobody but behind our own proxy.
            if said is None:
                break
            hop = said
            if not self._is_ours(hop):
                break
        return str(hop)

    def _is_ours(self, hop: _Address) -> bool:
        return any(hop in network for network in self._networks)


def _from_the_end(headers: Sequence[str]) -> Iterator[str]:
    words = ",".join(headers).rsplit(",", MAX_HOPS)
    yield from (word.strip() for word in reversed(words[-MAX_HOPS:]))


def _address(text: str) -> _Address | None:
    """An address, perhaps with a port, as proxies write it: `10.0.0.9`, `10.0.0.9:80`, `::1`, `[::1]:80`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
