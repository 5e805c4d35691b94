"""`parse` shows a command's tree, for people, as JSON, and line by line."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from tests.seeing_page import CATALOG, PAGE, page_text


class Input:
    def __init__(self, raw: bytes) -> None:
        self.buffer = io.BytesIO(raw)


def test_people_see_operations_targets_and_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "WITH d AS (DELETE FROM shop.orders RETURNING id) SELECT id FROM d"]) == 0
    shown = capsys.readouterr().out
    assert "delete (delete) via" in shown
    assert "shop.orders" in shown
    assert "id from shop.orders.id (not proven)" in shown
    assert "no catalog was given" in shown


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


def test_with_a_catalog_columns_are_traced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(CATALOG))
    assert main(["parse", "--catalog", str(file), "SELECT name AS n FROM customers"]) == 0
    shown = capsys.readouterr().out
    assert "result (proven):\n  n from shop.customers.name\n" in shown
    assert "no catalog was given" not in shown


def test_with_an_openapi_document_the_operation_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "api.json"
    file.write_text(json.dumps({"paths": {"/pets/{id}": {"get": {"operationId": "showPet"}}}}))
    request = "GET /pets/3 HTTP/1.1\r\nHost: x\r\n\r\n"
    assert main(["parse", "--protocol", "http", "--openapi", str(file), request]) == 0
    assert "  operation id: showPet\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "catalog.json"),
        ('{"relation": {}}', "no key `relation`"),
        ("[]", "is an object"),
        (None, "cannot be read"),
    ],
)
def test_a_catalog_that_cannot_be_read_is_said(
    content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "catalog.json"
    if content is not None:
        file.write_text(content)
    assert main(["parse", "--catalog", str(file), "SELECT 1"]) == 3
    assert said in capsys.readouterr().err


def test_an_openapi_document_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "api.json"
    for content in (None, "{"):
        if content is not None:
            file.write_text(content)
        assert main(["parse", "--protocol", "http", "--openapi", str(file), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"]) == 3
        assert "api.json" in capsys.readouterr().err


def test_files_are_of_one_protocol(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "--protocol", "shell", "--catalog", str(tmp_path / "x"), "ls"]) == 2
    assert "`--catalog` is for the protocol `postgres`" in capsys.readouterr().err


def test_the_page_is_what_the_command_prints() -> None:
    assert page_text() == PAGE.read_text(encoding="utf-8"), "python -m tests.seeing_page"
