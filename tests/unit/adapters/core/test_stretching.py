"""Stretched secrets."""

from __future__ import annotations

from adapters.core.effects import DeriveKey
from adapters.core.stretching import derived


async def test_the_key_is_the_one_of_rfc_7914() -> None:
    made = (await derived(DeriveKey(b"passwd", b"salt", 1))).key
    assert made.hex().startswith("55ac046e56e3089fec1691c22544b605")
