import pytest

from engine.decision import Decision, DenyKind, Verdict


def test_a_decision_nobody_filled_in_is_a_deny() -> None:
    decision = Decision()
    assert decision.verdict is Verdict.DENY
    assert decision.deny_kind is DenyKind.NO_MATCH
    assert not decision.is_granted
    assert not decision.cacheable


@pytest.mark.parametrize(
    ("verdict", "granted"),
    [(Verdict.ALLOW, True), (Verdict.MASK, True), (Verdict.HOLD, False), (Verdict.DENY, False)],
)
def test_only_allow_and_mask_may_run_now(verdict: Verdict, granted: bool) -> None:
    assert Decision(verdict).is_granted is granted
