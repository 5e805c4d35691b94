from adapters.core.events import BytesReceived, KeyDerived, Side, TlsStarted


def test_events_are_values() -> None:
    assert BytesReceived(Side.CLIENT, b"x") == BytesReceived(Side.CLIENT, b"x")
    assert TlsStarted(Side.CLIENT).name is None


def test_no_derived_key_shows_in_a_printed_event() -> None:
    assert "hunter" not in repr(KeyDerived(b"hunter"))
