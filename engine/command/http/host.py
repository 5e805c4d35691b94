"""The host of a URL as the WHATWG standard reads it: every spelling of an address becomes one; names go through IDNA.

And what kind of place a host is: loopback, link-local, private, a cloud's metadata service. Callers: `url`, `target`.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import idna

from engine.command.documents.refusal import Refused

_FORBIDDEN_HOST = re.compile(r"[\x00\t\n\r #/:<>?@\[\\\]^|]")
_FORBIDDEN_DOMAIN = re.compile(r"[\x00-\x20#/:<>?@\[\\\]^|%\x7f]")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")
_EMBEDDED = re.compile(
    r"(?:^|[.\-])((?:[0-9]{1,3}[.\-]){3}[0-9]{1,3})\.(?:nip\.io|sslip\.io|xip\.io|[a-z0-9.]*nip\.[a-z]+)$"
)
_METADATA_NAMES = frozenset(
    {
        *("metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"),
        *("metadata.azure.internal", "metadata.packet.net", "metadata.platformequinix.com", "rancher-metadata"),
    }
)
_METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",
                 "fd20:ce::254", "168.63.129.16", "169.254.0.23", "169.254.10.10")
)  # fmt: skip
_INTERNAL = (
    ".internal",
    ".local",
    ".localdomain",
    ".cluster.local",
    ".svc",
    ".lan",
    ".intranet",
    ".corp",
    ".home.arpa",
)
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
MAX_HOST = 1024
MAX_KNOWN = 512
"""Hosts whose meaning is kept: requests of one client name the same ones again and again."""


@lru_cache(maxsize=MAX_KNOWN)
def parse_host(text: str, *, is_special: bool) -> str:
    """The host as it is serialised. Raises Refused."""
    if len(text) > MAX_HOST:
        raise Refused("host", "the host is too long")
    if text.startswith("["):
        if not text.endswith("]"):
            raise Refused("host", "the address in brackets does not end")
        return f"[{_ipv6_text(_ipv6(text[1:-1]))}]"
    if not is_special:
        if _FORBIDDEN_HOST.search(text):
            raise Refused("host", "the host has a character that no host has")
        return "".join(char if "\x1f" < char < "\x7f" else _escaped(char) for char in text)
    name = _to_ascii(unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace"))
    if not name or _FORBIDDEN_DOMAIN.search(name):
        raise Refused("host", "the host has a character that no host name has")
    return _ipv4(name) if _ends_in_number(name) else name


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))


def _to_ascii(domain: str) -> str:
    if domain.isascii() and "xn--" not in domain.lower():
        return domain.lower()
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False, transitional=False)
        labels = [_label(label) for label in re.split("[.。．｡]", mapped)]
    except (idna.IDNAError, UnicodeError, IndexError, ValueError):
        raise Refused("host", "the host is no name that IDNA takes") from None
    return ".".join(labels)


def _label(label: str) -> str:
    shown = label
    if label.startswith("xn--"):
        if not label.isascii():
            raise idna.IDNAError("an encoded label with other characters")
        shown = label[4:].encode("ascii").decode("punycode")
        if not shown or shown.isascii() or idna.uts46_remap(shown, std3_rules=False, transitional=False) != shown:
            raise idna.IDNAError("an encoded label that is not what it would be encoded to")
    for position, char in enumerate(shown):
        if char in "\u200c\u200d" and not idna.valid_contextj(shown, position):
            raise idna.IDNAError("a joiner out of place")
    if shown and not shown.isascii():
        _check_first(shown)
        idna.check_bidi(shown)
    if label.startswith("xn--"):
        again = "xn--" + shown.encode("punycode").decode("ascii")
        if again != label:
            raise idna.IDNAError("an encoded label that is not canonical")
        return label
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _check_first(label: str) -> None:
    idna.check_initial_combiner(label)


def _ends_in_number(name: str) -> bool:
    parts = name.split(".")
    if parts[-1] == "":
        if len(parts) == 1:
            return False
        parts.pop()
    return parts[-1].isdecimal() or (_NUMBER.fullmatch(parts[-1]) is not None)


def _ipv4(name: str) -> str:
    parts = name.split(".")
    if parts[-1] == "" and len(parts) > 1:
        parts.pop()
    if len(parts) > 4:
        raise Refused("host", "an IPv4 address has too many parts")
    numbers = [_ipv4_number(part) for part in parts]
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        raise Refused("host", "a part of an IPv4 address is too large")
    address = numbers[-1] + sum(number * 256 ** (3 - place) for place, number in enumerate(numbers[:-1]))
    return str(ipaddress.IPv4Address(address))


def _ipv4_number(text: str) -> int:
    radix = 16 if text[:2] in ("0x", "0X") else 8 if len(text) > 1 and text[0] == "0" else 10
    digits = (text[2:] if radix == 16 else text).lstrip("0")
    if len(digits) > 40 or not _NUMBER.fullmatch(text):
        raise Refused("host", "a part of an IPv4 address is no number")
    try:
        return int(digits, radix) if digits else 0
    except ValueError:
        raise Refused("host", "a part of an IPv4 address is no number") from None


def _ipv6(text: str) -> int:
    if "%" in text or not re.fullmatch(r"[0-9A-Fa-f:.]+", text):
        raise Refused("host", "the IPv6 address has a character that none has")
    try:
        # The standard library takes exactly the forms of the URL standard once zones are out.
        return int(ipaddress.IPv6Address(text))
    except ValueError:
        raise Refused("host", "the address in brackets is no IPv6 address") from None


def _ipv6_text(address: int) -> str:
    """RFC 5952 without the dotted form: the first longest run of zeros becomes `::`."""
    pieces = [(address >> shift) & 0xFFFF for shift in range(112, -16, -16)]
    best, length, at = -1, 1, 0
    while at < 8:
        run = at
        while run < 8 and pieces[run] == 0:
            run += 1
        if run - at > length:
            best, length = at, run - at
        at = max(run, at + 1)
    if best < 0:
        return ":".join(f"{piece:x}" for piece in pieces)
    left = ":".join(f"{piece:x}" for piece in pieces[:best])
    right = ":".join(f"{piece:x}" for piece in pieces[best + length :])
    return f"{left}::{right}"


def place_features(host: str) -> frozenset[str]:
    """What kind of place a serialised host is, as features."""
    # WHY not kept where it is long: a text is looked into that somebody sent.
    return (_known_features if len(host) <= MAX_HOST else _known_features.__wrapped__)(host)


@lru_cache(maxsize=MAX_KNOWN)
def _known_features(host: str) -> frozenset[str]:
    return frozenset(_features_of(host))


def _features_of(host: str) -> set[str]:
    name = host.strip("[]").rstrip(".").lower()
    embedded = _EMBEDDED.search(name)
    if embedded is not None:
        name = embedded[1].replace("-", ".")
    try:
        return _address_features(ipaddress.ip_address(name))
    except ValueError:
        pass
    if name in _METADATA_NAMES:
        return {"metadata_host", "internal_host"}
    if name == "localhost" or name.endswith(".localhost") or name in ("localtest.me", "ip6-localhost", "lvh.me"):
        return {"loopback_host", "internal_host"}
    if name.endswith((".localtest.me", ".lvh.me")):
        return {"loopback_host", "internal_host"}
    return {"internal_host"} if name.endswith(_INTERNAL) or "." not in name else set()


def _address_features(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> set[str]:
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if inside is None and (address in _NAT64 or (int(address) < 2**32 and int(address) > 1)):
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return _address_features(inside) | {"address_host"}
    found = {"address_host"}
    if address in _METADATA_ADDRESSES:
        found |= {"metadata_host", "internal_host"}
    if address.is_loopback or address.is_unspecified:
        found |= {"loopback_host", "internal_host"}
    if address.is_link_local:
        found |= {"link_local_host", "internal_host"}
    if address.is_private or address.is_reserved or address.is_multicast or address in _SHARED:
        found |= {"private_host", "internal_host"}
    return found
