import pytest

from adapters.errors import PeerProtocolError
from adapters.postgres.session.reported import is_shown


def test_a_client_is_told_of_known_settings_only() -> None:
    assert is_shown("TimeZone", "UTC")
    assert not is_shown("application_name", "010-11-1234")
    assert not is_shown("my.secret", "x")


@pytest.mark.parametrize(("name", "value"), [("standard_conforming_strings", "off"), ("client_encoding", "SJIS")])
def test_a_server_that_reads_texts_otherwise_ends_the_session(name: str, value: str) -> None:
    with pytest.raises(PeerProtocolError):
        is_shown(name, value)
    assert is_shown("client_encoding", "UTF8")
