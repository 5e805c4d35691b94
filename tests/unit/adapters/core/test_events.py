from adapters.core.events import BytesReceived, Side, TlsStarted


def test_events_are_values() -> None:
    assert BytesReceived(Side.CLIENT, b"x") == BytesReceived(Side.CLIENT, b"x")
    assert TlsStarted(Side.CLIENT).name is None
