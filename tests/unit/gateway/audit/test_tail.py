"""A tail hands out every whole line once, over segments, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.audit import tail as tail_module
from gateway.audit.log import segments
from gateway.audit.merkle import leaf_hash
from gateway.audit.tail import Tail, number_of
from gateway.audit.tree import TreeWriter
from gateway.errors import AuditUnavailable
from tests.strategies.audit_logs import entry, open_log


def tail_of(directory: Path) -> Tail:
    return Tail(directory, TreeWriter(directory))


def numbers(tail: Tail, upto: int = 99) -> list[int]:
    return [number for batch in tail.into_tree(upto) for number in range(batch.first, batch.first + batch.count)]


def test_lines_come_once_and_go_on_in_the_next_segment(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    tail = tail_of(tmp_path)
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
    tail, found, last = tail_of(tmp_path), [], 0
    for number in range(1, 8):
        last = log.append(entry(number))
    for batch in tail.into_tree(last):
        found += range(batch.first, batch.first + batch.count)
        log.append(entry(9))
    assert found == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(tail, 8) == [8]
    log.close()


def test_it_begins_behind_what_is_in_the_tree(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    for number in range(1, 8):
        log.append(entry(number))
    log.close()
    assert numbers(tail_of(tmp_path), 5) == [1, 2, 3, 4, 5]
    assert numbers(tail_of(tmp_path)) == [6, 7]
    assert numbers(tail_of(tmp_path)) == []


def test_a_leaf_is_its_line_without_the_end(tmp_path: Path) -> None:
    log = open_log(tmp_path, segment_bytes=300)
    for number in range(1, 8):
        log.append(entry(number))
    log.close()
    lines = [line for path in segments(tmp_path) for line in path.read_bytes().splitlines()]
    assert numbers(tail_of(tmp_path)) == [1, 2, 3, 4, 5, 6, 7]
    assert (tmp_path / "tree" / "00").read_bytes() == b"".join(map(leaf_hash, lines))


@pytest.mark.parametrize("piece", [1, 50, 150, 1 << 20])
def test_the_lines_of_a_batch_are_handed_out_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(tail_module, "PIECE_BYTES", piece)
    log = open_log(tmp_path)
    for number in range(1, 8):
        log.append(entry(number))
    log.close()
    whole = segments(tmp_path)[0].read_bytes().splitlines(keepends=True)
    tail = tail_of(tmp_path)
    found = [lines for upto in (3, 6) for batch in tail.into_tree(upto) for lines in batch.lines()]
    assert b"".join(found) == b"".join(whole[:6])
    assert all(lines.endswith(b"\n") for lines in found)
    assert (len(found) == 2) == (piece == 1 << 20), "a piece for each batch, or more"


def test_lines_that_are_gone_when_somebody_wants_them_are_said_to_be(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(entry(1))
    log.close()
    (batch,) = tail_of(tmp_path).into_tree(1)
    segments(tmp_path)[0].unlink()
    with pytest.raises(AuditUnavailable, match="cannot be read"):
        list(batch.lines())


def test_a_line_being_written_is_left_out(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append(entry(1))
    log.close()
    segment = tmp_path / "0000000000000001.jsonl"
    whole = segment.read_bytes()
    segment.write_bytes(whole + b'{"seq":2,"ki')
    tail = tail_of(tmp_path)
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
        numbers(tail_of(tmp_path))
    assert refused.value.code == "AUDIT_ALTERED"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("none", "has no entry 2 any more"),
        ("shorter", "ends before entry 2"),
        ("torn", "ends before entry 2"),
        ("another", "holds no entry 2 where it belongs"),
    ],
)
def test_a_log_that_does_not_hold_what_is_in_the_tree_is_refused(tmp_path: Path, what: str, said: str) -> None:
    log = open_log(tmp_path)
    log.append(entry(1))
    log.append(entry(2))
    log.close()
    assert numbers(tail_of(tmp_path)) == [1, 2]
    (path,) = segments(tmp_path)
    first, second = path.read_bytes().splitlines(keepends=True)
    if what == "none":
        path.rename(path.with_stem(f"{3:016d}"))
    else:
        path.write_bytes({"shorter": first, "torn": first + second[:-1], "another": first + b"x" + second}[what])
    with pytest.raises(AuditUnavailable, match=said) as refused:
        tail_of(tmp_path)
    assert refused.value.code == "AUDIT_ALTERED"


def test_a_segment_that_begins_elsewhere_or_cannot_be_read_is_said_to(tmp_path: Path) -> None:
    (tmp_path / f"{2:016d}.jsonl").write_bytes(b'{"seq":2,\n')
    with pytest.raises(AuditUnavailable, match="begins where entry 1 belongs") as refused:
        numbers(tail_of(tmp_path))
    assert refused.value.code == "AUDIT_ALTERED"
    (tmp_path / f"{1:016d}.jsonl").mkdir()
    with pytest.raises(AuditUnavailable, match=r"cannot be read \(Is a directory\)"):
        numbers(tail_of(tmp_path))


def test_a_number_is_read_as_it_is_written() -> None:
    assert number_of(b'{"seq":12,"kind"') == 12
    assert number_of(b'{"seq":012,') is None
    assert number_of(b' {"seq":12,') is None
