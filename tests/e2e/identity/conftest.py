"""One provider for all tests here, and one place with two replicas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.identity.place import Place, place
from tests.e2e.identity.provider import Provider, running


@pytest.fixture(scope="session")
def provider(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with running(tools, tmp_path_factory.mktemp("provider")) as found:
        yield found


@pytest.fixture(scope="session")
def here(provider: Provider) -> Iterator[Place]:
    with place(provider.issuer) as found:
        yield found
