"""What does not fit together in `[console]`. Called by `check`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from gateway.config.addresses import is_loopback, split_address, untrustworthy
from gateway.config.model import Config, ServerTls
from gateway.config.places import Path

ServerTlsCheck = Callable[[Config, ServerTls, Path], Iterator[tuple[Path, str]]]


def find_console_misfits(config: Config, server_tls: ServerTlsCheck) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together, as in `check`, which brings how the files of a server's TLS are looked at."""
    console = config.console
    if console.tls is not None:
        yield from server_tls(config, console.tls, ("console", "tls"))
    address = None if console.bind is None else split_address(console.bind)
    if console.bind is not None and address is None:
        yield ("console", "bind"), "is no address; expected HOST:PORT"
    elif address is not None and console.tls is None and not is_loopback(address[0]):
        # WHY: what proves who somebody is would cross the network in clear.
        yield ("console", "bind"), "is without [console.tls]; expected TLS, or loopback"
    if console.url is not None and not is_origin(console.url):
        yield ("console", "url"), "is no place of a site; expected https://HOST or http://HOST:PORT, without a path"
    for index, problem in untrustworthy(console.trusted_proxies):
        yield ("console", "trusted_proxies", index), problem
    if not 1 <= console.idle_minutes <= 1_440:
        yield ("console", "idle_minutes"), "is out of range; expected 1 to 1440"
    if not 1 <= console.session_hours <= 168:
        yield ("console", "session_hours"), "is out of range; expected 1 to 168"


def is_origin(url: str) -> bool:
    """Whether a URL is scheme, host and perhaps port, and nothing else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    has_more = parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(" \"'<>\\;,")
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not has_more and is_plain and port != 0
