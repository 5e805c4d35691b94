"""The real servers a measurement runs against, started by the tools folder's scripts and always stopped again."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gateway.demo.cluster import free_port

ROOT = Path(__file__).parents[1]


class Missing(Exception):
    """A component that a measurement needs is not on this machine. The message says what and how to get it."""


def tools() -> Path:
    place = Path(os.environ.get("SALLYPORT_TOOLS") or ROOT.parent / "shared" / "tools")
    if not (place / "postgres" / "start.sh").exists():
        raise Missing(f"the tools folder is not at {place}: set SALLYPORT_TOOLS")
    return place


@contextmanager
def run_folder() -> Iterator[Path]:
    """A short-lived folder that other users can enter (servers do not run as root)."""
    folder = Path(tempfile.mkdtemp(prefix="sallyport-bench-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def script(path: Path, *words: object, extra: Mapping[str, str] | None = None) -> str:
    said = subprocess.run(
        ["bash", str(path), *map(str, words)],
        env={**os.environ, **(extra or {})},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if said.returncode != 0:
        raise Missing(f"{path.name} failed: {said.stderr.strip()[-400:]}")
    return said.stdout.strip()


@contextmanager
def postgres(folder: Path, *, pgbouncer: bool, conf: str = "") -> Iterator[dict[str, str]]:
    """A private cluster with TLS and SCRAM, and pgbouncer in session mode before it; yields addresses and the password."""
    scripts = tools() / "postgres"
    if pgbouncer and not (shutil.which("pgbouncer") or Path("/usr/sbin/pgbouncer").exists()):
        raise Missing("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    address = script(scripts / "start.sh", folder, free_port(), extra={"PGCONF": conf})
    try:
        found = {"direct": address, "password": (folder / "password").read_text(encoding="ascii").strip()}
        if pgbouncer:
            found["pgbouncer"] = script(scripts / "pgbouncer.sh", folder, free_port(), "session")
            _widen(folder)
        yield found
    finally:
        script(scripts / "stop.sh", folder)


def _widen(folder: Path) -> None:
    """Give pgbouncer a server connection for each client that a measurement has: in session mode the others would wait."""
    settings = folder / "pgbouncer.ini"
    text = settings.read_text(encoding="ascii")
    settings.write_text(re.sub(r"default_pool_size = \d+", "default_pool_size = 40", text), encoding="ascii")
    os.kill(int((folder / "pgbouncer.pid").read_text(encoding="ascii")), signal.SIGHUP)


@contextmanager
def sallyport(
    config: Path,
    *,
    ready: str,
    extra: Mapping[str, str] | None = None,
    core: int | None = None,
    module: str = "gateway.cli",
) -> Iterator[subprocess.Popen[str]]:
    """`sallyport up` with a configuration, on one core if one is given; yields once its `ready` address accepts connections.

    `module`: what runs in place of the command line (`bench.ungated`).
    """
    log = config.with_suffix(".log")
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [*pinned, sys.executable, "-m", module, "up", "--config", str(config)],
            cwd=ROOT,
            env={**os.environ, **(extra or {})},
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            until_it_listens(int(ready.rsplit(":", 1)[1]), process, log)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until_it_listens(port: int, process: subprocess.Popen[str] | subprocess.Popen[bytes], log: Path) -> None:
    """Until a port of this machine takes connections. Raises Missing, with the end of the log, when the process is over before."""
    while True:
        if process.poll() is not None:
            raise Missing(f"{Path(str(log)).name}: ended at once: {log.read_text(encoding='utf-8')[-600:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            continue
        return
