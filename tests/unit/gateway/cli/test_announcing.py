"""Telling the audit who looks: by ourselves where no gateway runs, through one where it does, or not at all and then nothing is shown."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.app.assembly import Gateway
from gateway.app.retention import open_log
from gateway.audit.entry import Entry, Kind
from gateway.audit.read import Filter, read
from gateway.cli import announcing
from gateway.cli.announcing import NOBODY_TOLD, announce
from gateway.config import Config, load_config
from gateway.errors import AuditUnavailable
from gateway.recording.shelf import Wanted
from gateway.viewing import Searching
from tests.strategies.gateways import ENVIRONMENT, settle_in

LOOK = Searching("plan", Wanted(principal="ana"))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(settle_in(tmp_path), {})


@contextmanager
def running(config: Config) -> Iterator[Gateway]:
    built = Gateway(config, ENVIRONMENT)
    asyncio.run(built.start(listeners=False))
    try:
        yield built
    finally:
        asyncio.run(built.stop(1))
        built.close()


def told(config: Config) -> list[Entry]:
    place = config.at(config.audit.dir)
    return list(read(place, Filter(kinds=frozenset({Kind.RECORDING})))) if place.exists() else []


def test_without_a_gateway_it_is_written_here_and_the_log_is_free_again(config: Config) -> None:
    for _ in range(2):
        announce(config, LOOK, None, None)
    assert [(one.step, one.text, one.principal) for one in told(config)] == [("searched", "plan", "ana")] * 2
    assert {one.person for one in told(config)} == {f"local:{announcing._user()}"}
    with running(config):
        pass


def test_beside_a_gateway_it_is_told_as_an_auditor_of_it(config: Config) -> None:
    with running(config):
        announce(config, LOOK, None, None)
        announce(config, LOOK, config.folder / "bo.sock", None)
        announce(config, LOOK, None, "bo")
    assert [one.person for one in told(config)] == ["bo", "bo", "bo"]


def test_who_is_no_auditor_is_not_told_and_so_refused(config: Config) -> None:
    with running(config), pytest.raises(AuditUnavailable, match=NOBODY_TOLD) as caught:
        announce(config, LOOK, None, "app")
    assert caught.value.code == "NOT_PERMITTED"
    assert told(config) == []


def test_a_log_that_another_command_has_for_a_moment_is_waited_for(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_log(config)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            other.close()

    monkeypatch.setattr(time, "sleep", pause)
    announce(config, LOOK, None, None)
    assert len(pauses) == 2
    assert [one.step for one in told(config)] == ["searched"]


def test_a_log_that_somebody_keeps_is_given_up(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    other = open_log(config)
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(AuditUnavailable, match=NOBODY_TOLD):
        announce(config, LOOK, None, None)
    assert len(pauses) == announcing.TRIES - 1
    other.close()
    assert told(config) == []


def test_of_a_log_of_somebody_else_nothing_is_touched(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_711)
    with pytest.raises(AuditUnavailable, match=NOBODY_TOLD):
        announce(config, LOOK, None, None)
    assert not config.at(config.audit.dir).exists()
    assert announcing._user() == "4711"


def test_a_log_that_takes_nothing_is_an_error(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "sallyport.toml"
    file.write_text(file.read_text().replace("low_water_bytes = 1048576", "low_water_bytes = 9000000000000000"))
    with pytest.raises(AuditUnavailable):
        announce(load_config(file, {}), LOOK, None, None)
    assert told(config) == []


def test_where_nobody_can_look_nobody_owns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert announcing._owner(tmp_path / "a" / "b") == os.geteuid()

    def closed(path: Path) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", closed)
    with pytest.raises(AuditUnavailable, match="Permission denied"):
        announcing._owner(tmp_path)

    def missing(path: Path) -> os.stat_result:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "stat", missing)
    assert announcing._owner(tmp_path) == -1
