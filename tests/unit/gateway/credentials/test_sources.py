"""Secrets come from where the configuration says, or an error that tells no secret."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gateway.credentials import sources
from gateway.credentials.answers import Fetched
from gateway.credentials.sources import CredentialUnavailable, fetch_answer, fetch_secret, fetch_text

PYTHON = sys.executable


def fetch(reference: str, folder: Path, **environment: str) -> bytes:
    return fetch_secret(reference, environment=environment, folder=folder)


def test_from_the_environment(tmp_path: Path) -> None:
    assert fetch("env:A", tmp_path, A="s3cret") == b"s3cret"


def test_from_a_private_file_without_its_last_newline(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.touch(mode=0o600)
    file.write_bytes(b"two\nlines\r\n")
    assert fetch("file:password", tmp_path) == b"two\nlines"
    assert fetch(f"file:{file}", Path("/")) == b"two\nlines"


def test_from_a_command_without_a_shell(tmp_path: Path) -> None:
    assert fetch(f'exec:{PYTHON} -c \'import os; print(os.environ["A"], end=";$HOME")\'', tmp_path, A="x") == b"x;$HOME"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "f").write_text("s3cret")
    (tmp_path / "f").chmod(mode)
    with pytest.raises(CredentialUnavailable) as caught:
        fetch("file:f", tmp_path)
    assert "chmod 600" in caught.value.help


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").touch(mode=0o600)
    found = os.stat_result((0o100600, 0, 0, 1, os.geteuid() + 1, 0, 3, 0, 0, 0))
    monkeypatch.setattr(sources.os, "fstat", lambda fd: found)
    with pytest.raises(CredentialUnavailable) as caught:
        fetch("file:f", tmp_path)
    assert "somebody else" in str(caught.value)


@pytest.mark.parametrize(
    "reference",
    [
        "env:NONE",
        "env:EMPTY",
        "file:none",
        "file:.",
        "file:empty",
        "file:binary",
        "exec:",
        "exec:'",
        "exec:/no/such/command --password s3cret",
        f"exec:{PYTHON} -c 'import sys; print(\"s3cret\"); sys.exit(3)'",
        f"exec:{PYTHON} -c 'print(end=\"\")'",
        "s3cret",
        "vault:s3cret",
    ],
)
def test_what_cannot_be_had_is_told_without_any_secret(tmp_path: Path, reference: str) -> None:
    for name, content in (("empty", b""), ("binary", b"s3cret\xff")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CredentialUnavailable) as caught:
        fetch_text(reference, environment={"EMPTY": ""}, folder=tmp_path)
    assert "s3cret" not in f"{caught.value} {caught.value.help}"


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "EXEC_SECONDS", 0.2)
    with pytest.raises(CredentialUnavailable) as caught:
        fetch(
            f"exec:{PYTHON} -c 'import sys; sys.stdin = open(0); import threading; threading.Event().wait()'", tmp_path
        )
    assert "longer" in str(caught.value)


def test_a_huge_secret_is_none(tmp_path: Path) -> None:
    with pytest.raises(CredentialUnavailable):
        fetch("env:A", tmp_path, A="x" * (sources.MAX_SECRET + 1))


def test_a_secret_with_a_nul_is_none(tmp_path: Path) -> None:
    with pytest.raises(CredentialUnavailable):
        fetch("env:A", tmp_path, A="s3cret\0")


def test_only_a_helper_says_when_a_secret_ends(tmp_path: Path) -> None:
    text = '{"secret": "s", "expires_in": 60}'
    script = tmp_path / "helper.sh"
    script.write_text(f"#!/bin/sh\necho '{text}'\n")
    script.chmod(0o755)

    def fetched(reference: str) -> Fetched:
        return fetch_answer(reference, environment={"TEXT": text}, folder=tmp_path, now=1_000.0)

    assert fetched("exec:./helper.sh") == Fetched("s", ends_at=1_060.0)
    assert fetched("env:TEXT") == Fetched(text)
    script.write_text('#!/bin/sh\necho \'{"secret": "hunter2", "expires_in": "soon"}\'\n')
    with pytest.raises(CredentialUnavailable) as caught:
        fetched("exec:./helper.sh")
    assert "hunter2" not in str(caught.value)
    assert "expires_in" in str(caught.value)
