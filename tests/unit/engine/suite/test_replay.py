"""Decided again: what counts as a flip, whom it is put down to, and how parts of a log add up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import Principal, Resource, Session, Source, TextQuestion, compile_policies, parse_command
from engine.decision import Decision, DenyKind, MaskItem, Obligation, Reason, Verdict
from engine.request import Request
from engine.suite import replay as replay_module
from engine.suite.replay import TOLD, Answer, Change, Gap, Impact, Recorded, compare, replay

NOW = 1_767_614_400 * 10**9
ALLOW = Answer("allow", rules=(("p/READ", "allow"),))
POLICY = 'package policies.p\n\ndeny contains {"code": "NO", "reason": "no"} if input.principal.name == "ana"\n'


def question(who: str = "ana") -> TextQuestion:
    return TextQuestion(Principal(who), Session("s"), Resource("orders", "postgres"), "postgres", b"SELECT 1", NOW)


def test_a_decision_and_what_a_log_holds_of_it_are_the_same_answer() -> None:
    decision = Decision(
        Verdict.MASK,
        None,
        (Reason("p/B", "mask", "B"), Reason("p/A", "allow", "A"), Reason("", "engine", "X")),
        (MaskItem(2, (), "hash"), MaskItem(None, (), "redact")),
        (Obligation("rows", 10, "p/C"), Obligation("notify", {"b": 1, "a": [2]}, "p/D")),
    )
    read_back = Answer.stated(
        "mask",
        None,
        [("X", "engine"), ("p/A", "allow"), ("p/B", "mask")],
        [("notify", {"a": [2], "b": 1}), ("rows", 10)],
        [(None, "redact"), (2, "hash")],
    )
    assert Answer.of(decision) == read_back
    assert Answer.of(Decision(deny_kind=DenyKind.NO_MATCH)).deny_kind == "NO_MATCH"


@pytest.mark.parametrize(
    ("after", "change"),
    [
        (ALLOW, Change.SAME),
        (replace(ALLOW, rules=(("p/OTHER", "allow"),)), Change.REASON),
        (replace(ALLOW, limits=(("rows", "1"),)), Change.EFFECT),
        (replace(ALLOW, masks=((0, "drop"),)), Change.EFFECT),
        (replace(ALLOW, verdict="deny", masks=((0, "drop"),)), Change.VERDICT),
    ],
)
def test_the_greatest_difference_counts(after: Answer, change: Change) -> None:
    assert compare(ALLOW, after) is change


def test_texts_and_trees_are_decided_again_and_put_down_to_their_rules() -> None:
    program = compile_policies([Source("p.rego", POLICY)])
    tree = Request(Principal("bo"), Session("s"), Resource("r", "postgres"), parse_command("postgres", "SELECT 1"), NOW)
    impact = Impact()
    replay(program, [Recorded("1", question(), ALLOW, "SELECT 1"), Recorded("2", tree, ALLOW), Gap.REDACTED], impact)
    assert (impact.decided, impact.flipped, impact.same) == (2, 2, 0)
    assert impact.transitions == {"allow -> deny": 2}
    assert impact.rules == {"+p/NO": 1, "-p/READ": 2, "+engine/NO_MATCH": 1}
    assert impact.principals == {"ana": 1, "bo": 1}
    assert impact.resources == {"orders": 1, "r": 1}
    assert impact.gaps == {Gap.REDACTED: 1}
    assert [(flip.id, flip.time, flip.after.deny_kind) for flip in impact.flips] == [
        ("1", NOW, "RULE"),
        ("2", NOW, "NO_MATCH"),
    ]


def test_other_reasons_are_no_flip() -> None:
    impact = Impact()
    impact.add(Recorded("1", question(), ALLOW), replace(ALLOW, rules=()))
    impact.add(Recorded("2", question(), ALLOW), ALLOW)
    assert (impact.reasons, impact.same, impact.flipped, impact.flips) == (1, 1, 0, [])


def test_a_flip_of_masks_alone_that_no_rule_explains_says_so() -> None:
    impact = Impact()
    impact.add(Recorded("1", question(), ALLOW, "x" * 1_000), replace(ALLOW, masks=((0, "drop"),)))
    (flip,) = impact.flips
    assert (flip.transition, flip.rules, flip.change) == ("allow -> allow", ("no rule",), Change.EFFECT)
    assert len(flip.text) == 400


def test_two_halves_add_up_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "MAX_KEPT_FLIPS", 3)
    deny = replace(ALLOW, verdict="deny")
    entries = [(Recorded(str(n), question(f"u{n % 2}"), ALLOW), deny if n % 3 else ALLOW) for n in range(12)]
    whole, halves = Impact(), (Impact(), Impact())
    for number, (recorded, after) in enumerate(entries):
        whole.add(recorded, after)
        halves[number // 6].add(recorded, after)
    halves[0].miss(Gap.TEXT)
    whole.miss(Gap.TEXT)
    joined = Impact()
    for half in halves:
        joined.join(half)
    assert joined == whole
    assert (whole.flipped, len(whole.flips)) == (8, 3)


def test_each_gap_is_told_in_words() -> None:
    assert set(TOLD) == set(Gap)
