"""What parts are built on, in a folder of the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demo.parts.part import Ground
from gateway.demo.scenes import DEVELOPER, READER


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    tokens = {who: tmp_path / f"{who}.token" for who in (READER, DEVELOPER)}
    for who, path in tokens.items():
        path.write_text(f"token of {who}")
    authority, key = tmp_path / "gateway.crt", tmp_path / "gateway.key"
    authority.write_text("certificate")
    key.write_text("key")
    return Ground(tmp_path, authority, key, tmp_path / "checkout", tokens, {"PATH": "/usr/bin:/bin"})
