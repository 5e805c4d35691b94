"""The words in which protocols over HTTP differ are data."""

from __future__ import annotations

from adapters.web.session.manners import UNCHANGED, Caller, Plan


def test_nothing_is_rewritten_without_a_mask_verdict() -> None:
    assert Plan(None) == UNCHANGED
    assert UNCHANGED.is_lines is False


def test_a_caller_without_groups_is_in_none() -> None:
    assert Caller("ana").groups == ()
