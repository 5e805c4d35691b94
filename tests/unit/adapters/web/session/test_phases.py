"""The table of phases."""

from __future__ import annotations

from adapters.web.session.phases import NEXT, Phase


def test_every_phase_has_a_way_on_and_may_end() -> None:
    assert set(NEXT) == set(Phase)
    assert all(Phase.CLOSED in ways for phase, ways in NEXT.items() if phase is not Phase.CLOSED)
    assert NEXT[Phase.CLOSED] == frozenset()


def test_nothing_reaches_a_target_but_from_a_decision() -> None:
    assert {phase for phase, ways in NEXT.items() if Phase.REACHING in ways} == {Phase.ASKED, Phase.HELD}
    assert {phase for phase, ways in NEXT.items() if Phase.RUNNING in ways} == {Phase.REACHING}
