"""Templates escape everything, and their filters are for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from gateway.console.rendering import TEMPLATES, Renderer, json, moment, number, short, span, visible
from tests.strategies.console import SECOND


def test_a_strangers_text_is_never_markup() -> None:
    assert str(visible("<b>&'\"")) == "&lt;b&gt;&amp;&#39;&#34;"
    shown = str(visible("a\u202e<i>"))
    assert '<span class="odd odd-hidden" title="RIGHT-TO-LEFT OVERRIDE">U+202E</span>&lt;i&gt;' in shown


@given(st.text())
def test_no_text_brings_a_tag(text: str) -> None:
    shown = str(visible(text))
    for tag in shown.split("<")[1:]:
        assert tag.startswith(("span class=", "/span>"))


def test_a_page_is_whole_and_a_missing_field_is_an_error() -> None:
    renderer = Renderer()
    fields = {"title": "<x>", "text": "{{ 7 * 7 }}", "status": 404, "version": "v"}
    page = renderer.render("refused.html", fields)
    assert page.startswith("<!doctype html>")
    assert "&lt;x&gt;" in page
    assert "{{ 7 * 7 }}" in page
    with pytest.raises(UndefinedError):
        renderer.render("refused.html", {"title": "x", "status": 404, "version": "v"})


def test_no_template_has_a_script_or_a_style_of_its_own_or_turns_escaping_off() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text()
        for word in (
            "| safe",
            "|safe",
            "autoescape",
            "style=",
            "onclick",
            "onload",
            "javascript:",
            "http://",
            "https://",
        ):
            assert word not in text, (path.name, word)
        assert "<script>" not in text
        assert text.count("<script") == text.count('<script src="/static/')


def test_times_and_numbers_are_for_people() -> None:
    assert 'datetime="2027-01-15T08:00:00Z"' in moment(1_800_000_000 * SECOND)
    spans = {0: "0 s", 59: "59 s", 60: "1 min", 252: "4 min 12 s", 3_600: "1 h", 3_700: "1 h 1 min", 90_000: "1 d 1 h"}
    assert {seconds: span(seconds * SECOND) for seconds in spans} == spans
    assert span(-5) == "0 s"
    assert number(1234567) == "1\u202f234\u202f567"
    assert short("a" * 64) == "a" * 12
    assert json({"a": ["<'>", 1]}) == '{"a":["<\'>",1]}'
