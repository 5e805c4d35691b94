from adapters.core.effects import CheckToken, DeriveKey, Interrupt, Send, WakeAt
from adapters.core.events import Side


def test_effects_are_values() -> None:
    assert Send(Side.UPSTREAM, b"x") == Send(Side.UPSTREAM, b"x")
    assert WakeAt(None) != WakeAt(1.0)


def test_no_secret_shows_in_a_printed_effect() -> None:
    shown = [CheckToken("ann", "hunter", "orders"), DeriveKey(b"hunter", b"salt", 1), Interrupt(b"hunter")]
    assert "hunter" not in repr(shown)
