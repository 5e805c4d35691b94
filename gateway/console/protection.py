"""What keeps a browser from being used against whoever sits before it: headers, origins, places to go on to. Pure.

The pages run one script and one sheet of style, both ours; they are never framed, never kept, and no form of another site
counts. Used by `server`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

START = "/holds"
"""The first page after signing in."""
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_PLACE = re.compile(r"/(?!/)[A-Za-z0-9_./-]{0,200}(\?[A-Za-z0-9_.=&%+-]{0,500})?")
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # WHY not `no-referrer`: a browser would then hide the origin of our own forms from us.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Server": "sallyport",
}


def headers(*, is_secure: bool) -> Mapping[str, str]:
    """What every answer says. `is_secure`: browsers reach us over TLS."""
    return {**_HEADERS, "Strict-Transport-Security": "max-age=31536000"} if is_secure else _HEADERS


def is_ours(origin: str | None, fetch_site: str | None, own: str) -> bool:
    """Whether a form was sent from a page of ours. `own` is our origin, as browsers write it.

    Every browser of today says one of the two; who says neither is none and has no cookie of anybody's either.
    """
    if fetch_site is not None and fetch_site != "same-origin":
        return False
    if origin is not None:
        return origin == own
    return fetch_site == "same-origin"


def own_place(wanted: str | None) -> str:
    """Where to go on to: a place of ours, whatever was asked for."""
    if wanted is None or not _PLACE.fullmatch(wanted) or "/../" in f"{wanted}/" or wanted.startswith("/sign"):
        return START
    return wanted


def is_same(one: str, other: str) -> bool:
    """Whether two values are the same, in a time that tells nothing."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
