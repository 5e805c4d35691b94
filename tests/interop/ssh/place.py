"""A real sshd, a whole gateway before it, and the real ssh client: made for a test session, gone afterwards.

The gateway is the one of `gateway.app`, configured by a file, in a thread of its own, so that a test can read its audit and
answer its holds.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from gateway.app.assembly import Gateway
from gateway.approvals.states import Approved, Person, Refused, Ticket
from gateway.audit.entry import Entry
from gateway.audit.read import read
from gateway.config import load_config
from gateway.demo.cluster import free_port
from gateway.recording.frames import Head
from gateway.recording.keys import WrappingKeys, own_secret
from gateway.recording.shelf import Wanted, find, heads, lines, state_of
from tests.conftest import missing

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
ME = pwd.getpwuid(os.geteuid()).pw_name
STACK = 96 << 20
WAIT = 60
START_WAIT = 180

POLICIES = """\
package policies.place

mine if input.resource.protocol == "ssh"

deny contains {"code": "MARKED", "reason": "the mark says no", "hint": "leave the mark away"} if {
	mine
	contains(input.command.text, "#deny")
}

hold contains {"code": "LOOK", "reason": "somebody looks first", "approvers": {"groups": ["ops"], "quorum": 1}, "expires": "5m"} if {
	mine
	contains(input.command.text, "#hold")
}

limit contains {"code": "ROWS", "reason": "few", "type": "rows", "value": 5} if {
	mine
	contains(input.command.text, "#rows")
}

allow contains {"code": "RAW", "reason": "bo may"} if {
	mine
	input.principal.name == "bo"
	some op in input.command.operations
	op.kind in {"raw_shell", "terminal"}
}

limit contains {"code": "SHOWN", "reason": "kept", "type": "record", "value": true} if {
	mine
	some op in input.command.operations
	op.kind in {"raw_shell", "terminal", "screen_program"}
}

limit contains {"code": "KEPT", "reason": "kept", "type": "record", "value": true} if {
	mine
	contains(input.command.text, "#record")
}

allow contains {"code": "SEEN", "reason": "seen to the bottom"} if {
	mine
	input.command.complete
}
"""


@dataclass
class Place:
    """Where everything is."""

    folder: Path
    home: Path
    sshd_port: int
    port: int = 0
    gateway: Gateway = field(init=False)
    _sshd: subprocess.Popen[bytes] | None = None
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _ended: asyncio.Event = field(init=False)
    _thread: threading.Thread = field(init=False)

    # --- the target

    def start_target(self) -> None:
        log = (self.folder / "sshd.log").open("ab")
        self._sshd = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")], stdout=log, stderr=log
        )
        log.close()
        until_it_listens(self.sshd_port, self._sshd, self.folder / "sshd.log")

    def stop_target(self) -> None:
        if self._sshd is not None:
            self._sshd.terminate()
            self._sshd.wait(WAIT)
            self._sshd = None

    # --- the gateway

    def start(self) -> None:
        started = threading.Event()
        before = threading.stack_size(STACK)
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        threading.stack_size(before)
        assert started.wait(WAIT)

    def _run(self, started: threading.Event) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        config = load_config(self.folder / "sallyport.toml", {})
        self.gateway = Gateway(config, {})
        sweeping = asyncio.create_task(self.gateway.sweep())
        places = await self.gateway.start(listeners=True)
        self.port = int(next(place for place in places if place.startswith("ssh ")).rpartition(":")[2])
        started.set()
        await self._ended.wait()
        sweeping.cancel()
        await self.gateway.stop(1.0)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(WAIT)
        assert not self._thread.is_alive()
        self.gateway.close()

    # --- what a test does

    def command(self, *words: str, options: Sequence[str] = (), user: str = "ana+box", key: str = "ana") -> list[str]:
        """The line of the ssh client."""
        base = ["-F", "none", "-i", str(self.folder / key), "-o", f"UserKnownHostsFile={self.folder / 'gateway_hosts'}"]
        base += [
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "BatchMode=yes",
            "-o",
            "LogLevel=ERROR",
        ]
        return ["ssh", *base, *options, "-p", str(self.port), f"{user}@127.0.0.1", *words]

    def ssh(
        self,
        *words: str,
        options: Sequence[str] = (),
        data: bytes = b"",
        user: str = "ana+box",
        key: str = "ana",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the ssh client to its end."""
        return subprocess.run(
            self.command(*words, options=options, user=user, key=key),
            input=data,
            capture_output=True,
            timeout=60,
            env={**os.environ, **(environment or {})},
        )

    def entries(self) -> list[Entry]:
        """The whole audit."""
        return list(read(self.folder / "audit"))

    def decisions(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.kind == "decision"]

    def recordings(self) -> list[Head]:
        """The recordings there are, oldest first."""
        return sorted((head for _, head in heads(self.folder / "recordings", Wanted())), key=lambda head: head.started)

    def recorded_lines(self, name: str) -> bytes:
        """What stands in a recording that is over."""
        path, keys = find(self.folder / "recordings", name), WrappingKeys([own_secret(self.folder / "recordings")])
        self.wait_until(lambda: not state_of(path).trouble)
        return b"".join(lines(path, keys))

    def recorded_digest(self, name: str) -> str:
        return state_of(find(self.folder / "recordings", name)).digest.hex()

    def wait_for_hold(self) -> Ticket:
        """The one ticket that is open, once there is one."""
        deadline = time.monotonic() + WAIT
        while not (found := self.gateway.approvals.pending(time.time_ns())):
            assert time.monotonic() < deadline, "nothing was held in time"
        return found[0]

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Until something is the case."""
        deadline = time.monotonic() + WAIT
        while not is_so():
            assert time.monotonic() < deadline, "it did not come to that in time"

    def decide_hold(self, *, granted: bool) -> Ticket:
        """Say yes or no to what is held."""
        ticket = self.wait_for_hold()
        person = Person("opal", ("ops",))
        self.gateway.gate.advance(ticket.id, Approved(person, "fine") if granted else Refused(person, "not today"))
        return ticket


def until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until a port takes connections; fails with the log when the process ends."""
    deadline = time.monotonic() + START_WAIT
    while True:
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            continue


