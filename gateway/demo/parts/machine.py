"""A machine over SSH: an sshd of its own on loopback, for whoever runs the demonstration, with one folder that it is about."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from engine.decision import Verdict
from gateway.demo.cluster import free_port
from gateway.demo.parts.part import Absent, Act, Found, Ground, Part
from gateway.demo.sample import sample_rows
from gateway.demo.scenes import DEVELOPER, READER, Scene

NAME = "A machine over SSH"
START_SECONDS = 20.0
_PROGRAMS = ("ssh", "ssh-keygen")


def machine(stack: ExitStack, ground: Ground) -> Found:
    """Start it, if this machine has OpenSSH's server and client."""
    path = ground.environment.get("PATH", os.defpath)
    sshd = shutil.which("sshd", path=f"{path}:/usr/sbin:/sbin")
    missing = [name for name in _PROGRAMS if shutil.which(name, path=path) is None]
    if sshd is None or missing:
        return Absent(
            NAME, f"no `{'sshd' if sshd is None else missing[0]}` found (Debian: apt-get install openssh-server)"
        )
    home = ground.folder / "home"
    home.mkdir(parents=True)
    people, *_ = sample_rows()
    (home / "people.csv").write_text("".join(f"{row[1]},{row[2]}\n" for row in people.rows[:3]))
    keys = {name: _key(ground.folder / name) for name in ("target", "own", "gateway", READER, DEVELOPER)}
    (ground.folder / "authorized").write_text(keys["gateway"])
    (ground.folder / "authorized").chmod(0o600)
    port, listening = free_port(), free_port()
    (ground.folder / "sshd_config").write_text(_sshd(ground.folder, port))
    why = _started(stack, sshd, ground.folder, port)
    if why is not None:
        return Absent(NAME, f"sshd does not start: {why}")
    (ground.folder / "known").write_text(f"[127.0.0.1]:{port} {keys['target']}")
    (ground.folder / "gateways").write_text(f"[127.0.0.1]:{listening} {keys['own']}")
    (ground.folder / "ssh_config").write_text(_clients(ground.folder, listening))
    people_lines = {who: f"ssh_key = [{keys[who].strip()!r}]\n".replace("'", '"') for who in (READER, DEVELOPER)}
    return Part(NAME, _configuration(ground.folder, port, listening), people_lines, _acts(ground.folder, home))


def _key(path: Path) -> str:
    """Make a key; gives the line of the public one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text()


def _started(stack: ExitStack, sshd: str, folder: Path, port: int) -> str | None:
    """Start the server; why it cannot be, if it cannot."""
    with (folder / "sshd.log").open("wb") as log:
        server = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stdout=log, stderr=log)
    stack.callback(_stop, server)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return None
    said = (folder / "sshd.log").read_text(errors="replace").strip().splitlines()
    return said[-1] if said else "it says nothing"


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait(START_SECONDS)


def _sshd(folder: Path, port: int) -> str:
    return f"""\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/target
PidFile none
AuthorizedKeysFile {folder}/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
StrictModes no
PrintMotd no
PermitUserRC no
"""


def _clients(folder: Path, port: int) -> str:
    shared = f"""\
  HostName 127.0.0.1
  Port {port}
  UserKnownHostsFile {folder}/gateways
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  IdentitiesOnly yes
  BatchMode yes
  LogLevel ERROR
"""
    return "".join(f"Host {who}\n  User {who}\n  IdentityFile {folder}/{who}\n{shared}" for who in (READER, DEVELOPER))


def _configuration(folder: Path, port: int, listening: int) -> str:
    return f"""
[[resource]]
name = "box"
protocol = "ssh"
address = "127.0.0.1:{port}"
role = "{pwd.getpwuid(os.geteuid()).pw_name}"
credential = "file:{folder}/gateway"
known_hosts = "{folder}/known"
labels = {{ environment = "demo" }}

[[listener]]
protocol = "ssh"
bind = "127.0.0.1:{listening}"
resource = "box"
host_key = ["file:{folder}/own"]
"""


def _acts(folder: Path, home: Path) -> tuple[Act, ...]:
    def line(who: str, command: str) -> tuple[str, ...]:
        return ("ssh", "-F", str(folder / "ssh_config"), who, command)

    file, note = home / "people.csv", home / "note.txt"
    mails = [str(row[2]) for row in sample_rows()[0].rows[:3]]
    return (
        Act(
            Scene(
                Verdict.ALLOW,
                READER,
                "",
                "the names of the files",
                0,
                (r"^people\.csv$",),
                argv=line(READER, f"ls {home}"),
            )
        ),
        Act(
            Scene(
                *(Verdict.MASK, READER, "", "people without their mail addresses", 0, (r"^\w+ \w+,\[redacted\]$",)),
                forbidden=tuple(mail.replace(".", r"\.") for mail in mails),
                argv=line(READER, f"cat {file}"),
            )
        ),
        Act(
            Scene(
                *(Verdict.DENY, READER, "", "an error that names the rule; the file still there", 126),
                stderr=(r"nothing is removed here", r"REMOVES"),
                argv=line(READER, f"rm {file}"),
            ),
            lambda: not file.exists(),
        ),
        Act(
            Scene(
                *(Verdict.HOLD, DEVELOPER, "", "a ticket; the file is made once it is approved", 0),
                stderr=(r"held: ticket", r"NEW_FILE"),
                argv=line(DEVELOPER, f"touch {note}"),
            ),
            note.exists,
        ),
    )
