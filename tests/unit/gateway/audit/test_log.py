"""The log on real files: no gap, torn tails cut aside, alterations noticed, nothing taken when it cannot be kept."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine._native import PostgresLane
from gateway.audit import log as log_module
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog, Durability, segments
from gateway.audit.read import read
from gateway.errors import AuditUnavailable
from tests.strategies.lanes import ANSWER, COMMAND, TEXT, writer

Opener = Callable[..., AuditLog]
PLENTY = 1 << 40


def entry(text: str = "SELECT 1") -> Entry:
    return Entry(kind=Kind.DECISION, time=1, text=text)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    logs = list[AuditLog]()

    def build(**options: object) -> AuditLog:
        logs.append(AuditLog(tmp_path / "audit", **{"low_water_bytes": 0, **options}))  # type: ignore[arg-type]  # options of a test
        return logs[-1]

    yield build
    for log in logs:
        log.close()


def numbers(tmp_path: Path) -> list[int]:
    return [found.seq for found in read(tmp_path / "audit")]


@pytest.mark.parametrize("durability", list(Durability))
def test_entries_are_numbered_from_one_without_a_gap_over_restarts(
    opened: Opener, tmp_path: Path, durability: Durability
) -> None:
    first = opened(durability=durability)
    assert [first.append(entry()) for _ in range(3)] == [1, 2, 3]
    first.close()
    second = opened(durability=durability)
    assert second.next_seq == 4
    second.append(entry())
    assert numbers(tmp_path) == [1, 2, 3, 4]


def test_an_entry_is_in_the_file_when_append_returns(opened: Opener, tmp_path: Path) -> None:
    opened().append(entry("DROP TABLE x"))
    assert [found.text for found in read(tmp_path / "audit")] == ["DROP TABLE x"]


def test_segments_rotate_and_read_as_one(opened: Opener, tmp_path: Path) -> None:
    log = opened(segment_bytes=200)
    for _ in range(20):
        log.append(entry())
    log.close()
    assert len(segments(tmp_path / "audit")) > 3
    assert numbers(tmp_path) == list(range(1, 21))
    assert opened(segment_bytes=200).next_seq == 21


def test_many_threads_leave_no_gap(opened: Opener, tmp_path: Path) -> None:
    log, given = opened(durability=Durability.DISK, segment_bytes=2_000), list[int]()

    def work() -> None:
        for _ in range(25):
            given.append(log.append(entry()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == numbers(tmp_path) == list(range(1, 201))


@pytest.mark.parametrize("tail", [b'{"seq":3,"ki', b"{", b"\x00\x00", b"garbage\n"])
def test_a_torn_tail_is_cut_aside_at_the_next_start(opened: Opener, tmp_path: Path, tail: bytes) -> None:
    log = opened()
    log.append(entry())
    log.append(entry())
    log.close()
    (path,) = segments(tmp_path / "audit")
    with path.open("ab") as file:
        file.write(tail)
    again = opened()
    assert again.append(entry()) == 3
    assert numbers(tmp_path) == [1, 2, 3]
    (torn,) = (tmp_path / "audit").glob("*.torn")
    assert torn.read_bytes() == tail


def test_a_hole_before_whole_entries_is_no_torn_tail(opened: Opener, tmp_path: Path) -> None:
    log = opened()
    for _ in range(3):
        log.append(entry())
    log.close()
    (path,) = segments(tmp_path / "audit")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"garbage\n" + lines[2])
    with pytest.raises(AuditUnavailable) as caught:
        opened()
    assert caught.value.code == "AUDIT_ALTERED"


def test_a_missing_entry_is_noticed(opened: Opener, tmp_path: Path) -> None:
    log = opened()
    for _ in range(3):
        log.append(entry())
    log.close()
    (path,) = segments(tmp_path / "audit")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(AuditUnavailable) as caught:
        opened()
    assert caught.value.code == "AUDIT_ALTERED"


def test_a_directory_has_one_writer(opened: Opener) -> None:
    opened()
    with pytest.raises(AuditUnavailable) as caught:
        opened()
    assert caught.value.code == "AUDIT_OWNED"


def test_short_of_space_refuses_new_work_but_takes_what_was_promised(opened: Opener, tmp_path: Path) -> None:
    free = [PLENTY]
    log = opened(low_water_bytes=100, free_bytes=lambda _: free[0])
    log.append(entry())
    free[0] = 99
    log._look_at_space()
    with pytest.raises(AuditUnavailable):
        log.append(entry())
    assert "low_water" in log.trouble
    assert log.append(entry(), promised=True) == 2
    free[0] = PLENTY
    log._look_at_space()
    assert log.trouble == ""
    assert log.append(entry()) == 3
    assert numbers(tmp_path) == [1, 2, 3]


def test_a_full_disk_refuses_and_recovers_without_a_torn_line(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened()
    log.append(entry())
    real = os.write

    def half(fd: int, data: bytes) -> int:
        return real(fd, data[: len(data) // 2])

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    for broken in (half, full, half):
        monkeypatch.setattr(log_module.os, "write", broken)
        with pytest.raises(AuditUnavailable):
            log.append(entry())
        assert log.trouble
    monkeypatch.setattr(log_module.os, "write", real)
    assert log.append(entry()) == 2
    assert log.trouble == ""
    assert numbers(tmp_path) == [1, 2]


def test_a_failed_sync_refuses_everything_after_it(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    log = opened(durability=Durability.DISK)

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(log_module.os, "fdatasync", fail)
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            log.append(entry())
    assert "disk" in log.trouble


def test_a_closed_log_takes_nothing(opened: Opener) -> None:
    log = opened()
    log.close()
    log.close()
    with pytest.raises(AuditUnavailable):
        log.append(entry())


def test_process_durability_syncs_soon_after(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, real = threading.Event(), os.fdatasync

    def watch(fd: int) -> None:
        real(fd)
        synced.set()

    monkeypatch.setattr(log_module.os, "fdatasync", watch)
    opened().append(entry())
    assert synced.wait(10)


def test_flush_puts_everything_on_the_disk(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log = opened()
    log.append(entry())
    log.flush()
    assert log._synced == 1


def test_a_directory_that_cannot_be_made_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditUnavailable):
        AuditLog(tmp_path / "file" / "audit")


def test_space_that_cannot_be_asked_for_counts_as_none(opened: Opener) -> None:
    def fail(_: Path) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(AuditUnavailable):
        opened(free_bytes=fail).append(entry())


@pytest.mark.parametrize("durability", list(Durability))
def test_listeners_hear_of_each_entry_once_it_is_recorded(
    opened: Opener, tmp_path: Path, durability: Durability
) -> None:
    log, heard = opened(durability=durability), list[tuple[int, list[int]]]()
    leave = log.subscribe(lambda seq: heard.append((seq, numbers(tmp_path))))
    log.append(entry())
    log.append(entry())
    leave()
    log.append(entry())
    assert heard == [(1, [1]), (2, [1, 2])]


def test_a_segment_that_is_retired_while_it_is_synced_stays_open_until_that_is_done(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log, real = opened(segment_bytes=100), os.fdatasync
    log.append(entry("x" * 200))

    def rotate_meanwhile(fd: int) -> None:
        thread = threading.Thread(target=log.append, args=(entry(),))
        thread.start()
        thread.join()
        real(fd)

    monkeypatch.setattr(log_module.os, "fdatasync", rotate_meanwhile)
    log.flush()
    assert log.trouble == ""
    monkeypatch.setattr(log_module.os, "fdatasync", real)
    log.close()
    assert log._retired == []
    assert len(segments(tmp_path / "audit")) == 2
    assert numbers(tmp_path) == [1, 2]


def test_what_is_noted_is_written_with_the_next_entry_in_one_write(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log, real, writes = opened(), os.write, list[int]()

    def count(fd: int, data: bytes) -> int:
        writes.append(data.count(b"\n"))
        return real(fd, data)

    monkeypatch.setattr(log_module.os, "write", count)
    assert [log.note(entry()), log.note(entry()), log.append(entry())] == [1, 2, 3]
    assert writes == [3]
    assert numbers(tmp_path) == [1, 2, 3]
    log.note(entry())
    assert numbers(tmp_path) == [1, 2, 3]
    log.close()
    assert numbers(tmp_path) == [1, 2, 3, 4]


def test_what_is_noted_is_written_soon_even_when_nothing_follows(opened: Opener, tmp_path: Path) -> None:
    log, told = opened(), threading.Event()
    log.subscribe(lambda seq: told.set())
    log.note(entry())
    assert told.wait(10)
    assert numbers(tmp_path) == [1]


def test_what_is_noted_stands_before_the_next_segment(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log = opened(segment_bytes=100)
    for _ in range(5):
        log.append(entry("x" * 90))
        log.note(entry())
    log.flush()
    assert numbers(tmp_path) == list(range(1, 11))
    assert len(segments(tmp_path / "audit")) > 3


def test_a_failed_write_keeps_what_was_noted_for_the_next(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log, real = opened(), os.write
    log.note(entry("noted"))
    monkeypatch.setattr(log_module.os, "write", lambda fd, data: real(fd, data[:20]))
    with pytest.raises(AuditUnavailable):
        log.append(entry("lost"))
    monkeypatch.setattr(log_module.os, "write", real)
    assert log.append(entry("after")) == 2
    assert [found.text for found in read(tmp_path / "audit")] == ["noted", "after"]


def carried(lane: PostgresLane) -> bool:
    """Whether a lane wrote a command's line, and then let its outcome wait."""
    return lane.carry(COMMAND, 1.0) is not None and lane.answer(ANSWER, 2.0) is not None


