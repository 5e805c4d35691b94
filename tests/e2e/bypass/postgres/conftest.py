"""One gateway and server for all cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.bypass.postgres.place import Place, placed


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with placed() as made:
        yield made
