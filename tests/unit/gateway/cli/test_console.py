"""A link to the console, made beside the gateway."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gateway.app.console import sign_ins_of
from gateway.cli import main
from gateway.config import load_config
from gateway.store.database import open_database
from tests.strategies.gateways import settle_in


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = settle_in(tmp_path)
    monkeypatch.setenv("SALLYPORT_CONFIG", str(file))
    return file


def with_console(file: Path) -> None:
    file.write_text(file.read_text() + '\n[console]\nbind = "127.0.0.1:8443"\n')


def test_a_link_is_printed_and_what_it_does_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_console(config)
    assert main(["console", "link", "--as", "ana"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("http://127.0.0.1:8443/sign-in/link?token=")
    assert "it signs in `ana`, once, within 10m" in said.err
    assert main(["console", "link", "--as", "ana", "--ttl", "90s", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["principal"], found["id"][:2]) == ("ana", "t-")


def test_sign_ins_are_listed_and_ended_by_name_or_of_somebody(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "sign-ins"]) == 0
    assert capsys.readouterr().out == "nobody is signed in\n"
    loaded = load_config(config, {})
    database = open_database(f"sqlite:///{loaded.at('state/store.db')}")
    sessions = sign_ins_of(loaded, database)
    made = []
    for who in ("dora", "dora", "emil"):
        value, session = sessions.prepare(who, "secret", time.time_ns(), "10.0.0.9")
        sessions.keep(session)
        made.append((value, session.name))
    assert main(["console", "sign-ins", "--json", "--as", "emil"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["name"], one["principal"], one["way"], one["address"]) == (made[2][1], "emil", "secret", "10.0.0.9")
    assert main(["console", "sign-ins"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["console", "sign-out", made[0][1], "c-0123456789abcdef"]) == 1
    assert f"{made[0][1]}: ended" in capsys.readouterr().out
    assert main(["console", "sign-out", "--all-of", "dora"]) == 0
    assert capsys.readouterr().out == f"{made[1][1]}: ended\n"
    assert [sessions.find(value, time.time_ns()) is None for value, _ in made] == [True, True, False]
    for words in ([], ["c-1", "--all-of", "dora"]):
        assert main(["console", "sign-out", *words]) == 2
    database.close()


def test_without_a_console_or_for_nobody_there_is_none(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "link", "--as", "ana"]) == 2
    assert "nobody knows where the console is" in capsys.readouterr().err
    with_console(config)
    assert main(["console", "link", "--as", "nobody"]) == 3
    assert main(["console", "link", "--as", "ana", "--ttl", "2h"]) == 3
    assert main(["console", "link", "--as", "ana", "--ttl", "soon"]) == 3
