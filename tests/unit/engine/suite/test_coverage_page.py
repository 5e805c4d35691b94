"""The page shows every source with its conditions marked, needs nothing from elsewhere, and hostile text stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from engine.suite.coverage import ConditionCovered, Coverage, RuleCovered
from engine.suite.coverage_page import coverage_page

TEXT = 'package policies.a\ndeny contains x if {\n\tinput.a == "<script>"; input.b\n\tevery o in input.c {\n\t\to.d\n\t}\n}\n'
COVERAGE = Coverage(
    (RuleCovered("a.rego", 2, "a", "X"),),
    (
        ConditionCovered("a.rego", 3, 2, 3, 23, 'input.a == "<script>"', "deny", was_true=True, was_false=True),
        ConditionCovered("a.rego", 3, 25, 3, 32, "input.b", "deny", was_true=True),
        ConditionCovered("a.rego", 4, 2, 6, 3, "every o ...", "deny"),
        ConditionCovered("a.rego", 5, 3, 5, 6, "o.d", "deny"),
    ),
)
PAGE = coverage_page(COVERAGE, {"a.rego": TEXT})


class Text(HTMLParser):
    """What a browser would show of the source, and the marks in it."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.marks: list[tuple[str, str]] = []
        self.kind = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.inside |= tag == "pre"
        if tag == "mark" and self.inside:
            self.kind = str(dict(attrs)["class"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "mark":
            self.kind = ""

    def handle_data(self, data: str) -> None:
        if self.kind:
            self.marks.append((self.kind, data))


def read() -> Text:
    text = Text()
    text.feed(PAGE)
    return text


def test_each_condition_is_marked_by_how_it_was_seen() -> None:
    assert read().marks == [
        ("both", 'input.a == "<script>"'),
        ("half", "input.b"),
        ("none", "every o in input.c {"),
        ("none", "o.d"),
    ]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    assert not {"script", "link", "img", "iframe"} & read().tags
    assert not re.search(r"https?://|url\(|@import", PAGE)


def test_it_has_a_light_and_a_dark_face() -> None:
    assert "prefers-color-scheme:dark" in PAGE
    assert "color-scheme:light dark" in PAGE


def test_rules_that_never_matched_are_named() -> None:
    assert "line 2: rule X never matched" in PAGE
