import pytest

from adapters.errors import PeerProtocolError
from adapters.postgres.messages.frames import Front, frame, only_text, text_at


def test_a_frame_counts_its_length_but_not_its_type() -> None:
    assert frame(Front.QUERY, b"ab") == b"Q\0\0\0\6ab"


def test_a_string_without_end_is_refused() -> None:
    assert text_at(b"ab\0cd\0", 3) == (b"cd", 6)
    with pytest.raises(PeerProtocolError):
        text_at(b"ab", 0)


@pytest.mark.parametrize("body", [b"a\0b\0", b"a\0\0", b"a", b""])
def test_a_text_with_a_zero_byte_inside_is_refused(body: bytes) -> None:
    with pytest.raises(PeerProtocolError) as refused:
        only_text(body)
    assert refused.value.code == "08P01"
