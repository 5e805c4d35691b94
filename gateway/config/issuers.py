"""What does not fit together in what a configuration says of issuers (OpenID Connect). Called by `check`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.config.addresses import is_loopback
from gateway.config.model import Config, OidcIssuer
from gateway.config.places import Path
from gateway.config.references import REFERENCE_EXPECTED, SECRET

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PREFIX = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._@:/=-]{0,63})?")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}")
MAX_LEEWAY = 300.0
MAX_TTL = 2_592_000.0
"""Thirty days: for longer, there are tokens in the configuration."""
MIN_LIFETIME, MAX_LIFETIME = 60.0, 86_400.0


def find_issuer_misfits(config: Config) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together, of tokens of our own too."""
    for index, reference in enumerate(config.identity.tokens.keys):
        if not SECRET.fullmatch(reference):
            yield ("identity", "tokens", "keys", index), f"holds no reference; {REFERENCE_EXPECTED}"
    if not MIN_LIFETIME <= config.identity.tokens.max_ttl_seconds <= MAX_TTL:
        yield (
            ("identity", "tokens", "max_ttl_seconds"),
            f"is out of range; expected {MIN_LIFETIME:.0f} to {MAX_TTL:.0f}",
        )
    for index, issuer in enumerate(config.identity.oidc):
        path = ("identity", "oidc", index)
        yield from _names(issuer, path)
        yield from _limits(issuer, path)
        if issuer.ca_file is not None and not config.at(issuer.ca_file).is_file():
            yield (*path, "ca_file"), "is no file; expected PEM certificates"


def _names(issuer: OidcIssuer, path: Path) -> Iterator[tuple[Path, str]]:
    if not _NAME.fullmatch(issuer.name):
        yield (*path, "name"), "is no name; expected letters, digits, `.`, `_`, `-`"
    if not is_issuer_url(issuer.issuer):
        yield (*path, "issuer"), "is no issuer; expected https://HOST[/PATH], or http on a loopback address"
    if not _PREFIX.fullmatch(issuer.prefix):
        yield (*path, "prefix"), "cannot stand before a name"
    if issuer.client_secret is not None and not SECRET.fullmatch(issuer.client_secret):
        yield (*path, "client_secret"), f"holds no reference; {REFERENCE_EXPECTED}"
    if issuer.client_id is None and issuer.client_secret is not None:
        yield (*path, "client_secret"), "is of no use without `client_id`"
    if issuer.client_id is None and not issuer.audience:
        # INVARIANT: a token that may be for anybody is not for us.
        yield (*path, "audience"), "is missing; expected whom tokens of this issuer are for, or `client_id`"
    if "" in issuer.audience or issuer.client_id == "":
        yield (*path, "audience"), "has an empty name in it"
    if issuer.client_id is not None and (
        "openid" not in issuer.scopes or not all(map(_SCOPE.fullmatch, issuer.scopes))
    ):
        yield (*path, "scopes"), "must be scopes, `openid` among them"


def _limits(issuer: OidcIssuer, path: Path) -> Iterator[tuple[Path, str]]:
    if not issuer.algorithms:
        yield (*path, "algorithms"), "is empty; expected how its tokens are signed"
    if not 0 <= issuer.leeway_seconds <= MAX_LEEWAY:
        yield (*path, "leeway_seconds"), f"is out of range; expected 0 to {MAX_LEEWAY:.0f}"
    if not MIN_LIFETIME <= issuer.max_lifetime_seconds <= MAX_LIFETIME:
        yield (*path, "max_lifetime_seconds"), f"is out of range; expected {MIN_LIFETIME:.0f} to {MAX_LIFETIME:.0f}"


def is_issuer_url(url: str) -> bool:
    """Whether this can be an issuer: https, or http on this machine (for trying things out); no query, no fragment, no user.

    >>> is_issuer_url("https://login.example.com/realms/main"), is_issuer_url("http://login.example.com")
    (True, False)
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or set("?# ") & set(url) or not (url.isascii() and url.isprintable()):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
