"""A whole Sallyport with a real PostgreSQL behind it, for end-to-end tests: a private cluster and `sallyport up`."""

from __future__ import annotations

import datetime
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.binaries import DemoUnavailable, find_binaries
from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import Cluster, free_port, running_cluster, server_owner
from tests.conftest import missing

ROOT = Path(__file__).parents[2]
START_DEADLINE = 180
USER = "ana"

ALLOW_READS = """\
package policies.world

allow contains {"code": "READ", "reason": "reading"} if {
	input.command.protocol == "postgres"
	"readers" in input.principal.groups
	every op in input.command.operations { op.effect in {"read", "session"} }
}
"""


@dataclass(slots=True)
class GatewayProcess:
    """A configured gateway in a folder of its own, as a process that a test starts, kills and stops."""

    folder: Path
    port: int
    """Of the listener that most tests connect to."""
    more: dict[str, str] = field(default_factory=dict, repr=False, kw_only=True)
    """More of its environment."""
    within: tuple[str, ...] = field(default=(), kw_only=True)
    """What its processes are started with in front of them: they live somewhere of their own."""
    process: subprocess.Popen[bytes] | None = field(default=None, kw_only=True)

    @property
    def config(self) -> Path:
        return self.folder / "sallyport.toml"

    @property
    def audit(self) -> Path:
        return self.folder / "audit"

    @property
    def log(self) -> Path:
        return self.folder / "gateway.log"

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.more}

    def start(self) -> subprocess.Popen[bytes]:
        """`sallyport up`; returns once every address of its configuration accepts."""
        log = self.log.open("ab")
        self.process = subprocess.Popen(
            [*self.within, *sallyport(), "up", "--config", str(self.config)],
            cwd=ROOT,
            env=self.environment(),
            stdout=log,
            stderr=log,
        )
        log.close()
        wait_until_listening(self.process, self._ports(), self.log)
        return self.process

    def _ports(self) -> list[int]:
        """Those its configuration binds, without the ones the system picks."""
        tables = [one for part in tomllib.loads(self.config.read_text()).values() for one in _tables(part)]
        ports = (str(one.get("bind", "")).rpartition(":")[2] for one in tables)
        return [int(port) for port in ports if port.isdecimal() and int(port)]

    def kill(self) -> None:
        """What a power cut does to the process: nothing of ours runs any more."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()

    def verify_audit(self) -> int:
        """The exit code of `audit verify`: 0 when the log is the one that was sealed."""
        said = subprocess.run(
            [*self.within, *sallyport(), "audit", "verify", "--config", str(self.config)],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=900,
        )
        if said.returncode:
            print(said.stdout, said.stderr)
        return said.returncode

    def entries(self) -> list[dict[str, object]]:
        """The audit, read as an operator reads it."""
        said = subprocess.run(
            [*self.within, *sallyport(), "audit", "show", "--config", str(self.config), "--json"],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert said.returncode == 0, said.stderr
        return [json.loads(line) for line in said.stdout.splitlines() if line.strip()]


@dataclass(slots=True)
class World(GatewayProcess):
    """Where everything is. `password` is the client's at the gateway, made for this run."""

    cluster: Cluster
    password: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        secrets_of_it = {"WORLD_UPSTREAM": self.cluster.password, "WORLD_CLIENT": self.password}
        return {**GatewayProcess.environment(self), **secrets_of_it, **self.more}

    def conninfo(self, **more: str) -> str:
        words = {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": USER,
            "password": self.password,
            "dbname": "world",
            "sslmode": "require",
            **more,
        }
        return " ".join(f"{key}={value}" for key, value in words.items())


def _tables(part: object) -> list[dict[str, object]]:
    """A table, or the tables of an array."""
    return [one for one in (part if isinstance(part, list) else [part]) if isinstance(one, dict)]


def wait_until_listening(process: subprocess.Popen[bytes], ports: Iterable[int], log: Path) -> None:
    """Return once each of a gateway's ports accepts; fail with the end of its log when it ends or takes too long."""
    deadline, pause = time.monotonic() + START_DEADLINE, threading.Event()
    for port in ports:
        while not _accepts(port):
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, f"the gateway did not listen on {port} in time"
            pause.wait(0.02)  # what starts needs the processor more than we do


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def sallyport() -> list[str]:
    """The command line, with its exit code."""
    return [sys.executable, "-m", "gateway.cli"]


def configuration(world: World) -> str:
    return f"""
[policies]
path = "policies"

[store]
url = "sqlite:///store.db"

[audit]
dir = "audit"
low_water_bytes = 1048576

[[resource]]
name = "world"
protocol = "postgres"
address = "127.0.0.1:{world.cluster.port}"
database = "postgres"
role = "{world.cluster.user}"
credential = "env:WORLD_UPSTREAM"
tls = {{ ca_file = "server.crt" }}

[[listener]]
protocol = "postgres"
bind = "127.0.0.1:{world.port}"
auth = "scram"
tls = {{ certificate = "server.crt", key = "server.key" }}

[[identity.principal]]
name = "{USER}"
groups = ["readers"]
password = "env:WORLD_CLIENT"
"""


@contextmanager
def world(policies: str = ALLOW_READS, settings: str = "") -> Iterator[World]:
    """A cluster and a configured gateway, not yet started; everything is gone afterwards. `settings`: more of the server's."""
    try:
        binaries = find_binaries(os.environ)
    except DemoUnavailable as error:
        missing(f"PostgreSQL ({error})")
        raise
    folder = Path(tempfile.mkdtemp(prefix="sallyport-world-"))
    folder.chmod(0o755)
    certificate = loopback_certificate(datetime.datetime.now(datetime.UTC))
    try:
        owner = server_owner(os.geteuid())
        with running_cluster(binaries, folder / "pg", "owner", certificate, owner, settings) as cluster:
            here = World(folder, free_port(), cluster, secrets.token_urlsafe(18))
            (folder / "policies").mkdir()
            (folder / "policies" / "world.rego").write_text(policies)
            (folder / "server.crt").write_bytes(certificate.certificate)
            key = folder / "server.key"
            key.touch(0o600)
            key.write_bytes(certificate.key)
            here.config.write_text(configuration(here))
            try:
                yield here
            finally:
                here.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
