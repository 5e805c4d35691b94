"""`conformance` answers line by line."""

from __future__ import annotations

import io
import json
import sys

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
