"""Answers given lately, by request id: the same question gets the same answer, another question under that id none.

A retry after a lost connection must not open a second ticket or decide differently. In memory and bounded: after
`KEPT_SECONDS`, after a restart, or when callers ask too much in between, the question is decided anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition

from gateway.rpc.refusals import CallRefused, Cause

KEPT_SECONDS = 300.0
KEPT_ANSWERS = 4_096
KEPT_BYTES = 16 << 20

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Kept:
    digest: str
    until: float
    answer: bytes | None = field(default=None)  # None: being decided


class AnsweredQuestions:
    """The memory of one service. Safe from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = Condition()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._bytes = 0

    def once(self, key: Key, digest: str, decide: Callable[[], bytes]) -> bytes:
        """The answer given to this question under this id, or that of `decide`.

        `key` is caller, method, request id. Raises CallRefused when the id stands for another question. A question that
        is being decided is waited for; when its deciding fails, the next one in line decides.
        """
        with self._changed:
            while (kept := self._find(key, digest)) is not None:
                if kept.answer is not None:
                    return kept.answer
                self._changed.wait()
            self._kept[key] = mine = _Kept(digest, self._clock() + KEPT_SECONDS)
        try:
            mine.answer = decide()
        finally:
            with self._changed:
                if mine.answer is None:
                    self._kept.pop(key, None)
                else:
                    self._bytes += len(mine.answer)
                self._forget_some()
                self._changed.notify_all()
        return mine.answer

    def _find(self, key: Key, digest: str) -> _Kept | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.answer is not None and kept.until <= self._clock():
            self._drop(key)
            return None
        if kept.digest != digest:
            raise CallRefused(
                Cause.ID_TAKEN, "REQUEST_ID_TAKEN", "request_id: it stands for another question; use a new one"
            )
        return kept

    def _forget_some(self) -> None:
        """Drop the oldest until all limits hold. What is being decided stays."""
        now = self._clock()
        for key in [*self._kept]:
            kept = self._kept[key]
            full = len(self._kept) > KEPT_ANSWERS or self._bytes > KEPT_BYTES
            if not full and kept.until > now:
                return
            if kept.answer is not None:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        dropped = self._kept.pop(key)
        self._bytes -= len(dropped.answer or b"")
