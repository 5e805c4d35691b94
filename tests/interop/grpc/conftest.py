"""A real server with stand-ins behind it, on real sockets."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.rpc.client import Client
from gateway.rpc.server import RpcServer, UnixSocket
from tests.rpc_stand_ins import ADAPTER, AGENT, APPROVER, ASKER, AUDITOR, StandIns


@dataclass(frozen=True, slots=True)
class Served:
    """A running server; each caller has a socket of its name."""

    stand_ins: StandIns
    server: RpcServer
    folder: Path

    def address(self, name: str) -> str:
        return f"unix:{self.folder / name}.sock"

    def client(self, name: str = ADAPTER.name, timeout: float = 30.0) -> Client:
        return Client.over_unix(self.folder / f"{name}.sock", timeout=timeout)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="rpc"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    stand_ins = StandIns()
    run = folder / "run"
    callers = (ADAPTER, ASKER, AGENT, APPROVER, AUDITOR)
    sockets = [UnixSocket(run / f"{caller.name}.sock", caller) for caller in callers]
    server = RpcServer(stand_ins.ports, stand_ins.audit, sockets, time.monotonic)
    server.start()
    try:
        yield Served(stand_ins, server, run)
    finally:
        server.stop(grace=5)
