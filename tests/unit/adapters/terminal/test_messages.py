"""What people read: the reason first, then rule, hint, link; nothing in it reaches a terminal as more than text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.core.ports import Answer
from adapters.terminal import messages
from engine.decision import Decision, DenyKind, Reason, Verdict
from tests.ssh_world import answer_for


def test_a_denial_gives_reason_rule_hint_and_decision() -> None:
    assert messages.denial(answer_for("x #deny", 7)) == (
        "sallyport: denied: the mark says no\nsallyport: rule test/NO\nsallyport: leave it away\nsallyport: decision d7\n"
    )


@pytest.mark.parametrize("kind", DenyKind)
def test_every_kind_of_denial_has_words(kind: DenyKind) -> None:
    said = messages.denial(Answer(Decision(Verdict.DENY, kind), ""))
    assert said.startswith("sallyport: denied: ")
    assert len(said) > len("sallyport: denied: \n")


def test_a_hold_says_who_may_approve_and_how() -> None:
    said = messages.held(answer_for("x #hold", 3))
    assert said.splitlines() == [
        "sallyport: held: ticket T3: somebody looks",
        "sallyport: rule test/LOOK",
        "sallyport: may approve: ops",
        "sallyport: approve with: sallyport approve T3 or at https://gate/T",
    ]
    assert messages.still_waiting("T3", 12.4) == "sallyport: held: ticket T3, waiting for 12 s\n"
    assert messages.released("T3") == "sallyport: approved: ticket T3\n"


def test_other_people_s_words_do_nothing_to_a_terminal() -> None:
    evil = "no\x1b]0;owned\x07\n\rsallyport: approved\u202e"
    answer = answer_for("#deny")
    reason = replace(answer.decision.reasons[0], reason=evil)
    said = messages.denial(Answer(replace(answer.decision, reasons=(reason,)), "d1"))
    assert said.splitlines()[0] == "sallyport: denied: no ]0;owned   sallyport: approved "
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(said)


def test_a_condition_that_cannot_be_met_is_named() -> None:
    said = messages.unenforceable(Answer(Decision(Verdict.ALLOW, None, (Reason("a/B", "allow", "B"),)), "d1"), "`rows`")
    assert said.splitlines()[0] == "sallyport: denied: the policy demands `rows`, which cannot be done here"
    assert "rule a/B" in said


def test_refusals_and_trouble_are_one_line_each() -> None:
    assert messages.refused("a shell", "run commands") == "sallyport: refused: a shell\nsallyport: run commands\n"
    assert messages.target_trouble("gone") == "sallyport: the target: gone\n"
