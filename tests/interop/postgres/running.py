"""A real server and a gateway before it, for as long as a test session lasts.

The server is this machine's own PostgreSQL in a private cluster (see `gateway.demo.cluster`); the gateway runs in a thread
of its own with the small gate, so that a test can look at what it was asked and decide what it holds.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import uvloop

from adapters.core.core_tls import Proof, ServedTls
from adapters.core.ports import Target
from adapters.postgres.catalog import CatalogService
from adapters.postgres.listener import ListenerSettings, PostgresListener
from adapters.postgres.pool import Pools
from adapters.postgres.session import ClientProof
from gateway.demo.binaries import find_binaries
from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import Cluster, running_cluster, server_owner
from tests.interop.postgres.small_gate import PASSWORD, SmallKeeper

Result = TypeVar("Result")

_SETTINGS = """
max_prepared_transactions = 10
max_connections = 100
"""
_PLAIN_LOOPBACK = "hostnossl all all 127.0.0.1/32 trust\n"


@dataclass(frozen=True, slots=True)
class Server:
    """A running cluster, reached with TLS and SCRAM by the gateway, in clear by the tests' own direct connections."""

    cluster: Cluster
    folder: Path
    ca_file: Path

    @property
    def target(self) -> Target:
        return Target(
            "localhost",
            self.cluster.port,
            self.cluster.user,
            self.cluster.password,
            tls=True,
            ca_file=str(self.ca_file),
        )


@contextmanager
def running_server() -> Iterator[Server]:
    """Make and run a cluster; DemoUnavailable when this machine has no PostgreSQL."""
    binaries = find_binaries(os.environ)
    owner = server_owner(os.geteuid())
    folder = Path(tempfile.mkdtemp(prefix="sallyport-"))
    try:
        # The server's own user has to pass through.
        folder.chmod(0o711)
        certificate = loopback_certificate(datetime.datetime.now(datetime.UTC))
        ca_file, key_file = folder / "ca.crt", folder / "gateway.key"
        ca_file.write_bytes(certificate.certificate)
        key_file.touch(mode=0o600)
        key_file.write_bytes(certificate.key)
        with running_cluster(
            binaries, folder / "pg", "postgres", certificate, owner, _SETTINGS, _PLAIN_LOOPBACK
        ) as cluster:
            yield Server(cluster, folder, ca_file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Gateway:
    """A gateway in a thread. Clients come with user `ann`, password `PASSWORD`, any `dbname` but `nowhere`."""

    server: Server
    proof: ClientProof = ClientProof.SCRAM
    tls_required: bool = False
    notice_seconds: float = 1.0
    target: Target | None = None
    """Where commands go, if not straight to the server."""
    reads_names: bool = True
    pools: Pools | None = None
    keeper: SmallKeeper = field(init=False)
    port: int = 0
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _listener: PostgresListener = field(init=False)
    _thread: threading.Thread = field(init=False)

    password = PASSWORD

    def start(self) -> None:
        started = threading.Event()

        def run() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(started))

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert started.wait(60)

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self.keeper = SmallKeeper(self.target or self.server.target)
        chain, key = self.server.ca_file.read_bytes(), (self.server.folder / "gateway.key").read_bytes()
        settings = ListenerSettings(
            tls=ServedTls(Proof(chain, key)),
            tls_required=self.tls_required,
            proof=self.proof,
            notice_seconds=self.notice_seconds,
        )
        catalogs = CatalogService()
        self._listener = PostgresListener(settings, self.keeper, catalogs if self.reads_names else None, self.pools)
        await self._listener.start()
        self.port = self._listener.port
        self._ended = asyncio.Event()
        started.set()
        await self._ended.wait()
        await self._listener.drain(2.0)
        if self.pools is not None:
            await self.pools.close()
        await catalogs.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    def call(self, work: Callable[[], Result]) -> Result:
        """Run something in the gateway's own thread."""
        result: list[Result] = []
        done = threading.Event()

        def run() -> None:
            result.append(work())
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(60)
        return result[0]

    def wait_for(self, is_there: Callable[[], bool]) -> None:
        """Until something the gate is told of is the case."""

        async def wait() -> None:
            while not is_there():
                self.keeper.news.clear()
                await self.keeper.news.wait()

        asyncio.run_coroutine_threadsafe(wait(), self._loop).result(60)

    def decide_holds(self, granted: bool) -> None:
        """Wait until something is held, then say yes or no."""
        self.wait_for(lambda: bool(self.keeper.waiting))
        self.call(lambda: self.keeper.decide_holds(granted))
