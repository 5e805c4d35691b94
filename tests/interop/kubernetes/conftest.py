"""One cluster and one gateway for all tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.kubernetes.cluster import Cluster, placed


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with placed() as made:
        yield made
