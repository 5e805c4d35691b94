"""`audit shred` says what goes, does it where nobody else writes the log, and asks the gateway that does."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.retention import open_log
from gateway.audit.content_keys import ContentKeys
from gateway.audit.entry import Entry, Kind
from gateway.audit.read import Filter, read
from gateway.audit.shredding import has_requests
from gateway.cli import main
from gateway.config import load_config
from tests.strategies.gateways import settle_in

NOW = 1_795_000_000 * 10**9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settle_in(tmp_path)
    file = tmp_path / "sallyport.toml"
    text = file.read_text()
    assert "[audit]" in text
    file.write_text(text.replace("[audit]", "[audit]\nkeep_days = 1", 1))
    log = open_log(load_config(file, {}))
    for day in (0, 1, 40_000):
        log.append(Entry(kind=Kind.DECISION, time=NOW + day * 86_400 * 10**9, text=f"SELECT {day}", verdict="allow"))
    log.close()
    return tmp_path


def audit_of(folder: Path) -> Path:
    config = load_config(folder / "sallyport.toml", {})
    return config.at(config.audit.dir)


def shred(folder: Path, *words: str) -> int:
    return main(["audit", "shred", "--config", str(folder / "sallyport.toml"), *words])


def texts(folder: Path) -> list[str]:
    return [entry.text for entry in read(audit_of(folder), Filter(kinds=frozenset({Kind.DECISION})))]


def test_what_is_overdue_goes_and_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shred(folder, "--dry-run") == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split("/")[0] for line in said] == ["default", "default"]
    assert len(list(ContentKeys(audit_of(folder)).all())) == 3
    assert shred(folder) == 0
    assert capsys.readouterr().out.splitlines() == said
    assert texts(folder) == ["", "", "SELECT 40000"]
    told = list(read(audit_of(folder), Filter(kinds=frozenset({Kind.SHREDDED}))))
    assert [entry.note for entry in told] == said
    assert all(entry.person for entry in told)
    assert shred(folder) == 0
    assert "nothing is to be shredded" in capsys.readouterr().out


def test_days_and_rules_are_named_by_hand(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shred(folder, "--before", "2200-01-01", "--rule", "other") == 0
    assert "nothing" in capsys.readouterr().out
    assert shred(folder, "--before", "2200-01-01", "--rule", "default") == 0
    assert texts(folder) == ["", "", ""]
    assert shred(folder, "--before", "yesterday") == 2


def test_beside_a_gateway_it_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = open_log(load_config(folder / "sallyport.toml", {}))
    assert shred(folder) == 0
    assert "it was asked" in capsys.readouterr().err
    assert has_requests(audit_of(folder))
    assert len([text for text in texts(folder) if text]) == 3
    log.close()


def test_a_shredded_entry_is_shown_as_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shred(folder) == 0
    capsys.readouterr()
    assert main(["audit", "show", "--kind", "decision", "--dir", str(audit_of(folder))]) == 0
    assert capsys.readouterr().out.count("[unreadable: the key of its content is gone]") == 2
