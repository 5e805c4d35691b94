"""The page of health."""

from __future__ import annotations

from gateway.console.calls import Page
from gateway.console.health import Health, Vitals
from tests.strategies.console import SECOND, call, viewer


def test_verdicts_are_added_up_and_denials_told_apart() -> None:
    decisions = [("allow", "", 5), ("deny", "RULE", 2), ("deny", "NO_MATCH", 1)]
    vitals = Vitals(["no policy is loaded"], decisions, 3, 1, 4, [("siem", 2)], 10 * SECOND, "0.1")
    reply = Health(lambda: vitals).show(call(viewer(roles=()), now=70 * SECOND))
    assert isinstance(reply, Page)
    fields = reply.fields
    assert fields["verdicts"] == [("allow", 5), ("mask", 0), ("hold", 0), ("deny", 3)]
    assert fields["denials"] == [("RULE", 2), ("NO_MATCH", 1)]
    assert (fields["total"], fields["up"], fields["vitals"]) == (8, 60 * SECOND, vitals)
