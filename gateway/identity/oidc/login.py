"""Signing in with a browser: the authorization code flow with PKCE, state and nonce (RFC 6749, 7636, 9207, 9700). No server here.

The caller sends the browser to the URL of `begin` and keeps `Pending` for it: in a cookie (`seal`, `unseal`), so that only the
browser that began can finish, on any replica. `finish` takes the parameters of the callback. Called by the console.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.config.addresses import is_loopback
from gateway.errors import ConfigInvalid, IdentityRefused
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.settings import Identity
from gateway.identity.signed import MAX_TOKEN, decoded, encoded

LIFE = 600_000_000_000
"""Nanoseconds that somebody may take to sign in."""
MAX_PARAMETER = 4_096
MAX_SEALED = 4_096
NONCE_BYTES = 12
_CONTEXT = b"sallyport/login/1"


class Pending(msgspec.Struct, frozen=True):
    """A sign-in that was begun. INVARIANT: known to the browser that began it and to us, in nobody else's hands."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    issuer: str
    began_at: int
    return_to: str = "/"

    def __repr__(self) -> str:
        return f"Pending({self.issuer!r}, {self.redirect_uri!r})"


@dataclass(frozen=True, slots=True)
class CodeFlow:
    """Signing in at one issuer. `clock` is UTC nanoseconds; `chance` makes a secret text."""

    issuer: Issuer
    clock: Callable[[], int]
    chance: Callable[[], str] = field(default=lambda: secrets.token_urlsafe(32), repr=False)

    async def begin(self, redirect_uri: str, return_to: str = "/") -> tuple[str, Pending]:
        """Where to send the browser, and what to keep for it. Raises IdentityRefused when the issuer cannot be asked.

        `redirect_uri` is ours, as registered there; `return_to` is where in our site somebody wanted to go.
        """
        return await asyncio.to_thread(self._begin, redirect_uri, return_to)

    async def finish(self, pending: Pending, parameters: Iterable[tuple[str, str]] | Mapping[str, str]) -> Identity:
        """Who signed in. `parameters` are the callback's, all of them. Raises IdentityRefused.

        Afterwards the caller forgets `pending` and gives the browser a session with a new name.
        """
        pairs = list(parameters.items() if isinstance(parameters, Mapping) else parameters)
        return await asyncio.to_thread(self._finish, pending, pairs)

    def _begin(self, redirect_uri: str, return_to: str) -> tuple[str, Pending]:
        settings = self.issuer.settings
        if settings.client_id is None or not is_redirect(redirect_uri):
            raise ConfigInvalid(
                "nobody can sign in here: `client_id` or the address of this site is missing or not safe"
            )
        endpoint = self.issuer.metadata().authorization_endpoint
        if endpoint is None:
            raise IdentityRefused("the issuer has no page to sign in at", code="ISSUER_UNUSABLE")
        pending = Pending(
            *(self.chance(), self.chance(), self.chance()),
            redirect_uri,
            settings.issuer,
            self.clock(),
            local_path(return_to),
        )
        query = {
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(settings.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge_of(pending.verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}", pending

    def _finish(self, pending: Pending, pairs: list[tuple[str, str]]) -> Identity:
        given = dict(pairs)
        if len(given) != len(pairs) or any(len(value) > MAX_PARAMETER for value in given.values()):
            raise _refused("LOGIN_MALFORMED", "the answer of the issuer cannot be read in one way only")
        # INVARIANT: first of all, whether this is the answer to what this browser began.
        if not hmac.compare_digest(given.get("state", "").encode(), pending.state.encode()):
            raise _refused("LOGIN_STATE", "this is not the answer to the sign-in that was begun here")
        if not 0 <= self.clock() - pending.began_at <= LIFE:
            raise _refused("LOGIN_LATE", "signing in took too long")
        metadata = self.issuer.metadata()
        named = given.get("iss")
        if pending.issuer != metadata.issuer or named not in (
            (metadata.issuer,) if metadata.names_itself else (None, metadata.issuer)
        ):
            raise _refused("LOGIN_ISSUER", "the answer comes from another issuer than the one that was asked")
        if "error" in given or "code" not in given:
            raise _refused("LOGIN_REFUSED", "the issuer did not let you sign in")
        return self._exchange(pending, given["code"])

    def _exchange(self, pending: Pending, code: str) -> Identity:
        settings, endpoint = self.issuer.settings, self.issuer.metadata().token_endpoint
        if endpoint is None or settings.client_id is None:
            raise IdentityRefused("the issuer gives no tokens", code="ISSUER_UNUSABLE")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect_uri,
            "client_id": settings.client_id,
            "code_verifier": pending.verifier,
        }
        secret = settings.client_secret
        answer = self.issuer.fetch(endpoint, form, None if secret is None else (settings.client_id, secret))
        token = answer.document.get("id_token") if isinstance(answer.document, Mapping) else None
        if answer.status != 200 or not isinstance(token, str) or len(token) > MAX_TOKEN:
            raise _refused("LOGIN_REFUSED", "the issuer gave no token for the answer it sent")
        return self.issuer.verify(token, self.clock(), audiences=(settings.client_id,), nonce=pending.nonce)


def seal(pending: Pending, key: bytes) -> str:
    """The sign-in as a text for a cookie, which nobody else can read or write. `key` has 32 bytes, the same on all replicas."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return encoded(nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(pending), _CONTEXT))


def unseal(text: str, key: bytes) -> Pending | None:
    """What was sealed; None for anything else."""
    data = decoded(text) if len(text) <= MAX_SEALED else None
    if data is None:
        return None
    try:
        plain = AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _CONTEXT)
        return msgspec.json.decode(plain, type=Pending)
    except (InvalidTag, ValueError, msgspec.DecodeError):
        return None


def challenge_of(verifier: str) -> str:
    """What the issuer is told of a verifier (RFC 7636, S256)."""
    return encoded(hashlib.sha256(verifier.encode()).digest())


def local_path(wanted: str) -> str:
    """Where in our own site to go after signing in; `/` for what might be anywhere else.

    >>> local_path("/holds/t-1?x=2"), local_path("//evil.example"), local_path("https://evil.example"), local_path("/\\\\evil")
    ('/holds/t-1?x=2', '/', '/', '/')
    """
    is_plain = wanted.isascii() and wanted.isprintable() and not set(wanted) & set("\\ <>\"'") and len(wanted) <= 1_000
    # WHY not a parser of URLs: browsers read some of them in their own way; a path that begins with one slash has one reading.
    return wanted if is_plain and wanted[:1] == "/" and wanted[:2] != "//" else "/"


def is_redirect(uri: str) -> bool:
    """Whether an issuer may send browsers there: our own address, over TLS or on this machine."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and (host == "localhost" or is_loopback(host)))
    return bool(host) and is_safe and parts.username is None and not parts.fragment


def _refused(code: str, message: str) -> IdentityRefused:
    return IdentityRefused(message, help="begin again", code=code)
