from adapters.errors import AdapterError, LocalProtocolError, PeerProtocolError


def test_the_peers_mistakes_and_ours_are_told_apart_and_both_have_codes() -> None:
    assert PeerProtocolError("x", code="08P01").code == "08P01"
    assert not issubclass(LocalProtocolError, PeerProtocolError)
    assert issubclass(LocalProtocolError, AdapterError)
