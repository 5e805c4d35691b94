"""A file gets whole lines, may be rotated, and is not glued to the piece that a crash left."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.export.events import Event, Severity, SinkFailed
from gateway.audit.export.file import FileSink


def event(number: int) -> Event:
    return Event(number, f"log/{number}", 1, "decision", Severity.INFO, b'{"n":%d}' % number)


def test_lines_are_added_and_a_rotated_file_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    sink = FileSink(path)
    sink.send([event(1), event(2)])
    path.rename(tmp_path / "old")
    sink.send([event(3)])
    assert (tmp_path / "old").read_bytes() == b'{"n":1}\n{"n":2}\n'
    assert path.read_bytes() == b'{"n":3}\n'
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_follows_a_piece_of_a_line_begins_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b'{"n":1}\n{"n')
    FileSink(path).send([event(2)])
    assert path.read_bytes() == b'{"n":1}\n{"n\n{"n":2}\n'


def test_a_path_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SinkFailed, match="cannot be written"):
        FileSink(tmp_path / "nowhere" / "out").send([event(1)])
