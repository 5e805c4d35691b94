"""Addresses as a configuration writes them. Pure. Used by the checks and by `gateway.app`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence


def split_address(text: str) -> tuple[str, int] | None:
    """HOST:PORT or [V6]:PORT in its parts; None for anything else."""
    found = re.fullmatch(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]\s]+)):(?P<port>\d{1,5})", text)
    if found is None or int(found["port"]) > 65535:
        return None
    return found["v6"] or found["host"], int(found["port"])


def untrustworthy(networks: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Which of some trusted networks are none, or too wide to be, and why.

    >>> list(untrustworthy(["10.0.0.0/8", "::1", "0.0.0.0/0"]))
    [(2, 'is everywhere: whoever connects could say where they are')]
    """
    for index, text in enumerate(networks):
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            yield index, "is no address and no network; expected 10.0.0.7 or 10.0.0.0/24"
        else:
            if network.prefixlen == 0:
                yield index, "is everywhere: whoever connects could say where they are"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address there. No names: what `localhost` means is decided elsewhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
