"""A driven connection as whoever ends sessions sees it: was it active, and its end, step by step.

    idle      asked to stop --client does not read--> cut
    lifetime  asked to stop --FINISH_SECONDS: what runs goes on--> stopped as if killed --> cut
    killed    asked to stop, with what runs --CUT_SECONDS--> cut

What a stop means is for the session to say; a cut is the end of the sockets. Made by `relay`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from adapters.core.ports import Cause, Ending

FINISH_SECONDS = 10.0
"""How long what runs in a session that is open for too long may go on."""
CUT_SECONDS = 2.0
"""How long a session may take to come to a point where its client can be told that this is the end."""


class Stoppable(Protocol):
    """What is ended."""

    heard: bool

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client."""

    def stop(self, reason: str, cause: Cause, /) -> None:
        """Ask the session to end."""

    def cut(self, reason: str, /) -> None:
        """End the connection now; nothing happens when it has ended."""


class Watched:
    """One connection. Satisfies `ports.Connection`."""

    def __init__(self, connection: Stoppable, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._loop = loop

    def was_active(self) -> bool:
        """Whether, since the last call, the client said something, or a command ran or was held."""
        connection = self._connection
        heard, connection.heard = connection.heard, False
        return heard or not connection.is_waiting

    def end(self, ending: Ending) -> None:
        """End it, never in the middle of a message."""
        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_here = False
        if is_here:
            self._end(ending)
        else:
            with contextlib.suppress(
                RuntimeError
            ):  # WHY: the loop may have ended meanwhile, and every connection with it
                self._loop.call_soon_threadsafe(self._end, ending)

    def _end(self, ending: Ending) -> None:
        self._connection.stop(ending.message, ending.cause)
        if ending.cause is Cause.LIFETIME:
            self._loop.call_later(FINISH_SECONDS, self._end, Ending(Cause.KILLED, ending.message))
        else:
            self._loop.call_later(CUT_SECONDS, self._connection.cut, ending.message)
