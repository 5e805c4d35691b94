"""One run with the team: what is missing is told. The run itself is `tests/e2e/test_autogen.py`."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.demo.autogen import playing
from gateway.demo.autogen.playing import Person, play_team
from gateway.demo.binaries import Binaries, DemoUnavailable


def test_without_psql_there_is_no_demonstration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "find_binaries", lambda _: Binaries(tmp_path, tmp_path, None))
    with pytest.raises(DemoUnavailable, match="no `psql` found"):
        play_team(tmp_path, {}, print)


def test_without_a_checkout_there_are_no_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "find_binaries", lambda _: Binaries(tmp_path, tmp_path, tmp_path / "psql"))
    with pytest.raises(DemoUnavailable, match="not at"):
        play_team(tmp_path, {}, print)


def test_a_command_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "command_line", lambda: ("false",))
    with pytest.raises(DemoUnavailable, match="`sallyport token` ended with 1"):
        Person(tmp_path / "sallyport.toml").sallyport("token")


def test_nobody_approves_once_the_team_is_done(tmp_path: Path) -> None:
    over, approved = threading.Event(), dict[str, str]()
    over.set()
    Person(tmp_path / "sallyport.toml").approve_all(over, approved)
    assert approved == {}
