"""One issuer: what it publishes, kept for a while, and its tokens verified. Safe from any thread; may wait for the network.

Keys are asked for anew when they are a minute old, and when a token names one that is not known: so keys may be rotated while
people sign in. An issuer that does not answer is not asked again at once, and what was known goes on for an hour; without
anything known nothing is accepted. Called by `login`, `device` and the doorkeeper.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

from gateway.errors import IdentityRefused
from gateway.identity.oidc.claims import identity_of, refused
from gateway.identity.oidc.fetching import Fetch, Web, unreachable
from gateway.identity.oidc.keys import KeySet, read_keys
from gateway.identity.oidc.metadata import WELL_KNOWN, Metadata, read_metadata
from gateway.identity.oidc.settings import Identity, IssuerSettings
from gateway.identity.signed import Signed, Unreadable, read_signed
from gateway.telemetry import logger

FRESH_SECONDS = 60.0
"""Keys that old are asked for again."""
KEPT_SECONDS = 3_600.0
"""Keys that old are not believed any more, whether their issuer answers or not."""
PATIENCE_SECONDS = 1.0
"""Between two questions in the long run, so that tokens with made-up keys do not have us besiege the issuer."""
MAX_AT_ONCE = 5.0
"""Questions in a row: keys may change twice in a second, and whoever has a token of the newest should get in."""
WAIT_SECONDS = 6.0
"""For somebody else's question to be answered."""
_KINDS = frozenset({None, "JWT", "at+jwt", "application/at+jwt"})


class Issuer:
    """One of the configuration's issuers."""

    def __init__(
        self, settings: IssuerSettings, fetch: Fetch | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings = settings
        self.fetch: Fetch = Web(settings.ca_file) if fetch is None else fetch
        self._clock = clock
        self._asking = threading.Lock()
        self._keys: tuple[KeySet, float] | None = None
        self._metadata: tuple[Metadata, float] | None = None
        self._asked_at: float | None = None
        self._credit = MAX_AT_ONCE
        self._trouble: IdentityRefused | None = None

    def verify(
        self, token: str | Signed, now: int, *, audiences: Collection[str] | None = None, nonce: str | None = None
    ) -> Identity:
        """Who a token is about. Raises IdentityRefused.

        `audiences` are the configured ones when none are given; `nonce` as for `claims.identity_of`.
        """
        read = read_signed(token) if isinstance(token, str) else token
        if isinstance(read, Unreadable):
            raise refused("MALFORMED", read.why)
        if read.kind not in _KINDS:
            raise refused("KIND", "the token is of a kind that proves nobody")
        if read.claims.get("iss") != self.settings.issuer:
            raise refused("ISSUER", "the token is of another issuer")
        if read.algorithm not in self.settings.algorithms:
            raise refused("ALGORITHM", "the token is signed in a way that is not accepted of its issuer")
        if not self._has_signed(read):
            raise refused("SIGNATURE", "the token is not signed with a key of its issuer")
        wanted = self.settings.audiences if audiences is None else audiences
        return identity_of(read.claims, self.settings, now, audiences=wanted, nonce=nonce)

    def _has_signed(self, token: Signed) -> bool:
        keys = self._current_keys()
        if keys.find(token, self.settings.algorithms) is None:
            keys = self._newest_keys()
        return keys.vouches(token, self.settings.algorithms)

    def metadata(self) -> Metadata:
        """Where the issuer's doors are. Raises IdentityRefused."""
        self._current_keys()
        if self._metadata is None:
            raise unreachable(self.settings.issuer, "it did not answer")
        return self._metadata[0]

    # --- what is kept

    def _current_keys(self) -> KeySet:
        kept = self._keys
        if kept is None or self._clock() - kept[1] > FRESH_SECONDS:
            return self._newest_keys()
        return kept[0]

    def _newest_keys(self) -> KeySet:
        """The issuer's keys, asked for unless that was tried just now. Raises IdentityRefused when there are none to believe."""
        before = self._asked_at
        if not self._asking.acquire(timeout=WAIT_SECONDS):
            raise unreachable(self.settings.issuer, "it takes too long")
        try:
            # WHY compared: who waited while somebody else asked has an answer that is new enough.
            if self._asked_at == before and self._may_ask():
                self._ask()
            kept = self._keys
            if kept is None or self._clock() - kept[1] > KEPT_SECONDS:
                raise self._trouble or unreachable(self.settings.issuer, "it did not answer")
            return kept[0]
        finally:
            self._asking.release()

    def _may_ask(self) -> bool:
        """Whether it is time for a question; one that failed just now is not repeated at once."""
        if self._asked_at is None:
            return True
        passed = self._clock() - self._asked_at
        self._credit = min(MAX_AT_ONCE, self._credit + passed / PATIENCE_SECONDS)
        if self._credit < 1 or (self._trouble is not None and passed < PATIENCE_SECONDS):
            return False
        self._credit -= 1
        return True

    def _ask(self) -> None:
        try:
            metadata = self._read_metadata()
            answer = self.fetch(metadata.jwks_uri)
            keys = read_keys(answer.document) if answer.status == 200 else KeySet()
            if not keys.keys:
                raise IdentityRefused("the issuer publishes no key that can be used", code="ISSUER_UNUSABLE")
        except IdentityRefused as error:
            self._trouble = error
            logger("identity").warning("an issuer gave no keys", issuer=self.settings.name, code=error.code)
        else:
            self._keys, self._trouble = (keys, self._clock()), None
        finally:
            # WHY after the answer: then whoever asks next waits for the issuer's sake, not for ours.
            self._asked_at = self._clock()

    def _read_metadata(self) -> Metadata:
        kept = self._metadata
        if kept is not None and self._trouble is None and self._clock() - kept[1] <= KEPT_SECONDS:
            return kept[0]
        answer = self.fetch(self.settings.issuer.rstrip("/") + WELL_KNOWN)
        if answer.status != 200:
            raise unreachable(self.settings.issuer, f"status {answer.status}")
        found = read_metadata(answer.document, self.settings.issuer)
        self._metadata = (found, self._clock())
        return found
