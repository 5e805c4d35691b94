"""Runs that measure policies: one at a time, bounded, ended whatever comes of them."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from gateway.console.measuring import MOST_BYTES, Measured, Measuring, Subject, commands_for

PYTHON = (sys.executable, "-c")


def wait() -> None:
    """Until no run is under way."""
    for thread in threading.enumerate():
        if thread.name == "policy-measuring":
            thread.join(30)


def ended(code: str, **more: float) -> Measured:
    """What a program comes to that stands for the command line."""
    measuring = Measuring({Subject.COVERAGE: (code,)}, lambda: 7, program=PYTHON, **more)
    assert measuring.begin(Subject.COVERAGE, "ana")
    wait()
    last = measuring.last(Subject.COVERAGE)
    assert last is not None
    return last


def test_what_a_run_prints_is_kept_even_where_tests_fail() -> None:
    last = ended("import sys; print('{\"passed\": 3}'); sys.exit(1)")
    assert (last.by, last.figures, last.problem) == ("ana", {"passed": 3}, "")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import sys; sys.stderr.write('a.rego:1: broken'); sys.exit(3)", "a.rego:1: broken"),
        ("pass", "it said nothing"),
        ("print([1])", "nothing that can be shown"),
        (f"print(' ' * {MOST_BYTES + 10})", "too long"),
    ],
)
def test_a_run_without_an_answer_says_why(code: str, problem: str) -> None:
    last = ended(code)
    assert last.figures is None
    assert problem in last.problem


def test_a_run_that_takes_too_long_is_ended() -> None:
    last = ended("import threading; threading.Event().wait()", most_seconds=0.2)
    assert "was ended" in last.problem


def test_a_program_that_is_not_there_is_told() -> None:
    measuring = Measuring({Subject.IMPACT: ()}, lambda: 7, program=("/nowhere/at/all",))
    assert measuring.begin(Subject.IMPACT, "ana")
    wait()
    last = measuring.last(Subject.IMPACT)
    assert last is not None
    assert "could not be run" in last.problem


def test_one_run_at_a_time_and_none_of_what_cannot_be_measured(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    code = f"open({str(gate)!r}).read(); print('{{}}')"
    measuring = Measuring({Subject.COVERAGE: (code,)}, lambda: 7, program=PYTHON)
    assert not measuring.begin(Subject.IMPACT, "ana")
    assert measuring.begin(Subject.COVERAGE, "ana")
    assert not measuring.begin(Subject.COVERAGE, "bo")
    with gate.open("w"):
        pass
    wait()
    measuring = Measuring({Subject.COVERAGE: ("print('{}')",)}, lambda: 7, program=PYTHON)
    assert measuring.begin(Subject.COVERAGE, "bo")
    wait()
    assert measuring.begin(Subject.COVERAGE, "bo")
    wait()


def test_only_what_lies_in_folders_here_can_be_measured(tmp_path: Path) -> None:
    assert commands_for(None, None, tmp_path) == {}
    made = commands_for(tmp_path / "p", tmp_path / "c", tmp_path / "audit")
    assert made[Subject.COVERAGE][:2] == ("test", str(tmp_path / "p"))
    assert made[Subject.IMPACT][:5] == ("replay", "--from", str(tmp_path / "audit"), "--against", str(tmp_path / "c"))
