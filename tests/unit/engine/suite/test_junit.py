"""The XML is what JUnit's schema asks for: elements, their order, attributes and their types; and hostile text stays text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from engine.source import Diagnostic, Span
from engine.suite.junit import junit
from engine.suite.report import Report
from engine.suite.runner import Outcome

WHOLE = re.compile(r"\d+")
SECONDS = re.compile(r"\d+\.\d+")
ANY = re.compile(r"(?s).*")
WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
COUNTS = {"tests": WHOLE, "failures": WHOLE, "errors": WHOLE, "time": SECONDS}

# What jenkins-junit.xsd says of the elements we write: children in order (`*` many), attributes with their types.
# `file` and `line` are what pytest, GitLab and GitHub's reporters add.
SCHEMA: dict[str, tuple[list[str], dict[str, re.Pattern[str]], dict[str, re.Pattern[str]]]] = {
    "testsuites": (["testsuite*"], {"name": ANY, **COUNTS}, {}),
    "testsuite": (
        ["testcase*"],
        {"name": ANY, **COUNTS, "skipped": WHOLE, "timestamp": WHEN},
        {"file": ANY, "hostname": ANY, "package": ANY, "id": ANY},
    ),
    "testcase": (
        ["failure*", "error*"],
        {"name": ANY, "classname": ANY, "time": SECONDS},
        {"file": ANY, "line": WHOLE},
    ),
    "failure": ([], {"message": ANY, "type": ANY}, {}),
    "error": ([], {"message": ANY, "type": ANY}, {}),
}


def check(element: ElementTree.Element) -> None:
    """Raise AssertionError where an element is not what the schema says."""
    children, required, optional = SCHEMA[element.tag]
    assert required.keys() <= set(element.keys()) <= required.keys() | optional.keys(), element.attrib
    for name, value in element.items():
        assert (required | optional)[name].fullmatch(value), (element.tag, name, value)
    order = [name.rstrip("*") for name in children]
    tags = [child.tag for child in element]
    assert set(tags) <= set(order), tags
    assert tags == sorted(tags, key=order.index), tags
    if element.tag == "testsuite":
        assert int(element.attrib["tests"]) == len(element)
        assert int(element.attrib["failures"]) == len(element.findall("testcase/failure"))
        assert int(element.attrib["errors"]) == len(element.findall("testcase/error"))
    for child in element:
        check(child)


HOSTILE = 'a "quote" & <tag> ]]> \x00\x1b[2J\ud800\n\ttab'
GREEN = Outcome("shop", "reads", "s.yaml", 3, seconds=0.0123)
RED = Outcome("shop", HOSTILE, "s.yaml", 9, (f"expected deny, got allow {HOSTILE}",), seconds=0.5)
OTHER = Outcome("test_ rules", "data.a.test_x", "a_test.rego", 2)
MISTAKE = Diagnostic("SYNTAX", "this & that", "b.rego", Span(4, 1, 4, 2))


@pytest.mark.parametrize(
    "report", [Report(), Report((GREEN, OTHER)), Report((GREEN, RED, OTHER), (MISTAKE,)), Report((), (MISTAKE,))]
)
def test_it_is_what_the_schema_asks_for(report: Report) -> None:
    check(ElementTree.fromstring(junit(report, "2026-01-05T12:00:00")))


def test_a_failure_carries_what_was_told() -> None:
    root = ElementTree.fromstring(junit(Report((GREEN, RED)), "2026-01-05T12:00:00"))
    (case,) = [case for case in root.iter("testcase") if len(case)]
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith('expected deny, got allow a "quote" & <tag> ]]>')
    assert "\N{REPLACEMENT CHARACTER}" in failure.get("message", "")
    assert (case.get("file"), case.get("line"), case.get("time")) == ("s.yaml", "9", "0.500")


def test_the_check_itself_can_fail() -> None:
    broken = junit(Report((GREEN,)), "2026-01-05T12:00:00").replace(
        'tests="1" failures="0" errors="0" skipped', 'tests="2" failures="0" errors="0" skipped'
    )
    with pytest.raises(AssertionError):
        check(ElementTree.fromstring(broken))
