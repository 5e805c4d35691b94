"""Both ends of a relayed connection, joined in the core while its lane is open: bytes go from wire to wire there (docs/decisions/0070).

Who goes on like that has its sockets read and written there too, past the event loop's transports (0071). Nothing is granted here: of each
command the lane decides, with leave of the gate. Whatever else happens to the connection parts the ends first, and what is not the lane's
comes the way it came before. Called by `relay`.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from functools import partial

from adapters.core.driven import Lane
from adapters.core.ends import End
from engine._native import Passage, Wire

TAPPED_AFTER = 64
"""Pieces that go from wire to wire before the sockets are read there. WHY so many: to change who reads takes as long as some of them."""
_WHY = "it is read in the core"


class Joint:
    """The two ends of one connection, joined or not."""

    __slots__ = ("_ends", "_loop", "_numbers", "_was_heard", "_wire")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._was_heard = False
        self._wire: Wire | None = None
        self._ends: tuple[End, ...] = ()
        self._numbers: tuple[int, ...] = ()
        """Of the sockets, by which they are read in the core."""

    def join(self, lane: Lane, client: End, upstream: End, now: float) -> None:
        """Join them for what goes through the lane, where both can be."""
        down, up = client.way_out, upstream.way_out
        if self._wire is None and down is not None and up is not None:
            self._wire = wire = lane.wire(down, up, now)
            if wire is not None:
                self._ends = (client, upstream)
                client.join(wire.up, self.part)
                upstream.join(wire.down, self.part)
                wire.call_after(TAPPED_AFTER, self._go_on)

    def _go_on(self) -> None:
        # WHY soon and not now: what was carried just now is still to be written by its transport.
        self._loop.call_soon(self._tap, self._wire)

    def _tap(self, wire: Wire | None) -> None:
        """Have the sockets read in the core, where nothing waits in between."""
        if wire is None or wire is not self._wire:
            return
        sockets = [end.idle_socket for end in self._ends]
        if None in sockets:
            wire.call_after(TAPPED_AFTER, self._go_on)
            return
        try:
            passage = Passage()
            with socket.socket(fileno=passage.far()) as far:
                socket.send_fds(far, [b"-"], [number for number in sockets if number is not None])
            client, target = wire.tap(passage, partial(self._hear, self._ends))
        except OSError:
            return  # WHY: no more files may be opened, and it goes as it went before
        if 0 < resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2 * max(client, target):
            # INVARIANT: nobody who connects is turned away for a number that is taken here: half of them are left.
            wire.untap()
            return
        for end in self._ends:
            end.read_while(_WHY, False)
        self._numbers = client, target
        self._loop.add_reader(client, wire.hear_client)
        self._loop.add_reader(target, wire.hear_target)

    def _hear(self, ends: tuple[End, ...], is_client: bool, data: bytes | None, error: Exception | None) -> None:
        """Of an end that is read in the core: what is not the lane's, in clear; why nothing can be read; or neither, where its transport is to look."""
        end = ends[0 if is_client else 1]
        self.part()
        if error is not None:
            end.broken(error)
        elif data is not None:
            end.hear(data)

    def part(self) -> None:
        """Each is heard by itself again."""
        wire, ends, numbers = self._wire, self._ends, self._numbers
        if wire is None:
            return
        self._was_heard |= wire.was_heard()
        self._wire, self._ends, self._numbers = None, (), ()
        for number in numbers:
            self._loop.remove_reader(number)
        wire.untap()
        for end in ends:
            end.part()
            if numbers:
                end.read_while(_WHY, True)

    def was_heard(self) -> bool:
        """Whether the client said something since this was asked last."""
        heard, self._was_heard = self._was_heard or (self._wire is not None and self._wire.was_heard()), False
        return heard
