"""Rewrites values in the JSON documents of an event stream while it passes, by path: each event whole, before it is shown.

Data that is no JSON in one way only is an error, but for the one word with which some streams end. Names of events go on where they
are plain words; ids do not, for what was sent before is not sent again. Called by replies with the plan of a decision.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.errors import PeerProtocolError
from adapters.web.events import Event, Events
from adapters.web.json_masks import JsonMasker, PathMask

_NAME = re.compile(rb"[A-Za-z][A-Za-z_.:/-]{0,63}")
"""WHY no digits: what a mask hides may have the form of a number, and a name has no path."""
_DONE = b"[DONE]"


class EventMasker:
    """One stream of events."""

    def __init__(self, masks: Sequence[PathMask]) -> None:
        self._masks = tuple(masks)
        self._events = Events()

    def feed(self, data: bytes) -> bytes:
        """Take bytes in; what may go on. Raises PeerProtocolError."""
        before = self._events.comments
        made = b"".join(self._masked(event) for event in self._events.feed(data))
        # WHY not the comment itself: it may say anything, and all it is for is that the stream is not silent.
        return made or (b":\n\n" if self._events.comments > before else b"")

    def end(self) -> bytes:
        """The stream is over; an event that is not whole is none."""
        return b""

    def _masked(self, event: Event) -> bytes:
        if event.name and not _NAME.fullmatch(event.name):
            raise PeerProtocolError("the name of an event is no plain word, so it may be masked", code="MASK_UNPROVEN")
        head = b"event: " + event.name + b"\n" if event.name else b""
        if event.data.strip() == _DONE:
            return head + b"data: [DONE]\n\n"
        masker = JsonMasker(self._masks)
        data = masker.feed(event.data) + masker.end()
        return head + b"data: " + data + b"\n\n"
