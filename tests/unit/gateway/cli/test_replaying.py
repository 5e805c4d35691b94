"""`replay` reads a log, asks other policies, and fails past the flips it was allowed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.core.ports import Question
from engine import Principal, Resource, Session, Source, command_reader, compile_policies
from gateway.asked import Asked
from gateway.cli import main, replaying
from gateway.judge import Judge
from tests.strategies.gates import House

ALLOW = 'package policies.p\n\nallow contains {"code": "READ"} if input.principal.name in {"ana", "bo"}\n'
DENY_BO = f'{ALLOW}\ndeny contains {{"code": "BO", "reason": "not bo"}} if input.principal.name == "bo"\n'


class Real:
    program = Judge(compile_policies([Source("p.rego", ALLOW)], reader=command_reader()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of ten decisions, and two sets of policies."""
    place = tmp_path_factory.mktemp("replay")
    house = House(place)
    house.policies = Real()  # type: ignore[assignment]  # the gate asks for `program` alone
    gate = house.build()
    for number in range(10):
        who = ("ana", "bo")[number % 2]
        question = Question("postgres", b"SELECT %d" % number)
        gate.decide(Asked(question, Principal(who), Session("s"), Resource("orders", "postgres")))
    house.close()
    for name, text in (("same", ALLOW), ("other", DENY_BO)):
        (place / name).mkdir()
        (place / name / "p.rego").write_text(text)
    return place


def replay(folder: Path, against: str, *more: str) -> int:
    return main(["replay", "--from", str(folder / "audit"), "--against", str(folder / against), *more])


def test_the_same_policies_flip_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(folder, "same") == 0
    assert "10 the same, 0 for other reasons, 0 flip" in capsys.readouterr().out


@pytest.mark.parametrize(("allowed", "code"), [("4", 1), ("5", 0)])
def test_more_flips_than_allowed_fail(folder: Path, allowed: str, code: int) -> None:
    assert replay(folder, "other", "--max-flips", allowed) == code


def test_processes_that_share_a_log_find_what_one_finds(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replay(folder, "other", "--format", "json", "--jobs", "1") == 1
    alone = json.loads(capsys.readouterr().out)
    monkeypatch.setattr(replaying, "MIN_SHARED", 1)
    monkeypatch.setattr(replaying, "PIECE", 3)
    monkeypatch.setattr(replaying, "AHEAD", 1)
    assert replay(folder, "other", "--format", "json", "--jobs", "2") == 1
    assert json.loads(capsys.readouterr().out) == alone
    assert alone["by"]["person"] == {"bo": 5}


@pytest.mark.parametrize("shape", ["csv", "html", "text"])
def test_the_report_can_go_into_a_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], shape: str
) -> None:
    assert replay(folder, "other", "--format", shape, "--output", str(tmp_path / "out")) == 1
    assert capsys.readouterr().out == f"{tmp_path}/out: 5 of 10 decisions flip\n"
    assert "p/BO" in (tmp_path / "out").read_text()
    assert replay(folder, "other", "--output", str(tmp_path / "no" / "out")) == 3


def test_some_decisions_can_be_chosen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(folder, "other", "--principal", "ana") == 0
    assert "5 decisions" in capsys.readouterr().out
    assert replay(folder, "other", "--until", "2020-01-01") == 0
    assert "0 decisions" in capsys.readouterr().out


def test_one_file_of_a_log_will_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (segment,) = (folder / "audit").glob("*.jsonl")
    assert main(["replay", "--from", str(segment), "--against", str(folder / "same")]) == 0
    assert "10 decisions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "said"),
    [("nowhere", "cannot be read"), ("same", "there is no log"), ("same/p.rego", "is no entry of an audit")],
)
def test_what_is_no_log_cannot_be_replayed(
    folder: Path, capsys: pytest.CaptureFixture[str], source: str, said: str
) -> None:
    assert main(["replay", "--from", str(folder / source), "--against", str(folder / "same")]) == 3
    assert said in capsys.readouterr().err


def test_policies_that_do_not_compile_are_told_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "p.rego").write_text("package policies.p\n\nallow contains {")
    assert replay(folder, "broken") == 3
    assert "the policies do not compile" in capsys.readouterr().err


def test_a_process_that_is_killed_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MIN_SHARED", 1)
    monkeypatch.setattr(replaying, "_start", _die)
    assert replay(folder, "other", "--jobs", "2") == 3


def _die(work: replaying.Work) -> None:
    import os

    os._exit(9)
