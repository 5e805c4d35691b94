"""The shapes fit what there is."""

from __future__ import annotations

from adapters.core.carried import Done, Left, Multiplexer
from adapters.web.http2.inward import Inward, Limits


def test_http2_is_a_multiplexer() -> None:
    made: Multiplexer = Inward(
        is_tls=True, check=lambda head: None, refusal=lambda refused, shown: b"", limits=Limits()
    )
    assert not made.is_over
    assert Done(1) != Left(1)
