"""Addresses as a configuration writes them. Pure. Used by the checks and by `gateway.app`."""

from __future__ import annotations

import ipaddress
import re


def split_address(text: str) -> tuple[str, int] | None:
    """HOST:PORT or [V6]:PORT in its parts; None for anything else."""
    found = re.fullmatch(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]\s]+)):(?P<port>\d{1,5})", text)
    if found is None or int(found["port"]) > 65535:
        return None
    return found["v6"] or found["host"], int(found["port"])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address there. No names: what `localhost` means is decided elsewhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
