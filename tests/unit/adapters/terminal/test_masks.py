"""Masks of a grant: which can be done to output, and that any other is said not to be."""

from __future__ import annotations

import pytest

from adapters.core.ports import Answer
from adapters.errors import LocalProtocolError
from adapters.terminal.masks import as_masked, masks_granted, masks_of
from engine.decision import Decision, MaskItem, Verdict
from engine.masking.output import ValueMask
from engine.masking.transforms import Method


def answer(*items: MaskItem, keys: dict[str, bytes] | None = None) -> Answer:
    return Answer(Decision(Verdict.MASK, None, mask_plan=items), "d1", mask_keys=keys or {})


def test_masks_by_value_are_those_of_the_plan() -> None:
    item = MaskItem(None, ("secret.github_token",), "hash", {"key": "k"})
    found = masks_of(answer(item, keys={"k": b"key"}))
    assert found == (ValueMask(frozenset({"secret.github_token"}), Method.HASH, {"key": "k"}, b"key"),)
    assert masks_of(Answer(Decision(Verdict.ALLOW, None), "d1")) == ()


@pytest.mark.parametrize(
    "item",
    [
        MaskItem(0, ("public.a.b",), "redact"),
        MaskItem(None, (), "redact", path="$.a"),
        MaskItem(None, (), "redact"),
        MaskItem(None, ("secret.github_token",), "shuffle"),
        MaskItem(None, ("secret.github_token",), "hash", {"key": "k"}),
        MaskItem(None, ("secret.github_token",), "redact", {"strange": 1}),
    ],
)
def test_any_other_mask_is_said_not_to_be_met(item: MaskItem) -> None:
    good = MaskItem(None, ("secret.github_token",), "redact")
    assert isinstance(masks_of(answer(good, item)), str)
    with pytest.raises(LocalProtocolError):
        masks_granted(answer(item))


def test_a_mask_verdict_without_masks_is_not_met() -> None:
    assert isinstance(masks_of(answer()), str)


def test_a_text_beside_what_commands_write_is_shown_as_it_may_be() -> None:
    masks = (ValueMask(frozenset({"pii.email"}), Method.REDACT, {}, b""),)
    assert as_masked("~/people/ana@example.org", masks) == "~/people/[redacted]"
    assert as_masked("~/people/ana@example.org", ()) == "~/people/ana@example.org"
