"""`conformance` answers line by line."""

from __future__ import annotations

import io
import json
import sys
import time

import pytest

from gateway.cli import main


@pytest.mark.parametrize("arguments", [["conformance"], ["conformance", "--jsonl"]])
def test_each_case_gets_one_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    case = {"id": "a", "query": "data.p.q = x", "modules": ["package p\nq := 1"], "data": {}}

    class Input:
        buffer = io.BytesIO(f"{json.dumps(case)}\ngarbage\n".encode())

    monkeypatch.setattr(sys, "stdin", Input)
    assert main(arguments) == 0
    one, two = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert one["result"] == [{"x": 1}]
    assert "error" in two


def test_the_time_of_the_cases_is_now(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    case = {"id": "a", "query": "data.p.q = x", "modules": ["package p\nq := time.now_ns()"], "data": {}}

    class Input:
        buffer = io.BytesIO(f"{json.dumps(case)}\n".encode())

    monkeypatch.setattr(sys, "stdin", Input)
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_001)
    assert main(["conformance"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["result"] == [{"x": 1_700_000_000_000_000_001}]
