"""Messages, and the events they travel in."""

from __future__ import annotations

import json

import pytest

from adapters.errors import PeerProtocolError
from adapters.mcp import messages
from adapters.mcp.messages import of_events, read
from adapters.web.events import Event


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"jsonrpc":"2.0","jsonrpc":"2.0"}', b"\xff", b'{"jsonrpc":"1.0"}']
)
def test_what_is_no_message_is_an_error(raw: bytes) -> None:
    with pytest.raises(PeerProtocolError) as caught:
        read(raw)
    assert caught.value.code == "BAD_ANSWER"


def test_what_is_written_is_one_line() -> None:
    made = messages.event(messages.write({"text": "a\nb\r\u2028c"}))
    assert made.count(b"\n") == 3
    assert json.loads(made.split(b"data: ")[1]) == {"text": "a\nb\r\u2028c"}
    assert messages.comment("a\r\nb") == b": a??b\n\n"


def test_words_of_ours_have_the_number_of_what_they_answer() -> None:
    assert messages.error(7, messages.DENIED, "no")["id"] == 7
    assert messages.failed_tool("x", "no", {})["id"] == "x"
    assert "id" not in messages.progress("t", 1, "wait")


def test_events_of_other_names_are_nobodys() -> None:
    events = [Event(b"", b"a"), Event(b"message", b"b"), Event(b"other", b"c")]
    assert of_events(events) == [b"a", b"b"]
