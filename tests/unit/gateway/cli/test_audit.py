"""`audit show` prints what is in the log, filtered, for people or as it stands there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.cli import main
from tests.strategies.gateways import settle_in

HOUR = 3_600_000_000_000
START = 1_795_000_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    log = AuditLog(tmp_path / "state" / "audit", low_water_bytes=0)
    decision = {"kind": Kind.DECISION, "principal": "ana", "resource": "orders", "rules": (("p/R", "deny"),)}
    log.append(Entry(**decision, time=START, verdict="deny", text="SELECT\n\x1b[2J " + "x" * 200))  # type: ignore[arg-type]  # fields of a test
    log.append(Entry(**decision, time=START + HOUR, verdict="allow", text="SELECT 1"))  # type: ignore[arg-type]  # as above
    log.append(Entry(kind=Kind.OUTCOME, time=START + HOUR, decision_id="d-1", rows=3, bytes=9))
    log.append(Entry(kind=Kind.APPROVAL, time=START + HOUR, ticket="h-1", step="approved", person="bo", note="ok"))
    log.append(Entry(kind=Kind.STARTED, time=START + HOUR))
    log.close()
    return tmp_path


def show(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["audit", "show", "--dir", str(folder / "state" / "audit"), *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_people_see_one_line_an_entry_that_cannot_paint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(folder, capsys)
    assert len(lines) == 5
    assert "deny" in lines[0]
    assert "ana@orders  p/R  SELECT \\x1b[2J xxx" in lines[0]
    assert lines[0].endswith("…")
    assert "rows 3" in lines[2]
    assert "approved  h-1  bo  ok" in lines[3]


def test_machines_see_each_entry_as_it_stands_in_the_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(folder, capsys, "--json")
    (segment,) = (folder / "state" / "audit").glob("*.jsonl")
    assert lines == segment.read_text().splitlines()
    assert json.loads(lines[1])["text"] == "SELECT 1"


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["--verdict", "deny"], [1]),
        (["--kind", "outcome", "--kind", "approval"], [3, 4]),
        (["--after", "3"], [4, 5]),
        (["--principal", "ana", "--since", "2026-11-18T12:00"], [2]),
        (["--principal", "ana", "--until", "2026-11-18T12:00:00+00:00"], [1]),
        (["--rule", "p/R", "--resource", "orders"], [1, 2]),
        (["--ticket", "h-1"], [4]),
        (["--job", "x"], []),
    ],
)
def test_only_what_is_asked_for_is_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], numbers: list[int]
) -> None:
    assert [json.loads(line)["seq"] for line in show(folder, capsys, "--json", *arguments)] == numbers


def test_the_configuration_says_where_the_log_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "show", "--config", str(settle_in(folder))]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_a_time_that_is_none_is_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "show", "--dir", str(folder), "--since", "yesterday"]) == 2
    assert "no time" in capsys.readouterr().err


def test_a_log_that_is_not_there_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "show", "--dir", str(tmp_path / "none")]) == 3
    assert "no audit" in capsys.readouterr().err


def test_differences_of_a_candidate_are_one_line_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = AuditLog(folder / "state" / "audit", low_water_bytes=0)
    fields = {"decision_id": "d-1", "principal": "ana", "resource": "orders", "rules": (("p/NO", "deny"),)}
    log.append(Entry(kind=Kind.SHADOW, time=START, verdict="deny", note="allow -> deny", **fields))  # type: ignore[arg-type]  # fields of a test
    log.close()
    (line,) = show(folder, capsys, "--kind", "shadow")
    assert line.endswith("shadow    d-1  allow -> deny  ana@orders  p/NO")


@pytest.mark.parametrize("shape", ["ocsf", "native"])
def test_every_entry_is_exported_under_its_uid(folder: Path, capsys: pytest.CaptureFixture[str], shape: str) -> None:
    place = folder / "state" / "audit"
    assert main(["audit", "export", "--dir", str(place), "--format", shape, "--after", "2"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    uids = [event["uid"] if shape == "native" else event["metadata"]["uid"] for event in events]
    assert [uid.rpartition("/")[2] for uid in uids] == ["3", "4", "5"]


def test_an_export_of_no_log_names_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "export", "--dir", str(tmp_path / "none")]) == 3
    assert list(tmp_path.iterdir()) == []
