"""GraphQL documents to operations and root fields."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.http.graphql import Operation, read_graphql


def only(text: str) -> Operation:
    (operation,) = read_graphql(text)
    return operation


@pytest.mark.parametrize(
    ("text", "operation"),
    [
        ("{ a b }", Operation("query", None, ("a", "b"))),
        ("query Q($x: [Int!]! = [1]) @d(a: {b: 1}) { a(x: $x) { c } }", Operation("query", "Q", ("a",))),
        ("mutation { harmless: deleteAll(id: \"}{\") { ok } }", Operation("mutation", None, ("deleteAll",))),
        ("subscription S { ticks }", Operation("subscription", "S", ("ticks",))),
        ("mutation { ...F } fragment F on Mutation { drop ...G } fragment G on Mutation { wipe }", Operation("mutation", None, ("drop", "wipe"))),
        ("mutation { ... on Mutation @include(if: true) { x: drop } ... { keep } }", Operation("mutation", None, ("drop", "keep"))),
        ('{ a(x: """ block " \\""" } """, y: -1.5e3, z: [{k: ENUM}, null]) }', Operation("query", None, ("a",))),
        ("# mutation { x }\n,,{ a }", Operation("query", None, ("a",))),
        ("query query { query }", Operation("query", "query", ("query",))),
    ],
)  # fmt: skip
def test_operations_name_their_root_fields_without_aliases(text: str, operation: Operation) -> None:
    assert only(text) == operation


def test_several_operations_have_names() -> None:
    assert [one.name for one in read_graphql("query A { a } mutation B { b }")] == ["A", "B"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", "{ a", "{ a(x: 1 }", "{ a(x: [1) }", "mutation", "type T { a: Int }", "{ ...F }", "query A { a } { b }", "{ a } }",
     "query A { a } query A { b }", "fragment F on T { a }", "{ ...F } fragment F on T { a } fragment F on T { b }", "{ a: }", "\"x\"",
     "{ a }\x00", "{" * 100 + "a" + "}" * 100, "{ a(x: " + "[" * 100 + "]" * 100 + ") }", "{ " + "a " * 30_000 + "}",
     "fragment on on T { a } { ...on }", "{ a @ }", "{ 1 }", "{ a(x: 1.) }"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_graphql(text)


def test_fragments_that_spread_each_other_end() -> None:
    assert only("{ ...A } fragment A on Q { a ...B } fragment B on Q { b ...A }").fields == ("a", "b")


@given(st.text(alphabet='{}()[]:$@!|"\\ abcq.#\n,1', max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(Refused):
        assert read_graphql(text)
