"""One server and one gateway for all tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.postgres import pool
from gateway.demo.binaries import DemoUnavailable
from tests.conftest import missing
from tests.interop.postgres.client import Raw
from tests.interop.postgres.pooling import make_tenant
from tests.interop.postgres.running import Gateway, Server, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    try:
        with running_server() as found:
            yield found
    except DemoUnavailable as error:
        missing(str(error))


@pytest.fixture(scope="session")
def gateway(server: Server) -> Iterator[Gateway]:
    made = Gateway(server)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def direct(server: Server) -> Iterator[Raw]:
    with Raw(server.cluster.port) as client:
        yield client


@pytest.fixture
def through(gateway: Gateway) -> Iterator[Raw]:
    with Raw(gateway.port, "ann", "main/postgres", gateway.password) as client:
        yield client


@pytest.fixture(scope="session")
def password(server: Server) -> str:
    """Of a role that is nobody special, for tests of pools."""
    return make_tenant(server)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """WHY: a connection that is late on a busy machine is replaced, which is right and not what is looked at here."""
    monkeypatch.setattr(pool, "ASK_SECONDS", 30.0)
    monkeypatch.setattr(pool, "WASH_SECONDS", 30.0)
