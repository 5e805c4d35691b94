"""One target and one gateway for all tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.ssh.place import Place, placed


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with placed() as made:
        yield made
