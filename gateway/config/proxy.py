"""What may be said of a forward proxy. Read by `model`; checked by `proxying`."""

from __future__ import annotations

from dataclasses import dataclass

ANYWHERE = "*"
"""The `address` of a resource that is a forward proxy: its clients name the hosts."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """`[resource.proxy]`: the resource is whatever its clients name, as far as this lets them and policies allow it.

    `ports` may be reached at all. `inside` are addresses and networks that may be although they are not public. With
    `ca_certificate` (a file) and `ca_key` (a reference) TLS ends here, so that what is in it is judged; `opaque` are hosts, or `*.` and a
    domain, whose TLS does not.
    """

    ports: tuple[int, ...] = (80, 443)
    inside: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    ca_certificate: str | None = None
    ca_key: str | None = None
