"""What stands in a recording: asciicast v3 for terminals, a line of JSON for each word of a command."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.core.ports import Screen
from gateway.recording.exchanges import EXCHANGES, Asked
from gateway.recording.lines import (
    COMMAND,
    TERMINAL,
    CastLines,
    CommandLines,
    Event,
    cast_of,
    exchanges_in,
    read_events,
)

SCREEN = Screen(80, 24, "xterm")


def exact(lines: bytes) -> bytes:
    """The bytes that were shown, from a terminal's lines."""
    out, skip = b"", False
    for line in lines.splitlines()[1:]:
        _, code, data = json.loads(line)
        if code == "b":
            out, skip = out + base64.b64decode(data), True
        elif code == "o":
            out, skip = (out if skip else out + data.encode()), False
    return out


def test_a_terminal_is_asciicast_3() -> None:
    cast = CastLines(SCREEN, 5 * 10**9)
    lines = cast.first() + cast.output(100, b"hi", is_error=False) + cast.resized(350, 90, 30) + cast.ended(350, 3)
    head, *rest = [json.loads(line) for line in lines.splitlines()]
    assert head == {"version": 3, "term": {"cols": 80, "rows": 24, "type": "xterm"}, "timestamp": 5}
    assert rest == [[0.1, "o", "hi"], [0.25, "r", "90x30"], [0.0, "x", "3"]]


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_every_byte_of_a_terminal_can_be_had_back(pieces: list[bytes]) -> None:
    cast = CastLines(SCREEN, 0)
    lines = cast.first() + b"".join(cast.output(1, one, is_error=False) for one in pieces) + cast.ended(2, None)
    assert exact(lines) == b"".join(pieces)


def test_a_split_character_is_one() -> None:
    cast = CastLines(SCREEN, 0)
    assert cast.output(0, b"\xc3", is_error=False) == b""
    assert json.loads(cast.output(0, b"\xa4", is_error=False))[2] == "ä"


@given(st.lists(st.tuples(st.binary(max_size=12), st.booleans()), max_size=8))
def test_every_byte_of_a_command_can_be_had_back(pieces: list[tuple[bytes, bool]]) -> None:
    lines = CommandLines()
    said = [json.loads(lines.output(at, data, is_error=error)) for at, (data, error) in enumerate(pieces)]
    back = [
        (one["text"].encode() if "text" in one else base64.b64decode(one["bytes"]), one["is"] == "error")
        for one in said
    ]
    assert back == pieces
    assert lines.first() == lines.resized(0, 1, 1) == b""


def test_both_shapes_read_as_events() -> None:
    cast, command = CastLines(SCREEN, 0), CommandLines()
    fact = {"decision": "d"}
    shown = cast.first() + cast.output(10, b"a", is_error=False) + cast.told(20, fact) + cast.ended(30, 0)
    assert list(read_events(iter(shown.splitlines()), TERMINAL)) == [
        Event(10, "o", "a"),
        Event(20, "g", '{"decision":"d"}'),
        Event(30, "x", "0"),
    ]
    ran = command.output(10, b"\xff", is_error=True) + command.told(20, fact) + command.ended(30, None)
    assert [event.code for event in read_events(iter(ran.splitlines()), COMMAND)] == ["o", "g", "x"]


@pytest.mark.parametrize("shape", [TERMINAL, COMMAND])
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"1",
        b"[1]",
        b'[-1,"o","x"]',
        b'[1e99,"o","x"]',
        b'[1,"o",2]',
        b"[" * 100_000,
        b'{"at":1,"is":"output"}' * 2,
        b'{"at":1,"is":"output","bytes":"!"}',
    ],
)
def test_a_line_that_is_none_is_a_value_error(shape: str, line: bytes) -> None:
    with pytest.raises(ValueError):
        list(read_events(iter([line]), shape))


def test_a_command_becomes_a_cast() -> None:
    lines = list(cast_of(iter([Event(1000, "o", "a\nb"), Event(1500, "x", "0")]), 0))
    assert json.loads(lines[0])["version"] == 3
    assert [json.loads(line) for line in lines[1:]] == [[1.0, "o", "a\r\nb"], [0.5, "x", "0"]]


def test_exchanges_are_read_as_they_stand_and_shown_as_a_table_of_text() -> None:
    asked = b'{"is":"asked","at":4,"id":"d-1","protocol":"postgres","text":"SELECT 1","verdict":"allow"}\n'
    written = [asked, CommandLines(EXCHANGES).ended(9, None)]
    first, last = read_events(iter(written), EXCHANGES)
    assert (first.at, first.code, first.data.encode()) == (4, "e", asked)
    assert last == Event(9, "x", "")
    (line,) = exchanges_in(iter((first, last)))
    assert isinstance(line, Asked)
    cast = b"".join(cast_of(iter((first, last)), 0))
    assert b"allow d-1" in cast
    assert b"SELECT 1\\r\\n" in cast
    with pytest.raises(ValueError, match="no exchange"):
        list(read_events(iter([b"{}"]), EXCHANGES))
