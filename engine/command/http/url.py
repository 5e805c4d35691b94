"""URLs as the WHATWG standard reads them, so that what is judged is what browsers and client libraries reach.

`parse_url` is the basic URL parser with its states as functions. Callers: `target` for absolute request targets, and for
values of a request that are URLs themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.command.documents.refusal import Refused
from engine.command.http.host import parse_host

MAX_URL = 64 * 1024
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "file": None}

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_DRIVE = re.compile(r"[A-Za-z][:|]")
_C0 = frozenset(map(chr, range(0x20))) | {"\x7f"}
_FRAGMENT = _C0 | set(' "<>`')
_QUERY = _C0 | set(' "#<>')
_PATH = _QUERY | set("?^`{}")
_USERINFO = _PATH | set("/:;=@[\\]|")
_SINGLE = {".", "%2e"}
_DOUBLE = {"..", ".%2e", "%2e.", "%2e%2e"}


@dataclass(frozen=True, slots=True)
class Url:
    """A URL record. `path` is a list of segments, or one opaque text (`mailto:x`)."""

    scheme: str
    username: str = ""
    password: str = ""
    host: str | None = None
    port: int | None = None
    path: tuple[str, ...] | str = ()
    query: str | None = None
    fragment: str | None = None

    @property
    def is_special(self) -> bool:
        return self.scheme in PORTS

    @property
    def pathname(self) -> str:
        return self.path if isinstance(self.path, str) else "".join(f"/{segment}" for segment in self.path)

    @property
    def href(self) -> str:
        """The URL as it is serialised."""
        made = f"{self.scheme}:"
        if self.host is not None:
            made += "//"
            if self.username or self.password:
                made += self.username + (f":{self.password}" if self.password else "") + "@"
            made += self.host + (f":{self.port}" if self.port is not None else "")
        elif not isinstance(self.path, str) and len(self.path) > 1 and self.path[0] == "":
            made += "/."
        made += self.pathname
        made += "" if self.query is None else f"?{self.query}"
        return made + ("" if self.fragment is None else f"#{self.fragment}")


def parse_url(text: str, base: Url | None = None) -> Url:
    """The record of a URL, read against another one where it is relative. Raises Refused."""
    if len(text) > MAX_URL:
        raise Refused("url", "the URL is too long")
    text = re.sub(r"[\t\n\r]", "", text.strip("".join(map(chr, range(0x21)))))
    found = _SCHEME.match(text)
    if found is None:
        return _without_scheme(text, base)
    scheme, rest = found[0][:-1].lower(), text[found.end() :]
    if scheme == "file":
        return _file(rest, base if base is not None and base.scheme == "file" else None)
    if scheme in PORTS:
        if base is not None and base.scheme == scheme and not rest.startswith("//"):
            return _relative(rest, base)
        return _authority(Url(scheme), rest.lstrip("/\\"))
    if rest.startswith("//"):
        return _authority(Url(scheme), rest[2:])
    if rest.startswith("/"):
        return _path(Url(scheme), rest[1:])
    path, end = _until(rest, "?#")
    if path.endswith(" ") and end:
        path = f"{path[:-1]}%20"
    return _tail(Url(scheme, path=_encode(path, _C0)), end)


def _without_scheme(text: str, base: Url | None) -> Url:
    if base is None or (isinstance(base.path, str) and not text.startswith("#")):
        raise Refused("url", "the URL has no scheme")
    if isinstance(base.path, str):
        return _tail(replace(base, fragment=None), text)
    return _file(text, base) if base.scheme == "file" else _relative(text, base)


def _relative(text: str, base: Url) -> Url:
    slashes = "/\\" if base.is_special else "/"
    fresh = replace(base, path=(), query=None, fragment=None)
    if text[:1] and text[0] in slashes:
        if base.is_special and text[1:2] and text[1] in slashes:
            return _authority(Url(base.scheme), text.lstrip("/\\"))
        if text[1:2] == "/":
            return _authority(Url(base.scheme), text[2:])
        return _path(fresh, text[1:])
    if text[:1] in ("?", "#", ""):
        kept = replace(base, fragment=None)
        return _tail(replace(kept, query=None) if text[:1] == "?" else kept, text)
    return _path(fresh, text, _shortened(base.scheme, list(_segments(base))))


def _authority(url: Url, text: str) -> Url:
    authority, rest = _until(text, "/\\?#" if url.is_special else "/?#")
    credentials, at, host = authority.rpartition("@")
    if at:
        name, _, password = credentials.partition(":")
        url = replace(url, username=_encode(name, _USERINFO), password=_encode(password, _USERINFO))
    closing = host.rfind("]")
    name, colon, port = host, "", ""
    if ":" in host[closing + 1 :]:
        cut = host.index(":", closing + 1)
        name, colon, port = host[:cut], ":", host[cut + 1 :]
    if not name and (url.is_special or colon or at):
        raise Refused("url", "the URL has no host")
    url = replace(url, host=parse_host(name, is_special=url.is_special) if name else "", port=_port(url.scheme, port))
    return _path_start(url, rest)


def _port(scheme: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text.lstrip("0")) > 5 or int(text) > 65535:
        raise Refused("url", "the port is no number below 65536")
    return None if PORTS.get(scheme) == int(text) else int(text)


def _path_start(url: Url, text: str) -> Url:
    if url.is_special:
        return _path(url, text[1:] if text[:1] in ("/", "\\") else text)
    if text.startswith("/"):
        return _path(url, text[1:])
    return _tail(url, text)


def _path(url: Url, text: str, before: list[str] | None = None) -> Url:
    """The path state: `text` begins behind its first slash."""
    path = [] if before is None else before
    body, rest = _until(text, "?#")
    pieces = re.split(r"[/\\]", body) if url.is_special else body.split("/")
    for number, piece in enumerate(pieces):
        is_last = number == len(pieces) - 1
        segment = _encode(piece, _PATH)
        lowered = segment.lower()
        if lowered in _DOUBLE:
            path = _shortened(url.scheme, path)
            path += [""] if is_last else []
        elif lowered in _SINGLE:
            path += [""] if is_last else []
        else:
            if url.scheme == "file" and not path and _DRIVE.fullmatch(segment):
                segment = f"{segment[0]}:"
            path.append(segment)
    return _tail(replace(url, path=tuple(path)), rest)


def _shortened(scheme: str, path: list[str]) -> list[str]:
    if scheme == "file" and len(path) == 1 and re.fullmatch(r"[A-Za-z]:", path[0]):
        return path
    return path[:-1]


def _file(text: str, base: Url | None) -> Url:
    url = Url("file", host="")
    if text[:1] in ("/", "\\") and text:
        if text[1:2] in ("/", "\\") and len(text) > 1:
            return _file_host(url, text[2:])
        before: list[str] = []
        if base is not None:
            url = replace(url, host=base.host)
            segments = _segments(base)
            if not _starts_with_drive(text[1:]) and segments and re.fullmatch(r"[A-Za-z]:", segments[0]):
                before = [segments[0]]
        return _path(url, text[1:], before)
    if base is None:
        return _path(url, text)
    kept = replace(base, fragment=None)
    if text[:1] in ("?", "#", ""):
        return _tail(replace(kept, query=None) if text[:1] == "?" else kept, text)
    start = [] if _starts_with_drive(text) else _shortened("file", list(_segments(base)))
    return _path(replace(url, host=base.host), text, start)


def _file_host(url: Url, text: str) -> Url:
    name, rest = _until(text, "/\\?#")
    if _DRIVE.fullmatch(name):
        return _path(url, text)
    host = parse_host(name, is_special=True) if name else ""
    return _path_start(replace(url, host="" if host == "localhost" else host), rest)


def _starts_with_drive(text: str) -> bool:
    return _DRIVE.match(text) is not None and (len(text) == 2 or text[2] in "/\\?#")


def _segments(url: Url) -> tuple[str, ...]:
    return () if isinstance(url.path, str) else url.path


def _tail(url: Url, text: str) -> Url:
    """What is left: a query, a fragment, both or nothing."""
    if text.startswith("?"):
        query, text = _until(text[1:], "#")
        url = replace(url, query=_encode(query, _QUERY | {"'"} if url.is_special else _QUERY))
    if text.startswith("#"):
        url = replace(url, fragment=_encode(text[1:], _FRAGMENT))
    return url


def _until(text: str, ends: str) -> tuple[str, str]:
    at = min((place for place in map(text.find, ends) if place >= 0), default=len(text))
    return text[:at], text[at:]


def _encode(text: str, which: frozenset[str] | set[str]) -> str:
    if text.isascii() and not which.intersection(text):
        return text
    return "".join(
        "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace")) if char in which or char > "\x7e" else char
        for char in text
    )
