"""`sallyport up` before a cluster of the tools' `start.sh`, with a policy that allows everything."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from gateway.demo.cluster import free_port
from tests.e2e.world import ROOT, sallyport, wait_until_listening

ALLOW_ALL = """\
package policies.everything

allow contains {"code": "ALL", "reason": "everything"} if input.command.protocol == "postgres"
"""


class Up:
    """A gateway as a process of its own. Its only client has the cluster's own user and password; a database is a resource."""

    def __init__(self, folder: Path, run: Path, upstream_port: int, databases: Sequence[str]) -> None:
        self.port = free_port()
        self._folder = folder
        self._run = run
        self._upstream_port = upstream_port
        self._databases = databases

    def __enter__(self) -> Self:
        (self._folder / "policies").mkdir(parents=True)
        (self._folder / "policies" / "everything.rego").write_text(ALLOW_ALL)
        shutil.copy(self._run / "server.crt", self._folder / "server.crt")
        key = self._folder / "server.key"
        key.touch(0o600)
        key.write_bytes((self._run / "server.key").read_bytes())
        (self._folder / "sallyport.toml").write_text(self._configuration())
        password = (self._run / "password").read_text().strip()
        with (self._folder / "gateway.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*sallyport(), "up", "--config", str(self._folder / "sallyport.toml")],
                cwd=ROOT,
                env={**os.environ, "CLUSTER_PASSWORD": password},
                stdout=log,
                stderr=log,
            )
        try:
            wait_until_listening(self._process, (self.port,), self._folder / "gateway.log")
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _configuration(self) -> str:
        resources = "".join(
            f"""
[[resource]]
name = "{name}"
protocol = "postgres"
address = "127.0.0.1:{self._upstream_port}"
database = "{name}"
role = "postgres"
credential = "env:CLUSTER_PASSWORD"
tls = {{ ca_file = "server.crt" }}
"""
            for name in self._databases
        )
        return f"""
[policies]
path = "policies"

[store]
url = "sqlite:///store.db"

[audit]
dir = "audit"
low_water_bytes = 1048576

[[listener]]
protocol = "postgres"
bind = "127.0.0.1:{self.port}"
auth = "scram"
tls = {{ certificate = "server.crt", key = "server.key" }}

[[identity.principal]]
name = "postgres"
password = "env:CLUSTER_PASSWORD"
{resources}"""
