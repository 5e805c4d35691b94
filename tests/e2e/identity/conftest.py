"""One provider for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.identity.provider import Provider, running


@pytest.fixture(scope="session")
def provider(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with running(tools, tmp_path_factory.mktemp("provider")) as found:
        yield found
