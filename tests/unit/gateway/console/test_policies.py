"""The page of policies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.console.calls import CallRefused, Goto, Page
from gateway.console.measuring import Measured, Measuring, Subject
from gateway.console.policies import Policies, Standing, covered, impact_of
from gateway.policy_store.current import PolicyStatus
from tests.strategies.console import call, viewer
from tests.strategies.gates import House

NOW = Standing("policies", PolicyStatus("r" * 64, None, 1), 2.0)
NEXT = Standing("next", PolicyStatus("n" * 64, None, 1, 2, ("a.rego:1:1: broken",)), 2.0)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.log.append(Entry(kind=Kind.POLICY, time=1, step="loaded", revision="r" * 64))
    made.log.append(Entry(kind=Kind.SHADOW, time=2, decision_id="d-1", note="verdict", verdict="deny"))
    made.log.append(Entry(kind=Kind.POLICY, time=3, step="failed", note="a.rego:1:1: broken"))
    made.log.flush()
    yield made
    made.close()


def policies(house: House, candidate: Standing | None = None, *subjects: Subject) -> Policies:
    measuring = Measuring(dict.fromkeys(subjects, ("pass",)), lambda: 7, program=(sys.executable, "-c"))
    return Policies(house.folder / "audit", lambda: NOW, lambda: candidate, lambda: [("same", 3)], measuring)


def shown(house: House, candidate: Standing | None) -> Page:
    reply = policies(house, candidate).show(call())
    assert isinstance(reply, Page)
    return reply


def test_what_decides_and_what_was_loaded_is_shown(house: House) -> None:
    fields = shown(house, None).fields
    assert fields["standing"] is NOW
    assert [entry.step for entry in fields["loads"]] == ["failed", "loaded"]  # type: ignore[attr-defined]  # a list of entries
    assert fields["shadows"] == ()


def test_a_candidate_is_shown_with_its_differences(house: House) -> None:
    fields = shown(house, NEXT).fields
    assert fields["candidate"] is NEXT
    assert [entry.verdict for entry in fields["shadows"]] == ["deny"]  # type: ignore[attr-defined]  # as above
    assert fields["tallies"] == [("same", 3)]


def test_it_is_for_auditors(house: House) -> None:
    page = policies(house, None, Subject.COVERAGE)
    for asked in (page.show, page.measure):
        with pytest.raises(CallRefused):
            asked(call(viewer(roles=("approver",)), path={"subject": "coverage"}))


def test_what_can_be_measured_is_begun_and_nothing_else(house: House) -> None:
    page = policies(house, None, Subject.COVERAGE)
    assert page.measure(call(path={"subject": "coverage"})) == Goto("/policies#coverage")
    for subject, status in (("impact", 409), ("health", 404), ("", 404)):
        with pytest.raises(CallRefused) as refused:
            page.measure(call(path={"subject": subject}))
        assert refused.value.status == status


def test_coverage_shows_what_no_test_tried() -> None:
    conditions = [
        {"file": "a.gate", "line": 2, "text": "x = 1", "true": True, "false": False},
        {"file": "a.gate", "line": 3, "text": "y = 1", "true": True, "false": True},
        {"file": "a.gate", "line": 4, "text": "z = 1", "true": False, "false": False},
    ]
    rules = [{"rule": "a/one", "matched": True}, {"rule": "a/two", "matched": False}]
    said = {"conditions": 0.5, "rules": 0.5, "condition_list": conditions, "rule_list": rules}
    found = covered(Measured("ana", 1, 2, {"passed": 3, "failed": 1, "coverage": said}))
    assert found is not None
    assert (found.passed, found.failed, found.conditions, found.unmatched) == (3, 1, 0.5, ["a/two"])
    assert found.untried == [("a.gate:2", "x = 1", "never false"), ("a.gate:4", "z = 1", "never tried")]


def test_impact_is_a_chart_with_the_longest_bar_first() -> None:
    said = {
        "decided": 9,
        "same": 6,
        "flipped": 3,
        "by": {"change": {"allow to deny": 1, "deny to allow": 2}, "rule": {}},
    }
    gaps = {"text": {"count": 4, "why": "its text was not kept"}}
    found = impact_of(Measured("ana", 1, 2, {**said, "not_decided": gaps}))
    assert found is not None
    assert (found.decided, found.same, found.flipped, found.gaps) == (9, 6, 3, [("its text was not kept", 4)])
    [(title, bars)] = found.charts
    assert title == "change"
    assert [(bar.name, bar.count, bar.most) for bar in bars] == [("deny to allow", 2, 2), ("allow to deny", 1, 2)]


@pytest.mark.parametrize(
    "figures", [{}, {"by": [1], "coverage": 3, "passed": "x", "not_decided": [2]}, {"coverage": {"rule_list": [1]}}]
)
def test_figures_that_are_none_are_shown_as_nothing(figures: dict[str, object]) -> None:
    run = Measured("ana", 1, 2, figures)
    assert covered(run) is not None
    assert impact_of(run) is not None
    assert (covered(None), impact_of(None)) == (None, None)
    broken = covered(Measured("ana", 1, 2, None, "it broke"))
    assert broken is not None
    assert broken.run.problem == "it broke"
