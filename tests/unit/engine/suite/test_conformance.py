"""Each line is answered, whatever it is."""

from __future__ import annotations

import json

import pytest

from engine import _native
from engine.suite import conformance
from engine.suite.conformance import answer_lines

CASE = {"id": "a", "query": "data.p.q = x", "modules": ["package p\nq := {1, 2}"], "data": {}}


def test_a_case_gets_its_bindings_and_keeps_its_id() -> None:
    (line,) = answer_lines([json.dumps(CASE)], 0)
    answer = json.loads(line)
    assert (answer["id"], answer["result"]) == ("a", [{"x": [1, 2]}])
    assert answer["evaluator"] in ("rvm", "interpreter")


def test_the_time_of_a_case_is_the_callers() -> None:
    (line,) = answer_lines(
        [json.dumps({**CASE, "modules": ["package p\nq := time.now_ns()"]})], 1_700_000_000_000_000_001
    )
    assert '"x":1700000000000000001' in line.replace(" ", "")


def test_a_builtin_that_is_not_there_is_named() -> None:
    (line,) = answer_lines([json.dumps({**CASE, "modules": ['package p\nq := http.send({"url": "x"})']}).encode()], 0)
    assert json.loads(line)["unsupported"] == "http.send"


def test_bad_lines_are_answered_too_and_the_next_one_after_them() -> None:
    lines = [b"garbage", b"", b"\xff", b"[]", '{"id": 3}', "\ud800", json.dumps(CASE)]
    answers = [json.loads(line) for line in answer_lines(lines, 0)]
    assert all("error" in answer for answer in answers[:-1])
    assert "result" in answers[-1]


def test_a_core_that_fails_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(case: bytes, now_ns: int) -> bytes:
        error = _native.NativeError("a limit")
        error.code = "LIMIT"
        raise error

    monkeypatch.setattr(conformance._native, "conformance", fail)
    assert json.loads(next(answer_lines([b"{}"], 0))) == {"id": None, "error": {"code": "LIMIT", "message": "a limit"}}
