"""Paths and queries in one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.http.path import MAX_SEGMENTS, canonical_path, canonical_query, decoded_segments, parse_query


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/"),
        ("/a/b.c/", "/a/b.c/"),
        ("/a%20b", "/a%20b"),
        ("/%c3%a9", "/%C3%A9"),
        ("/%7euser", "/~user"),
        ("/a:b@c,d=e+f!$&'()*", "/a:b@c,d=e+f!$&'()*"),
        ("/100%25", "/100%25"),
        ('/"a"/{b}|[c]^`<d>', "/%22a%22/%7Bb%7D%7C%5Bc%5D%5E%60%3Cd%3E"),
        ("/v1/chat.delete", "/v1/chat.delete"),
    ],
)
def test_a_path_has_one_spelling(path: str, canonical: str) -> None:
    assert canonical_path(path) == canonical
    assert canonical_path(canonical) == canonical


@pytest.mark.parametrize(
    "path",
    ["", "a", "//a", "/a//b", "/a//", "/./a", "/a/.", "/a/..", "/../a", "/...", "/a.", "/a%20", "/%20a", "/%2e%2e/a", "/.%2e/a", "/a%2fb",
     "/a%2Fb", "/a%5cb", "/a\\b", "/a;b", "/a%3bb", "/%61dmin", "/a%00", "/a%0d%0ab", "/%252e%252e", "/%25%32%65", "/%c0%ae", "/%e0%80%af",
     "/%ff", "/%", "/%2", "/%zz", "/%u002e", "/%25u002e", "/%ef%bc%8e%ef%bc%8e", "/%ef%bc%8f", "/%e2%80%8b", "/%e2%80%ae", "/a%3fb", "/a%23",
     "/" * (MAX_SEGMENTS + 2), "/%E2%80%A5"],
)  # fmt: skip
def test_what_two_servers_could_take_for_different_paths_is_refused(path: str) -> None:
    with pytest.raises(Refused) as refused:
        canonical_path(path)
    assert refused.value.code == "noncanonical_path"


def test_segments_are_decoded() -> None:
    assert decoded_segments("/a/b%20c/") == ["a", "b c"]


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", {}),
        ("a=1&b=2&a=3", {"a": ("1", "3"), "b": ("2",)}),
        ("a=b=c&d&=e&&", {"a": ("b=c",), "d": ("",), "": ("e",)}),
        ("a+b=%C3%A9+%26", {"a b": ("é &",)}),
    ],
)
def test_every_value_of_a_parameter_is_kept_in_order(text: str, parameters: dict[str, tuple[str, ...]]) -> None:
    assert parse_query(text) == parameters


@pytest.mark.parametrize("text", ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%c0%ae", "a=%00", "&".join("a" * 600)])
def test_a_query_that_cannot_be_read_in_one_way_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        parse_query(text)


@given(st.text(alphabet="/.%2eEfF5cC;ab~7\\u", max_size=30))
def test_a_canonical_path_is_its_own_canonical_path(path: str) -> None:
    try:
        canonical = canonical_path(f"/{path}")
    except Refused:
        return
    assert canonical_path(canonical) == canonical
    assert all(segment not in ("", ".", "..") and "/" not in segment for segment in decoded_segments(canonical))


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("", ""),
        ("a=1&b=2&a=3", "a=1&b=2&a=3"),
        ("acl&b=", "acl&b="),
        ("a=%41+b", "a=A%20b"),
        ("a=1;b=2", "a=1%3Bb%3D2"),
        ("&&a=1&", "a=1"),
        ("%26=%3d&x=%2B", "%26=%3D&x=%2B"),
        ("q=%C3%A9", "q=%C3%A9"),
    ],
)
def test_a_query_has_one_spelling(text: str, made: str) -> None:
    assert canonical_query(text) == made
    assert canonical_query(made) == made
    assert parse_query(made) == parse_query(text)


def test_a_query_that_cannot_be_read_has_none() -> None:
    with pytest.raises(Refused):
        canonical_query("a=%zz")
