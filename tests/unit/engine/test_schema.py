"""The published shape of the input is the one requests are encoded in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given

from engine.command.tree import Command, Effect, Operation, ParsedCommand
from engine.evaluator.encode import encode_request
from engine.request import Approval, Principal, Request, Resource, Session
from engine.schema import input_schema, input_schema_text
from tests.strategies.commands import sql_commands

PUBLISHED = Path(__file__).parents[3] / "docs" / "input.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(input_schema())


def document(command: Command, approval: Approval | None = None) -> dict[str, Any]:
    request = Request(
        Principal("ana", groups=("dba",), attributes={"any": ["thing", 1]}),
        Session("s", job="j"),
        Resource("orders", "postgres", database="shop", labels={"environment": "prod"}),
        ParsedCommand.of(command),
        1,
        context={"anything": {"else": True}},
        approval=approval,
    )
    decoded: dict[str, Any] = msgspec.msgpack.decode(encode_request(request))
    for operation in decoded["command"]["operations"]:
        del operation["span"]
    return decoded


def test_the_published_schema_is_fresh() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == input_schema_text(), (
        "docs/input.schema.json is stale: write engine.schema.input_schema_text() to it"
    )


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(input_schema())


@given(sql_commands())
def test_every_encoded_request_fits_it(command: Command) -> None:
    VALIDATOR.validate(document(command, Approval("t", ("bo",), ("a/B",), 5)))


@pytest.mark.parametrize("section", ["principal", "session", "resource", "command", "context"])
def test_no_section_may_miss(section: str) -> None:
    whole = document(Command("postgres", "", "", (Operation("select", Effect.READ, ("top",)),)))
    del whole[section]
    assert not VALIDATOR.is_valid(whole)


def test_a_command_without_operations_does_not_fit() -> None:
    assert not VALIDATOR.is_valid(document(Command("postgres", "", "", ())))


def test_a_field_that_may_be_absent_is_not_required() -> None:
    schema: Any = input_schema()
    session = schema["properties"]["session"]
    assert "job" not in session["required"]
    assert "job" in session["properties"]


def test_policies_do_not_see_where_in_the_text_an_operation_stands() -> None:
    schema: Any = input_schema()
    assert "span" not in schema["properties"]["command"]["properties"]["operations"]["items"]["properties"]