def test_a_lane_writes_between_others_with_what_was_noted(opened: Opener, tmp_path: Path) -> None:
    log = opened()
    lane = writer(log.unwritten)
    log.note(entry("noted"))
    assert carried(lane)
    assert numbers(tmp_path) == [1, 2]
    assert log.append(entry("after")) == 4
    assert carried(lane)
    log.close()
    assert not carried(lane)
    told = list(read(tmp_path / "audit"))
    assert [found.text for found in told if found.kind is Kind.DECISION] == ["noted", TEXT, "after", TEXT]
    assert [found.seq for found in told] == [1, 2, 3, 4, 5, 6]
    assert [found.kind for found in told[2::3]] == [Kind.OUTCOME] * 2


def test_a_lane_writes_only_where_a_write_is_all(opened: Opener) -> None:
    log = opened()
    lane = writer(log.unwritten)
    leave = log.subscribe(lambda seq: None)
    assert not log.is_lent
    assert not carried(lane)
    leave()
    lane = writer(log.unwritten)
    assert log.is_lent
    assert carried(lane)
    log._free_bytes = lambda place: -1
    log._look_at_space()
    assert not carried(lane)
    log._free_bytes = lambda place: PLENTY
    log._look_at_space()
    assert carried(writer(log.unwritten))
    log.close()
    durable = opened(durability=Durability.DISK)
    assert not durable.is_lent
    assert not carried(writer(durable.unwritten))