def keygen(path: Path) -> str:
    """Make a key; gives the public one's line."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text().strip()


def _sshd_config(folder: Path, port: int) -> str:
    # WHY another HOME: the account's own start files are slow on some machines, and none of the tests' business.
    return f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/target_host
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
Subsystem sftp internal-sftp
AllowTcpForwarding yes
AllowAgentForwarding yes
AcceptEnv *
MaxStartups 100
SetEnv HOME={folder}
"""


def _configuration(folder: Path, sshd_port: int, ana: str, bo: str, authority: str) -> str:
    return f"""
[policies]
path = "policies"

[store]
url = "sqlite:///store.db"

[audit]
dir = "audit"
low_water_bytes = 1048576

[recording]
dir = "recordings"
low_water_bytes = 1048576

[[resource]]
name = "box"
protocol = "ssh"
address = "127.0.0.1:{sshd_port}"
role = "{ME}"
credential = "file:gateway_key"
known_hosts = "target_hosts"

[[resource]]
name = "wrong-key"
protocol = "ssh"
address = "127.0.0.1:{sshd_port}"
role = "{ME}"
credential = "file:gateway_key"
known_hosts = "wrong_hosts"

[[resource]]
name = "gone"
protocol = "ssh"
address = "127.0.0.1:1"
role = "{ME}"
credential = "file:gateway_key"
known_hosts = "gone_hosts"

[[listener]]
protocol = "ssh"
bind = "127.0.0.1:0"
host_key = ["file:gateway_host"]

[identity]
ssh_ca = ["{authority}"]

[[identity.principal]]
name = "ana"
groups = ["developers"]
ssh_key = ["{ana}"]

[[identity.principal]]
name = "bo"
groups = ["developers"]
ssh_key = ["{bo}"]
"""


@contextmanager
def placed(
    policies: Mapping[str, str] | None = None, *, with_gateway: bool = True, settings: str = ""
) -> Iterator[Place]:
    """Everything running. `policies`: file names and texts; without, the small ones with marks. `settings`: more of the sshd's."""
    if not Path(SSHD).exists() or shutil.which("ssh") is None:
        missing("OpenSSH (sshd and ssh; apt: openssh-server openssh-client)")
    folder = Path(tempfile.mkdtemp(prefix="sallyport-ssh-"))
    try:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        names = ("target_host", "other_host", "gateway_host", "gateway_key", "ana", "bo", "authority", "laptop")
        public = {name: keygen(folder / name) for name in names}
        port = free_port()
        (folder / "authorized").write_text(public["gateway_key"] + "\n")
        (folder / "target_hosts").write_text(f"[127.0.0.1]:{port} {public['target_host']}\n")
        (folder / "wrong_hosts").write_text(f"[127.0.0.1]:{port} {public['other_host']}\n")
        (folder / "gone_hosts").write_text(f"[127.0.0.1]:1 {public['target_host']}\n")
        (folder / "gateway_hosts").write_text(f"* {public['gateway_host']}\n")
        (folder / "sshd_config").write_text(_sshd_config(folder, port) + settings.format(folder=folder))
        (folder / "policies").mkdir()
        for name, text in (policies or {"place.rego": POLICIES}).items():
            (folder / "policies" / name).write_text(text)
        (folder / "sallyport.toml").write_text(
            _configuration(folder, port, public["ana"], public["bo"], public["authority"])
        )
        here = Place(folder, Path(pwd.getpwuid(os.geteuid()).pw_dir), port)
        here.start_target()
        try:
            if with_gateway:
                here.start()
            yield here
            if with_gateway:
                here.stop()
        finally:
            here.stop_target()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
