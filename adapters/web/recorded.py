"""What of an answer's body goes into the recording of its session: the first of it, as the client gets it. Pure.

Fed behind masks and scrubbing, before the framing. INVARIANT: what is fed here is wished to be recorded before it is sent.
"""

from __future__ import annotations

from adapters.core.effects import ShowPart
from adapters.core.ports import Answer, Part
from adapters.core.recorded import MAX_BYTES, is_recorded, wants_results
from adapters.web.session.doing import Doing


class Tap:
    """One answer's body. `None` in its place: nobody wants it recorded."""

    __slots__ = ("_decision_id", "_do", "_is_cut", "_left")

    def __init__(self, decision_id: str, doing: Doing) -> None:
        self._decision_id = decision_id
        self._do = doing
        self._left = MAX_BYTES
        self._is_cut = False

    def take(self, data: bytes) -> None:
        """Some of the body, that is sent next."""
        if self._is_cut or not data:
            return
        kept = data[: self._left]
        self._left -= len(kept)
        self._is_cut = len(kept) < len(data)
        self._do.add(ShowPart(self._decision_id, Part(data=kept, is_cut=self._is_cut)))


def tap_of(answer: Answer | None, doing: Doing) -> Tap | None:
    """Where a granted request's answer is recorded; None when that is not demanded."""
    return Tap(answer.decision_id, doing) if answer is not None and wants_results(answer) else None


def count_messages(answer: Answer, doing: Doing, sent: int, received: int) -> None:
    """Record how many messages went each way, where that is demanded."""
    if is_recorded(answer):
        rows = ((str(sent), str(received)),)
        doing.add(ShowPart(answer.decision_id, Part(("messages of the client", "messages of the target"), rows)))
