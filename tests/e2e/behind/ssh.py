"""A gateway as a process before a real sshd, which runs everything through a script that writes it down first."""

from __future__ import annotations

import contextlib
import re
import shlex
import socketserver
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.cluster import free_port
from tests.e2e.world import GatewayProcess
from tests.interop.ssh.place import Place, placed

WRAPPER = """#!/bin/bash
case "${SSH_ORIGINAL_COMMAND-shell}" in
internal-sftp) exec /usr/lib/openssh/sftp-server -e -l INFO 2>>"$HOME/files.log" ;;
shell) echo shell >>"$HOME/ran.log"; exec /bin/bash --noprofile --norc -i ;;
esac
printf '%q\\n' "$SSH_ORIGINAL_COMMAND" >>"$HOME/ran.log"
eval "$SSH_ORIGINAL_COMMAND"
"""
SETTINGS = """
ForceCommand /bin/bash {folder}/wrapper
MaxSessions 100
"""
FILE = re.compile(r'^(?:open "(?P<opened>.*)" flags (?P<flags>[A-Z,]+) mode|remove name "(?P<removed>.*)")')


class _Says(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline()
        self.server.heard.append(line.decode().strip())  # type: ignore[attr-defined]  # a server of our own
        self.wfile.write(line)


class Echo(socketserver.ThreadingTCPServer):
    """Says back one line to each who connects, and remembers it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Says)
        self.heard: list[str] = []
        self.port: int = self.server_address[1]


@dataclass(slots=True)
class SshWorld(GatewayProcess):
    """The gateway; `place` has the sshd, the keys and the client's line."""

    place: Place
    echo: Echo = field(repr=False)
    """Where connections through the target lead."""

    @property
    def files(self) -> Path:
        """A folder of the target."""
        return self.folder / "files"

    def ran(self) -> Iterator[tuple[str, str]]:
        """Everything that the target ran or opened: as the audit has it, and as it was written down."""
        for line in _lines(self.folder / "ran.log"):
            words = shlex.split(_unescaped(line))
            # A line of the guarded shell is the last word of the bash that runs it; the first one, `:`, is how the shell begins.
            yield {"shell": "shell raw", ":": "shell guarded"}.get(words[-1], words[-1]), line
        for line in _lines(self.folder / "files.log"):
            told = FILE.match(line)
            if told is not None and told["removed"] is not None:
                yield f'sftp remove "{told["removed"]}"', line
            elif told is not None:
                yield f'sftp {"write" if "WRITE" in told["flags"] else "read"} "{told["opened"]}"', line
        for line in self.echo.heard:
            yield f'connect "127.0.0.1" "{self.echo.port}"', line


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines() if log.exists() else []


def _unescaped(line: str) -> str:
    """What bash's `printf %q` wrote."""
    if line.startswith("$'"):
        return line[2:-1].encode("latin-1", "backslashreplace").decode("unicode_escape")
    return re.sub(r"\\(.)", r"\1", line)


@contextlib.contextmanager
def ssh_world(policies: Mapping[str, str] | None = None, more: str = "") -> Iterator[SshWorld]:
    """A configured gateway, not yet started, before what it is for; gone afterwards. `more`: of the configuration."""
    with placed(policies, with_gateway=False, settings=SETTINGS) as place, Echo() as echo:
        thread = threading.Thread(target=echo.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        here = SshWorld(place.folder, free_port(), place, echo)
        place.port = here.port
        (here.folder / "wrapper").write_text(WRAPPER)
        here.files.mkdir()
        text = here.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{here.port}")
        here.config.write_text(text + more)
        try:
            yield here
        finally:
            here.stop()
            echo.shutdown()
            thread.join()
