"""The door to all parsers: protocols, JSON lines, and that nothing is an exception."""

from __future__ import annotations

import hashlib
import json

import pytest

from engine.command.http.openapi import compile_openapi
from engine.command.parse import TextParser, parse_command, parse_lines
from engine.command.tree import Effect
from engine.errors import InputInvalid
from tests.sql_commands import CATALOG


def test_postgres_text_becomes_a_tree() -> None:
    command = parse_command("postgres", "DELETE FROM cust").command
    assert [(item.kind, item.effect) for item in command.operations] == [("delete", Effect.DELETE)]
    assert command.digest == hashlib.sha256(b"postgres\0DELETE FROM cust").hexdigest()


@pytest.mark.parametrize("protocol", ["carrier-pigeon", "", "POSTGRES", "shell\0"])
def test_a_protocol_without_a_parser_is_an_unknown_operation_and_a_problem(protocol: str) -> None:
    command = parse_command(protocol, b"rm -rf \xff").command
    assert [(item.kind, item.effect) for item in command.operations] == [("unknown", Effect.UNKNOWN)]
    assert command.problems[0].code == "unknown_protocol"
    assert not command.complete
    assert command.digest == hashlib.sha256(protocol.encode() + b"\0rm -rf \xff").hexdigest()


def test_every_line_is_answered_in_order_with_its_id() -> None:
    lines = [
        json.dumps({"id": 1, "text": "SELECT 1"}),
        "no json",
        json.dumps({"id": "x", "text": "SELEC"}),
        json.dumps({"id": None, "text": 7}),
        json.dumps(["id"]),
        b"\xff\xfe",
        json.dumps(
            {
                "id": {"a": 1},
                "text": "SELECT * FROM t",
                "catalog": {"relations": {"public.t": ["a"]}, "search_path": ["public"]},
            }
        ),
        json.dumps({"id": 3, "text": "SELECT 1", "catalog": {"tables": {}}}),
        json.dumps({"id": 4, "text": "SELECT 1", "catalog": {"relations": {"public.t": [1]}}}),
        "[" * 100_000,
    ]
    answers = [json.loads(answer) for answer in parse_lines("postgres", lines)]
    assert len(answers) == len(lines)
    assert [answer.get("id") for answer in answers] == [1, None, "x", None, None, None, {"a": 1}, 3, 4, None]
    assert answers[0]["command"]["operations"][0]["kind"] == "select"
    assert answers[2]["command"]["problems"][0]["code"] == "syntax_error"
    assert answers[6]["command"]["sql"]["outputs"][0]["origins"] == ["public.t.a"]
    refused = [index for index, answer in enumerate(answers) if "error" in answer]
    assert refused == [1, 3, 4, 5, 7, 8, 9]
    assert {answers[index]["error"]["code"] for index in refused} == {"INPUT_INVALID"}
    assert "`tables`" in answers[7]["error"]["message"]


def test_an_answer_is_one_line_whatever_the_text_holds() -> None:
    [answer] = parse_lines("postgres", [json.dumps({"id": "a\nb", "text": "SELECT '\n\u2028'"})])
    assert "\n" not in answer
    assert json.loads(answer)["id"] == "a\nb"


def test_the_object_for_the_reader_parses_and_tells_shapes() -> None:
    parser = TextParser()
    assert parser.parse("postgres", b"SELECT 1", CATALOG).command.complete
    assert parser.shape("postgres", b"SELECT 1") == parser.shape("postgres", b"SELECT 2")
    assert parser.shape("shell", b"SELECT 1") is None
    with pytest.raises(InputInvalid):
        parser.parse("postgres", b"SELECT 1", object())


def test_a_line_of_http_may_carry_the_document_of_its_routes() -> None:
    raw = "POST /pets/7 HTTP/1.1\r\nHost: a\r\n\r\n"
    document = {"paths": {"/pets/{id}": {"post": {"operationId": "feed"}}}}
    lines = [
        json.dumps({"id": 1, "text": raw, "openapi": document}),
        json.dumps({"id": 2, "text": raw, "openapi": document}),
        json.dumps({"id": 3, "text": raw}),
        json.dumps({"id": 4, "text": raw, "openapi": {}}),
    ]
    answers = [json.loads(answer) for answer in parse_lines("http", lines)]
    assert [answer.get("command", {}).get("http", {}).get("operation_id") for answer in answers] == [
        "feed",
        "feed",
        None,
        None,
    ]
    assert answers[3]["error"]["code"] == "INPUT_INVALID"


def test_characters_of_an_http_text_are_bytes() -> None:
    text = "GET / HTTP/1.1\r\nHost: a\r\nX: \u00e9\r\n\r\n"
    [answer] = parse_lines("http", [json.dumps({"text": text})])
    assert json.loads(answer)["command"]["text"] == text
    assert TextParser().parse("http", text.encode("latin-1"), None).command.text == text


def test_a_document_is_of_no_use_to_other_protocols() -> None:
    routes = compile_openapi({"paths": {}})
    assert TextParser().parse("postgres", b"SELECT 1", routes).command.complete
    assert TextParser().parse("kubernetes", b"kubectl get pods", CATALOG).command.complete
