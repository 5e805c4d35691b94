"""Which demands to record can be met, and what they want."""

from __future__ import annotations

import pytest

from adapters.core.ports import Answer
from adapters.core.recorded import is_known, is_met, is_recorded, may_stop, wants_results
from engine.decision import Decision, Obligation, Verdict
from engine.request import Json


def granted(*obligations: Obligation) -> Answer:
    return Answer(Decision(Verdict.ALLOW, None, obligations=obligations), "d-1")


@pytest.mark.parametrize("value", [True, ["results"], ["parameters"], ["parameters", "results"]])
def test_demands_that_can_be_met(value: Json) -> None:
    assert is_known(value)
    assert is_met(Obligation("record", value, "p/K"))
    assert not is_met(Obligation("rows", value, "p/K"))


@pytest.mark.parametrize("value", [False, None, 1, "results", [], ["everything"], ["results", 1], {"results": True}])
def test_others_cannot(value: Json) -> None:
    assert not is_known(value)


def test_what_is_wanted() -> None:
    plain, results = Obligation("record", True, "p/K"), Obligation("record", ["results"], "p/K")
    other = Obligation("notify", ["results"], "p/N")
    assert [is_recorded(granted(one)) for one in (plain, results, other)] == [True, True, False]
    assert [wants_results(granted(one)) for one in (plain, results, other)] == [False, True, False]
    assert not is_recorded(granted())


def test_a_recording_may_stop_only_where_every_demand_says_so() -> None:
    effort, strict = Obligation("record", ["best_effort", "results"], "p/K"), Obligation("record", True, "p/K")
    other = Obligation("notify", ["best_effort"], "p/N")
    assert is_met(effort)
    assert may_stop(granted(effort))
    assert may_stop(granted(effort, other))
    assert not may_stop(granted(effort, strict))
    assert not may_stop(granted(strict))
    assert not may_stop(granted(other))
    assert not may_stop(granted())
