"""Texts are parsed once for each meaning they can have."""

from __future__ import annotations

import pytest

from engine.errors import InputInvalid
from engine.evaluator.reader import MAX_TEXT_BYTES, CommandReader
from tests.toy_core import ToyNames, ToyParser


def test_a_text_is_parsed_once_for_each_protocol_and_catalog() -> None:
    parser = ToyParser()
    reader = CommandReader(parser)
    for _ in range(3):
        reader.read("postgres", b"select 1", None)
        reader.read("postgres", b"select 1", ToyNames("a"))
        reader.read("postgres", b"select 1", ToyNames("b"))
        reader.read("shell", b"select 1", None)
        reader.read("postgres", b"select 2", None)
    assert parser.parsed == 5
    assert reader.read("postgres", b"select 1", ToyNames("a")) == reader.read("postgres", b"select 1", ToyNames("a"))
    assert parser.parsed == 5


def test_what_somebody_decoded_is_not_kept_with_a_text() -> None:
    reader = CommandReader(ToyParser())
    first = reader.read("postgres", b"select 1", None)
    assert first.command.protocol == "postgres"
    assert "command" not in vars(reader.read("postgres", b"select 1", None))


def test_a_text_longer_than_a_command_may_be_is_refused_unparsed() -> None:
    parser = ToyParser()
    with pytest.raises(InputInvalid, match="longer"):
        CommandReader(parser).read("postgres", b"x" * (MAX_TEXT_BYTES + 1), None)
    assert parser.parsed == 0
    assert CommandReader(parser).read("postgres", b"x" * MAX_TEXT_BYTES, None)


def test_the_shape_is_the_parsers() -> None:
    reader = CommandReader(ToyParser())
    assert reader.shape("postgres", b"select 1") == reader.shape("postgres", b"select 22")
    assert reader.shape("shell", b"ls 1") is None
