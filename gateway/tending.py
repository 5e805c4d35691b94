"""Work that goes on beside everything else, whatever it raises: logged, counted, told, and begun again after a pause.

A thread or task that ends by an exception ends in silence, and with it what it saw to. So whatever runs for as long as the
gateway does is run by this. Used by `app` for its tasks and by the threads of `identity.standing` and `audit.export`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from gateway.errors import GatewayError
from gateway.telemetry import logger

PAUSE_SECONDS = 1.0
"""Between the end of a work that failed and its next beginning."""
STEADY_SECONDS = 10.0
"""A work that was begun again and ran for so long is well."""


def caught(work: Callable[[], object]) -> Exception | None:
    """Do it; what it raised, None when it went well."""
    try:
        work()
    # WHY broad: what must go on goes on after a bug of ours, too. It is never used where something is granted.
    except Exception as error:
        return error
    return None


def told_of(error: Exception) -> str:
    """What people are told of it: our own words, of anything else its class alone, which repeats nothing secret."""
    return str(error) if isinstance(error, GatewayError) else f"a fault of the gateway ({type(error).__name__})"


class Tending:
    """Keeps the works of one program going. Safe from any thread."""

    def __init__(self, failed: Callable[[str], None] = lambda name: None, pause: float = PAUSE_SECONDS) -> None:
        """`failed` is told the name of a work each time it fails; `pause` in seconds."""
        self._failed, self._pause = failed, pause
        self._lock = threading.Lock()
        self._troubles: dict[str, str] = {}

    @property
    def troubles(self) -> list[str]:
        """What does not go well at the moment: `NAME: why`."""
        with self._lock:
            return [f"{name}: {why}" for name, why in self._troubles.items()]

    def attempt(self, name: str, work: Callable[[], object]) -> bool:
        """Do it once. Whether it went well; never raises."""
        error = caught(work)
        if error is not None:
            self._note(name, error)
        else:
            self._well(name)
        return error is None

    async def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run it until it ends by itself, however often it fails; only cancelling ends it otherwise."""
        loop = asyncio.get_running_loop()
        while True:
            steady = loop.call_later(STEADY_SECONDS, self._well, name)
            try:
                await work()
            # WHY broad: as in `caught`.
            except Exception as error:
                self._note(name, error)
            else:
                self._well(name)
                return
            finally:
                steady.cancel()
            await asyncio.sleep(self._pause)

    def _note(self, name: str, error: Exception) -> None:
        why = told_of(error)
        with self._lock:
            is_news = self._troubles.get(name) != why
            self._troubles[name] = why
        if is_news:
            logger("app").error("work beside the sessions failed; it is begun again", work=name, exc_info=error)
        self._failed(name)

    def _well(self, name: str) -> None:
        with self._lock:
            was_ill = self._troubles.pop(name, None) is not None
        if was_ill:
            logger("app").info("work beside the sessions goes on again", work=name)
