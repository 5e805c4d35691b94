"""A real PostgreSQL for the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.demo.binaries import DemoUnavailable, find_binaries
from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import Cluster, running_cluster, server_owner
from tests.conftest import missing


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority") / "server.crt"


@pytest.fixture(scope="session")
def cluster(authority: Path) -> Iterator[Cluster]:
    import tempfile

    try:
        binaries, owner = find_binaries(os.environ), server_owner(os.geteuid())
    except DemoUnavailable as error:
        missing(str(error))
        raise
    certificate = loopback_certificate(datetime.now(UTC))
    authority.write_bytes(certificate.certificate)
    with tempfile.TemporaryDirectory(prefix="sallyport-store-") as folder:
        Path(folder).chmod(0o711)
        with running_cluster(binaries, Path(folder) / "pg", "postgres", certificate, owner) as running:
            yield running


@pytest.fixture
def url(cluster: Cluster, authority: Path) -> str:
    """The store's URL; the tables of an earlier test are gone."""
    from gateway.store.database import open_database
    from gateway.store.migrations import downgrade

    made = (
        f"postgresql://{cluster.user}:{cluster.password}@127.0.0.1:{cluster.port}/postgres"
        f"?sslmode=verify-full&sslrootcert={authority}"
    )
    database = open_database(made)
    downgrade(database, "base")
    database.close()
    return made
