"""YAML read as plain values, without YAML's surprises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SuiteInvalid
from engine.request import Json
from engine.source import Source
from engine.suite.plain_yaml import read_yaml


def read(text: str) -> Json:
    return read_yaml(Source("f.yaml", text)).value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("a: 1\nb: [x, 2.5, true, null, ~, '1', -3]", {"a": 1, "b": ["x", 2.5, True, None, None, "1", -3]}),
        ("a: no\nb: on\nc: yes", {"a": "no", "b": "on", "c": "yes"}),
        ("now: 2026-01-05T12:00:00Z", {"now": "2026-01-05T12:00:00Z"}),
        ("t: 12:30:45\no: 010\nh: 0x1f\ni: .inf", {"t": "12:30:45", "o": "010", "h": "0x1f", "i": ".inf"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ('{"json": ["is", "yaml"]}', {"json": ["is", "yaml"]}),
    ],
)
def test_values_are_plain(text: str, expected: Json) -> None:
    assert read(text) == expected


def test_the_lines_of_lists_at_the_top_are_known() -> None:
    document = read_yaml(Source("f.yaml", "suite: x\ncases:\n  - name: a\n    b: 1\n\n  - name: b\n"))
    assert document.lines == {"cases": (3, 6)}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        ("a: 1\nb: [", 2, ""),
        ("a: 1\na: 2", 2, "twice"),
        ("a:\n  [1]: 2", 2, "key"),
        ("a: 1\nb: !!python/object:os.system x", 2, "tag"),
        ("a: !custom x", 1, "tag"),
        ("a: 1" + "0" * 30, 1, "long"),
        ("[" * 60 + "]" * 60, 1, "much"),
        (BOMB, 1, "much"),
        ("--- 1\n--- 2", 2, ""),
        ("a: \x00", 1, ""),
        ("[" * 50_000, 1, ""),
    ],
)
def test_what_is_no_plain_document_is_refused_with_its_line(text: str, line: int, named: str) -> None:
    with pytest.raises(SuiteInvalid) as caught:
        read(text)
    assert caught.value.source == "f.yaml"
    assert caught.value.line >= line or not named
    assert named in str(caught.value)


@given(st.text(alphabet="abc:-[]{}#&*!|>'\"\n 1.,?%@`", max_size=60))
def test_any_text_is_a_document_or_refused(text: str) -> None:
    try:
        read(text)
    except SuiteInvalid as error:
        line = error.line
        assert line >= 1
