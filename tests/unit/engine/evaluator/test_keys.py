"""What of a request policies can read, and the key made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluator.keys import Path, Reads, overlaps, parse_path, reduced
from engine.request import Json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input", ()),
        ("input.principal.groups[_]", ("principal", "groups", None)),
        ('input.resource.labels["a-b"]', ("resource", "labels", "a-b")),
        ('input.a["x\\"]y"].b', ("a", 'x"]y', "b")),
        ("input[_].name", (None, "name")),
    ],
)
def test_paths_are_read_as_the_core_prints_them(text: str, expected: Path) -> None:
    assert parse_path(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "data.x", "input.", "input.a b", "input[x]", "input[0]", 'input["\\q"]', "input.a[_", "inputx", "input.ü"],
)
def test_what_is_written_otherwise_stands_for_everything(text: str) -> None:
    assert parse_path(text) == ()


def test_a_path_that_lies_in_another_adds_nothing() -> None:
    reads = Reads.of(["input.principal.name", "input.principal", "input.resource.labels.env", "input.principal"])
    assert set(reads.paths) == {("principal",), ("resource", "labels", "env")}
    assert reads.below("principal") == ((),)
    assert reads.below("resource") == (("labels", "env"),)
    assert reads.below("session") == ()


@pytest.mark.parametrize("everything", ["input", "input[_]", "input[_].name", "something else"])
def test_a_rule_that_may_read_anything_reads_every_section(everything: str) -> None:
    reads = Reads.of([everything, "input.principal.name"])
    assert all(reads.below(section) == ((),) for section in ("principal", "session", "resource", "context"))
    assert reads.literals or everything == "input[_].name"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("input.command", True),
        ("input.command.text", True),
        ("input.command.digest", True),
        ("input.command.operations", False),
        ("input.command.operations[_]", False),
        ("input.command[_]", True),
        ("input.command.problems[_].code", False),
        ("input.command.operations[_].kind", False),
        ("input.command.operations[_].targets[_].name", False),
        ("input.command.sql.filters", False),
        ("input.command.features[_]", False),
        ("input.principal", False),
    ],
)
def test_which_paths_tell_literals_apart(path: str, expected: bool) -> None:
    assert Reads.of([path]).literals is expected


def test_paths_overlap_when_one_leads_to_the_other() -> None:
    assert overlaps(("a",), ("a", "b"))
    assert overlaps((None, "b"), ("a", "b"))
    assert not overlaps(("a", "c"), ("a", "b"))


PATHS: tuple[tuple[Path, Json, Json, bool], ...] = (
    (("a",), {"a": 1, "b": 1}, {"a": 1, "b": 2}, True),
    (("a",), {"a": 1}, {"a": 2}, False),
    (("a",), {"a": 1}, {}, False),
    (("a",), {"a": []}, {}, False),
    (("a",), {"a": True}, {"a": 1}, False),
    (("a",), {"a": 1}, {"a": 1.0}, False),
    (("a", None), {"a": [1, 2]}, {"a": [2, 1]}, False),
    (("a", None, "k"), {"a": [{"k": 1, "x": 1}]}, {"a": [{"k": 1, "x": 2}]}, True),
    (("a", None, "k"), {"a": [{"k": 1}]}, {"a": [{"k": 1}, {}]}, False),
    (("a", "b"), {"a": "text"}, {"a": ["text"]}, False),
    (("a", "b"), {"a": "text"}, {"a": "other"}, False),
    (("a", None), {"a": {"x": 1}}, {"a": {"x": 2}}, False),
    (("a", "b"), {"a": {}}, {}, False),
)


@pytest.mark.parametrize(("path", "one", "other", "same"), PATHS)
def test_sections_have_one_key_only_if_the_path_shows_the_same(path: Path, one: Json, other: Json, same: bool) -> None:
    assert (reduced((path,), one) == reduced((path,), other)) is same


json = st.recursive(
    st.booleans() | st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
steps = st.lists(st.sampled_from(["a", "b", "c", None]), max_size=3).map(tuple)


def shown(path: Path, value: Json) -> list[object]:
    """Everything a rule can get at by a path, with where it stands: what Rego's reference gives."""
    if not path:
        return [value]
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        keys = sorted(value) if step is None else [step] if step in value else []
        return [(key, shown(rest, value[key])) for key in keys]
    if isinstance(value, list) and step is None:
        return [(number, shown(rest, item)) for number, item in enumerate(value)]
    return []


@given(steps, json, json)
def test_equal_keys_show_equal_values(path: Path, one: Json, other: Json) -> None:
    if reduced((path,), one) == reduced((path,), other):
        assert repr(shown(path, one)) == repr(shown(path, other))


@pytest.mark.parametrize(
    ("printed", "may", "names"),
    [
        ("input.context.activity.rows_last_hour", True, True),
        ("input.context.activity", True, True),
        ("input.context[_]", True, False),
        ("input.context", True, False),
        ("input", True, False),
        ("input.context.ticket", False, False),
        ("input.command.text", False, False),
    ],
)
def test_whether_rules_ask_what_somebody_did_is_known(printed: str, may: bool, names: bool) -> None:
    reads = Reads.of([printed])
    assert (reads.activity, reads.names_activity) == (may, names)
    assert bool(reads.activity_numbers) is may
