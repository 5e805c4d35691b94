"""What a reference to a secret looks like; a secret itself is none."""

from __future__ import annotations

import pytest

from gateway.config.references import REFERENCE_EXPECTED, SECRET


@pytest.mark.parametrize("text", ["env:NAME", "env:_x1", "file:a/b", "exec:pass show x"])
def test_references_are_told(text: str) -> None:
    assert SECRET.fullmatch(text)


@pytest.mark.parametrize("text", ["", "hunter2", "env:", "env:1x", "ENV:X", "file:", "exec:", "vault:x"])
def test_anything_else_is_none(text: str) -> None:
    assert not SECRET.fullmatch(text)


def test_what_was_expected_names_all_three() -> None:
    assert all(word in REFERENCE_EXPECTED for word in ("env:", "file:", "exec:"))