def test_a_lane_leaves_a_full_segment_to_the_log(opened: Opener, tmp_path: Path) -> None:
    log = opened(segment_bytes=600)
    lane = writer(log.unwritten)
    while carried(lane):
        assert log.unwritten.size < 2_000
    assert log.append(entry()) == log.next_seq - 1
    assert carried(writer(log.unwritten))
    log.flush()
    assert len(segments(tmp_path / "audit")) == 2
    assert numbers(tmp_path) == list(range(1, log.next_seq))


def test_what_a_lane_could_not_write_is_cut_off_and_refused(opened: Opener, tmp_path: Path) -> None:
    log = opened()
    log.append(entry("before"))
    log.unwritten.lend(Path("/dev/full"), PLENTY)
    lane = writer(log.unwritten)
    assert not carried(lane)
    assert log.trouble
    with segments(tmp_path / "audit")[-1].open("ab") as torn:
        torn.write(b'{"seq":2,"half')
    assert not carried(writer(log.unwritten))
    assert log.append(entry("after")) == 2
    assert not log.trouble
    assert carried(writer(log.unwritten))
    assert numbers(tmp_path) == [1, 2, 3]


def test_a_lane_writes_nothing_while_the_log_does(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log, real, seen = opened(), os.write, list[bool]()

    def meanwhile(fd: int, data: bytes) -> int:
        seen.append(carried(writer(log.unwritten)))
        return real(fd, data)

    monkeypatch.setattr(log_module.os, "write", meanwhile)
    log.append(entry())
    leave = log.subscribe(lambda seq: None)
    log.note(entry())
    log.flush()
    leave()
    assert seen == [False, False]
    lane = writer(log.unwritten)
    monkeypatch.setattr(log_module.os, "write", lambda fd, data: (lane.answer(ANSWER, 2.0), real(fd, data))[1])
    assert lane.carry(COMMAND, 1.0) is not None
    log.append(entry())
    assert lane.is_under_way, "its outcome waits until the log is done"
    assert lane.answer(ANSWER, 2.0) is not None


def test_what_waits_goes_into_a_lent_segment_as_a_lane_writes(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, data: bytes) -> int:
        raise AssertionError("a lane would find the log writing")

    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log = opened()
    assert log.is_lent
    log.note(entry("one"))
    log.note(entry("two"))
    with monkeypatch.context() as patch:
        patch.setattr(log_module.os, "write", refuse)
        log.flush()
    assert [found.text for found in read(tmp_path / "audit")] == ["one", "two"]
    assert log._synced == 2
    assert log.append(entry("three")) == 3
    log.close()
    assert numbers(tmp_path) == [1, 2, 3]


def torn(log: AuditLog, tmp_path: Path) -> None:
    """Let the next write into the lent segment fail, and leave what one that came out short would."""
    log.unwritten.lend(Path("/dev/full"), PLENTY)
    with segments(tmp_path / "audit")[-1].open("ab") as piece:
        piece.write(b'{"seq":2,"half')


def test_what_could_not_go_into_a_lent_segment_is_cut_off_and_written_by_the_log(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log = opened()
    log.append(entry("before"))
    log.note(entry("noted"))
    torn(log, tmp_path)
    log.flush()
    assert not log.trouble
    assert [found.text for found in read(tmp_path / "audit")] == ["before", "noted"]
    assert log.append(entry("after")) == 3
    assert numbers(tmp_path) == [1, 2, 3]


def test_what_a_lane_left_torn_is_cut_off_before_the_last_lines_at_the_end(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log = opened()
    log.append(entry("before"))
    log.note(entry("noted"))
    torn(log, tmp_path)
    assert not carried(writer(log.unwritten))
    log.close()
    assert [found.text for found in read(tmp_path / "audit")] == ["before", "noted"]
    assert opened().next_seq == 3


def test_the_keeper_sees_that_space_is_short_and_free_again(opened: Opener, tmp_path: Path) -> None:
    free, looked = [PLENTY], threading.Semaphore(0)

    def look(_: Path) -> int:
        looked.release()
        return free[0]

    log = opened(low_water_bytes=100, free_bytes=look)
    for found, trouble in ((99, True), (PLENTY, False)):
        free[0] = found
        for _ in range(3):  # the last of them began after that, and the one before is over
            assert looked.acquire(timeout=10)
        assert bool(log.trouble) is trouble
        while looked.acquire(blocking=False):
            pass


def test_the_space_that_is_looked_at_is_the_directorys(opened: Opener, tmp_path: Path) -> None:
    log = opened(low_water_bytes=1)
    assert not log.trouble
    (tmp_path / "audit").rename(tmp_path / "elsewhere")
    log._look_at_space()
    assert "low_water" in log.trouble
    (tmp_path / "elsewhere").rename(tmp_path / "audit")
    log._look_at_space()
    assert not log.trouble
    log.close()
    scarce = opened(low_water_bytes=1 << 62)
    assert "low_water" in scarce.trouble


def test_a_log_is_closed_at_once_however_long_its_keeper_rests(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    log = opened()
    closing = threading.Thread(target=log.close)
    closing.start()
    closing.join(60)
    assert not closing.is_alive()
    assert not log._look_at_space()


def test_what_cannot_be_written_is_not_kept_for_ever(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "SYNC_EVERY", 3_600.0)
    monkeypatch.setattr(log_module, "MAX_NOTED", 2)
    log = opened()
    log.note(entry())
    log.note(entry())
    with pytest.raises(AuditUnavailable):
        log.note(entry())
