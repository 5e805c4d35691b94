"""One gateway before one target for all tests of a module."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.interop.http.running import Running, Target, gateway_before


@pytest.fixture(scope="session", autouse=True)
def needs_curl() -> None:
    if shutil.which("curl") is None:
        missing("curl")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("shop")
    with gateway_before(folder, f"127.0.0.1:{target.port}") as made:
        yield made
