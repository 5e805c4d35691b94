"""Whether a login that was let in still counts: not past its end, its token not taken back meanwhile.

What was taken back is read from the store every so often, for all logins at once (`refresh`, called by `app`); whoever asks when
the last look is too old looks again themselves. INVARIANT: nothing older than `MAX_AGE` is believed, so that every replica
knows of a revocation within a second, and what cannot be asked does not count. Safe from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from gateway.errors import StoreUnavailable
from gateway.identity.logins import Login
from gateway.identity.tokens import Tokens
from gateway.telemetry import logger

LOOK_SECONDS = 0.25
MAX_AGE = 0.9
"""Seconds for which a look is believed."""
PATIENCE = 0.5
"""Seconds before a store that failed is asked again."""
EXPIRED = "this login has expired: sign in again with a new token"
REVOKED = "the token of this login was revoked"
UNASKED = "whether this login still counts cannot be asked at the moment"


class Standing:
    """What is known of tokens that were taken back. `clock` is UTC nanoseconds, `monotonic` seconds."""

    def __init__(self, tokens: Tokens, clock: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._tokens = tokens
        self._clock = clock
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._revoked: frozenset[str] = frozenset()
        self._looked_at: float | None = None
        self._failed_at: float | None = None
        self._asked_at: float | None = None

    def trouble(self, login: Login) -> str | None:
        """Why a login counts no more; None when it does."""
        if login.expires_at <= self._clock():
            return EXPIRED
        if login.token is None:
            return None
        self._asked_at = self._monotonic()
        if not self._is_new() and not self._look():
            return UNASKED
        return REVOKED if login.token in self._revoked else None

    def refresh(self) -> None:
        """Look, if anybody asked of late. Never raises."""
        asked = self._asked_at
        if asked is not None and self._monotonic() - asked < 60:
            self._look()

    def _is_new(self) -> bool:
        looked = self._looked_at
        return looked is not None and self._monotonic() - looked < MAX_AGE

    def _look(self) -> bool:
        """Whether what is known is new enough now."""
        with self._looking:
            began = self._monotonic()
            if self._failed_at is not None and began - self._failed_at < PATIENCE:
                return self._is_new()
            try:
                self._revoked = self._tokens.revoked(self._clock())
            except StoreUnavailable as error:
                logger("identity").warning("revoked tokens cannot be asked for", code=error.code)
                self._failed_at = self._monotonic()
                return self._is_new()
            # WHY the beginning: what was taken back while the store answered may not be in the answer.
            self._looked_at, self._failed_at = began, None
            return True
