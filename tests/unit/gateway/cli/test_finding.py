"""`audit search` finds the same with an index, with half of one and without; `audit index` makes it anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.app.retention import open_log
from gateway.audit.entry import Entry, Kind
from gateway.audit.keys import log_name
from gateway.cli import main
from gateway.config import load_config
from tests.strategies.gateways import settle_in

NOW = 1_795_000_000 * 10**9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = load_config(settle_in(tmp_path), {})
    log = open_log(config)
    log_name(config.at(config.audit.dir))
    for number in range(1, 8):
        text = f"DELETE FROM orders WHERE id = {number} OR name = '\x1b[2J'" if number % 2 else "SELECT 1 FROM bills"
        log.append(
            Entry(
                kind=Kind.DECISION,
                time=NOW + number,
                principal="ana",
                resource="orders",
                protocol="postgres",
                text=text,
                verdict="deny",
                rules=(("p/WRITE", "deny"),),
            )
        )
    log.append(Entry(kind=Kind.STARTED, time=NOW + 9))
    log.close()
    return tmp_path


def run(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[str], str]:
    assert main(["audit", *words, "--config", str(folder / "sallyport.toml")]) == 0
    said = capsys.readouterr()
    return said.out.splitlines(), said.err


@pytest.mark.parametrize("is_indexed", [False, True])
def test_the_newest_come_first_a_page_at_a_time(
    folder: Path, capsys: pytest.CaptureFixture[str], is_indexed: bool
) -> None:
    if is_indexed:
        assert run(folder, capsys, "index")[0] == ["8 entries are indexed"]
        assert run(folder, capsys, "index")[0] == ["8 entries are indexed"]
    wanted = ("search", "delete", "--object", "orders", "--rule", "write", "--effect", "delete", "--json")
    lines, more = run(folder, capsys, *wanted, "--limit", "2")
    assert [json.loads(line)["seq"] for line in lines] == [7, 5]
    before = more.split("--before ")[1].strip()
    lines, more = run(folder, capsys, *wanted, "--before", before)
    assert ([json.loads(line)["seq"] for line in lines], more) == ([3, 1], "")


def test_a_folder_alone_is_searched_without_an_index(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = load_config(folder / "sallyport.toml", {})
    assert main(["audit", "search", "bills", "--dir", str(config.at(config.audit.dir))]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_people_see_lines_that_cannot_paint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines, _ = run(folder, capsys, "search", "delete")
    assert len(lines) == 4
    assert all("\x1b" not in line and "\\x1b[2J" in line for line in lines)


def test_a_store_that_cannot_be_asked_leaves_the_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "sallyport.toml"
    file.write_text(file.read_text() + '\n[store]\nurl = "sqlite:///"\n')
    lines, said = run(folder, capsys, "search", "delete")
    assert len(lines) == 4
    assert "the log is read instead" in said


def test_where_there_is_no_log_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("search", "index"):
        assert main(["audit", command, "--config", str(_empty(tmp_path, command))]) == 3


def _empty(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir()
    return settle_in(place)
