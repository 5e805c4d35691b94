"""Reading a log from its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit import recent
from gateway.audit.checkpoint import SigningKey
from gateway.audit.entry import Entry, Kind
from gateway.audit.keys import own_key
from gateway.audit.log import AuditLog, segments
from gateway.audit.read import read
from gateway.audit.recent import entry_at, line_at, newest_first
from gateway.audit.sealing import Sealer
from gateway.errors import AuditUnavailable


def written(folder: Path, count: int, text: str = "SELECT 1", *, sealed: bool = False) -> Path:
    log = AuditLog(folder, segment_bytes=2_000, low_water_bytes=0)
    for number in range(count):
        log.append(Entry(kind=Kind.DECISION, time=number, text=text * (number % 7)))
    if sealed:
        key: SigningKey = own_key(folder, "log")
        Sealer(log, folder, "log", [key], lambda: 0).close()
    log.close()
    return folder


def numbers(folder: Path, before: int | None = None) -> list[int]:
    return [entry.seq for entry in newest_first(folder, before)]


@pytest.mark.parametrize("sealed", [False, True])
def test_every_entry_comes_once_from_the_newest_on(tmp_path: Path, sealed: bool) -> None:
    folder = written(tmp_path / "audit", 120, sealed=sealed)
    assert len(segments(folder)) > 3
    assert numbers(folder) == [entry.seq for entry in read(folder)][::-1]
    for before in (1, 2, 60, 119, 120, 121, 500):
        assert numbers(folder, before) == list(range(min(before - 1, 120), 0, -1))


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(block=st.integers(1, 400), count=st.integers(0, 30), before=st.integers(1, 40), torn=st.binary(max_size=300))
def test_where_a_block_ends_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, block: int, count: int, before: int, torn: bytes
) -> None:
    folder = written(tmp_path_factory.mktemp("log") / "audit", count)
    with segments(folder)[-1].open("ab") as file:
        file.write(torn.replace(b"\n", b""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent, "BLOCK", block)
        assert numbers(folder) == list(range(count, 0, -1))
        assert numbers(folder, before) == list(range(min(before - 1, count), 0, -1))


def test_one_entry_is_found_by_its_number(tmp_path: Path) -> None:
    folder = written(tmp_path / "audit", 50, sealed=True)
    found = entry_at(folder, 17)
    assert found is not None
    assert (found.seq, found.time) == (17, 16)
    for missing in (0, -3, 51, 10**18, 1 << 63):
        assert entry_at(folder, missing) is None


@pytest.mark.parametrize("sealed", [False, True])
def test_a_line_is_found_by_its_number_with_and_without_places(
    tmp_path: Path, sealed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "audit", 120, sealed=sealed)
    everything = [line for path in segments(folder) for line in path.read_bytes().splitlines(keepends=True)]
    if sealed:
        # Where places are noted down, nothing else is read.
        monkeypatch.setattr(recent, "_newest_lines", lambda directory, before: iter(()))
    for seq in (1, 2, 59, 119, 120):
        assert line_at(folder, seq) == everything[seq - 1]
        found = entry_at(folder, seq)
        assert found is not None
        assert found.seq == seq
    assert [line_at(folder, seq) for seq in (0, 121, 1 << 62)] == [None] * 3


def test_a_place_that_is_wrong_is_not_believed(tmp_path: Path) -> None:
    folder = written(tmp_path / "audit", 30, sealed=True)
    (folder / "tree" / "places").write_bytes(b"\0" * 8 * 30)
    assert numbers(folder, 20) == list(range(19, 0, -1))


def test_a_log_with_a_hole_is_not_read_past_it(tmp_path: Path) -> None:
    folder = written(tmp_path / "audit", 60)
    path = segments(folder)[1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with pytest.raises(AuditUnavailable, match="broken near entry"):
        numbers(folder)
    path.write_bytes(lines[0][:15] + b"x" + lines[0][16:] + b"".join(lines[1:]))
    with pytest.raises(AuditUnavailable):
        numbers(folder)


def test_a_line_longer_than_any_entry_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path / "audit", 3)
    monkeypatch.setattr(recent, "BLOCK", 50)
    monkeypatch.setattr(recent, "MAX_LINE", 100)
    path = segments(folder)[-1]
    path.write_bytes(b"x" * 1_000 + b"\n")
    with pytest.raises(AuditUnavailable, match="longer than any entry"):
        numbers(folder)


def test_a_segment_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    folder = written(tmp_path / "audit", 3)
    path = segments(folder)[-1]
    path.unlink()
    path.mkdir()
    with pytest.raises(AuditUnavailable, match="cannot be read"):
        numbers(folder)
