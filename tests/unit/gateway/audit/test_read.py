"""Reading beside the writer: in order, filtered, never past a hole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind, encode
from gateway.audit.log import AuditLog, segments
from gateway.audit.read import Filter, read, read_lines, read_since
from gateway.errors import AuditUnavailable


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog(tmp_path, low_water_bytes=0, segment_bytes=300)
    yield opened
    opened.close()


def decision(**fields: object) -> Entry:
    return Entry(**{"kind": Kind.DECISION, "time": 10, **fields})  # type: ignore[arg-type]  # fields of a test


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filter(), [1, 2, 3]),
        (Filter(kinds=frozenset({Kind.OUTCOME})), [3]),
        (Filter(principal="ana"), [1]),
        (Filter(principal=""), [3]),
        (Filter(verdict="deny"), [2]),
        (Filter(rule="p/R"), [2]),
        (Filter(rule="p/Q"), []),
        (Filter(since=20), [2, 3]),
        (Filter(since=20, until=30), [2]),
        (Filter(after_seq=2), [3]),
        (Filter(principal="bo", verdict="allow"), []),
    ],
)
def test_only_what_is_asked_for_comes_back(log: AuditLog, tmp_path: Path, wanted: Filter, numbers: list[int]) -> None:
    log.append(decision(principal="ana", verdict="allow"))
    log.append(decision(principal="bo", verdict="deny", rules=(("p/R", "deny"),), time=20))
    log.append(Entry(kind=Kind.OUTCOME, time=30))
    assert [entry.seq for entry in read(tmp_path, wanted)] == numbers


def test_starting_late_skips_whole_segments(log: AuditLog, tmp_path: Path) -> None:
    for _ in range(40):
        log.append(decision(text="x" * 50))
    segments(tmp_path)[0].write_bytes(b"never opened")
    assert [entry.seq for entry in read(tmp_path, Filter(after_seq=30))] == list(range(31, 41))
    with pytest.raises(AuditUnavailable):
        list(read(tmp_path))


def test_a_line_being_written_is_left_out(log: AuditLog, tmp_path: Path) -> None:
    log.append(decision())
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(b'{"seq":2,"kin')
    assert [entry.seq for entry in read(tmp_path)] == [1]


@pytest.mark.parametrize("line", [b"garbage\n", encode(Entry(kind=Kind.DECISION, time=1), 7)])
def test_what_has_no_place_ends_the_reading(log: AuditLog, tmp_path: Path, line: bytes) -> None:
    log.append(decision())
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(line)
    with pytest.raises(AuditUnavailable) as caught:
        list(read(tmp_path))
    assert caught.value.code == "AUDIT_ALTERED"


def test_a_missing_directory_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailable):
        list(read(tmp_path / "none"))


def test_a_log_whose_first_segments_are_gone_reads_from_what_is_there(log: AuditLog, tmp_path: Path) -> None:
    for _ in range(10):
        log.append(decision(text="x" * 100))
    first = segments(tmp_path)[1]
    segments(tmp_path)[0].unlink()
    assert next(iter(read(tmp_path))).seq == int(first.stem)


def test_lines_come_byte_for_byte_from_a_number_on(log: AuditLog, tmp_path: Path) -> None:
    for _ in range(10):
        log.append(decision(text="x" * 100))
    written = b"".join(path.read_bytes() for path in segments(tmp_path)).splitlines(keepends=True)
    assert list(read_lines(tmp_path, 0)) == list(enumerate(written, 1))
    assert list(read_lines(tmp_path, 7)) == list(enumerate(written, 1))[7:]
    assert list(read_lines(tmp_path, 10)) == []


def test_entries_since_a_time_are_read_from_the_segment_on_that_holds_the_first(log: AuditLog, tmp_path: Path) -> None:
    for number in range(1, 30):
        log.append(decision(time=number * 10, principal=f"p{number}"))
    log.append(Entry(kind=Kind.STOPPED, time=1_000))
    log.flush()
    paths = segments(tmp_path)
    assert len(paths) > 3
    kinds = frozenset({Kind.DECISION})
    for since in (0, 11, 150, 200, 290, 291):
        assert [one.time for one in read_since(tmp_path, since, kinds)] == [
            time for time in range(10, 300, 10) if time >= since
        ]
    # INVARIANT: what is older is not looked at, whatever stands there.
    paths[0].write_bytes(b"nonsense\n")
    assert [one.time for one in read_since(tmp_path, 280, kinds)] == [280, 290]
    with pytest.raises(AuditUnavailable):
        list(read_since(tmp_path, 0, kinds))
