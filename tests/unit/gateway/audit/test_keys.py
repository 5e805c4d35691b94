"""A log keeps its name and its key; what is no name or no key is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.audit.checkpoint import SigningKey
from gateway.audit.keys import KEY_FILE, NAME_FILE, former_keys, log_name, make_pem, own_key, write_new
from gateway.errors import AuditUnavailable, ConfigInvalid


def test_a_name_and_a_key_are_made_once_and_for_us_alone(tmp_path: Path) -> None:
    origin = log_name(tmp_path)
    assert log_name(tmp_path) == origin
    assert own_key(tmp_path, origin).public == own_key(tmp_path, origin).public
    assert os.stat(tmp_path / KEY_FILE).st_mode & 0o777 == 0o600


def test_two_logs_have_two_names(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert log_name(tmp_path / "a") != log_name(tmp_path / "b")


@pytest.mark.parametrize("data", [b"", b"a b\n", b"a+b\n", b"\xff\n"])
def test_a_file_that_holds_no_name_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME_FILE).write_bytes(data)
    with pytest.raises(AuditUnavailable, match="no name"):
        log_name(tmp_path)


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"x")
    with pytest.raises(ConfigInvalid):
        own_key(tmp_path, "log")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AuditUnavailable, match="cannot be used"):
        log_name(tmp_path / "nowhere")


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    write_new(tmp_path / "key", b"1")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "key", b"2")


def test_former_keys_are_lines_as_the_command_prints_them(tmp_path: Path) -> None:
    one, two = (own_key(tmp_path, log_name(tmp_path)).public, SigningKey.from_pem("log", make_pem()).public)
    assert former_keys([one.print(), two.print()]) == [one, two]
    assert former_keys([]) == []
    with pytest.raises(ConfigInvalid, match="former_keys"):
        former_keys(["file:old.pem"])
