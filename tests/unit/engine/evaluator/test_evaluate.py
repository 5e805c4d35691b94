"""How the core's answer is read: by the shape of each rule's kind, and nothing is passed over."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decision import Location
from engine.evaluator.evaluate import read_results
from engine.evaluator.results import Answer, Failed, Rule
from engine.rego.contract import AllowResult, DenyResult, RuleKind

ALLOW = Rule("pg", RuleKind.ALLOW, Location("pg.rego", 3))
DENY = Rule("pg", RuleKind.DENY, Location("pg.rego", 9))
RULES = (ALLOW, DENY)


def said(results: list[Any], errors: list[Any] | None = None, **more: Any) -> bytes:
    whole = {"results": results, "errors": errors or [], "volatile": False, "candidates": 2, **more}
    return msgspec.msgpack.encode(whole)


def test_results_are_typed_by_the_kind_of_their_rule() -> None:
    got = read_results(said([[0, {"code": "A"}], [1, {"code": "D", "reason": "no"}]], volatile=True), RULES)
    assert got.answers == (Answer(ALLOW, AllowResult("A")), Answer(DENY, DenyResult("D", "no")))
    assert (got.failed, got.volatile, got.candidates) == ((), True, 2)


def test_a_wrong_shape_is_a_failed_rule() -> None:
    got = read_results(said([[1, {"kode": "D"}]]), RULES)
    assert got.answers == ()
    assert got.failed[0].rule is DENY
    assert "deny" in got.failed[0].message


def test_an_error_names_its_rule_and_the_cores_own_code() -> None:
    errors = [
        {"rule": 1, "message": "to_number: not a number"},
        {"rule": 0, "message": "TIMEOUT: over"},
        {"rule": None, "message": "x"},
        {"rule": 7, "message": "y"},
    ]
    assert read_results(said([], errors), RULES).failed == (
        Failed(DENY, "to_number: not a number"),
        Failed(ALLOW, "TIMEOUT: over", "TIMEOUT"),
        Failed(None, "x"),
        Failed(None, "y"),
    )


@pytest.mark.parametrize("number", [-1, 2, 99])
def test_a_rule_that_there_is_not_is_a_failure(number: int) -> None:
    got = read_results(said([[number, {"code": "A"}]]), RULES)
    assert got.answers == ()
    assert got.failed[0].code == "CORE"


@given(st.binary(max_size=40))
def test_an_answer_that_cannot_be_read_is_a_failure(garbage: bytes) -> None:
    got = read_results(garbage, RULES)
    assert got.failed
    assert not got.answers


STANDING_STILL = """
import msgspec, sys
from engine.compiler.stages import compile_policies
from engine.source import Source

text = 'package policies.a\\ndeny contains {"code": "X"} if count([1 | some a in numbers.range(1, 2000); a % 7 == input.n]) > 5\\n'
core = compile_policies([Source("a.rego", text)], limits={"milliseconds": 40}, has_schema=False).core
for number in range(int(sys.argv[1])):
    said = msgspec.msgpack.decode(core.evaluate_all(msgspec.msgpack.encode({"n": number % 7}), 0))
    print(number, said["errors"], flush=True)
"""


def test_a_process_that_was_stopped_for_a_moment_denies_nothing_for_it() -> None:
    lines = []
    with subprocess.Popen([sys.executable, "-c", STANDING_STILL, "30"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            lines.append(line)
            # It stands in the middle of the next evaluation, or in that after it.
            child.send_signal(signal.SIGSTOP)
            threading.Event().wait(0.08)
            child.send_signal(signal.SIGCONT)
    assert child.returncode == 0
    assert [line for line in lines if not line.endswith(" []\n")] == []
    assert len(lines) == 30
