"""From a plan to masks, or to why not."""

from __future__ import annotations

from adapters.core.ports import Answer
from adapters.web.session.masking import masks_of
from engine.decision import Decision, MaskItem, Verdict
from engine.masking.transforms import Method


def answer(*plan: MaskItem, verdict: Verdict = Verdict.MASK) -> Answer:
    return Answer(Decision(verdict, None, mask_plan=plan), "d-1", mask_keys={"k1": b"x" * 32})


def test_paths_become_masks() -> None:
    made = masks_of(
        answer(MaskItem(None, (), "hash", {"key": "k1"}, path="$.a"), MaskItem(None, (), "null", path="$.b"))
    )
    assert isinstance(made, tuple)
    assert [(mask.method, mask.key) for mask in made] == [(Method.HASH, b"x" * 32), (Method.NULL, b"")]


def test_without_a_mask_verdict_there_are_none() -> None:
    assert masks_of(answer(verdict=Verdict.ALLOW)) is None


def test_what_is_not_known_here_is_no_mask() -> None:
    for item in (
        MaskItem(0, (), "redact"),
        MaskItem(None, (), "redact"),
        MaskItem(0, (), "redact", path="$.a"),
        MaskItem(None, (), "scramble", path="$.a"),
        MaskItem(None, (), "redact", path="$a"),
        MaskItem(None, (), "redact", {"x": 1}, path="$.a"),
        MaskItem(None, (), "partial", {"keep_last": 1.5}, path="$.a"),
        MaskItem(None, (), "hash", {"key": "k2"}, path="$.a"),
        MaskItem(None, (), "hash", path="$.a"),
    ):
        assert isinstance(masks_of(answer(item)), str), item
        assert isinstance(masks_of(answer(item, verdict=Verdict.ALLOW)), str), item
    assert isinstance(masks_of(answer()), str), "a mask verdict without a mask"
