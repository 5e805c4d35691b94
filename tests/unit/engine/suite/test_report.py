"""What a run of suites looks like to people and to machines."""

from __future__ import annotations

import json

from engine.decision import Decision, Location
from engine.evaluator.explain import Explained
from engine.rego.contract import RuleKind
from engine.source import Diagnostic, Span
from engine.suite.report import NEAR_MISSES, Report, report_json, report_text
from engine.suite.runner import Outcome

GOOD = Outcome("s", "good", "a.yaml", 3)
NEAR = tuple(
    Explained(f"pg/R{n}", RuleKind.ALLOW, False, Location("pg.rego", n), "x == 1" if n == 0 else None) for n in range(7)
)
BAD = Outcome("s", "bad", "a.yaml", 9, ("expected allow, got deny\n  by pg/D",), Decision(), NEAR)
MISTAKE = Diagnostic("SUITE_INVALID", "no key `cases`", "b.yaml", Span(2, 1, 2, 1))


def test_failures_stand_with_their_place_and_numbers_stand_last() -> None:
    lines = report_text(Report((GOOD, BAD), (MISTAKE,)), 1.5).splitlines()
    assert lines[0] == "b.yaml:2: no key `cases`"
    assert lines[1:5] == [
        "FAILED a.yaml:9: s: bad",
        "  expected allow, got deny",
        "    by pg/D",
        "  not matched: allow pg/R0 (pg.rego:0) because of x == 1",
    ]
    assert lines[-2] == f"  and {7 - NEAR_MISSES} more that did not match"
    assert lines[-1] == "1 passed, 2 failed in 1.50 s"


def test_only_something_that_ran_and_passed_is_green() -> None:
    assert Report((GOOD,)).is_green
    assert not Report(()).is_green
    assert not Report((GOOD, BAD)).is_green
    assert not Report((GOOD,), (MISTAKE,)).is_green
    assert report_text(Report(())) == "0 passed, 0 failed\n"


def test_the_document_holds_what_decided_of_failed_cases() -> None:
    document = json.loads(json.dumps(report_json(Report((GOOD, BAD), (MISTAKE,)))))
    assert (document["passed"], document["failed"]) == (1, 2)
    assert document["mistakes"] == [{"file": "b.yaml", "line": 2, "message": "no key `cases`"}]
    good, bad = document["cases"]
    assert good == {"suite": "s", "name": "good", "file": "a.yaml", "line": 3, "passed": True}
    assert bad["decision"]["verdict"] == "deny"
    assert len(bad["rules"]) == 7
    assert bad["differences"] == list(BAD.differences)
