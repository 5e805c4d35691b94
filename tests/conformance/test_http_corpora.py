"""HTTP requests against cases from outside: the URL standard's tests, llhttp's, smuggling gadgets, traversal lists, APIs.

What is computed stands in `tests/conformance/agreement/http.py`, whose tables are `docs/measured/agreement.md`. The bounds are what
was measured, a little lower.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine import Program
from tests.conformance.agreement import http
from tests.conformance.agreement.paths import escaped
from tests.conformance.corpus import decide, items, program
from tests.web_requests import raw_request


@pytest.fixture(scope="module")
def developer() -> Program:
    return program("developer")


def test_urls_agree_with_the_url_standard(corpora: Path) -> None:
    found = http.urls(corpora)
    assert found.passed == []
    # What differs is refused: labels of a newer version of Unicode than the tables of `idna` have.
    assert found.unexplained == []
    assert found.cases + found.must_refuse > 500
    assert found.explained.total() <= 0.01 * found.cases


def test_paths_that_climb_are_refused_and_others_are_canonical(corpora: Path, developer: Program) -> None:
    found = http.paths(corpora, developer)
    assert found.passed == []
    assert found.unexplained == []
    assert found.must_refuse > 850


def test_targets_inside_are_stopped_in_every_spelling(corpora: Path, developer: Program) -> None:
    found = http.inside(corpora, developer)
    assert found.passed == []
    assert found.must_refuse > 150


def test_the_wire_agrees_with_llhttp(corpora: Path) -> None:
    found = http.wire(corpora)
    assert found.passed == []
    assert found.unexplained == []
    assert found.must_refuse > 25
    assert found.agree >= 20


def test_requests_that_can_be_framed_in_two_ways_are_all_refused(corpora: Path) -> None:
    found = http.ambiguous(corpora)
    assert found.must_refuse > 1000
    assert found.passed == []


def test_operations_of_apis_are_found_with_their_effect(corpora: Path) -> None:
    for found in http.operations(corpora):
        # The rest are examples with a space in the path, which is no request.
        assert found.unexplained == []
        assert found.agree >= 0.98 * found.cases


def test_reading_apis_is_not_denied_and_writing_waits(corpora: Path, developer: Program) -> None:
    found = http.operation_verdicts(corpora, developer)
    assert found.passed == []
    assert found.unexplained == []
    assert found.explained.total() <= 0.03 * found.cases


CRS_FLOORS = {
    # Of the attacks of a category the share that is refused or that the developers' policy stops; of the look-alikes the
    # share that is read. A gateway is no WAF: injections into values (932, 942, 944) are the application's to judge, and
    # only those in odd spellings are stopped here.
    # 920: multipart bodies in bare LF, `_method` with other words, tunnels with another Host are look-alikes we refuse.
    "920": (0.60, 0.55),
    "921": (0.35, 0.90),
    "930": (0.30, 0.75),
    "931": (0.25, 0.95),
    "932": (0.05, 0.95),
    "942": (0.01, 0.90),
    "944": (0.0, 0.80),
}


def test_cases_of_coreruleset_by_category(corpora: Path, developer: Program) -> None:
    found = http.coreruleset(corpora, developer)
    assert set(found) == set(CRS_FLOORS)
    shares = {category: (attacks.share, alike.share) for category, (attacks, alike) in found.items()}
    below = {
        category: (shares[category], floors)
        for category, floors in CRS_FLOORS.items()
        if shares[category][0] < floors[0] or shares[category][1] < floors[1]
    }
    assert below == {}, shares


def test_documented_accidents_are_stopped_and_their_twins_are_not(corpora: Path, developer: Program) -> None:
    for item in items(corpora, "agent-incidents"):
        if item["protocol"] == "http":
            verdict = decide(developer, "http", item["command"].encode(), "prod").verdict
            assert verdict.value in {item["expect"], *item["also_acceptable"]}, item["command"]


def test_requests_that_other_guards_stop_wait_at_least(corpora: Path, developer: Program) -> None:
    granted = []
    compared = 0
    for item in items(corpora, "guard-suites"):
        if item["protocol"] != "http-cli" or item["expect"] != "deny" or "DELETE" not in item["command"]:
            continue
        found = re.search(r"(?:https?://|localhost|127\.0\.0\.1|:\d{4}/)[^\s'\"]*", item["command"])
        if found is None:
            continue
        compared += 1
        target = re.sub(r"^(?:https?://)?[^/]*", "", found[0]) or "/"
        raw = raw_request("DELETE", escaped(target))
        if decide(developer, "http", raw, "staging").is_granted:
            granted.append(item["command"])
    assert compared > 40
    assert granted == []
