"""Hides values in the output of something on the target, as it comes: which, says the grant (`masks`); where they are, `engine.masking.output`.

INVARIANT: what is shown went through here first; what is kept back is shown only when nothing that is hidden can begin there, or
never. Waiting for nothing is told by the loop's clock (`QUIET_SECONDS`); no decision here depends on how long a value is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from engine.masking.output import OutputMasker, Shown, ValueMask

QUIET_SECONDS = 0.1
"""After which something that only waits for a word beside it is taken as it stands. WHY so short: somebody may wait to answer it."""


class Hiding:
    """The streams of one thing that runs. Each is looked at by itself: what one writes is no end of what the other does."""

    def __init__(
        self,
        masks: Sequence[ValueMask],
        show: Callable[[bytes, int | None], None],
        *,
        is_terminal: bool,
        not_text: Callable[[], None] | None = None,
    ) -> None:
        """`not_text` is told when something that is no text was written, which is not shown; without it a sign stands there."""
        self._masks = masks
        self._show = show
        self._is_terminal = is_terminal
        self._not_text = not_text
        self._streams: dict[int | None, _Stream] = {}
        self._is_over = False

    @property
    def hidden(self) -> int:
        """How many values were hidden."""
        return sum(stream.masker.hidden for stream in self._streams.values())

    def push(self, data: bytes, datatype: int | None) -> None:
        """Something was written."""
        if self._is_over or not data:
            return
        stream = self._streams.get(datatype)
        if stream is None:
            masker = OutputMasker(self._masks, is_terminal=self._is_terminal)
            stream = self._streams[datatype] = _Stream(masker, lambda shown: self._take(shown, datatype))
        stream.push(data)

    def finish(self) -> None:
        """Nothing is written any more: show what is left."""
        for stream in list(self._streams.values()):
            if not self._is_over:
                stream.finish()
        self.stop()

    def stop(self) -> None:
        """Show nothing more."""
        self._is_over = True
        for stream in self._streams.values():
            stream.stop()

    def _take(self, shown: Shown, datatype: int | None) -> None:
        if self._is_over:
            return
        if not shown.is_text and self._not_text is not None:
            # INVARIANT: fails closed. In what is no text nobody finds anything (a compressed file, another encoding).
            self.stop()
            self._not_text()
        elif shown.data:
            self._show(shown.data, datatype)


class _Stream:
    """One stream and its clock."""

    def __init__(self, masker: OutputMasker, take: Callable[[Shown], None]) -> None:
        self.masker = masker
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0

    def push(self, data: bytes) -> None:
        self._heard = self._loop.time()
        shown = self.masker.push(data)
        if shown.is_holding and self._timer is None:
            self._timer = self._loop.call_later(QUIET_SECONDS, self._look)
        self._take(shown)

    def finish(self) -> None:
        self.stop()
        self._take(self.masker.finish())

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        left = self._heard + QUIET_SECONDS - self._loop.time()
        # WHY a step less: a timer may come by its own step too early.
        if left > 0.001:
            self._timer = self._loop.call_later(left, self._look)
            return
        self._timer = None
        self._take(self.masker.quiet())
