"""A tail hands out every whole line once, over segments, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit.log import segments
from gateway.audit.merkle import leaf_hash
from gateway.audit.tail import Tail, number_of
from gateway.errors import AuditUnavailable
from tests.strategies.audit_logs import entry, open_log


def numbers(tail: Tail, upto: int = 99) -> list[int]:
    return [number for batch in tail.leaves(upto) for number in range(batch.first, batch.first + batch.count)]


def test_lines_come_once_and_go_on_in_the_next_segment(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    tail = Tail(tmp_path, 0)
    assert numbers(tail) == []
    for number in range(1, 8):
        log.append(entry(number))
    assert numbers(tail) == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(tail) == []
    log.append(entry(8))
    assert numbers(tail) == [8]
    log.close()


def test_what_comes_while_somebody_reads_is_for_the_next_look(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    tail, found, last = Tail(tmp_path, 0), [], 0
    for number in range(1, 8):
        last = log.append(entry(number))
    for batch in tail.leaves(last):
        found += range(batch.first, batch.first + batch.count)
        log.append(entry(9))
    assert found == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(tail, 8) == [8]
    log.close()


def test_it_begins_behind_an_entry_with_or_without_its_place(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    for number in range(1, 8):
        log.append(entry(number))
    log.close()
    *_, last = Tail(tmp_path, 0).leaves(5)
    place = int.from_bytes(last.places[-8:], "big")
    assert numbers(Tail(tmp_path, 5)) == numbers(Tail(tmp_path, 5, place)) == [6, 7]


def test_a_leaf_is_its_line_without_the_end(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    for number in range(1, 8):
        log.append(entry(number))
    log.close()
    lines = [line for path in segments(tmp_path) for line in path.read_bytes().splitlines()]
    hashes = b"".join(batch.hashes for batch in Tail(tmp_path, 0).leaves(7))
    assert hashes == b"".join(map(leaf_hash, lines))


def test_a_line_being_written_is_left_out(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(entry(1))
    log.close()
    segment = tmp_path / "0000000000000001.jsonl"
    whole = segment.read_bytes()
    segment.write_bytes(whole + b'{"seq":2,"ki')
    tail = Tail(tmp_path, 0)
    assert numbers(tail) == [1]
    segment.write_bytes(whole + b'{"seq":2,"kind":"started","time":1}\n')
    assert numbers(tail) == [2]


@pytest.mark.parametrize("line", [b'{"seq":3,"kind":"started","time":1}\n', b"garbage\n", b"\n"])
def test_a_line_out_of_order_is_refused(tmp_path: Path, line: bytes) -> None:
    log = open_log(tmp_path)
    log.append(entry(1))
    log.close()
    with (tmp_path / "0000000000000001.jsonl").open("ab") as file:
        file.write(line)
    with pytest.raises(AuditUnavailable) as refused:
        numbers(Tail(tmp_path, 0))
    assert refused.value.code == "AUDIT_ALTERED"


def test_a_log_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(entry(1))
    log.close()
    for after in (2, 1_000):
        with pytest.raises(AuditUnavailable, match="ends before entry"):
            Tail(tmp_path, after)


def test_a_number_is_read_as_it_is_written() -> None:
    assert number_of(b'{"seq":12,"kind"') == 12
    assert number_of(b'{"seq":012,') is None
    assert number_of(b' {"seq":12,') is None
