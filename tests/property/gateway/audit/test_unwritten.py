"""What the core makes of entries, numbers and what waits is, byte for byte, what Python makes of them; failed writes included."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine._native import EntryForm, PostgresLane, outcome_body
from gateway.audit import log as log_module
from gateway.audit.entry import Entry, Kind, encode, numbered
from gateway.audit.log import AuditLog, segments
from gateway.audit.read import read
from gateway.errors import AuditUnavailable
from tests.wire import BOUND, PARSED, Known, described, query, ready, row, tag

REPLY = PARSED + BOUND + described("a") + row("1") + tag("SELECT 1") + ready()
LAST = Entry(kind=Kind.STOPPED, time=1)
FORM = EntryForm(b',"principal":"ana"', b',"verdict":"allow"', "postgres", None, hides=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
entries = st.builds(
    lambda kind, time, text, rows, error: Entry(kind=kind, time=time, text=text, rows=rows, error=error),
    *(st.sampled_from(Kind), st.integers(0, 1 << 62), texts, st.none() | st.integers(0, 1 << 60), st.none() | texts),
)
moves = st.one_of(
    st.tuples(st.sampled_from(["append", "note"]), entries),
    st.tuples(st.just("again"), st.from_regex(r"select [0-9]{1,9}|select '[^'\\\x00]{0,20}'", fullmatch=True)),
    st.tuples(st.sampled_from(["flush", "full", "short"])),
)


class Plain:
    """The log as Python alone would write it, in memory."""

    def __init__(self) -> None:
        self.next, self.written = 1, b""
        self.noted: list[bytes] = []

    def note(self, line: bytes) -> None:
        self.noted.append(line)
        self.next += 1

    def append(self, line: bytes) -> None:
        self.flush()
        self.written += line
        self.next += 1

    def flush(self) -> None:
        self.written += b"".join(self.noted)
        self.noted.clear()


class Disk:
    """Writes as the system does, or once not."""

    def __init__(self, write: Callable[[int, bytes], int]) -> None:
        self._write, self.trouble = write, ""

    def write(self, fd: int, data: bytes) -> int:
        trouble, self.trouble = self.trouble, ""
        if trouble == "full":
            raise OSError(28, "No space left on device")
        return self._write(fd, data[: len(data) // 2] if trouble == "short" else data)


class Unlent(AuditLog):
    """Writes everything itself."""

    lends = False


def run(folder: Path, disk: Disk, dialogue: list[tuple[object, ...]], kind: type[AuditLog]) -> None:
    log, plain, lane = kind(folder, low_water_bytes=0, segment_bytes=700), Plain(), PostgresLane()
    lane.learn(b"select 1", FORM, for_shape=True, answer=None)
    lane.learn(b"select 'a'", FORM, for_shape=True, answer=None)
    lane.open(ord("I"), simple=True, extended=False, until=math.inf, names=Known())
    for clock, move in enumerate(dialogue):
        fails = disk.trouble != ""
        try:
            match move:
                case ("append", Entry() as entry):
                    log.append(entry)
                    assert not fails
                    plain.append(encode(entry, plain.next))
                case ("note", Entry() as entry):
                    log.note(entry)
                    plain.note(encode(entry, plain.next))
                case ("again", str() as text):
                    went = lane.ask(query(text), 1.0) is not None
                    if went:
                        assert log.append_again(lane, f"d-{clock}", clock)
                        assert not fails
                        body = FORM.fill(f"d-{clock}", clock, text.encode(), None)
                        assert body is not None
                        plain.append(numbered(body, plain.next))
                        assert lane.reply(REPLY, 1.25) is not None
                        log.note_again(lane, clock)
                        plain.note(numbered(outcome_body(f"d-{clock}", clock, (1, 12, 0), 0.25, None), plain.next))
                case ("flush",):
                    log.flush()
                    plain.flush()
                case (str() as trouble,):
                    disk.trouble = trouble
        except AuditUnavailable:
            assert fails
            lane.take_back()
    # The last write mends what a failed one left.
    disk.trouble = ""
    log.append(LAST)
    plain.append(encode(LAST, plain.next))
    log.close()
    assert b"".join(path.read_bytes() for path in segments(folder)) == plain.written
    assert [entry.seq for entry in read(folder)] == list(range(1, plain.next))


def test_what_is_written_is_what_python_would_have_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    disk, number = Disk(os.write), [0]
    monkeypatch.setattr(log_module.os, "write", disk.write)

    @given(st.lists(moves, min_size=1, max_size=25), st.sampled_from([AuditLog, Unlent]))
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def play(dialogue: list[tuple[object, ...]], kind: type[AuditLog]) -> None:
        number[0] += 1
        run(tmp_path / str(number[0]), disk, dialogue, kind)

    play()
