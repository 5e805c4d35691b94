"""What an issuer publishes about itself (OpenID Connect Discovery 1.0), as far as it is needed, and checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.config.issuers import is_issuer_url
from gateway.errors import IdentityRefused

WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where an issuer's doors are."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    device_endpoint: str | None = None
    names_itself: bool = False
    """Its answers to browsers say which issuer they are of (RFC 9207), so one that does not is not its own."""


def read_metadata(document: object, issuer: str) -> Metadata:
    """What the document says. Raises IdentityRefused when it is of another issuer, or leads to where nothing is safe."""
    if not isinstance(document, Mapping) or document.get("issuer") != issuer:
        # INVARIANT: a document that is not of exactly this issuer says nothing about it.
        raise _unusable("what the issuer publishes about itself is of another one")
    jwks = _url(document, "jwks_uri", issuer)
    if jwks is None:
        raise _unusable("the issuer says not where its keys are")
    return Metadata(
        issuer,
        jwks,
        _url(document, "authorization_endpoint", issuer),
        _url(document, "token_endpoint", issuer),
        _url(document, "device_authorization_endpoint", issuer),
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _url(document: Mapping[str, object], name: str, issuer: str) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    # WHY: who is asked over TLS must not send us on to where anybody can answer.
    if (
        not isinstance(value, str)
        or not _is_safe(value)
        or "#" in value
        or (issuer.startswith("https:") != value.startswith("https:"))
    ):
        raise _unusable(f"`{name}` of the issuer leads to where nobody should go")
    return value


def _is_safe(url: str) -> bool:
    # WHY without a query: what is asked of such a place comes behind one; a door of theirs may have one.
    return is_issuer_url(url.partition("?")[0])


def _unusable(message: str) -> IdentityRefused:
    return IdentityRefused(message, code="ISSUER_UNUSABLE")
