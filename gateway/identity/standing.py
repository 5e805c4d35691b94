"""Whether a login that was let in still counts: not past its end, its token not taken back meanwhile.

What was taken back is read from the store every so often, for all logins at once, by a thread of its own (`start`). Whoever
asks never waits for it: INVARIANT: nothing older than `MAX_AGE` is believed, so that every replica knows of a revocation within
a second, and what is not known does not count. Safe from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from gateway.errors import StoreUnavailable
from gateway.identity.logins import Login, Standings
from gateway.identity.tokens import Tokens
from gateway.telemetry import logger
from gateway.tending import caught, told_of

LOOK_SECONDS = 0.25
MAX_AGE = 0.9
"""Seconds for which a look is believed."""
PATIENCE = 0.5
"""Seconds before a store that failed is asked again."""
QUIET_SECONDS = 5.0
"""A store that has not answered for so long does not work, whether or not it said so."""
CLOSE_SECONDS = 5.0
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
        self._failure = ""
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look now, and again and again in a thread of its own until `close`."""
        self.refresh()
        self._thread = threading.Thread(target=self._run, name="standing", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            error = caught(self.refresh)
            if error is not None:
                # It is too old soon, and denied then.
                logger("identity").error("revoked tokens cannot be looked at", exc_info=error)
                self._failed_at, self._failure = self._monotonic(), told_of(error)

    def trouble(self, login: Login) -> str | None:
        """Why a login counts no more; None when it does. Never waits."""
        if login.expires_at <= self._clock():
            return EXPIRED
        if login.token is None:
            return None
        looked = self._looked_at
        # WHY in this order: what is read second is as new as what was read first, or newer.
        revoked = self._revoked
        if looked is None or self._monotonic() - looked >= MAX_AGE:
            return UNASKED
        return REVOKED if login.token in revoked else None

    def stands(self, login: Login) -> Standings | None:
        """What has to stand for `trouble` to have nothing to say; None when it has. Never waits."""
        revoked, looked = self._revoked, self._looked_at
        if self.trouble(login) is not None:
            return None
        if login.token is None or looked is None:
            return Standings((), login.expires_at)
        return Standings([(self, "_revoked", revoked)], login.expires_at, MAX_AGE - (self._monotonic() - looked))

    def store_trouble(self) -> str | None:
        """Why the store does not work, as far as the last looks tell; None when it does, or nobody looks. Never waits."""
        if self._failed_at is not None:
            return self._failure
        looked = self._looked_at
        if self._thread is None or looked is None:
            return None
        quiet = self._monotonic() - looked
        return f"no answer for {quiet:.0f} s" if quiet > QUIET_SECONDS else None

    def refresh(self) -> None:
        """Look, unless somebody is looking or the store failed just now. Never raises for a store that is away."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            began = self._monotonic()
            if self._failed_at is not None and began - self._failed_at < PATIENCE:
                return
            try:
                self._revoked = self._tokens.revoked(self._clock())
            except StoreUnavailable as error:
                if self._failed_at is None:
                    logger("identity").warning("revoked tokens cannot be asked for", code=error.code)
                self._failure = str(error)
                self._failed_at = self._monotonic()
                return
            # WHY the beginning: what was taken back while the store answered may not be in the answer.
            self._looked_at, self._failed_at = began, None
        finally:
            self._looking.release()
