"""`parse` shows a command's tree, for people, as JSON, and line by line."""

from __future__ import annotations

import io
import json
import sys

import pytest

from gateway.cli import main


class Input:
    def __init__(self, raw: bytes) -> None:
        self.buffer = io.BytesIO(raw)


def test_people_see_operations_targets_and_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "WITH d AS (DELETE FROM shop.orders RETURNING id) SELECT id FROM d"]) == 0
    shown = capsys.readouterr().out
    assert "delete (delete) via" in shown
    assert "shop.orders" in shown
    assert "id from shop.orders.id" in shown


def test_what_is_not_understood_is_a_problem_and_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "SELEC 1"]) == 1
    assert "problem: syntax_error" in capsys.readouterr().out


def test_machines_get_the_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "--json", "SELECT 1"]) == 0
    assert json.loads(capsys.readouterr().out)["operations"][0]["kind"] == "select"


def test_the_command_may_come_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Input(b"SELECT \xff"))
    assert main(["parse", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["code"] == "not_utf8"


def test_lines_are_answered_one_for_one_whatever_they_are(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines = [b'{"id": 1, "text": "SELECT 1"}', b"garbage", b"", b"\xff\xfe", b'{"id": [2]}', b'{"id": "x", "text": ""}']
    monkeypatch.setattr(sys, "stdin", Input(b"\n".join(lines) + b"\n"))
    assert main(["parse", "--jsonl", "--protocol", "postgres"]) == 0
    answers = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [answer["id"] for answer in answers] == [1, None, None, None, [2], "x"]
    assert ["command" in answer for answer in answers] == [True, False, False, False, False, True]


def test_an_unknown_protocol_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "--protocol", "telnet", "x"]) == 2
    assert "telnet" in capsys.readouterr().err
