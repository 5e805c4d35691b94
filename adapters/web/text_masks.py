"""Hides values in an answer that is plain text while it passes, as `engine.masking.output` finds them: what logs say, say.

What is no text in UTF-8 is an error. Called by replies with the plan of a decision.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.errors import PeerProtocolError
from engine.masking.output import OutputMasker, Shown, ValueMask


class TextMasker:
    """One text."""

    def __init__(self, masks: Sequence[ValueMask]) -> None:
        self._output = OutputMasker(masks)
        self.is_holding = False
        """Whether something is kept back that may be a value's beginning."""

    def feed(self, data: bytes) -> bytes:
        """What of it may be shown by now. Raises PeerProtocolError."""
        return self._shown(self._output.push(data))

    def quiet(self) -> bytes:
        """Nothing came for a while: what only waits for words beside it, as it is. Raises PeerProtocolError."""
        return self._shown(self._output.quiet())

    def end(self) -> bytes:
        """The rest. Raises PeerProtocolError."""
        return self._shown(self._output.finish())

    def _shown(self, shown: Shown) -> bytes:
        self.is_holding = shown.is_holding
        if not shown.is_text:
            raise PeerProtocolError("the answer is no text, so nothing can be hidden in it", code="MASK_UNPROVEN")
        return shown.data
