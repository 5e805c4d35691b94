"""Spelling in Rego."""

from __future__ import annotations

import json

import pytest

from engine.dsl import typed as m
from engine.dsl.rego_text import MAX_LINE, write, write_long, write_path, write_set, write_term
from engine.dsl.types import TEXT
from engine.source import Span

HERE = m.Place("a.gate", Span(1, 1, 1, 2))


def path(base: str, *keys: str) -> m.Path:
    return m.Path(base, keys, TEXT, True, place=HERE)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("resource", "name"), "input.resource.name"),
        (("labels", "cost-center"), 'input.labels["cost-center"]'),
        (("labels", "in"), 'input.labels["in"]'),
        (("labels", 'a"b\n'), 'input.labels["a\\"b\\n"]'),
        (("labels", "9"), 'input.labels["9"]'),
    ],
)
def test_a_key_that_is_no_name_of_rego_is_quoted(keys: tuple[str, ...], text: str) -> None:
    assert write_path(path(m.INPUT, *keys), {}) == text


def test_a_path_of_an_item_begins_with_its_variable() -> None:
    assert write_path(path("x0", "kind"), {"x0": "x7"}) == "x7.kind"
    assert write_path(path("x0"), {"x0": "x7"}) == "x7"


def test_terms() -> None:
    assert write_term(m.Constant("é", place=HERE), {}) == '"é"'
    assert write_term(m.Count(path(m.INPUT, "a"), place=HERE), {}) == "count(input.a)"
    assert write_term(m.Age(path(m.INPUT, "a"), place=HERE), {}) == "time.now_ns() - input.a"
    assert write([True, 1, 1.5, "x"]) == '[true, 1, 1.5, "x"]'


def test_what_is_long_goes_on_on_the_next_line_and_means_the_same() -> None:
    value = {"code": "A", "columns": [f"schema.table.column_{number}" for number in range(100)], "reason": "x" * 1900}
    text = write_long(value)
    assert json.loads(text) == value
    assert max(map(len, text.splitlines())) < 2_000
    assert len(text.splitlines()) > 5
    assert write_long({"code": "A"}) == '{"code": "A"}'
    assert write_long("x" * 1000) == f'"{"x" * 1000}"'


def test_a_long_set_is_broken_between_its_items() -> None:
    items = [m.Constant(f"value {number}", place=HERE) for number in range(200)]
    text = write_set(items)
    assert max(map(len, text.splitlines())) <= MAX_LINE
    assert sorted(json.loads(text.replace("{", "[").replace("}", "]"))) == sorted(str(one.value) for one in items)
    assert write_set(items[:2]) == '{"value 0", "value 1"}'
