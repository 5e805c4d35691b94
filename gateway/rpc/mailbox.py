"""A small box between who has news (any thread of ours) and the stream that tells a caller.

Whoever puts never waits: a caller who does not read loses older news, not us a thread. The newest always stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Condition
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Mailbox(Generic[_T]):
    """Holds the newest `room` items until they are taken or the box is closed."""

    def __init__(self, room: int) -> None:
        self._changed = Condition()
        self._items: deque[_T] = deque(maxlen=room)
        self._closed = False

    def put(self, item: _T) -> None:
        """Add an item; the oldest makes room. Nothing happens once closed."""
        with self._changed:
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()

    def close(self) -> None:
        """No more items: whoever takes gets what is left, then the end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[_T]:
        """Take items as they come, until closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closed)
                if not self._items:
                    return
                item = self._items.popleft()
            yield item
