"""Coverage reads the same in every format, and Cobertura's is well formed and counts what the text counts."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from engine.suite.coverage import ConditionCovered, Coverage, RuleCovered
from engine.suite.coverage_report import cobertura, coverage_json, coverage_text, percent

COVERAGE = Coverage(
    (RuleCovered("a.rego", 3, "shop", "READ", matched=True), RuleCovered("b.gate", 1, "extra", "EVE")),
    (
        ConditionCovered("a.rego", 4, 2, 4, 20, 'input.a == "<b>"', "shop.allow", was_true=True, was_false=True),
        ConditionCovered("a.rego", 4, 22, 4, 30, "input.c", "shop.allow", was_true=True),
        ConditionCovered("b.gate", 2, 8, 2, 30, "principal.name", "eve", was_unknown=True),
    ),
)


def test_the_text_names_what_is_missing_with_file_and_line() -> None:
    lines = coverage_text(COVERAGE).splitlines()
    assert lines[:3] == [
        "b.gate:1: rule extra/EVE never matched",
        "a.rego:4: never false: input.c",
        "b.gate:2: never tried: principal.name",
    ]
    assert [line.split() for line in lines[3:]] == [
        ["policies", "50.0", "%", "1", "of", "2"],
        ["rules", "50.0", "%", "1", "of", "2"],
        ["conditions", "50.0", "%", "3", "of", "6", "outcomes"],
    ]


def test_the_document_has_every_rule_and_condition() -> None:
    told = coverage_json(COVERAGE)
    assert (told["conditions"], told["rules"], told["policies"]) == (0.5, 0.5, 0.5)
    assert isinstance(told["condition_list"], list)
    assert told["condition_list"][1] == {
        "file": "a.rego",
        "line": 4,
        "column": 22,
        "end_line": 4,
        "end_column": 30,
        "rule": "shop.allow",
        "text": "input.c",
        "true": True,
        "false": False,
        "unknown": False,
    }


def test_cobertura_counts_branches_and_lines() -> None:
    root = ElementTree.fromstring(cobertura(COVERAGE, "policies & more", 1_700_000_000_000))
    assert root.tag == "coverage"
    assert (root.get("branches-covered"), root.get("branches-valid")) == ("3", "6")
    assert (root.get("lines-covered"), root.get("lines-valid")) == ("1", "2")
    line = root.find("packages/package/classes/class[@filename='a.rego']/lines/line")
    assert line is not None
    assert line.get("condition-coverage") == "75% (3/4)"
    assert [one.get("coverage") for one in line.iter("condition")] == ["100%", "50%"]
    assert root.findtext("sources/source") == "policies & more"


def test_nothing_to_cover_is_all_covered() -> None:
    assert ElementTree.fromstring(cobertura(Coverage(), ".", 0)).get("branch-rate") == "1.0000"


@pytest.mark.parametrize(("share", "said"), [(1.0, "100 %"), (0.99999, "99.9 %"), (0.5, "50.0 %"), (0.0, "0.0 %")])
def test_only_all_of_it_is_a_hundred_percent(share: float, said: str) -> None:
    assert percent(share) == said
