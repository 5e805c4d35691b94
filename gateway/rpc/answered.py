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
_EACH = KEPT_BYTES // KEPT_ANSWERS
"""Bytes that an answer counts beside its own, where it is asked who has most."""

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Kept:
    digest: str
    until: float
    answer: bytes | None = field(default=None)  # None: being decided


@dataclass(slots=True)
class _Theirs:
    """What was answered to one caller, the first that was answered first."""

    keys: OrderedDict[Key, None] = field(default_factory=OrderedDict)
    weight: int = 0


class AnsweredQuestions:
    """The memory of one service. Safe from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = Condition()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._theirs: dict[str, _Theirs] = {}
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
        answer: bytes | None = None
        try:
            answer = decide()
        finally:
            with self._changed:
                if answer is None:
                    self._kept.pop(key, None)
                else:
                    self._remember(key, answer)
                    mine.answer = answer
                self._forget_some()
                self._changed.notify_all()
        return answer

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

    def _remember(self, key: Key, answer: bytes) -> None:
        self._bytes += len(answer)
        theirs = self._theirs.setdefault(_who(key), _Theirs())
        theirs.keys[key] = None
        theirs.weight += len(answer) + _EACH

    def _forget_some(self) -> None:
        """Drop what is over, and while there is too much the oldest of the caller who has most: nobody drives out what others may have to
        ask again. What is being decided stays."""
        now = self._clock()
        while (oldest := next(iter(self._kept), None)) is not None:
            kept = self._kept[oldest]
            if kept.answer is None or kept.until > now:
                break
            self._drop(oldest)
        while self._theirs and (len(self._kept) > KEPT_ANSWERS or self._bytes > KEPT_BYTES):
            most = max(self._theirs.values(), key=lambda one: one.weight)
            self._drop(next(iter(most.keys)))

    def _drop(self, key: Key) -> None:
        size = len(self._kept.pop(key).answer or b"")
        self._bytes -= size
        theirs = self._theirs[_who(key)]
        del theirs.keys[key]
        theirs.weight -= size + _EACH
        if not theirs.keys:
            del self._theirs[_who(key)]


def _who(key: Key) -> str:
    """Whose a key is: all tokens of somebody are theirs."""
    return key[0].partition("\0")[0]
