from adapters.core.effects import Send, WakeAt
from adapters.core.events import Side


def test_effects_are_values() -> None:
    assert Send(Side.UPSTREAM, b"x") == Send(Side.UPSTREAM, b"x")
    assert WakeAt(None) != WakeAt(1.0)
