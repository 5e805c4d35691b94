"""What an editor shows of a place: types of fields, meanings of names, and where they come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dsl.glance import Glance, glance
from engine.source import Source

LIB = 'library\n\ndefine writing = any operation has effect in {write, create}\ndefine teams = {"dba", "ops"}\n'
POLICY = """policy shop.prod "Production"
applies to postgres where resource.labels.environment == "prod"

import "lib.gate"

define mine = principal.name == "ana"

deny drops "No drops"
  when any operation has (kind == drop_table and any target has name like "a.*")
  unless mine or principal.groups overlaps teams

hold writes
  when writing and age of context.approval.granted_at < 15m and count principal.groups > 2
  approvers group "dba"

test "x"
  run postgres "SELECT 1"
  expect deny by drops
"""


def at(text: str, word: str, *, name: str = "p.gate", number: int = 1) -> Glance | None:
    """A glance at the n-th time a word stands in a text."""
    offset = -1
    for _ in range(number):
        offset = text.index(word, offset + 1)
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return glance([Source("p.gate", text), Source("lib.gate", LIB)], name, line, column)


@pytest.mark.parametrize(
    ("word", "number", "said"),
    [
        ("resource.labels", 1, "`resource.labels.environment`: a text; may be absent"),
        ("operation has", 1, "`command.operations`: a list; each item is a group of fields (`kind`, "),
        ("kind", 1, "`kind`: a text"),
        ("target", 1, "`target`: a list; each item is a group of fields (`type`, `name`"),
        ("name like", 1, "`name`: a text"),
        ("principal.groups", 1, "`principal.groups`: a list; each item is a text"),
        ("context.approval", 1, "`context.approval.granted_at`: a point in time; may be absent"),
        ("principal.groups", 2, "`principal.groups`: a list"),
        ("drops", 1, "`deny drops`: No drops"),
        ("drops", 3, "`deny drops`: No drops"),
        ("writes", 1, "`hold writes`"),
        ("mine", 1, '```gate\ndefine mine = principal.name == "ana"\n```'),
        ("mine", 2, '```gate\ndefine mine = principal.name == "ana"\n```'),
        ("writing", 1, "```gate\ndefine writing = any operation has effect in {write, create}\n```"),
        ("teams", 1, '```gate\ndefine teams = {"dba", "ops"}\n```'),
        ('"lib.gate"', 1, "defines `writing`, `teams`"),
    ],
)
def test_what_stands_somewhere_is_said(word: str, number: int, said: str) -> None:
    found = at(POLICY, word, number=number)
    assert found is not None
    assert found.text.startswith(said)


@pytest.mark.parametrize(
    ("word", "number", "source", "line"),
    [("mine", 2, "p.gate", 6), ("writing", 1, "lib.gate", 3), ("teams", 1, "lib.gate", 4), ("drops", 3, "p.gate", 8)],
)
def test_a_name_is_defined_where_it_stands_first(word: str, number: int, source: str, line: int) -> None:
    found = at(POLICY, word, number=number)
    assert found is not None
    assert found.defined is not None
    assert (found.defined.source, found.defined.span.line) == (source, line)


def test_an_import_leads_to_its_file_and_a_field_to_none() -> None:
    imported, field = at(POLICY, '"lib.gate"'), at(POLICY, "resource.labels")
    assert imported is not None
    assert imported.defined is not None
    assert imported.defined.source == "lib.gate"
    assert field is not None
    assert field.defined is None


@pytest.mark.parametrize("word", ["Production", "applies", "SELECT", "15m", "approvers"])
def test_of_nothing_in_particular_nothing_is_said(word: str) -> None:
    assert at(POLICY, word) is None


def test_a_file_with_mistakes_is_read_as_far_as_it_goes() -> None:
    broken = POLICY.replace('"No drops"', "no drops").replace("age of context", "age context")
    assert at(broken, "mine") is not None
    assert at(broken, "drops") is None
    misspelt = POLICY.replace("resource.labels", "resorce.labels")
    assert at(misspelt, "resorce") is None
    assert at(POLICY, "policy", name="other.gate") is None
    assert (
        glance([Source("p.gate", "policy p\nallow a when it.x == 1 and any nothing has it == 2\n")], "p.gate", 2, 40)
        is None
    )


def test_a_long_definition_is_shown_in_part() -> None:
    items = ", ".join(f'"{number:08}"' for number in range(100))
    text = f"policy p\n\ndefine many = {{{items}}}\n\nallow a when command.text in many\n"
    found = at(text, "many", number=2)
    assert found is not None
    assert len(found.text) < 500


@given(st.integers(0, 30), st.integers(0, 200), st.integers(0, len(POLICY)))
def test_no_place_and_no_text_is_too_much(line: int, column: int, cut: int) -> None:
    glance([Source("p.gate", POLICY[:cut]), Source("lib.gate", LIB)], "p.gate", line, column)
