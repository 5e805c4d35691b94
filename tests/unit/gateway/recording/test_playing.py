"""A recording in pieces is harmless piece by piece, and together what it is as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.core.ports import Outcome, Screen
from gateway.errors import RecordingBroken
from gateway.recording import playing
from gateway.recording.exchanges import Asked, asked_lines, done_line
from gateway.recording.keys import WrappingKeys
from gateway.recording.playing import Shown, piece_of
from gateway.recording.recorder import About, Recording, Recordings
from gateway.recording.shelf import files
from gateway.recording.showing import Neutralizer

KEYS = WrappingKeys([b"k" * 32])
ABOUT = About("s", "ana", "box", "d", "7")


def recorded(folder: Path, pieces: list[bytes], screen: Screen | None = None, *, chunked: bool = False) -> Path:
    made = Recordings(folder, KEYS, lambda: 10**18, lambda progress: None, low_water_bytes=0)
    one: Recording = made.begin(ABOUT, screen, lambda: None)
    for piece in pieces:
        one.output(piece)
        if chunked:
            with one._lock:
                one._write()
    one.end(0)
    made.close()
    return next(path for path in files(folder) if path.stem == one.id)


def played(path: Path) -> tuple[list[Shown], str, int]:
    """All pieces, what went wrong, how many there were."""
    shown: list[Shown] = []
    chunk, at, count = 0, 0, 0
    while True:
        piece = piece_of(path, KEYS, chunk, at)
        shown += piece.events
        count += 1
        if piece.next is None:
            return shown, piece.trouble, count
        assert piece.next > chunk
        chunk, at = piece.next, piece.at


def test_what_was_shown_comes_with_its_times_and_without_what_harms(tmp_path: Path) -> None:
    path = recorded(tmp_path, [b"\x1b[31mred\x1b[0m\x1b]52;c;eA==\x07", b"\xff\n"], Screen(80, 24, "xterm"))
    shown, trouble, _ = played(path)
    assert (trouble, [code for _, code, _ in shown]) == ("", ["r", "o", "o", "x"])
    assert "".join(text for _, code, text in shown if code == "o") == "\x1b[31mred\x1b[0m\ufffd\n"
    assert shown[-1][2] == "0"


def test_a_command_has_lines_that_a_terminal_shows(tmp_path: Path) -> None:
    shown, _, _ = played(recorded(tmp_path, [b"a\nb\r\nc"]))
    assert shown[0][2] == "a\r\nb\r\nc"


def test_decisions_and_sizes_are_told_in_words(tmp_path: Path) -> None:
    made = Recordings(tmp_path, KEYS, lambda: 10**18, lambda progress: None, low_water_bytes=0)
    one = made.begin(ABOUT, Screen(80, 24, "xterm"), lambda: None)
    one.told({"decision": "d-1", "verdict": "deny", "text": "rm \x1b]0;x\x07all"})
    one.told({"text": 7})
    one.resized(100, 30)
    one.end(None)
    made.close()
    shown, _, _ = played(files(tmp_path)[0])
    assert [event[1:] for event in shown] == [("r", "80x24"), ("g", "deny: rm all"), ("r", "100x30"), ("x", "")]


def test_what_is_torn_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    path = recorded(tmp_path, [b"one\n", b"two\n"], chunked=True)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    shown, trouble, _ = played(path)
    assert "TORN" in trouble
    assert "one" in shown[0][2]
    path.write_bytes(b"nothing")
    with pytest.raises(RecordingBroken):
        piece_of(path, KEYS, 0, 0)


def test_lines_that_are_none_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = recorded(tmp_path, [b"one\n"])
    monkeypatch.setattr(playing, "open_chunk", lambda *of: b"{}\n")
    assert "ALTERED" in played(path)[1]
    assert playing._told("{") == playing._told("7") == ""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.lists(
            st.sampled_from(
                ["\x1b", "[", "]", "52;c;x", "\x07", "\x1b\\", "31m", "P", "text", "\n", "\x9d", "8;;", "\u202e"]
            )
        ).map("".join),
        max_size=20,
    )
)
def test_pieces_are_together_what_the_whole_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: list[str]
) -> None:
    """Where a piece may end nothing is open; so it does not matter where they end."""
    monkeypatch.setattr(playing, "PIECE", 1)
    path = recorded(tmp_path, [piece.encode() for piece in pieces], Screen(80, 24, "xterm"), chunked=True)
    shown, trouble, _ = played(path)
    assert trouble == ""
    assert "".join(text for _, code, text in shown if code == "o") == Neutralizer().clean("".join(pieces))
    path.unlink()


def test_a_piece_has_an_end_even_where_a_sequence_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "PIECE", 10)
    monkeypatch.setattr(playing, "MOST", 100)
    path = recorded(tmp_path, [b"x" * 60 + b"\x1b[31"] * 6, Screen(80, 24, "xterm"), chunked=True)
    shown, _, count = played(path)
    assert count > 1
    assert "x" * 60 in shown[1][2]


def test_exchanges_are_fields_of_harmless_text_beside_the_list_of_decisions(tmp_path: Path) -> None:
    evil = "SELECT 1\x1b]0;x\x07<b>"
    recorder = Recordings(tmp_path, KEYS, lambda: 10**18, lambda progress: None, low_water_bytes=0)
    one = recorder.begin_exchanges(About("s", "ana", "orders", "d"), lambda: None)
    one.write(lambda at: asked_lines(Asked(at=at, id="d-1", protocol="postgres", text=evil, verdict="allow")))
    one.write(lambda at: [done_line(at, "d-1", Outcome(1, 2, 0.1))])
    one.end(None)
    recorder.close()
    (path,) = files(tmp_path)
    piece = piece_of(path, KEYS, 0, 0)
    assert [code for _, code, _ in piece.events] == ["g", "e", "e", "x"]
    assert piece.events[0][2] == "allow: SELECT 1<b>"
    asked, done = (json.loads(text) for _, code, text in piece.events if code == "e")
    assert (asked["text"], done["became"], piece.trouble) == ("SELECT 1<b>", "1 row, 2 bytes, 100.0 ms", "")
