"""Signing in from a terminal: the device authorization grant (RFC 8628). The person opens a page elsewhere and enters a code.

Plain functions over an `Issuer`; waiting between two questions is the caller's. Called by `sallyport login`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.errors import IdentityRefused
from gateway.identity.oidc.issuer import Issuer
from gateway.identity.oidc.settings import Identity
from gateway.identity.signed import MAX_TOKEN

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
MIN_INTERVAL, MAX_INTERVAL = 1.0, 60.0
SLOWER = 5.0
"""Seconds that are added when the issuer finds that we ask too often (RFC 8628, section 3.5)."""
MAX_WAIT = 1_800.0
MAX_CODE = 1_024


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that waits for a person. `interval` and `lasts` are seconds."""

    user_code: str
    page: str
    complete_page: str | None
    interval: float
    lasts: float
    device_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and the token that says so."""

    identity: Identity
    token: str = field(repr=False)


class DeviceFlow:
    """Signing in at one issuer. `clock` is UTC nanoseconds."""

    def __init__(self, issuer: Issuer, clock: Callable[[], int]) -> None:
        self._issuer = issuer
        self._clock = clock

    def begin(self) -> Begun:
        """A code for a person to enter. Raises IdentityRefused."""
        endpoint = self._issuer.metadata().device_endpoint
        if endpoint is None:
            raise IdentityRefused("the issuer has no way to sign in from a terminal", code="ISSUER_UNUSABLE")
        settings = self._issuer.settings
        answer = self._issuer.fetch(endpoint, {"client_id": self._client, "scope": " ".join(settings.scopes)})
        document = answer.document if isinstance(answer.document, Mapping) and answer.status == 200 else {}
        page, code = _page(document, "verification_uri"), _text(document, "user_code")
        device = _text(document, "device_code")
        if page is None or code is None or device is None:
            raise IdentityRefused("the issuer let nobody begin to sign in", code="LOGIN_REFUSED")
        return Begun(
            code,
            page,
            _page(document, "verification_uri_complete"),
            min(max(_number(document, "interval", 5.0), MIN_INTERVAL), MAX_INTERVAL),
            min(max(_number(document, "expires_in", 600.0), 1.0), MAX_WAIT),
            device,
        )

    def look(self, begun: Begun) -> SignedIn | float:
        """Who signed in; while nobody has, how many more seconds to leave between two questions. Raises IdentityRefused."""
        endpoint = self._issuer.metadata().token_endpoint
        if endpoint is None:
            raise IdentityRefused("the issuer gives no tokens", code="ISSUER_UNUSABLE")
        form = {"grant_type": GRANT, "client_id": self._client, "device_code": begun.device_code}
        answer = self._issuer.fetch(endpoint, form)
        document = answer.document if isinstance(answer.document, Mapping) else {}
        token = document.get("id_token")
        if answer.status == 200 and isinstance(token, str) and len(token) <= MAX_TOKEN:
            return SignedIn(self._issuer.verify(token, self._clock(), audiences=(self._client,)), token)
        match document.get("error"):
            case "authorization_pending":
                return 0.0
            case "slow_down":
                return SLOWER
            case "access_denied":
                raise IdentityRefused("the sign-in was refused", code="LOGIN_REFUSED")
            case "expired_token":
                raise IdentityRefused("signing in took too long", help="begin again", code="LOGIN_LATE")
            case _:
                raise IdentityRefused("the issuer gave no token", code="LOGIN_REFUSED")

    @property
    def _client(self) -> str:
        client = self._issuer.settings.client_id
        if client is None:
            raise IdentityRefused("nobody can sign in here: `client_id` is missing", code="ISSUER_UNUSABLE")
        return client


def _text(document: Mapping[str, object], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= MAX_CODE and value.isprintable() else None


def _page(document: Mapping[str, object], name: str) -> str | None:
    """A page to show to a person: of the web, and nothing that a terminal could take for something else."""
    value = _text(document, name)
    return value if value is not None and value.isascii() and value.startswith(("https://", "http://")) else None


def _number(document: Mapping[str, object], name: str, default: float) -> float:
    value = document.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
    return float(value) if is_number and isinstance(value, int | float) else default
