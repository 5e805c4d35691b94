"""A link to the console, made beside the gateway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
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


def test_without_a_console_or_for_nobody_there_is_none(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "link", "--as", "ana"]) == 2
    assert "nobody knows where the console is" in capsys.readouterr().err
    with_console(config)
    assert main(["console", "link", "--as", "nobody"]) == 3
    assert main(["console", "link", "--as", "ana", "--ttl", "2h"]) == 3
    assert main(["console", "link", "--as", "ana", "--ttl", "soon"]) == 3
