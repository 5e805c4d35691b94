"""One gateway with limits for all tests of sessions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.sessions.place import Sessions, sessions


@pytest.fixture(scope="package")
def here() -> Iterator[Sessions]:
    with sessions() as made:
        yield made
