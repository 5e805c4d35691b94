"""Which selectors ask for something that an object has to have, and which only leave objects out."""

from __future__ import annotations

import pytest

from engine.command.kubernetes.selectors import field_terms, narrows


@pytest.mark.parametrize("labels", ["a", "a=b", "a==b", "a in (b, c)", "!x,a", "a notin (b),c=d", "x.y/a", "a>1"])
def test_what_an_object_has_to_have_narrows(labels: str) -> None:
    assert narrows(labels, None)


@pytest.mark.parametrize(
    "labels", [None, "", " ", ",", "!x", " ! x", "a!=b", "a notin (b)", "a notin(b,c), !d", "a != b,c!=d"]
)
def test_what_only_leaves_out_does_not(labels: str | None) -> None:
    assert not narrows(labels, None)


@pytest.mark.parametrize(
    ("fields", "narrow"),
    [
        ("metadata.name=x", True),
        ("status.phase==Failed", True),
        ("metadata.namespace=a,metadata.name=x", True),
        ("metadata.namespace=a", False),
        ("metadata.name!=x", False),
        (",,", False),
        ("nonsense", False),
    ],
)
def test_fields_narrow_but_their_namespace_does_not(fields: str, narrow: bool) -> None:
    assert narrows("!x", fields) is narrow


def test_terms_of_fields_are_taken_apart() -> None:
    assert field_terms("a=b,c!=d\\,e") == [("a", "=", "b"), ("c", "!=", "d,e")]
    assert field_terms("a") == []
