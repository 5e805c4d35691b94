"""A place is kept whole, belongs to one log, and is refused where it is not that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.audit.export.cursor import Cursor
from gateway.errors import AuditUnavailable


def test_a_place_is_found_again_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "siem"
    cursor = Cursor(path, "log/a")
    assert cursor.seq == 0
    cursor.move(7)
    cursor.move(9)
    assert Cursor(path, "log/a").seq == 9
    assert [each.name for each in path.parent.iterdir()] == ["siem"]


@pytest.mark.parametrize("data", [b"", b"{", b'{"log":"log/b","seq":3}', b'{"log":"log/a","seq":-1}', b'{"seq":3}'])
def test_what_is_no_place_in_this_log_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "siem").write_bytes(data)
    with pytest.raises(AuditUnavailable, match="is no place in the log") as caught:
        Cursor(tmp_path / "siem", "log/a")
    assert caught.value.code == "AUDIT_CURSOR"


def test_a_place_that_cannot_be_kept_is_told_and_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = Cursor(tmp_path / "siem", "log/a")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(AuditUnavailable, match="No space left"):
        cursor.move(3)
    assert cursor.seq == 0
