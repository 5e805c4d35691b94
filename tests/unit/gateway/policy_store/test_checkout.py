"""The commit a folder stands at, when there is one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateway.policy_store import checkout
from gateway.policy_store.checkout import commit_of, committed_at


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_clean_checkout_has_its_commit_and_a_changed_one_a_plus(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.rego").write_text("package a")
    assert commit_of(tmp_path / "policies") is None
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    commit = git(tmp_path, "rev-parse", "HEAD")[:12]
    assert commit_of(tmp_path / "policies") == commit
    (tmp_path / "elsewhere").write_text("")
    assert commit_of(tmp_path / "policies") == commit
    (tmp_path / "policies" / "a.rego").write_text("package b")
    assert commit_of(tmp_path / "policies") == f"{commit}+"


def test_no_checkout_or_no_git_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commit_of(tmp_path) is None
    monkeypatch.setattr(checkout.subprocess, "run", lambda *a, **k: (_ for _ in ()).throw(FileNotFoundError()))
    assert commit_of(tmp_path) is None


def test_a_commit_has_its_time_and_no_checkout_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert committed_at(tmp_path) is None
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1700000000 +0100")
    git(tmp_path, "init", "-q")
    assert committed_at(tmp_path) is None
    git(tmp_path, "commit", "-qm", "x", "--allow-empty")
    assert committed_at(tmp_path) == 1_700_000_000


def test_where_there_is_no_checkout_no_program_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting one keeps every thread that decides waiting."""
    started = list[object]()
    monkeypatch.setattr(checkout.subprocess, "run", lambda *words, **_: started.append(words))
    (tmp_path / "policies").mkdir()
    assert commit_of(tmp_path / "policies") is None
    assert started == []
