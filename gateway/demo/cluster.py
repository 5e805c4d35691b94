"""A private PostgreSQL that lives in one folder and only for this process: made, started, filled, stopped.

It listens on loopback only, with TLS, asks for SCRAM with a random password, and keeps its socket inside its own folder. PostgreSQL
refuses to run as root, so root hands the folder to `postgres` (or `nobody`) and becomes that user for the server alone.
"""

from __future__ import annotations

import os
import pwd
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.binaries import Binaries, DemoUnavailable
from gateway.demo.certificates import Certificate

#: How long a server may take to accept its first connection, in seconds; slow disks need a few.
START_DEADLINE = 60.0
#: How long a server may take to end after SIGINT ("fast" shutdown) before it is killed.
STOP_DEADLINE = 20.0
_POLL = 0.05
#: Ports below those that Linux and BSD give to outgoing connections (from 32768 and 49152), and above the well-known ones.
_LOWEST, _HIGHEST = 20_000, 32_000
_TRIALS = 200

_SETTINGS = """
listen_addresses = '127.0.0.1'
max_connections = 40
shared_buffers = 16MB
fsync = off
ssl = on
logging_collector = off
password_encryption = 'scram-sha-256'
"""

_HBA = """\
local all all scram-sha-256
hostssl all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server. `password` is the superuser's and never leaves this process but through files of mode 0600."""

    port: int
    user: str
    password: str = field(repr=False)
    folder: Path


@dataclass(frozen=True, slots=True)
class Owner:
    """The system user the server runs as; None for ourselves."""

    uid: int | None = None
    gid: int | None = None

    @property
    def other_groups(self) -> list[int] | None:
        """None of root's groups for another user; our own for ourselves."""
        return None if self.uid is None else []


def server_owner(effective_uid: int) -> Owner:
    """Who the server must run as: ourselves, or, for root, `postgres` or else `nobody`."""
    if effective_uid != 0:
        return Owner()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(entry.pw_uid, entry.pw_gid)
    raise DemoUnavailable(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as",
        help="run the demo as an ordinary user",
    )


@contextmanager
def running_cluster(
    binaries: Binaries,
    folder: Path,
    superuser: str,
    certificate: Certificate,
    owner: Owner,
    settings: str = "",
    doors: str = "",
) -> Iterator[Cluster]:
    """Make a cluster in `folder` (which must not exist), run it as `owner`, and stop it on leaving.

    `settings` are more lines for its postgresql.conf, `doors` for its pg_hba.conf.
    """
    folder.mkdir(mode=0o700)
    _give(folder, owner)
    password = secrets.token_urlsafe(24)
    _initialise(binaries, folder, superuser, password, owner)
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write(settings)
    with (folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write(doors)
    _write(folder / "data" / "server.crt", certificate.certificate, owner)
    _write(folder / "data" / "server.key", certificate.key, owner)
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [str(binaries.postgres), "-D", str(folder / "data"), "-k", str(folder), "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(os.environ),
            start_new_session=True,  # WHY: Ctrl-C is for us; the server is stopped after the gateway has let go of it
            user=owner.uid,
            group=owner.gid,
            extra_groups=owner.other_groups,
        )
    try:
        _await_start(server, port, folder)
        yield Cluster(port=port, user=superuser, password=password, folder=folder)
    finally:
        _stop(server)


def free_port(row: int = 1) -> int:
    """A loopback port that nobody listens on now, the first of `row` such ports.

    WHY not what the kernel gives for port 0: it gives the same ports to connections that others open, and between here and
    the server that listens one of them may take it.
    """
    for _ in range(_TRIALS):
        first = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        try:
            for port in range(first, first + row):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise DemoUnavailable(f"no {row} free ports in a row found on 127.0.0.1 between {_LOWEST} and {_HIGHEST}")


def _initialise(binaries: Binaries, folder: Path, superuser: str, password: str, owner: Owner) -> None:
    password_file = folder / "password"
    _write(password_file, password.encode() + b"\n", owner)
    made = subprocess.run(
        [
            str(binaries.initdb),
            f"--pgdata={folder / 'data'}",
            f"--username={superuser}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        env=_environment(os.environ),
        check=False,
        user=owner.uid,
        group=owner.gid,
        extra_groups=owner.other_groups,
    )
    password_file.unlink()
    if made.returncode != 0:
        last = made.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise DemoUnavailable(
            f"`{binaries.initdb}` could not make a cluster in `{folder}`: {' '.join(last)}",
            help="is there room on the disk, and may the server's user enter the folders above? (TMPDIR chooses another place)",
        )
    data = folder / "data"
    (data / "pg_hba.conf").write_text(_HBA)
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write(_SETTINGS)


def _await_start(server: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            last = (folder / "server.log").read_text(errors="replace").strip().splitlines()[-1:]
            raise DemoUnavailable(f"PostgreSQL ended with status {server.returncode} at its start: {' '.join(last)}")
        if _is_ready(folder / "data" / "postmaster.pid"):
            return
        time.sleep(_POLL)
    raise DemoUnavailable(f"PostgreSQL did not answer within {START_DEADLINE:.0f} s on port {port}")


def _is_ready(pid_file: Path) -> bool:
    # The eighth line of postmaster.pid says `starting` or `ready`; it is what pg_ctl waits for.
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _write(path: Path, content: bytes, owner: Owner) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    _give(path, owner)


def _give(path: Path, owner: Owner) -> None:
    if owner.uid is not None and owner.gid is not None:
        os.chown(path, owner.uid, owner.gid)


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    # WHY: PGDATA, PGPORT and their like in the caller's shell must not bend a private server.
    return {name: value for name, value in environment.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
