"""Paths into JSON: which texts are some, and what they lead to."""

from __future__ import annotations

import pytest

from engine.errors import InputInvalid
from engine.masking.paths import MAX_STEPS, Paths, parse_path


def hits(path: str, *way: str | int) -> bool:
    """Whether a path ends at what these members and elements lead to."""
    paths = Paths([parse_path(path)])
    place = paths.top
    for step in way:
        place = paths.element(place, step) if isinstance(step, int) else paths.member(place, step)
    return paths.hits(place) == [0]


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("$.a", ("a",)),
        ("a", ("A",)),
        ("$.A.b", ("a", "B")),
        ("$.a.b", ("a", 3, "b")),
        ("$.a[*].b", ("a", 0, "b")),
        ("$[*].a", (0, "a")),
        ("$.a", (7, "a")),
        ("$[0].a", (0, "a")),
        ("$..card", ("x", "y", 3, "card")),
        ("$..card", ("card",)),
        ("$.a..b", ("a", "x", "b")),
        ("$.*", ("anything",)),
        ("$['tax id']", ("tax id",)),
        ('$["it\'s"]', ("it's",)),
        ("$['it\\'s'].x", ("it's", "x")),
        ("$..*", ("a", "b", "c")),
    ],
)
def test_a_path_leads_to_what_it_names(path: str, way: tuple[str | int, ...]) -> None:
    assert hits(path, *way)


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("$.a", ("b",)),
        ("$.a.b", ("a",)),
        ("$.a.b", ("b",)),
        ("$[0].a", (1, "a")),
        ("$.a..b", ("x", "b")),
        ("$.a.b", ("a", "b", "c")),
    ],
)
def test_a_path_leads_nowhere_else(path: str, way: tuple[str | int, ...]) -> None:
    assert not hits(path, *way)


@pytest.mark.parametrize(
    "text", ["", "$", "$.", "$a", "a b", "$...a", "$.a[", "a.[*]", "$.a[-1]", "$['a", "$.a..", "$.a'b", "x" * 2000]
)
def test_other_texts_are_no_paths(text: str) -> None:
    with pytest.raises(InputInvalid):
        parse_path(text)


def test_a_path_has_an_end() -> None:
    with pytest.raises(InputInvalid):
        parse_path("$" + ".a" * (MAX_STEPS + 1))


def test_any_number_of_names_is_followed_in_bounded_memory() -> None:
    paths = Paths([parse_path("$..x")])
    for number in range(10_000):
        paths.member(paths.top, f"n{number}")
    assert paths.hits(paths.member(paths.top, "x")) == [0]
