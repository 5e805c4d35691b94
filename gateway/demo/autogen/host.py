"""A real sshd on loopback for one run: the host on which the team's code runs. It lets in one key, the gateway's."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.demo.binaries import DemoUnavailable
from gateway.demo.cluster import free_port

START_DEADLINE: Final = 60.0
_POLL: Final = 0.05


@dataclass(frozen=True, slots=True)
class Host:
    """A running sshd: its port, the user it lets in, the gateway's key for it, and the file that knows the host."""

    port: int
    user: str
    key: Path
    known_hosts: Path


@contextmanager
def running_host(folder: Path) -> Iterator[Host]:
    """Make keys and a configuration in `folder` (which must not exist), run sshd, stop it on leaving."""
    sshd = shutil.which("sshd") or next((path for path in ("/usr/sbin/sshd",) if os.access(path, os.X_OK)), None)
    if sshd is None or shutil.which("ssh-keygen") is None or shutil.which("ssh") is None:
        raise DemoUnavailable(
            "no OpenSSH (`sshd`, `ssh`, `ssh-keygen`) found", help="install openssh-server and openssh-client"
        )
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port, user = free_port(), pwd.getpwuid(os.geteuid()).pw_name
    public = {name: keygen(folder / name) for name in ("host", "gateway")}
    (folder / "authorized").write_text(f"{public['gateway']}\n")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public['host']}\n")
    (folder / "sshd_config").write_text(_configuration(folder, port))
    with (folder / "sshd.log").open("wb") as log:
        server = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stdout=log, stderr=log)
    try:
        wait_until_it_listens(port, server, folder / "sshd.log")
        yield Host(port, user, folder / "gateway", folder / "known_hosts")
    finally:
        server.terminate()
        server.wait()


def keygen(path: Path) -> str:
    """Make a key without a passphrase; gives the public one's line."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text().strip()


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until a port takes connections. Raises DemoUnavailable with the log's last line when the process ends."""
    deadline = time.monotonic() + START_DEADLINE
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            said = (log.read_text(errors="replace").strip().splitlines() or ["no word why"])[-1]
            raise DemoUnavailable(f"a server did not start: {said}", help=f"see `{log}`")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(_POLL)


def _configuration(folder: Path, port: int) -> str:
    return f"""\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
StrictModes no
PrintMotd no
PermitUserRC no
PrintLastLog no
SetEnv HOME={folder}
"""
