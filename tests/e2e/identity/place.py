"""Two replicas of a gateway on one PostgreSQL, before a database, a web server and an SSH host, with a real OpenID provider.

The store's tables lie in the same cluster as the data. Each replica has listeners for PostgreSQL (tokens), HTTP and SSH.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncssh

from gateway.app.minting import TokenDesk
from gateway.config import load_config
from gateway.demo.binaries import DemoUnavailable, find_binaries
from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import Cluster, free_port, running_cluster, server_owner
from gateway.identity.minting import Wish
from gateway.identity.scoped import Grant
from tests.conftest import missing
from tests.e2e.world import sallyport, wait_until_listening

ROOT = Path(__file__).parents[3]
POLICY = """\
package policies.place

allow contains {"code": "READ", "reason": "reading"} if {
	some group in input.principal.groups
	group in {"readers", "dba"}
	every op in input.command.operations { op.effect in {"read", "session"} }
}

allow contains {"code": "WRITE", "reason": "a writer writes"} if {
	"dba" in input.principal.groups
	input.command.protocol == "postgres"
}

allow contains {"code": "OTHER", "reason": "not a database"} if input.command.protocol in {"http", "shell"}

deny contains {"code": "BAD_JOB", "reason": "this job does nothing here"} if input.session.job == "build-bad"
"""


@dataclass
class Replica:
    """One gateway: its folder, its ports, its process."""

    folder: Path
    postgres: int
    http: int
    ssh: int
    faces: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        return self.postgres, self.http, self.ssh, self.faces

    @property
    def config(self) -> Path:
        return self.folder / "sallyport.toml"

    def entries(self, kind: str) -> list[dict[str, object]]:
        said = command(["audit", "show", "--config", str(self.config), "--kind", kind, "--json"])
        return [json.loads(line) for line in said.stdout.splitlines() if line.strip()]


@dataclass
class Place:
    """Everything. `environment` has the secrets the configurations refer to."""

    folder: Path
    cluster: Cluster
    replicas: list[Replica]
    environment: Mapping[str, str] = field(repr=False)
    desk: TokenDesk

    def token(self, *resources: str, ttl: float = 600, principal: str = "ana", **wish: object) -> tuple[str, Grant]:
        """A new token, made as `sallyport token` makes it (which would take seconds to start)."""
        return self.desk.issue(principal, Wish(resources or ("orders",), ttl, **wish))  # type: ignore[arg-type]  # fields

    def psql(
        self, text: str, token: object, *, user: str = "ana", replica: int = 0, database: str = "orders"
    ) -> subprocess.CompletedProcess[str]:
        """One command by psql; tuples only."""
        port = self.replicas[replica].postgres
        return subprocess.run(
            ["psql", "-XAtc", text, f"host=127.0.0.1 port={port} dbname={database} user={user} sslmode=require"],
            env={**os.environ, "PGPASSWORD": str(token)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def curl(self, token: object, path: str = "/things", *, replica: int = 0, more: tuple[str, ...] = ()) -> str:
        """The status and the body of one GET."""
        done = subprocess.run(
            [
                *("curl", "-sS", "--cacert", str(self.folder / "server.crt"), "-w", "\n%{http_code}", *more),
                *("-H", f"Authorization: Bearer {token}", f"https://127.0.0.1:{self.replicas[replica].http}{path}"),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ssh(self, line: str, token: object, *, user: str = "ana") -> subprocess.CompletedProcess[str]:
        """One command by OpenSSH, which asks a program for the password."""
        asks = self.folder / "askpass"
        if not asks.exists():
            asks.write_text('#!/bin/sh\nprintf "%s\\n" "$SSH_TOKEN"\n')
            asks.chmod(0o700)
        words = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        return subprocess.run(
            [
                *("ssh", *words, "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"),
                *("-p", str(self.replicas[0].ssh), f"{user}+box@127.0.0.1", line),
            ],
            env={**os.environ, "SSH_ASKPASS": str(asks), "SSH_ASKPASS_REQUIRE": "force", "SSH_TOKEN": str(token)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )


def command(
    words: list[str], environment: Mapping[str, str] | None = None, *, expected: int = 0
) -> subprocess.CompletedProcess[str]:
    """`sallyport WORDS`."""
    done = subprocess.run(
        [*sallyport(), *words],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
    )
    # WHY: the one-line program of `sallyport()` gives no exit code of its own.
    assert done.returncode == expected or expected, done.stderr
    return done


@contextmanager
def place(issuer: str) -> Iterator[Place]:
    """All of it, running; gone afterwards."""
    try:
        binaries = find_binaries(os.environ)
    except DemoUnavailable as error:
        missing(f"PostgreSQL ({error})")
        raise
    for program in ("psql", "curl", "ssh"):
        if shutil.which(program) is None:
            missing(program)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sallyport-identity-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)
        certificate = loopback_certificate(datetime.datetime.now(datetime.UTC))
        (folder / "server.crt").write_bytes(certificate.certificate)
        _write_secret(folder / "server.key", certificate.key)
        cluster = stack.enter_context(
            running_cluster(binaries, folder / "pg", "owner", certificate, server_owner(os.geteuid()))
        )
        web = stack.enter_context(web_server())
        host = stack.enter_context(ssh_host(folder))
        environment = {
            "PLACE_DATABASE": cluster.password,
            "PLACE_HOST_KEY": asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode(),
            "PLACE_CLIENT_KEY": asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode(),
        }
        replicas = []
        for number in range(2):
            replica = Replica(folder / f"replica-{number}", *(free_port() for _ in range(4)))
            (replica.folder / "policies").mkdir(parents=True)
            (replica.folder / "policies" / "place.rego").write_text(POLICY)
            replica.config.write_text(_configuration(replica, cluster, web, host, issuer, folder))
            log = (replica.folder / "gateway.log").open("wb")
            replica.process = subprocess.Popen(
                [*sallyport(), "up", "--config", str(replica.config)],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
            log.close()
            stack.callback(_stop, replica.process)
            wait_until_listening(replica.process, replica.ports, replica.folder / "gateway.log")
            replicas.append(replica)
        desk = stack.enter_context(TokenDesk.opened(load_config(replicas[0].config, environment), environment))
        yield Place(folder, cluster, replicas, environment, desk)


def _configuration(replica: Replica, cluster: Cluster, web: int, host: int, issuer: str, folder: Path) -> str:
    tls = f'tls = {{ certificate = "{folder}/server.crt", key = "{folder}/server.key" }}'
    store = f"postgresql://{cluster.user}@127.0.0.1:{cluster.port}/postgres?sslmode=verify-full"
    return f"""
