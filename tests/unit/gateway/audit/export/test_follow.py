"""A follower hands out every whole line once, over segments, and nothing that is out of order."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind, decode
from gateway.audit.export.follow import Follower
from gateway.audit.log import segments
from gateway.errors import AuditUnavailable
from tests.strategies.audit_logs import entry, open_log


def numbers(follower: Follower, count: int = 99) -> list[int]:
    return [decode(line).seq for line in follower.take(count)]


def test_lines_come_once_and_go_on_in_the_next_segment(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    follower = Follower(tmp_path, 0)
    assert numbers(follower) == []
    for number in range(1, 8):
        log.append(entry(number))
    assert len(segments(tmp_path)) > 1
    assert numbers(follower, 2) == [1, 2]
    assert numbers(follower) == [3, 4, 5, 6, 7]
    assert numbers(follower) == []
    log.append(entry(8))
    assert numbers(follower) == [8]
    log.close()


@pytest.mark.parametrize("after", range(8))
def test_it_begins_behind_any_entry(tmp_path: Path, after: int) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    for number in range(1, 8):
        log.append(entry(number))
    log.close()
    assert numbers(Follower(tmp_path, after)) == list(range(after + 1, 8))


def test_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(entry(1))
    log.append(entry(2))
    log.close()
    (path,) = segments(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    follower = Follower(tmp_path, 0)
    assert numbers(follower) == [1]
    path.write_bytes(whole)
    assert numbers(follower) == [2]


def test_a_line_longer_than_one_read_comes_whole(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(Entry(kind=Kind.DECISION, time=1, text="x" * 3_000_000))
    log.append(entry(2))
    log.close()
    assert numbers(Follower(tmp_path, 0)) == [1, 2]


def test_of_long_lines_few_come_at_once(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for number in range(1, 9):
        log.append(Entry(kind=Kind.DECISION, time=number, text="x" * 3_000_000))
    log.close()
    follower = Follower(tmp_path, 0)
    assert [numbers(follower) for _ in range(4)] == [[1, 2, 3], [4, 5, 6], [7, 8], []]


def test_a_number_out_of_order_and_a_segment_that_is_gone_are_told(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    for number in range(1, 8):
        log.append(entry(number))
    log.close()
    first, second, *_ = segments(tmp_path)
    second.write_bytes(second.read_bytes().replace(b'{"seq":', b'{"seq":9', 1))
    follower = Follower(tmp_path, 0)
    assert numbers(follower) == list(range(1, int(second.stem)))
    for _ in range(3):
        with pytest.raises(AuditUnavailable, match="holds something else"):
            follower.take(99)
    first.unlink()
    with pytest.raises(AuditUnavailable, match="has no entry 1 any more"):
        Follower(tmp_path, 0).take(1)


def test_a_line_without_an_end_is_no_reason_to_read_for_ever(tmp_path: Path) -> None:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "0000000000000001.jsonl").write_bytes(b'{"seq":1,' + b" " * (8 << 20))
    with pytest.raises(AuditUnavailable, match="without an end"):
        Follower(tmp_path, 0).take(1)