[policies]
path = "policies"

[store]
url = "{store}&sslrootcert={folder}/server.crt"
password = "env:PLACE_DATABASE"

[audit]
dir = "audit"
low_water_bytes = 1048576

[[resource]]
name = "orders"
protocol = "postgres"
address = "127.0.0.1:{cluster.port}"
database = "postgres"
role = "{cluster.user}"
credential = "env:PLACE_DATABASE"
tls = {{ ca_file = "{folder}/server.crt" }}

[[resource]]
name = "shop"
protocol = "http"
address = "127.0.0.1:{web}"
tls = {{ mode = "disable" }}

[[resource]]
name = "box"
protocol = "ssh"
address = "127.0.0.1:{host}"
role = "me"
credential = "env:PLACE_CLIENT_KEY"
known_hosts = "{folder}/known_hosts"

[[listener]]
protocol = "postgres"
bind = "127.0.0.1:{replica.postgres}"
auth = "token"
{tls}

[[listener]]
protocol = "http"
bind = "127.0.0.1:{replica.http}"
resource = "shop"
{tls}

[[listener]]
protocol = "ssh"
bind = "127.0.0.1:{replica.ssh}"
host_key = ["env:PLACE_HOST_KEY"]

[faces]
bind = "127.0.0.1:{replica.faces}"
{tls}

[[identity.principal]]
name = "ana"
groups = ["readers"]

[[identity.principal]]
name = "zoe"

[[identity.oidc]]
name = "tools"
issuer = "{issuer}"
client_id = "sallyport"
"""


def _write_secret(file: Path, content: bytes) -> None:
    file.touch(0o600)
    file.write_bytes(content)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Echo(BaseHTTPRequestHandler):
    """Answers with the names of the headers it was sent."""

    def do_GET(self) -> None:
        body = json.dumps(sorted(name.lower() for name in self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def web_server() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Everybody(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True


@contextmanager
def ssh_host(folder: Path) -> Iterator[int]:
    """An SSH host on a loop of its own that prints each line it is given."""
    import asyncio

    loop = asyncio.new_event_loop()
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def run(process: asyncssh.SSHServerProcess[str]) -> None:
        process.stdout.write(f"ran {process.command}\n")
        process.exit(0)

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=_Everybody,
            server_host_keys=[key],
            process_factory=run,
            config=None,
        )

    listening = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    port = listening.get_port()
    public = key.export_public_key().decode().strip()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}\n")
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
